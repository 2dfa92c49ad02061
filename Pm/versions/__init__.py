"""The models' page: what is served, what was measured, what is under way."""
