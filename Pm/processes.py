"""Whether a process that a record names still works."""

from pathlib import Path

COMMAND = b"manage.py"  # of each process that records name


def is_command(process: int) -> bool:
    """Whether it runs, and is one of ours: after a restart of the machine its number may be anybody's."""
    try:
        return COMMAND in Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
