"""Whatever stands in an address of the admin, none yields an error of ours; at log-out the browser forgets photos."""

import pytest
from django.test import Client

from Pm.models import Prediction
from tests.conftest import Change
from tests.Pm.labelling.photos import posted, user

pytestmark = pytest.mark.django_db
TABLES = ("Pm/prediction", "Pm/photo", "Pm/rollout", "Pm/comparison", "Pm/apikey", "auth/user", "axes/accesslog")


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None: ...


@pytest.fixture
def staff(admin_client: Client) -> Client:
    """Sees a 500 instead of the exception."""
    admin_client.raise_request_exception = False
    return admin_client


@pytest.mark.parametrize(
    "path",
    [
        *(f"{table}/?q=%00" for table in TABLES),
        "Pm/prediction/?client=%00",
        "Pm/prediction/?institution__exact=%00",
        "Pm/prediction/?model_version__exact=%00",
        "Pm/rollout/?state__exact=%00",
        "Pm/rollout/?%00=1",
        "Pm/apikey/a%00b/change/",
        "Pm/apikey/%00/history/",
        "report/?institution=%00",
        "search/?s=%00",
    ],
)
def test_nul_is_refused_everywhere(staff: Client, path: str) -> None:
    assert staff.get(f"/admin/{path}").status_code in (400, 404)


def test_nul_in_a_form_is_refused(staff: Client) -> None:
    piece = "/admin/labelling/import/piece/?offset=0&total=5&name=a.zip&group=%00"
    assert staff.post(piece, b"12345", content_type="application/octet-stream").status_code == 400
    assert staff.post("/admin/labelling/import/", {"group": "\0"}).status_code == 400


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "lookup", ["regex=(", "iregex=(", "contains=1", "search=x", "trigram_similar=x", "year=99999999"]
)
def test_a_lookup_that_no_filter_has_shows_the_plain_list(staff: Client, table: str, lookup: str) -> None:
    column = {"Pm/photo": "name", "Pm/rollout": "by", "Pm/apikey": "name", "Pm/comparison": "request_id"}
    reply = staff.get(f"/admin/{table}/?{column.get(table, 'client')}__{lookup}")
    assert (reply.status_code, reply["Location"]) == (302, f"/admin/{table}/?e=1")


@pytest.mark.parametrize(
    "query",
    [
        "created_at__gte=9999-12-31T23:59:59-12:00",
        "created_at__lt=0001-01-01T00:00:00%2B12:00",
        "created_at__gte=0001-01-01T00:00:00Z",
        "created_at__date=x",
        "id__exact=99999999999999999999",
        "id__in=1,x",
        "day__gte=0001-01-01&day__lte=x",
        "score__gt=nan",
    ],
)
@pytest.mark.parametrize("table", ["Pm/prediction", "Pm/photo", "Pm/comparison"])
def test_a_value_that_no_row_can_have_is_no_error(staff: Client, table: str, query: str) -> None:
    posted("room")
    assert staff.get(f"/admin/{table}/?{query}").status_code in (200, 302, 400)


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00%2B12:00", "x"])
def test_a_time_out_of_range_shows_the_plain_list(staff: Client, moment: str) -> None:
    reply = staff.get(f"/admin/Pm/prediction/?created_at__gte={moment}")
    assert (reply.status_code, reply["Location"]) == (302, "/admin/Pm/prediction/?e=1")
    assert staff.get(f"/admin/Pm/rollout/?started_at__gte={moment}").status_code in (200, 302)  # PostgreSQL knows them


def test_lookups_that_filters_have_still_narrow_a_list(staff: Client) -> None:
    row = posted("room", client="crawler")
    posted("slides", client="office")
    queries = ("client__exact=crawler", "client__lt=d", "client__in=crawler", f"id__lte={row.pk}")
    for query in queries:
        found = staff.get(f"/admin/Pm/prediction/?{query}").context["cl"].result_list
        assert [one.image_id for one in found] == ["room"], query
    assert Prediction.objects.count() == 2
    anna = user("anna")
    people = staff.get(f"/admin/auth/user/?groups__id__exact=&is_staff__exact={int(anna.is_staff)}")
    assert people.status_code in (200, 302)


def test_log_out_has_the_browser_drop_what_it_keeps(staff: Client) -> None:
    reply = staff.post("/admin/logout/")
    assert (reply.status_code, reply["Clear-Site-Data"]) == (200, '"cache"')


@pytest.mark.parametrize("page", ["9", "x"])
def test_a_page_of_results_that_is_not_there_is_not_found(staff: Client, page: str) -> None:
    assert staff.get("/admin/search/", {"s": "a", "page": page}).status_code == 404


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("Pm/prediction/99999/change/", 404, "该地址没有内容，或已不存在。"),
        ("Pm/prediction/?q=%00", 400, "无法理解该请求。"),
        ("Pm/prediction/add/", 403, "您没有此权限；请联系管理员。"),
    ],
)
def test_people_are_told_on_a_page_in_their_language_and_programs_in_json(
    staff: Client, path: str, status: int, said: str
) -> None:
    page = staff.get(f"/admin/{path}", headers={"Accept": "text/html,*/*;q=0.8", "Accept-Language": "zh-hans"})
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert said in page.content.decode()
    assert 'href="/admin/"' in page.content.decode()
    assert page["X-Request-ID"] in page.content.decode()
    assert staff.get(f"/admin/{path}").json()["error"]["request_id"]


@pytest.mark.parametrize("path", ["login/", "Pm/apikey/add/"])
@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "This page is out of date, and nothing was saved. Go back, reload it, and try again."),
        ("zh-hans", "此页面已过期，未保存任何内容。请返回上一页，刷新后重试。"),
    ],
)
def test_a_form_of_another_session_is_refused_on_a_page_that_says_what_to_do(
    path: str, language: str, said: str
) -> None:
    strict = Client(enforce_csrf_checks=True)
    page = strict.post(f"/admin/{path}", headers={"Accept": "text/html", "Accept-Language": language})
    assert (page.status_code, page["Content-Type"]) == (403, "text/html; charset=utf-8")
    source = page.content.decode()
    assert said in source
    assert 'href="/admin/"' in source
    assert "<style" not in source  # which the Content-Security-Policy would refuse
    refused = strict.post(f"/admin/{path}")
    assert (refused.status_code, refused.json()["error"]["message"]) == (403, "This form is not of this session.")


def test_a_foreign_host_name_is_told_in_json_to_people_too(staff: Client) -> None:
    reply = staff.get("/admin/", headers={"Accept": "text/html", "Host": "evil.example"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "invalid_request")
