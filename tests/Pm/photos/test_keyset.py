"""The list of photos: every page by its key, every filter, bounded work."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from Pm.labelling.services import label_give, photo_ensure
from Pm.models import Prediction
from Pm.photos import change_list, keyset
from Pm.photos.filters import ReviewedFilter
from Pm.photos.keyset import Edge, keyset_page, walked
from tests.conftest import Change
from tests.Pm.labelling.photos import posted, user

pytestmark = pytest.mark.django_db
URL = "/admin/Pm/prediction/"


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None: ...


def records(count: int, **values: Any) -> None:
    defaults = {"client": "c", "request_id": "r", "result": "online", "score": 0.9, "model_version": "v1"}
    Prediction.objects.bulk_create(
        Prediction(image_id=f"photo{number}", **{**defaults, **values}) for number in range(count)
    )


def ids(page: keyset.Page) -> list[int]:
    return [row.pk for row in page.rows]


def test_older_pages_and_newer_ones_show_each_row_once() -> None:
    records(10)
    everything = list(Prediction.objects.values_list("pk", flat=True))
    pages = [keyset_page(Prediction.objects.all(), size=4, edge=Edge())]
    while pages[-1].older:
        pages.append(keyset_page(Prediction.objects.all(), size=4, edge=Edge(older=pages[-1].older)))
    assert list(itertools.chain(*map(ids, pages))) == everything
    assert [len(page.rows) for page in pages] == [4, 4, 2]
    back = keyset_page(Prediction.objects.all(), size=4, edge=Edge(newer=pages[2].newer))
    assert ids(back) == everything[4:8]
    first = keyset_page(Prediction.objects.all(), size=4, edge=Edge(newer=back.newer))
    assert (ids(first), first.newer) == (everything[:4], None)


@pytest.mark.parametrize("window", [1, 2, 3, 100])
def test_windows_of_any_size_find_the_same_rows_over_gaps(window: int) -> None:
    records(30)
    Prediction.objects.filter(pk__in=[row.pk for row in Prediction.objects.all()[5:15]]).delete()
    rare = Prediction.objects.order_by("pk")[3]
    Prediction.objects.filter(pk=rare.pk).update(client="rare")
    page = keyset_page(walked(Prediction.objects.all(), client="rare"), size=2, edge=Edge(), window=window)
    assert (ids(page), page.older) == ([rare.pk], None)
    everything = keyset_page(Prediction.objects.all(), size=100, edge=Edge(), window=window)
    assert ids(everything) == list(Prediction.objects.values_list("pk", flat=True))


def test_a_long_search_rests_and_goes_on_where_it_rested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyset, "SEARCH_S", -1)
    records(10)
    oldest = Prediction.objects.order_by("pk")[0]
    Prediction.objects.filter(pk=oldest.pk).update(client="rare")
    rare, edge, tries = walked(Prediction.objects.all(), client="rare"), Edge(), 0
    while not (page := keyset_page(rare, size=2, edge=edge, window=3)).rows:
        assert page.rested_at == page.older
        edge, tries = Edge(older=page.older), tries + 1
    assert (ids(page), tries) == ([oldest.pk], 3)


@pytest.mark.parametrize(
    "text", ["", "2", "older-", "older-x", "older--1", "older-" + "9" * 30, "newer-٣", "sideways-3"]
)
def test_an_edge_that_is_none_is_the_first_page(text: str) -> None:
    assert Edge.read(text) == Edge()
    assert Edge.read("older-12") == Edge(older=12)
    assert Edge.read("newer-12") == Edge(newer=12)


@pytest.fixture
def mixed() -> None:
    """Three photos that are unlike each other."""
    old = timezone.now() - timedelta(days=20)
    posted("room", result="offline", client="crawler", institution="School A", model_version="v1", created_at=old)
    posted("slides", result="online", client="office", institution="School B", model_version="v2", region="North")
    Prediction.objects.create(image_id="broken", error_code="invalid_image", client="crawler", request_id="r3")
    right, wrong = posted("right", result="online"), posted("wrong", result="online")
    for row, answer in ((right, "online"), (wrong, "offline")):
        label_give(photo_id=photo_ensure(row).pk, by=user("ann"), answer=answer)


def names(client: Client, query: dict[str, str]) -> list[str]:
    reply = client.get(URL, query)
    assert reply.status_code == 200, reply
    return sorted(row.image_id for row in reply.context["cl"].result_list)


FILTERS = [
    ({"result__exact": "offline"}, ["room"]),
    ({"result__exact": "refused"}, ["broken"]),
    ({"reviewed": "yes"}, ["right", "wrong"]),
    ({"reviewed": "no"}, ["broken", "room", "slides"]),
    ({"reviewed": "disagree"}, ["wrong"]),
    ({"model_version__exact": "v2"}, ["slides"]),
    ({"client__exact": "crawler"}, ["broken", "room"]),
    ({"client": "crawler", "institution": ""}, ["broken", "room"]),
    ({"institution": "School B"}, ["slides"]),
    ({"institution__exact": "School B"}, ["slides"]),
    ({"institution__exact": ""}, ["broken", "right", "wrong"]),
    ({"result__exact": ""}, ["broken"]),
    ({"error_code__gt": ""}, ["broken"]),
    ({"region__exact": "North"}, ["slides"]),
    ({"created_at__lt": "2001-01-01"}, []),
    ({"created_at__gte": "2001-01-01", "result__exact": "offline"}, ["room"]),
    ({"q": "slides"}, ["slides"]),
    ({"q": "r3"}, ["broken"]),
    ({"q": "slides", "result__exact": "offline"}, []),
]


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize(("query", "expected"), FILTERS, ids=str)
def test_a_filter_leaves_what_it_names(admin_client: Client, query: dict[str, str], expected: list[str]) -> None:
    assert names(admin_client, query) == expected


@pytest.mark.usefixtures("mixed")
def test_many_labels_are_met_by_walking_and_are_the_same(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ReviewedFilter, "few", 0)
    monkeypatch.setattr(change_list, "WINDOW", 2)
    assert names(admin_client, {"reviewed": "yes"}) == ["right", "wrong"]
    assert names(admin_client, {"reviewed": "disagree"}) == ["wrong"]


@pytest.mark.usefixtures("mixed")
def test_days_bound_the_list(admin_client: Client) -> None:
    week = (timezone.now() - timedelta(days=7)).isoformat()
    assert names(admin_client, {"created_at__lt": week}) == ["room"]
    assert names(admin_client, {"created_at__gte": week, "result__exact": "online"}) == ["right", "slides", "wrong"]
    today = timezone.localdate()
    days = {"day__gte": str(today - timedelta(days=2)), "day__lte": str(today + timedelta(days=1))}
    assert names(admin_client, days) == ["broken", "right", "slides", "wrong"]


@pytest.mark.parametrize(
    "query", [{"created_at__gte": "yesterday"}, {"nonsense": "1"}, {"id__exact": "x"}, {"score__foo": "1"}]
)
def test_a_query_string_that_makes_no_sense_shows_the_plain_list(admin_client: Client, query: dict[str, str]) -> None:
    reply = admin_client.get(URL, query)
    assert reply.status_code in (302, 400)


@pytest.mark.usefixtures("mixed")
@pytest.mark.parametrize("query", [{}, *(query for query, _ in FILTERS), {"p": "older-4"}, {"p": "newer-1"}], ids=str)
def test_no_query_counts_or_skips_rows_or_reads_without_an_index(
    admin_client: Client, query: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_list, "WINDOW", 2)
    with CaptureQueriesContext(connection) as queries:
        assert admin_client.get(URL, query).status_code == 200
    ours = [one["sql"] for one in queries if 'FROM "Pm_prediction"' in one["sql"]]
    assert ours
    for sql in ours:
        assert "COUNT(" not in sql
        assert "OFFSET" not in sql
        assert uses_an_index(sql), sql


def uses_an_index(sql: str) -> bool:
    """SQLite's plan names an index or the primary key for each table; PostgreSQL reads tables this small as a whole."""
    if connection.vendor != "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}".replace("%", "%%"))
        steps = [row[3] for row in cursor.fetchall()]
    # In id order from one end, as far as the LIMIT: a walk of the primary key.
    in_order = "ORDER BY" in sql and "LIMIT" in sql and not any("TEMP B-TREE" in step for step in steps)
    return all(
        "USING" in step or (in_order and re.match(r"SCAN Pm_prediction$", step))
        for step in steps
        if step.startswith(("SCAN", "SEARCH"))
    )


@pytest.mark.skipif(
    connection.vendor != "sqlite", reason="PostgreSQL has statistics, and reads small tables as a whole"
)
def test_an_index_of_half_of_the_table_does_not_tempt_from_the_primary_key() -> None:
    rows = walked(Prediction.objects.all(), model_version="v1", result="online")
    plan = rows.filter(pk__gte=5, pk__lte=9).order_by("-pk")[:3].explain()
    assert "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in plan


def test_links_to_older_rows_keep_the_filters(admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    records(60)
    page = admin_client.get(URL, {"result__exact": "online"})
    match = re.search(r'href="(\?[^"]*older-\d+[^"]*)"', page.content.decode())
    assert match
    older = admin_client.get(URL + match[1].replace("&amp;", "&"))
    assert len(older.context["cl"].result_list) == 10
    assert "result__exact=online" in match[1]
    assert "newer-" in older.content.decode()


@pytest.mark.parametrize("image_id", ["北京校区 Java学科 12期", "class 7's photo", 'a"b'])
def test_a_search_finds_an_image_id_as_it_is(admin_client: Client, image_id: str) -> None:
    records(3)
    Prediction.objects.create(image_id=image_id, error_code="busy", client="c", request_id="r")
    for text in (image_id, f' "{image_id}" '):
        found = admin_client.get(URL, {"q": text}).context["cl"].result_list
        assert [row.image_id for row in found] == [image_id]
    assert admin_client.get(URL, {"q": '"'}).context["cl"].result_list == []


def test_times_are_those_of_the_reports_zone(admin_client: Client) -> None:
    Prediction.objects.create(
        image_id="a",
        error_code="busy",
        client="c",
        request_id="r",
        created_at=datetime(2026, 11, 19, 23, 30, tzinfo=UTC),
    )
    assert "Nov. 20, 2026, 7:30 a.m." in admin_client.get(URL).content.decode()
