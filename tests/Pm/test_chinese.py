"""What a reader of Chinese finds on pages whose texts come from data, from Django or from processes of their own."""

import json
import os
import re
from io import StringIO
from pathlib import Path

import django.contrib.admin
import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.test import Client, RequestFactory
from django.utils import translation
from django.utils.html import strip_tags

from Pm import artifacts
from Pm.clients.services import api_key_create
from Pm.models import ApiKey, Comparison, ModelVersion, Photo, RollOut
from Pm.selectors import Readiness
from Pm.start import page as start
from tests.conftest import Change
from tests.Pm.fake_servers import Make, Servers
from tests.Pm.labelling.photos import photo, posted

pytestmark = pytest.mark.django_db
IN_SCRIPT = re.compile(r"""\bgettext\(\s*['"]((?:[^'\\]|\\.)*?)['"]\)""")
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


def test_a_roll_out_is_refused_in_the_language_of_who_asked(
    servers: Servers, make: Make, admin_client: Client, commands: list[tuple[str, ...]]
) -> None:
    form = {"action": "roll_back", "_selected_action": str(ModelVersion.objects.get().pk), "reason": "暗"}
    admin_client.post("/admin/Pm/modelversion/", form, headers=CHINESE)
    assert commands == [("rollback_model", "--by=admin", "--reason=暗", "--language=zh-hans")]

    def refusal(*command: str) -> str:
        with pytest.raises(CommandError) as refused:
            call_command(*command, "--by=anna", "--language=zh-hans", stdout=StringIO())
        return str(refused.value)

    assert refusal("rollback_model") == "没有可回滚的版本：尚无上线更改过当前模型。"
    assert refusal("canary", "--promote") == "当前没有灰度：请先开始一个。"
    call_command("deploy_model", str(make("v1")), stdout=StringIO())
    assert refusal("canary", str(make("v1"))) == (
        "当前服务的已是 v1：灰度需要另一个版本。本次上线被拒绝，未作任何更改。"
    )
    servers.stopped = {"resnet_server2"}
    assert refusal("canary", str(make("v2"))).startswith("resnet_server2 未在服务，而灰度需要两台服务器都在服务：")
    servers.stopped = set()
    call_command("canary", str(make("v2")), "--by=bo", stdout=StringIO())
    assert refusal("deploy_model", str(make("v3"))) == "v2: 灰度，回答 5 % 的请求（由 bo 发起）：请先将其转正或中止。"
    with artifacts.alone("bo rolls out v1"):
        assert refusal("rollback_model") == (f"请等待正在进行的上线完成：bo rolls out v1, process {os.getpid()}。")


def test_a_key_with_a_wrong_name_is_refused_in_chinese(admin_client: Client) -> None:
    form = {"name": "a\u200bb", "scopes": ["classify"], "requests_per_minute": "0"}
    told = admin_client.post("/admin/Pm/apikey/add/", form, headers=CHINESE).content.decode()
    assert "密钥名称须为 1 至 50 个可打印字符。" in told


def test_history_is_told_to_each_in_their_language_whoever_made_it(admin_client: Client) -> None:
    key, _ = api_key_create(name="crawler")
    form = {"scopes": ["classify"], "requests_per_minute": "60", "expiry_date_0": "2099-01-01", "expiry_date_1": "0:00"}
    admin_client.post(f"/admin/Pm/apikey/{key.pk}/change/", form)
    revoke = {"action": "revoke", "_selected_action": key.pk}
    admin_client.post("/admin/Pm/apikey/", revoke, headers=CHINESE)
    entries = LogEntry.objects.order_by("pk")
    assert [entry.get_change_message() for entry in entries] == [
        "Changed Requests per minute and Expires.", "Changed Revoked.",
    ]  # fmt: skip
    with translation.override("zh-hans"):
        assert [entry.get_change_message() for entry in entries] == [
            "已修改每分钟请求数 和 过期时间。", "已修改吊销状态。",
        ]  # fmt: skip


@pytest.mark.parametrize("model", [ApiKey, User, Group])
def test_each_field_that_history_names_has_its_chinese(
    rf: RequestFactory, admin_user: User, model: type[Model]
) -> None:
    request = rf.get("/")
    request.user = admin_user
    form = admin.site._registry[model].get_form(request, model(), change=True)
    with translation.override(None):
        names = [str(field.label) for field in form.base_fields.values()]
    with translation.override("zh-hans"):
        assert [name for name in names if translation.gettext(name) == name] == []


def test_a_password_is_spoken_of_in_chinese(admin_client: Client) -> None:
    form = {"username": "ann", "password1": "short", "password2": "short"}
    told = admin_client.post("/admin/auth/user/add/", form, headers=CHINESE).content.decode()
    assert "密码太短，至少须有 12 个字符。" in told
    told = page(admin_client, f"auth/user/{User.objects.get().pk}/change/")
    assert "系统不保存密码原文，因此无法查看此用户的密码，但可以用" in told


def test_scripts_of_the_admin_speak_chinese(admin_client: Client) -> None:
    """Those that choose a group's permissions, above all: Django's catalogue lacks their texts."""
    told = json.loads(re.findall(r"const newcatalog = (\{.*?\});", page(admin_client, "jsi18n/"), re.DOTALL)[0])
    scripts = Path(django.contrib.admin.__file__).parent / "static" / "admin" / "js"
    texts = {text for path in scripts.glob("*.js") for text in IN_SCRIPT.findall(path.read_text(encoding="utf-8"))}
    assert "Choose all %s" in texts
    assert texts - set(told) == set()


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("ok", "正常"),
        ("unreachable, or not migrated", "无法连接，或尚未迁移"),
        ("ready (v1)", "就绪 (v1)"),
        ("not ready (It loads (soon).)", "未就绪 (It loads (soon).)"),
        ("not ready", "未就绪"),
        ("timed out", "超时"),
        ("unreachable", "无法连接"),
    ],
)
def test_the_start_page_tells_how_each_part_is_in_chinese(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch, state: str, told: str
) -> None:
    monkeypatch.setattr(start, "readiness", lambda: Readiness({"database": state, "primary:1": state}, None))
    source = page(admin_client, "")
    assert f"<span>数据库: {told}</span>" in source
    assert f"<span>primary:1: {told}</span>" in source


def test_permissions_have_chinese_names_where_they_are_given(admin_client: Client) -> None:
    paths = {
        "permissions": f"auth/group/{Group.objects.get(name='viewer').pk}/change/",
        "user_permissions": f"auth/user/{User.objects.get().pk}/change/",
    }
    for name, path in paths.items():
        field = admin_client.get(f"/admin/{path}", headers=CHINESE).context["adminform"].form.fields[name]
        with translation.override("zh-hans"):
            told = [field.label_from_instance(permission) for permission in field.queryset]
        assert {"Pm | 照片 | 可查看", "Pm | 照片 | 可查看报告", "Pm | 标注集照片 | 可标注照片"} <= set(told)
        assert len(set(told)) == len(told) == Permission.objects.count()
        assert [one for one in told if one.rpartition(" | ")[2].isascii()] == []
