"""Writes the report's tables as CSV and as XLSX, a piece at a time."""

import csv
import re
from collections.abc import Iterable, Iterator
from tempfile import TemporaryFile
from typing import IO, Any

from Pm.report.tables import Cell, Table

BOM = "\ufeff"  # without it Excel reads a CSV file in the machine's old code page, and Chinese as question marks
MAX_SHEET_NAME = 31
# A spreadsheet takes a cell that begins so for a formula, which may run programs or send data away:
# https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_IN_SHEET_NAMES = re.compile(r"[\\/*?:\[\]]")


class _Line:
    """What csv.writer writes to: gives each line back."""

    def write(self, line: str) -> str:
        return line


def csv_lines(table: Table) -> Iterator[str]:
    """The table as CSV, UTF-8 with a byte order mark; no cell of it is a formula."""
    writer = csv.writer(_Line())
    yield BOM + writer.writerow(map(defused, table.header))
    for row in table.rows:
        yield writer.writerow(map(defused, row))


def defused(cell: Cell) -> Cell:
    """The same cell, with an apostrophe before a text that a spreadsheet would calculate; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def xlsx_file(tables: Iterable[Table]) -> IO[bytes]:
    """An open temporary file with one sheet a table, at its beginning; rows are written one at a time."""
    from openpyxl import Workbook  # 12 MB with numpy: only in the process that writes one

    book = Workbook(write_only=True)
    for table in tables:
        sheet = book.create_sheet(_NOT_IN_SHEET_NAMES.sub(" ", table.title)[:MAX_SHEET_NAME])
        sheet.freeze_panes = "A2"
        for row in (table.header, *table.rows):
            sheet.append([_xlsx_cell(sheet, cell) for cell in row])
    file = TemporaryFile()  # noqa: SIM115 - the response closes it
    book.save(file)
    file.seek(0)
    return file


def _xlsx_cell(sheet: Any, value: Cell) -> Any:  # noqa: ANN401 - openpyxl is not typed
    """A number, or a text that stays one, whatever it begins with."""
    if not isinstance(value, str):
        return value
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=_NOT_IN_XML.sub("�", value))
    cell.data_type = "s"
    return cell
