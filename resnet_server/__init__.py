"""The model service: class photo in, offline or online out. Imports no Django."""
