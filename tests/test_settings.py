"""Every setting of every process stands in .env.example with its default, and nothing else does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import loky
import pytest

from api import request_id
from Pm import pictures
from resnet_server import answers, preprocess
from resnet_server import settings as model
from server import env as gateway
from server.stack import settings as stack

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
ROWS = [tuple(row) for table in (gateway.SETTINGS, stack.SETTINGS, model.SETTINGS) for row in table]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_a_setting_is_documented_with_its_default(row: tuple[str, str, str]) -> None:
    name, default, help_text = row
    assert f"# {help_text}\n# {name}={default}\n" in EXAMPLE


def test_nothing_is_documented_that_nobody_reads() -> None:
    assert re.findall(r"^# ([A-Z_]+)=", EXAMPLE, re.MULTILINE) == [row[0] for row in ROWS]


def test_both_sides_have_the_same_defaults_for_what_they_share(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, *_ in ROWS:
        monkeypatch.delenv(name, raising=False)
    ours = stack.read_settings(tmp_path / "no.env")
    theirs = [model.read_settings(tmp_path / "no.env")]
    monkeypatch.setenv("PM_SLOT", "resnet_server2")
    theirs.append(model.read_settings(tmp_path / "no.env"))
    assert tuple(server.bind for server in theirs) == ours.gateway.model_servers
    for server in theirs:
        assert server.max_image_bytes == ours.gateway.max_image_bytes
        assert server.max_image_pixels == ours.gateway.max_image_pixels
        assert server.read_timeout_s == ours.gateway.model_read_timeout_s
        assert server.log_level == ours.gateway.log_level


def test_what_the_gateway_lets_through_the_model_service_takes() -> None:
    assert (preprocess.ACCEPTED_FORMATS, preprocess.PreprocessSpec().max_side) == (pictures.FORMATS, pictures.MAX_SIDE)


def test_every_tier_takes_the_same_request_ids() -> None:
    nginx = (ROOT / "conf/nginx/nginx.conf").read_text(encoding="utf-8")
    assert request_id._SAFE.pattern == answers._REQUEST_ID.pattern
    assert f'"~^{request_id._SAFE.pattern}$" $http_x_request_id;' in nginx


def test_all_that_is_wrong_with_the_model_service_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_ENGINE", "magic")
    monkeypatch.setenv("MODEL_QUEUE_SIZE", "-1")
    with pytest.raises(model.SettingsError) as wrong:
        model.read_settings(tmp_path / "no.env")
    assert "MODEL_ENGINE: Must be one of: auto, openvino, onnxruntime, onnxruntime:cpu, " in str(wrong.value)
    assert "MODEL_QUEUE_SIZE: " in str(wrong.value)


def test_two_servers_that_share_the_load_share_the_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loky, "cpu_count", lambda: 8)
    assert model.read_settings(tmp_path / "no.env").threads == 8
    monkeypatch.setenv("MODEL_BALANCE", "both")
    assert model.read_settings(tmp_path / "no.env").threads == 4


def test_threads_follow_the_affinity_and_not_the_hosts_cores() -> None:
    code = "from resnet_server.settings import default_threads; print(default_threads('backup'))"
    core = str(min(os.sched_getaffinity(0)))
    command = ["taskset", "-c", core, sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout == "1\n", done.stderr


def test_a_deployed_model_is_served_instead_of_the_default_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "ROOT", tmp_path)
    assert model.slot_artifact("resnet_server1") == model.DEFAULT_ARTIFACT
    (tmp_path / "var/models/v2").mkdir(parents=True)
    (tmp_path / "var/models/resnet_server1").symlink_to("v2")
    assert model.slot_artifact("resnet_server1") == tmp_path / "var/models/v2"
    assert model.slot_artifact("resnet_server2") == model.DEFAULT_ARTIFACT
