"""The documented stack, as its authors wrote it down: what we are measured against. README.md lists each deviation."""
