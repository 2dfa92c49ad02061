"""What the environment of a process that answers requests has, and a command's has not."""

import os

# libpq's default for connections: no SQL of a request takes longer, in milliseconds. Commands are not limited: a
# migration or a deletion of a year's records may well take minutes.
# PM_SERVING (server/sqlite): what the gateway has opened, nothing may take the place of.
OWN = {"PGOPTIONS": "-c statement_timeout=5000", "PM_SERVING": "true"}
_UWSGIS = ("PM_LOG_FD", "PROMETHEUS_MULTIPROC_DIR")


def enter() -> None:
    """Make this process one that answers requests; what its environment says already stays."""
    for name, value in OWN.items():
        os.environ.setdefault(name, value)


def environment_of_commands() -> dict[str, str]:
    """What a command that such a process starts is given."""
    return {name: text for name, text in os.environ.items() if name not in _UWSGIS and OWN.get(name) != text}
