"""A tour: a database filled with drawn photos, and emptied of them again."""
