"""The app's commands, one a file."""
