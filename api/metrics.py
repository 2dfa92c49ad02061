"""GET /metrics: what the gateway's processes counted, and what the database and the disk say now."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpResponse
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from rest_framework.request import Request

from api.health import HealthView
from Pm import metrics  # noqa: F401 - a process that has answered nothing yet tells zeros
from Pm.authentication import MetricsKeyAuthentication
from Pm.selectors import OK, RollOutFacts, database_state, roll_out_facts
from process_metrics import CONTENT_TYPE, exposition

logger = logging.getLogger(__name__)


class DatabaseCollector(Collector):
    """How roll-outs ended and which version is active; where the database is away, only that."""

    def collect(self) -> Iterator[Metric]:
        """A few rows of one small table."""
        facts = None
        with suppress(DatabaseError):
            facts = roll_out_facts()
        up = facts is not None and database_state() == OK
        yield GaugeMetricFamily("pm_gateway_database_up", "Whether the records can be read.", float(up))
        if facts is not None:
            yield from _told(facts)


def _told(facts: RollOutFacts) -> Iterator[Metric]:
    ended = CounterMetricFamily("pm_gateway_roll_outs", "Roll-outs by how they ended.", labels=["state"])
    for state, count in facts.ended.items():
        ended.add_metric([state], count)
    yield ended
    yield GaugeMetricFamily("pm_gateway_roll_outs_running", "Roll-outs at work now.", facts.running)
    yield GaugeMetricFamily(
        "pm_gateway_roll_outs_interrupted",
        "Roll-outs whose process is gone: the next one settles them.",
        facts.interrupted,
    )
    active = GaugeMetricFamily("pm_gateway_active_model_info", "The version of the last roll-out.", labels=["version"])
    if facts.active:
        active.add_metric([facts.active], 1)
    yield active


class DiskCollector(Collector):
    """The disk under var/: records and pictures go there."""

    def collect(self) -> Iterator[Metric]:
        """One system call."""
        with suppress(OSError):
            disk = shutil.disk_usage(settings.GATEWAY.var_dir)
            yield GaugeMetricFamily("pm_gateway_disk_free_bytes", "Free on the disk of var/.", disk.free)
            yield GaugeMetricFamily("pm_gateway_disk_size_bytes", "Size of the disk of var/.", disk.total)


class MetricsView(HealthView):
    """For Prometheus; nginx lets in who may ask (var/run/nginx/metrics.conf)."""

    schema = None

    def get(self, request: Request) -> HttpResponse:  # noqa: ARG002 - Django's signature
        """Prometheus' text format."""
        return HttpResponse(exposition(DatabaseCollector(), DiskCollector()), content_type=CONTENT_TYPE)


class MetricsWithKeyView(MetricsView):
    """The same for whom METRICS_ALLOW does not name, with an API key of the scope metrics."""

    authentication_classes = (MetricsKeyAuthentication,)  # type: ignore[assignment] # HealthView's tuple is empty


metrics_view = MetricsView.as_view()
metrics_with_key_view = MetricsWithKeyView.as_view()
