"""Knows clients by their API key: `Authorization: Api-Key <key>`."""

import re
from collections.abc import Mapping
from typing import Any, cast

from django.conf import settings
from django.db import close_old_connections, connection
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from Pm.clients.services import api_key_use
from Pm.errors import NotAuthenticatedError, PermissionDeniedError
from Pm.models import ApiKey, Scope

SCHEME = "Api-Key"
_KEY = re.compile(r"[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}")


class ApiKeyAuthentication(BaseAuthentication):
    """Runs before the body is read. A key that is sent is always checked, required or not."""

    scope = Scope.CLASSIFY

    def is_required(self) -> bool:
        """Whether nobody may ask without a key."""
        return bool(settings.GATEWAY.require_api_key)

    def authenticate(self, request: Request) -> tuple[None, ApiKey] | None:
        """The key's record, whose name the request then carries; None for nobody, where nobody may ask.

        Raises: NotAuthenticatedError, PermissionDeniedError, ThrottledError.
        """
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() == SCHEME.lower():
            record = _find(key.strip())
            if self.scope not in record.scopes:
                raise PermissionDeniedError(f"This API key may not do this: it lacks the scope {self.scope}.")
            api_key_use(record)
            if not connection.in_atomic_block:  # which would be lost
                close_old_connections()  # a pooled one, which others need while the model works
            request.META["PM_CLIENT"] = record.name
            return None, record
        if self.is_required():
            raise NotAuthenticatedError("Send an API key: 'Authorization: Api-Key <key>'.")
        return None


class MetricsKeyAuthentication(ApiKeyAuthentication):
    """For those who read the gateway's numbers from anywhere: never without a key."""

    scope = Scope.METRICS

    def is_required(self) -> bool:
        """The numbers tell of all clients."""
        return True


def client_name(meta: Mapping[str, Any]) -> str:
    """Who asks: the API key's name, or else the address."""
    return str(meta.get("PM_CLIENT") or meta.get("REMOTE_ADDR", ""))[:64]


def _find(key: str) -> ApiKey:
    try:
        record = ApiKey.objects.get_from_key(key) if _KEY.fullmatch(key) else None
    except ApiKey.DoesNotExist:
        record = None
    if record is None or record.has_expired:
        raise PermissionDeniedError("The API key is unknown, revoked or expired.")
    return cast("ApiKey", record)
