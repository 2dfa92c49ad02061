"""CSV and XLSX hold what the page shows, in Chinese, and no formula."""

import csv
import io
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook

from Pm.report.exports import csv_lines, defused, xlsx_file
from Pm.report.tables import Table
from tests.conftest import Change
from tests.Pm.report.records import post_photos

DAYS = {"first": "2026-11-01", "last": "2026-11-30"}
EVIL = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "=cmd|' /C calc'!A0"]
URL = "/admin/report/"


def body(response: Any) -> bytes:
    assert response.status_code == 200
    assert response.streaming
    return b"".join(response.streaming_content)  # the test client closes it then


@pytest.fixture
def november(change: Change) -> None:
    post_photos("2026-11-01", 3, 1, institution="北京校区", region="北京", version="v1")
    post_photos("2026-11-03", 0, 4, institution="=HYPERLINK(1)", region="广东", version="v2")


@pytest.mark.django_db
def test_csv_opens_in_excel_with_its_chinese(admin_client: Client, november: None) -> None:
    response = admin_client.get(f"{URL}institutions.csv", DAYS)
    raw = body(response)
    assert raw.startswith(b"\xef\xbb\xbf")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == (
        'attachment; filename="pm-report-institutions-2026-11-01-2026-11-30.csv"'
    )
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))
    assert rows[0] == ["Institution", "Photos", "Offline", "Online", "Share of online", "95 % from", "95 % to"]
    assert rows[1][:5] == ["'=HYPERLINK(1)", "4", "0", "4", "1.0"]
    assert rows[2][:5] == ["北京校区", "4", "3", "1", "0.25"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("slug", "row"),
    [
        ("days", ["2026-11-03", "4", "0", "4", "1.0"]),
        ("regions", ["广东", "4", "0", "4", "1.0"]),
        ("versions", ["v2", "4", "0", "4", "1.0"]),
        ("accuracy", ["All versions", "0", "0", "", ""]),
        ("about", ["Time zone of the days", "Asia/Shanghai"]),
    ],
)
def test_every_table_has_its_csv(admin_client: Client, november: None, slug: str, row: list[str]) -> None:
    rows = list(csv.reader(io.StringIO(body(admin_client.get(f"{URL}{slug}.csv", DAYS)).decode("utf-8-sig"))))
    assert row in [found[: len(row)] for found in rows]
    assert admin_client.get(f"{URL}nothing.csv").status_code == 404


@pytest.mark.django_db
def test_xlsx_holds_all_tables_and_what_was_asked(admin_client: Client, november: None) -> None:
    response = admin_client.get(f"{URL}report.xlsx", DAYS | {"region": "广东"})
    assert response["Content-Disposition"] == 'attachment; filename="pm-report-2026-11-01-2026-11-30.xlsx"'
    book = load_workbook(io.BytesIO(body(response)))
    assert book.sheetnames == ["About", "Day", "Region", "Institution", "Model version", "Accuracy"]
    about = dict(book["About"].iter_rows(values_only=True, max_col=2))
    assert (about["Region"], about["From"], about["Photos"], about["Share of online"]) == ("广东", "2026-11-01", 4, 1)
    assert about["Data as of"].endswith("+08:00")
    cell = book["Institution"]["A2"]
    assert (cell.value, cell.data_type) == ("=HYPERLINK(1)", "s")
    assert book["Institution"]["B2"].value == 4


@pytest.mark.parametrize("text", EVIL)
def test_a_formula_becomes_text(text: str) -> None:
    assert defused(text) == f"'{text}"
    table = Table("evil", "a/b:c" * 20, ["=head"], [[text, 1, None, 0.5]])
    (line,) = list(csv.reader(io.StringIO("".join(list(csv_lines(table))[1:]), newline="")))
    assert line == [f"'{text}", "1", "", "0.5"]
    with xlsx_file([table]) as file:
        sheet = load_workbook(file).active
        assert sheet is not None
        assert (sheet["A1"].data_type, sheet["A2"].data_type) == ("s", "s")


def test_numbers_stay_numbers() -> None:
    assert [defused(cell) for cell in (-1, 0.5, None, "北京", "")] == [-1, 0.5, None, "北京", ""]


def test_what_xml_cannot_hold_is_replaced() -> None:
    with xlsx_file([Table("t", "T", ["a"], [["x\x00\x0b\ufffe\ud800y"]])]) as file:
        sheet = load_workbook(file).active
        assert sheet is not None
        assert sheet["A2"].value == "x����y"


@pytest.mark.django_db
def test_every_word_of_a_csv_is_in_the_readers_language(admin_client: Client, november: None) -> None:
    text = body(admin_client.get(f"{URL}accuracy.csv", DAYS, headers={"Accept-Language": "zh-hans"})).decode()
    assert "All versions" not in text
    assert "所有版本" in text
