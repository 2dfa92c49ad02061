"""The module that Django looks for in an engine."""

import os
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base

from server.sqlite.opened import claim, require_same

READ_WRITE = "rw"  # and no more: https://www.sqlite.org/uri.html#urimode


def serving() -> bool:
    """Whether this process answers requests: Pm/serving.py."""
    return "PM_SERVING" in os.environ


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's; only migrate makes a file (PM_SQLITE_MODE), and nobody opens one that took the place of another."""

    @property
    def _file(self) -> str:
        """Its path; "" for a test's database in memory."""
        name = str(self.settings_dict["NAME"])
        return name if name.startswith("/") else ""

    def get_connection_params(self) -> dict[str, Any]:
        """Django's, which passes `uri` already."""
        params: dict[str, Any] = super().get_connection_params()
        if self._file:
            mode = READ_WRITE if serving() else os.environ.get("PM_SQLITE_MODE", "rwc")
            params["database"] = f"{Path(self._file).as_uri()}?mode={mode}"
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:  # noqa: ANN401 - Django's
        """Raises: OperationalError when the file was deleted or replaced under the gateway."""
        if self._file:
            claim(self._file, serving=serving())
        return super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> Any:  # noqa: ANN401 - Django's
        """Raises: OperationalError when the file was deleted or replaced since it was opened."""
        require_same(self._file)
        return super().create_cursor(name)
