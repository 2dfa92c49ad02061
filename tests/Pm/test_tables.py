"""Our own tables: on a phone, where rows are cards, each value has its column's name beside it."""

import re
from pathlib import Path

import pytest

from server.env import ROOT

TEMPLATES = ROOT / "Pm" / "templates"
WITH_TABLES = sorted(
    path for path in TEMPLATES.rglob("*.html") if 'class="pm-table"' in path.read_text(encoding="utf-8")
)
COLUMNS = re.compile(r"<thead>(.*?)</thead>", re.DOTALL)


@pytest.mark.parametrize("path", WITH_TABLES, ids=lambda path: path.name)
def test_each_cell_names_its_column(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    heads = "".join(COLUMNS.findall(text))
    columns = [name for name in re.findall(r"<th\b[^>]*>(.*?)</th>", heads) if name]
    assert re.findall(r'<td\b[^>]*?data-label="(.*?)">', text) == columns
