"""What the tests of canaries share: a canary, the photos that it gets, and how its server answers."""

import base64
from typing import Any

from Pm import canary
from Pm.artifacts import SLOTS
from Pm.canary import Canary
from Pm.canary_release import canary_start
from Pm.models import RollOut
from Pm.roll_out_steps import Say
from tests.conftest import PNG, Post
from tests.fake_model import ANSWER, Reply
from tests.Pm.fake_servers import Make, Servers, pointers, silent

NEW = Canary(roll_out=7, version="v2", percent=5, shadow=False)
TAKEN, NOT_TAKEN = "14", "15"  # at 5 %
STABLE = ANSWER["model_version"]
NAN = Reply({"error": {"code": "internal_error", "message": "It met an error.", "request_id": "x"}}, 500)
BUSY = Reply({"error": {"code": "busy", "message": "Every place is taken.", "request_id": "x"}}, 503)


def ask(post: Post, image_id: str) -> Any:
    return post({"image_id": image_id, "image_base64": base64.b64encode(PNG).decode()})


def start(make: Make, version: str = "v2", say: Say = silent, **options: object) -> RollOut:
    facts = {"percent": 5.0, "shadow": False, "by": "anna", "reason": "dark rooms"} | options
    return canary_start(artifact=make(version), say=say, **facts)  # type: ignore[arg-type]


def assert_given_back(stable: Servers) -> None:
    assert stable.serves == dict.fromkeys(SLOTS, "v1")
    assert pointers() == {"v1"}
    assert canary.current() is None
    assert not RollOut.objects.filter(state__in=[RollOut.State.RUNNING, RollOut.State.CANARY]).exists()
