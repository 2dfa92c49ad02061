"""Photos in the admin: the files, and the list of a million records."""
