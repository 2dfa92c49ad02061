"""Writes: make a client's key, count its requests, say when it was used."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import cast

from django.db.models import Case, F, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from Pm.errors import ThrottledError
from Pm.models import ApiKey

MINUTE_S = 60
NOTED_EVERY = timedelta(minutes=1)
MAX_NAME_CHARACTERS = 50
MAX_PER_MINUTE = 100_000


def name_problem(name: str) -> str:
    """Why a key cannot have this name; empty when it can."""
    if name.strip() and len(name) <= MAX_NAME_CHARACTERS and name.isprintable():
        return ""
    return _("A key's name has 1 to %d printable characters.") % MAX_NAME_CHARACTERS


def api_key_create(
    *, name: str, scopes: list[str] | None = None, requests_per_minute: int = 0, expires: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key: its record, and the key itself, which is told nowhere else."""
    facts = {} if scopes is None else {"scopes": scopes}
    record, key = ApiKey.objects.create_key(
        name=name, requests_per_minute=requests_per_minute, expiry_date=expires, **facts
    )
    return cast("ApiKey", record), key


def api_keys_revoke(keys: Iterable[ApiKey]) -> None:
    """End keys: the next request with one of them is refused, and there is no way back."""
    ApiKey.objects.filter(pk__in=[key.pk for key in keys]).update(revoked=True)


def api_key_use(record: ApiKey) -> None:
    """Count one request of this key, and keep when it was used last; a key without a limit is written once a minute.

    Raises: ThrottledError when it has sent as many in this minute as it may.
    """
    now = timezone.now()
    mine = ApiKey.objects.filter(pk=record.pk)
    if record.requests_per_minute:
        _count(mine, now)
    elif record.last_used_at is None or now - record.last_used_at >= NOTED_EVERY:
        mine.update(last_used_at=now)


def _count(mine: QuerySet[ApiKey], now: datetime) -> None:
    """One statement, so that the processes of all gateways count as one."""
    minute, second = divmod(int(now.timestamp()), MINUTE_S)
    in_this = Q(counted_minute=minute)
    let_in = mine.filter(~in_this | Q(counted__lt=F("requests_per_minute"))).update(
        counted=Case(When(in_this, then=F("counted") + 1), default=Value(1)), counted_minute=minute, last_used_at=now
    )
    if not let_in:
        raise ThrottledError("This API key has used up its requests of this minute.", retry_after_s=MINUTE_S - second)
