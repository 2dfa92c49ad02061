"""Records of photos for the report's tests."""

from datetime import UTC, date, datetime
from typing import Any

from Pm.models import Prediction


def post_photos(
    day: str,
    offline: int,
    online: int,
    *,
    refused: int = 0,
    institution: str = "",
    region: str = "",
    version: str = "v1",
) -> None:
    """So many photos of one day (in REPORT_TIME_ZONE) and one institution."""
    at = datetime.combine(date.fromisoformat(day), datetime.min.time(), tzinfo=UTC)  # eight in the morning in Shanghai
    facts: dict[str, Any] = {"image_id": "1", "client": "c", "request_id": "r", "created_at": at}
    facts |= {"institution": institution, "region": region}
    answers = [*["offline"] * offline, *["online"] * online]
    records = [Prediction(**facts, result=result, score=0.9, model_version=version) for result in answers]
    records += [Prediction(**facts, error_code="busy") for _ in range(refused)]
    Prediction.objects.bulk_create(records)
