"""Starts, checks and stops the four supervised programs: python -m server.stack up|down|status|render."""
