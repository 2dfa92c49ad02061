"""Reads: is the gateway ready to answer, was anything posted, and how much did each version answer?"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.conf import settings
from django.db import Error as DatabaseError
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce

from Pm.client import server_state
from Pm.errors import ApiError, ModelUnavailableError, StorageUnavailableError
from Pm.models import Prediction, RollOut
from Pm.roll_out_steps import DEMO
from Pm.sample import SAMPLE_ID

MAX_PARALLEL_CHECKS = 8
OK = "ok"
NO_DATABASE = "unreachable, or not migrated"


def posted_by_clients() -> QuerySet[Prediction]:
    """Every record but those of the sample that a start posts."""
    return Prediction.objects.order_by().exclude(image_id=SAMPLE_ID)


@dataclass(frozen=True)
class Readiness:
    """One word for each part that the gateway needs, and the refusal when one is missing."""

    checks: dict[str, str]
    error: ApiError | None


def readiness() -> Readiness:
    """Whether the database and at least one model server are ready; all servers are asked at once, a second each."""
    servers = settings.GATEWAY.model_servers
    with ThreadPoolExecutor(max_workers=min(len(servers), MAX_PARALLEL_CHECKS)) as pool:
        states = dict(zip(servers, pool.map(server_state, servers), strict=True))
    return readiness_of(database_state(), states)


def readiness_of(database: str, states: dict[str, str]) -> Readiness:
    """What these states of the database and of each model server amount to."""
    error: ApiError | None = None
    if not any(state.startswith("ready") for state in states.values()):
        error = ModelUnavailableError(
            "No model server is ready: " + ", ".join(f"{k} {v}" for k, v in states.items()) + "."
        )
    if database != OK:
        error = StorageUnavailableError(f"The database is not ready: {database}.")
    return Readiness(checks={"database": database, **states}, error=error)


def database_state() -> str:
    """Return OK when the table of records can be read; details of a failure belong in the log, not in the answer."""
    try:
        Prediction.objects.order_by().values_list("pk")[:1].exists()
    except DatabaseError:
        return NO_DATABASE
    return OK


def answer_count() -> CombinedExpression:
    """How many requests a ModelVersion answered, those among them whose records are deleted by now; for annotate().

    Reads nothing but the index on model_version and result, in which PostgreSQL has no primary key: hence the star.
    """
    kept = Prediction.objects.filter(model_version=OuterRef("version"), result__in=Prediction.Result.values)
    count = kept.order_by().values("model_version").annotate(count=Count("*")).values("count")
    return F("pruned_answers") + Coalesce(Subquery(count), 0)


@dataclass(frozen=True)
class RollOutFacts:
    """How many roll-outs ended in each state, are at work, or wait to be settled; the version of the last one done."""

    ended: dict[str, int]
    running: int
    interrupted: int
    active: str


def roll_out_facts() -> RollOutFacts:
    """What the table of roll-outs says now; one row a change of the model, so it stays small.

    Raises: django.db.Error.
    """
    state = RollOut.State
    ends = (state.DONE, state.REFUSED, state.UNDONE, state.FAILED)
    counts = dict(RollOut.objects.order_by().values_list("state").annotate(count=Count("pk")))
    unfinished = list(RollOut.objects.filter(state=state.RUNNING))
    interrupted = sum(row.is_interrupted for row in unfinished)
    done = RollOut.objects.filter(state=state.DONE).exclude(found__has_key=DEMO).select_related("version").first()
    return RollOutFacts(
        ended={str(end): counts.get(end, 0) for end in ends},
        running=len(unfinished) - interrupted,
        interrupted=interrupted,
        active=str(done.version) if done else "",
    )
