"""Where a photo's time goes in the whole stack: what Pm counts of itself at /metrics, before and after a run."""

import time
from collections import defaultdict

import requests
from prometheus_client.parser import text_string_to_metric_families

from afterwards import PAUSE_S
from benchmarks.errors import BenchmarkError

COUNTED_S = 2 * PAUSE_S  # an answer is counted up to PAUSE_S later
ANSWER_LIMIT_S = 10
GATEWAY, MODEL_SERVER = "pm_gateway_request_duration_seconds", "pm_model_request_duration_seconds"
STAGES = {"pm_gateway_stage_duration_seconds", "pm_model_stage_duration_seconds"}
PARTS = (
    "client, nginx, uwsgi",
    "Django, DRF",
    "body, JSON, base64, header",
    "hop: nginx, gunicorn",
    "model server besides",
    "queue",
    "decode, resize",
    "inference",
    "naming the picture",
    "record",
)

# GATEWAY, MODEL_SERVER and each stage → seconds of all requests; "requests" → how many.
Counted = defaultdict[str, float]


def counted(urls: tuple[str, ...]) -> Counted:
    """What all parts of Pm have counted of get_pm since they were started, once the last answer is counted, too.

    Raises: BenchmarkError when one does not tell it.
    """
    found = Counted(float)
    if urls:
        time.sleep(COUNTED_S)
    for url in urls:
        try:
            reply = requests.get(url, timeout=ANSWER_LIMIT_S)
            reply.raise_for_status()
        except requests.RequestException as exc:
            raise BenchmarkError(f"{url} tells no numbers: {exc}") from exc
        add(found, reply.text)
    return found


def add(found: Counted, text: str) -> None:
    """Add what one program tells, in Prometheus' format."""
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == f"{GATEWAY}_count":
                found["requests"] += sample.value
            elif sample.name.endswith("_sum") and family.name in STAGES | {GATEWAY, MODEL_SERVER}:
                found[sample.labels.get("stage", family.name)] += sample.value


def split(before: Counted, after: Counted, client_ms: float) -> dict[str, float]:
    """Each of PARTS → its mean milliseconds for one photo.

    `client_ms`: what the client waited on average. Hashing and writing the picture are no part: they are done while the
    model works. Raises: BenchmarkError when nothing was answered between the two.
    """
    requests_answered = after["requests"] - before["requests"]
    if not requests_answered:
        raise BenchmarkError("No request was counted: nobody posted, or the counters are not kept.")
    ms = {name: (after[name] - before[name]) * 1000 / requests_answered for name in after}
    in_stages = sum(ms[stage] for stage in ("parse", "model", "store", "record"))
    in_model = sum(ms[stage] for stage in ("queue", "preprocess", "inference"))
    times = (
        client_ms - ms[GATEWAY],
        ms[GATEWAY] - in_stages,
        ms["parse"],
        ms["model"] - ms[MODEL_SERVER],
        ms[MODEL_SERVER] - in_model,
        ms["queue"],
        ms["preprocess"],
        ms["inference"],
        ms["store"],
        ms["record"],
    )
    return dict(zip(PARTS, times, strict=True))
