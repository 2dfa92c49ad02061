"""API keys: who may post, and that the body waits until that is known."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from Pm.models import ApiKey, Prediction
from tests.conftest import Change, Post
from tests.fake_model import FakeModel

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> str:
    out = StringIO()
    call_command("create_api_key", "crawler", stdout=out, stderr=StringIO())
    return out.getvalue().strip()


@pytest.fixture
def keys_required(change: Change, model: FakeModel) -> None:
    change(require_api_key=True)


def code_of(response: object) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["code"]  # type: ignore[attr-defined]


def test_no_key_is_401_and_says_which_scheme(keys_required: None, post: Post) -> None:
    response = post(b"not even JSON")
    assert code_of(response) == (401, "not_authenticated")
    assert response["WWW-Authenticate"] == "Api-Key"


@pytest.mark.parametrize("scheme", ["Api-Key", "api-key", "API-KEY"])
def test_valid_key_is_let_in_and_its_name_recorded(keys_required: None, post: Post, key: str, scheme: str) -> None:
    assert post(headers={"Authorization": f"{scheme} {key}"}).status_code == 200
    assert Prediction.objects.get().client == "crawler"


@pytest.mark.parametrize("wrong", ["", "x", "abcdefgh." + "x" * 32, "a\x00b", "密钥", "x" * 10_000])
def test_wrong_key_is_403(keys_required: None, post: Post, wrong: str) -> None:
    assert code_of(post(headers={"Authorization": f"Api-Key {wrong}"})) == (403, "permission_denied")


@pytest.mark.parametrize("header", ["Bearer x", "Basic eDp5", "Api-Keyx", ""])
def test_other_schemes_are_no_key(keys_required: None, post: Post, header: str) -> None:
    assert code_of(post(headers={"Authorization": header})) == (401, "not_authenticated")


def test_revoked_key_is_403_at_once(keys_required: None, post: Post, key: str) -> None:
    ApiKey.objects.update(revoked=True)
    assert code_of(post(headers={"Authorization": f"Api-Key {key}"})) == (403, "permission_denied")


def test_expired_key_is_403(keys_required: None, post: Post, key: str) -> None:
    ApiKey.objects.update(expiry_date=timezone.now() - timedelta(seconds=1))
    assert code_of(post(headers={"Authorization": f"Api-Key {key}"})) == (403, "permission_denied")


def test_key_that_is_sent_is_checked_where_none_is_required(model: FakeModel, post: Post, key: str) -> None:
    assert post(headers={"Authorization": f"Api-Key {key}"}).status_code == 200
    assert code_of(post(headers={"Authorization": "Api-Key wrong"})) == (403, "permission_denied")


@pytest.mark.parametrize("name", ["", "  ", "x" * 51, "a\nb"])
def test_create_api_key_refuses_unusable_names(name: str) -> None:
    with pytest.raises(CommandError, match=r"^A key's name has 1 to 50 printable characters\.$"):
        call_command("create_api_key", name)
