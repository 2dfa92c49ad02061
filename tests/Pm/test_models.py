"""The table of records: migrations complete, and a record is either an answer or a refusal."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from Pm.models import Prediction
from Pm.serializers import GetPmRequestSerializer

IMAGE_IDS = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=255)


@pytest.mark.django_db
def test_migrations_are_complete() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.django_db
@pytest.mark.parametrize(("result", "error_code"), [("", ""), ("offline", "busy"), ("perhaps", "")])
def test_record_is_either_answered_or_refused(result: str, error_code: str) -> None:
    with pytest.raises(IntegrityError, match="answered_or_refused"):
        Prediction.objects.create(image_id="1", client="c", request_id="r", result=result, error_code=error_code)


def test_a_draft_is_a_new_record_that_shares_nothing_with_another() -> None:
    before = timezone.now()
    one, other = (Prediction.draft(client="c", request_id="r") for _ in range(2))
    assert before <= one.created_at <= other.created_at <= timezone.now()
    plain = Prediction(client="c", request_id="r", created_at=one.created_at)
    fields = [field.attname for field in Prediction._meta.concrete_fields]
    assert [getattr(one, name) for name in fields] == [getattr(plain, name) for name in fields]
    one.stage_ms["parse"] = 1.0
    assert other.stage_ms == {}


@pytest.mark.django_db
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(image_id=IMAGE_IDS)
def test_any_acceptable_image_id_survives_the_database(image_id: str) -> None:
    accepted = GetPmRequestSerializer(data={"image_id": image_id}).read("image_id")
    record = Prediction.objects.create(image_id=accepted, client="c", request_id="r", result="online")
    assert Prediction.objects.get(pk=record.pk).image_id == image_id
