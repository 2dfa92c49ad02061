"""A database engine of Django's: its SQLite, which makes no empty file, and opens none but that of the gateway."""
