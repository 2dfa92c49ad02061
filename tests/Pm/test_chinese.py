"""What a reader of Chinese finds on pages whose texts come from data, from Django or from processes of their own."""

import re

import pytest
from django.test import Client
from django.utils.html import strip_tags

from Pm.models import Comparison, ModelVersion, Photo, RollOut
from tests.conftest import Change
from tests.Pm.labelling.photos import photo, posted

pytestmark = pytest.mark.django_db
CHINESE = {"Accept-Language": "zh-hans"}


@pytest.fixture(autouse=True)
def plain_settings(change: Change) -> None: ...


def page(client: Client, path: str) -> str:
    """The page's source, in Chinese."""
    return client.get(f"/admin/{path}", headers=CHINESE).content.decode()


def cell(source: str, column: str) -> str:
    """What the first row of a list, or the page of a record, says in this column."""
    found = re.search(rf"<td[^>]*field-{column}[^>]*>(.*?)</td>", source, re.DOTALL)
    assert found, column
    return strip_tags(found[1]).strip()


@pytest.fixture
def comparison() -> Comparison:
    roll_out = RollOut.objects.create(artifact="a", version=ModelVersion.objects.get(), before={}, process=1, by="anna")
    return Comparison.objects.create(
        roll_out=roll_out, image_id="a", content_sha256="0" * 64, request_id="r", agrees=False,
        stable_result="offline", stable_score=0.9, stable_ms=12, shadow_result="online", shadow_score=0.8, shadow_ms=34,
    )  # fmt: skip


def test_a_label_is_told_in_chinese(admin_client: Client) -> None:
    photo("a", label="offline")
    assert cell(page(admin_client, "Pm/photo/"), "label") == "线下"
    Photo.objects.update(label="online")
    assert cell(page(admin_client, "Pm/photo/"), "label") == "线上"


def test_a_comparison_is_told_in_chinese(admin_client: Client, comparison: Comparison) -> None:
    told = page(admin_client, "Pm/comparison/")
    assert (cell(told, "stable_result"), cell(told, "shadow_result")) == ("线下", "线上")
    told = page(admin_client, f"Pm/comparison/{comparison.pk}/change/")
    names = [strip_tags(label).strip() for label in re.findall(r"<label[^>]*>(.*?)</label>", told, re.DOTALL)]
    assert names == [
        "上线", "Image_id", "SHA-256", "请求编号", "稳定版结果", "稳定版得分", "稳定版毫秒数", "影子结果",
        "影子得分", "影子毫秒数", "错误代码", "一致", "时间",
    ]  # fmt: skip


def test_what_the_model_said_of_a_photo_is_told_in_chinese(admin_client: Client) -> None:
    row = posted("a", score=0.99702)
    posted("a", result="", score=None, error_code="model_timeout")
    told = page(admin_client, f"Pm/prediction/{row.pk}/change/")
    assert re.findall(r'<dt>(.*?)</dt><dd><meter[^>]*aria-label="(.*?)"', told) == [("线上", "线上"), ("线下", "线下")]
    assert re.findall(r"<li><a class=\"pm-link\".*?</a> (.*?)</li>", told) == ["–", "线上 0.997"]
