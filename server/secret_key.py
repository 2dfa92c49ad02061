"""Makes the secret key on the first start, readable by its owner only."""

import os
import tempfile
from pathlib import Path

from django.core.management.utils import get_random_secret_key

from server.env import SettingsError


def read_or_make(path: Path) -> str:
    """The key kept in `path`; made there, mode 0600, when there is none, also when several processes start at once.

    Raises: SettingsError when the file cannot be read or made.
    """
    try:
        if not path.exists():
            _make(path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as exc:
        raise SettingsError(f"The secret key cannot be kept in {path}: {exc}. Make its folder writable.") from exc
    if not key:
        raise SettingsError(f"{path} is empty: delete it, and the next start makes a new secret key.")
    return key


def _make(path: Path) -> None:
    """Write a whole file, then link it to its name: the first process wins, none reads half a key."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".secret_key")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(get_random_secret_key() + "\n")
        os.link(temporary, path)
    except FileExistsError:
        pass  # another process was first: its key is the one to read
    finally:
        Path(temporary).unlink()
