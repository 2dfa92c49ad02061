"""The URL root: the API, its documents, the health pages and the admin; errors have the one body everywhere."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("api.urls")),  # first, since most ask for it
    path("admin/i18n/", include("django.conf.urls.i18n")),  # the language switch
    path("admin/", admin.site.urls),
]
handler400 = "api.errors.bad_request"
handler403 = "api.errors.permission_denied"
handler404 = "api.errors.not_found"
handler500 = "api.errors.internal_error"
