"""What the gateway counts of each request; api/metrics.py tells it to Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

from Pm.models import Prediction
from process_metrics import INSTRUMENTS

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # an answer takes 0.03 to 0.1 s on two cores
SCORES = (0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99, 1.0)  # a score is 0.5 to 1

REQUESTS = Counter(
    "pm_gateway_requests",
    "Requests to get_pm that came through to the gateway, by status and the refusal's code (empty for an answer).",
    ["status", "code"],
    registry=INSTRUMENTS,
)
REQUEST_SECONDS = Histogram(
    "pm_gateway_request_duration_seconds",
    "From a request's arrival in the gateway to its answer.",
    buckets=SECONDS,
    registry=INSTRUMENTS,
)
STAGE_SECONDS = Histogram(
    "pm_gateway_stage_duration_seconds",
    "Parts of a request: parse (base64), model (the call; the picture is written meanwhile), store (its name), record.",
    ["stage"],
    buckets=SECONDS,
    registry=INSTRUMENTS,
)
IN_FLIGHT = Gauge(
    "pm_gateway_in_flight_requests",
    "Requests to get_pm that the gateway works on now.",
    multiprocess_mode="livesum",
    registry=INSTRUMENTS,
)
ANSWERS = Counter(
    "pm_gateway_answers",
    "Recorded answers by result (the online share) and model version.",
    ["result", "version"],
    registry=INSTRUMENTS,
)
SCORE = Histogram(
    "pm_gateway_score",
    "Probability of the answered result, by result and model version.",
    ["result", "version"],
    buckets=SCORES,
    registry=INSTRUMENTS,
)
IN_FLIGHT.set(0)  # what a killed predecessor worked on is over


def count_request(*, status: int, code: str, seconds: float) -> None:
    """One request to get_pm, however it ended."""
    REQUESTS.labels(str(status), code).inc()
    REQUEST_SECONDS.observe(seconds)


def count_stage(stage: str, seconds: float) -> None:
    """One part of a request, also of one that it ended."""
    STAGE_SECONDS.labels(stage).observe(seconds)


def count_answer(answer: Prediction) -> None:
    """One recorded answer."""
    ANSWERS.labels(answer.result, answer.model_version).inc()
    SCORE.labels(answer.result, answer.model_version).observe(answer.score or 0.0)
