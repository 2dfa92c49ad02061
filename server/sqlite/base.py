"""The module that Django looks for in an engine."""

import os
from pathlib import Path
from typing import Any

from django.db.backends.sqlite3 import base


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's; PM_SQLITE_MODE=rw refuses to open what is not there: https://www.sqlite.org/uri.html#urimode."""

    def get_connection_params(self) -> dict[str, Any]:
        """Django's, which passes `uri` already."""
        params: dict[str, Any] = super().get_connection_params()
        name = str(params["database"])
        if name.startswith("/"):  # no test's database in memory
            params["database"] = f"{Path(name).as_uri()}?mode={os.environ.get('PM_SQLITE_MODE', 'rwc')}"
        return params
