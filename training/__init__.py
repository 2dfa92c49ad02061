"""Turns folders of labelled photos into the model artifact that the servers load; one stage a file, one command."""
