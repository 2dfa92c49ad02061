"""A database engine of Django's: its SQLite, which in a process that answers requests makes no empty file."""
