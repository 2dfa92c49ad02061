"""The report's page: its numbers, its links to the photos, its filters, its words when something is wrong."""

import re
from collections.abc import Iterator
from datetime import datetime
from html import unescape
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth.models import Permission, User
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from Pm.models import Prediction
from Pm.report import views
from tests.conftest import Change
from tests.Pm.report.records import post_photos

pytestmark = pytest.mark.django_db
URL = "/admin/report/"
DAYS = {"first": "2026-11-01", "last": "2026-11-30"}


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None: ...


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    """Noon of the twentieth of November in Shanghai."""
    moment = datetime.fromisoformat("2026-11-20T12:00:00+08:00")
    with patch("django.utils.timezone.now", return_value=moment):
        yield


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(page)).split())


def read(client: Client, **query: str) -> str:
    response = client.get(URL, query)
    assert response.status_code == 200
    return response.content.decode()


@pytest.fixture
def november() -> None:
    post_photos("2026-11-01", 3, 1, institution="北京校区", region="北京", version="v1")
    post_photos("2026-11-03", 0, 4, institution="广州校区", region="广东", version="v2")
    post_photos("2026-11-03", 1, 0, refused=2, version="v1")
    post_photos("2026-10-31", 5, 5, institution="北京校区", region="北京")


def test_counts_shares_and_intervals_are_shown(admin_client: Client, november: None) -> None:
    page = text_of(read(admin_client, **DAYS))
    assert "Photos 9 Offline 4 Online 5 Share of online 55.6 % 95 % interval: 26.7–81.1 % · few photos" in page
    assert "Refused 2 not counted" in page
    assert "2026-11-01 4 3 1 25.0 %" in page
    assert "2026-11-02 0 0 0 – –" in page
    assert "2026-11-03 5 1 4 80.0 %" in page
    assert "广东 4 0 4 100.0 %" in page
    assert "not known 1 1 0 0.0 %" in page
    assert "v1 5 4 1 20.0 %" in page


def test_the_day_on_which_another_version_answers_is_marked(admin_client: Client, november: None) -> None:
    page = read(admin_client, **DAYS)
    assert "▼ v2" in text_of(page)
    assert "▼ v1" not in text_of(page)
    assert page.count('<text class="report-mark"') == 1


def test_every_number_leads_to_as_many_photos(admin_client: Client, november: None) -> None:
    page = read(admin_client, **DAYS)
    links = re.findall(r'<a href="(/admin/Pm/prediction/\?[^"]+)">([\d,]+)</a>', page)
    assert len(links) > 20
    for url, number in links:
        listed = admin_client.get(unescape(url))
        assert listed.status_code == 200, url
        found = listed.context["cl"].queryset.count()
        assert found == int(number), url


@pytest.mark.parametrize(
    ("query", "photos"),
    [
        ({}, 19),
        ({"period": "30-days"}, 19),
        ({"period": "this-month"}, 9),
        ({"period": "last-month"}, 10),
        ({"period": "today"}, 0),
        ({"period": "all"}, 19),
        ({"first": "2026-11-02"}, 5),
        ({"last": "2026-10-31"}, 10),
        ({"period": "today", "first": "2026-11-03", "last": "2026-11-03"}, 5),
        ({"region": "北京"}, 14),
        ({"institution": "北京校区", "period": "this-month"}, 4),
        ({"model_version": "v2"}, 4),
        ({"model_version": "v2", "region": "北京"}, 0),
    ],
)
def test_filters_choose_the_photos(admin_client: Client, november: None, query: dict[str, str], photos: int) -> None:
    page = text_of(read(admin_client, **query))
    if photos:
        assert f"Photos {photos} Offline" in page
    else:
        assert "No photos were posted in this period" in page


def test_a_photo_counts_for_the_day_on_which_it_was_taken(admin_client: Client) -> None:
    taken = datetime.fromisoformat("2026-10-05T23:59:00+08:00")
    Prediction.objects.create(image_id="1", client="c", request_id="r", result="online", captured_at=taken)
    page = text_of(read(admin_client, period="all"))
    assert "2026-10-05 1 0 1" in page
    assert "A photo counts for the day on which it was taken" in page
    assert "Data as of 2026-11-20 12:00:00, time zone Asia/Shanghai." in page


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"first": "2026-02-30"}, "This is no day of the calendar; write it as 2026-11-20."),
        ({"last": "yesterday"}, "This is no day of the calendar; write it as 2026-11-20."),
        ({"first": "0001-01-01"}, "Choose a day from 2000 to 2099."),
        ({"first": "9999-12-31"}, "Choose a day from 2000 to 2099."),
        ({"first": "2026-11-03", "last": "2026-11-01"}, "The last day must not lie before the first."),
        ({"period": "forever"}, "There is no such period: choose one of those above."),
        ({"institution": "a" * 256}, "Ensure this value has at most 255 characters (it has 256)."),
    ],
)
def test_a_wrong_filter_is_told_on_the_page(
    admin_client: Client, november: None, query: dict[str, str], said: str
) -> None:
    page = text_of(read(admin_client, **query))
    assert said in page
    assert "Nothing was counted: correct what is marked above." in page
    for name in ("report.xlsx", "days.csv"):
        assert admin_client.get(URL + name, query)["Location"].startswith(URL + "?")


@pytest.mark.parametrize(
    "query", ["page=-1", "page=x", "page=99999999999", "page=²", "sort=evil", "sort=-", "%FF=%FE", "page=&sort="]
)
def test_nonsense_in_the_address_is_no_error(admin_client: Client, november: None, query: str) -> None:
    response = admin_client.get(f"{URL}?{query}")
    assert response.status_code == 200
    assert "北京校区" in response.content.decode()


def test_institutions_are_sorted_and_paged(admin_client: Client) -> None:
    for number in range(60):
        post_photos("2026-11-01", number + 1, 0, institution=f"院校{number:02}")

    def rows(page: str) -> list[str]:
        return re.findall(r"院校\d\d(?=</a></th>)", page)

    first = rows(read(admin_client))
    assert (len(first), first[0], first[-1]) == (50, "院校59", "院校10")
    assert rows(read(admin_client, page="2")) == [f"院校{number:02}" for number in range(9, -1, -1)]
    assert rows(read(admin_client, sort="name"))[:2] == ["院校00", "院校01"]
    assert len(rows(read(admin_client, page="all"))) == 60
    assert "Page 1 of 2, 60 institutions" in text_of(read(admin_client))


def test_many_days_are_shown_by_month(admin_client: Client) -> None:
    post_photos("2025-01-15", 1, 0)
    post_photos("2026-11-10", 0, 2)
    page = text_of(read(admin_client, first="2025-01-10", last="2026-11-15"))
    assert "By month" in page
    assert "2025-01 1 1 0" in page
    assert "2026-11 2 0 2" in page
    assert "day__gte=2025-01-10&amp;day__lte=2025-01-31" in read(admin_client, first="2025-01-10", last="2026-11-15")


def test_names_from_clients_are_escaped(admin_client: Client) -> None:
    evil = "<script>alert(1)</script>&\"'"
    post_photos("2026-11-01", 1, 0, institution=evil, region=evil, version=evil)
    post_photos("2026-11-02", 1, 0, institution=evil, region=evil, version=evil + "2")
    page = read(admin_client, institution=evil)
    assert "<script>alert" not in page
    assert page.count("&lt;script&gt;alert(1)") > 5


def test_an_empty_database_says_what_to_do_next(admin_client: Client) -> None:
    page = text_of(read(admin_client))
    assert "No photo has been classified yet" in page
    assert "python manage.py demo_data" in page


def test_records_from_before_the_report_are_told_of(admin_client: Client, november: None) -> None:
    assert "fill_report_fields" not in read(admin_client)
    Prediction.objects.filter(result="online").update(day=None)
    assert "run python manage.py fill_report_fields once" in text_of(read(admin_client))


def test_a_database_that_takes_too_long_is_told(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> None:
        raise OperationalError("canceling statement due to statement timeout")

    monkeypatch.setattr(views, "report", stop)
    assert "The database did not answer in time. Choose fewer days" in text_of(read(admin_client))
    assert admin_client.get(f"{URL}report.xlsx").status_code == 302


def test_only_who_may_see_the_report_does(client: Client, django_user_model: type[User], november: None) -> None:
    addresses = (URL, f"{URL}report.xlsx", f"{URL}days.csv")
    for address in addresses:
        assert client.get(address)["Location"] == f"/admin/login/?next={address}"
    staff = django_user_model.objects.create_user("anna", password="x", is_staff=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    for address in addresses:
        assert client.get(address).status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="view_report"))
    for address in addresses:
        response = client.get(address)
        assert response.status_code == 200
        assert b"".join(response)


def test_the_page_is_chinese_where_the_reader_is(admin_client: Client, november: None) -> None:
    page = text_of(admin_client.get(URL, DAYS, headers={"Accept-Language": "zh-hans"}).content.decode())
    assert "线上占比" in page
    assert "置信区间" in page
    assert "Share of online" not in page
    assert "interval" not in page


def test_the_counts_are_read_from_the_index_alone(admin_client: Client, november: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    with CaptureQueriesContext(connection) as queries:
        read(admin_client)
    counts = [query["sql"] for query in queries if "GROUP BY" in query["sql"] and "Pm_prediction" in query["sql"]]
    assert len(counts) == 2
    if connection.vendor != "sqlite":
        return  # PostgreSQL reads a table of one page as it is
    for sql in counts:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            assert "USING COVERING INDEX report_counts" in str(cursor.fetchall())
