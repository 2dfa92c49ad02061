"""The Django project: settings, logging, the URL root and the WSGI entry."""
