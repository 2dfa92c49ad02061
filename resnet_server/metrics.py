"""What a model server counts of each picture, and what it tells Prometheus of itself."""

from collections.abc import Iterator, Mapping

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from process_metrics import INSTRUMENTS
from resnet_server.admission import Admission

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # a queue may take none at all

REQUESTS = Counter(
    "pm_model_requests",
    "Pictures asked about, by status and the refusal's code (empty for an answer).",
    ["status", "code"],
    registry=INSTRUMENTS,
)
REQUEST_SECONDS = Histogram(
    "pm_model_request_duration_seconds",
    "From a request's arrival to its answer.",
    buckets=SECONDS,
    registry=INSTRUMENTS,
)
STAGE_SECONDS = Histogram(
    "pm_model_stage_duration_seconds",
    "The parts of an answered request: queue, preprocess, inference.",
    ["stage"],
    buckets=SECONDS,
    registry=INSTRUMENTS,
)


def count_request(*, status: int, code: str, seconds: float, stage_ms: Mapping[str, float]) -> None:
    """One request to is_online, however it ended; the stages are in milliseconds."""
    REQUESTS.labels(str(status), code).inc()
    REQUEST_SECONDS.observe(seconds)
    for stage, ms in stage_ms.items():
        STAGE_SECONDS.labels(stage).observe(ms / 1000)


class WorkerCollector(Collector):
    """The worker that is asked: its model, its queue."""

    def __init__(self, admission: Admission, *, slot: str, version: str) -> None:
        self._admission = admission
        self._model = [slot, version]

    def collect(self) -> Iterator[Metric]:
        """Reads a few attributes."""
        info = GaugeMetricFamily("pm_model_info", "The model that is served.", labels=["slot", "version"])
        info.add_metric(self._model, 1)
        yield info
        queue = self._admission
        yield GaugeMetricFamily("pm_model_in_flight_requests", "Pictures being classified now.", queue.working)
        yield GaugeMetricFamily("pm_model_queue_depth", "Pictures that wait now.", queue.waiting)
        yield GaugeMetricFamily("pm_model_queue_size", "Pictures that may wait (MODEL_QUEUE_SIZE).", queue.queue_size)
