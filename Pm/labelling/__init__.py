"""Labelling: which photos people look at, what they say, imports, exports."""
