"""The demonstration: it fills an empty database, stays out of a real one, and goes without a trace."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from Pm import artifacts
from Pm.demo import plan, services
from Pm.demo.services import demo_fill, demo_remove
from Pm.models import Label, ModelVersion, Photo, Prediction, RollOut
from Pm.rollout import previous_artifact, roll_out
from Pm.sample import SAMPLE_ID
from Pm.selectors import roll_out_facts
from tests.conftest import Change
from tests.Pm.fake_servers import Make, Servers, deploy, silent

pytestmark = pytest.mark.django_db
FEW = 40


@pytest.fixture(autouse=True)
def media(change: Change) -> Path:
    return change().media_root


def files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def real_record(**facts: str) -> Prediction:
    return Prediction.objects.create(client="crawler", request_id="r", result="online", score=0.9, **facts)


def test_demonstration_has_all_that_a_tour_needs(media: Path) -> None:
    assert demo_fill(photos=FEW, progress=lambda _: None) == FEW
    records = Prediction.objects.all()
    assert files(media) == FEW
    assert records.values("model_version").exclude(model_version="").distinct().count() == 2
    assert records.exclude(institution="").values("institution").distinct().count() > 3
    assert records.exclude(region="").exists()
    days = [day for day in records.values_list("day", flat=True) if day]
    assert (max(days) - min(days)).days > plan.DAYS - 5
    assert Photo.objects.filter(sample=True).exists()
    assert Photo.objects.exclude(label="").exists()
    assert Label.objects.values("by").distinct().count() == 2
    assert RollOut.objects.filter(by="demo").count() == 2


def test_demonstration_goes_without_a_trace_and_leaves_what_is_real(media: Path) -> None:
    users = User.objects.count()
    demo_fill(photos=FEW, progress=lambda _: None)
    shared = Prediction.objects.exclude(result="")[0]
    real = real_record(image_id="1", content_sha256=shared.content_sha256)
    named_alike = Prediction.objects.create(client="demo", image_id="2", request_id="r", result="online", score=0.9)
    assert demo_remove() == FEW
    assert set(Prediction.objects.all()) == {real, named_alike}
    assert files(media) == 1
    assert (Photo.objects.count(), Label.objects.count(), RollOut.objects.count()) == (0, 0, 0)
    assert (User.objects.count(), ModelVersion.objects.count()) == (users, 1)


def test_photos_are_the_same_each_time() -> None:
    now = timezone.now()
    assert list(plan.posted(now, FEW)) == list(plan.posted(now, FEW))


def test_the_sample_that_a_start_posts_keeps_nobody_from_the_tour() -> None:
    assert not services.holds_real_records()
    real_record(image_id=SAMPLE_ID)
    assert not services.holds_real_records()
    real_record(image_id="1")
    assert services.holds_real_records()


def test_command_refuses_a_database_with_real_records(monkeypatch: pytest.MonkeyPatch) -> None:
    filled: list[int] = []

    def fill(**_: object) -> int:
        filled.append(1)
        return 300

    monkeypatch.setattr("Pm.management.commands.demo_data.demo_fill", fill)
    call_command("demo_data")
    real_record(image_id="1")
    with pytest.raises(CommandError, match=r"^This database holds records of real requests: "):
        call_command("demo_data")
    call_command("demo_data", "--force")
    assert len(filled) == 2


def test_command_ends_with_a_sentence_where_pictures_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(services, "image_save", refuse)
    with pytest.raises(CommandError, match=r"^Stopped: .*No space left on device\. Run it again, or with --remove\.$"):
        call_command("demo_data")


def test_demonstration_is_no_roll_out_to_go_back_to(servers: Servers, make: Make) -> None:
    deploy(make("v1"))
    deploy(make("v2"))
    demo_fill(photos=FEW, progress=lambda _: None)
    assert previous_artifact() == artifacts.folder_of("v1")
    assert roll_out_facts().active == "v2"


def test_roll_outs_of_somebody_called_demo_stay(servers: Servers, make: Make) -> None:
    roll_out(artifact=make("v1"), by="demo", reason="real", say=silent)
    demo_remove()
    assert RollOut.objects.get().reason == "real"
