"""Knows clients by their API key: `Authorization: Api-Key <key>`."""

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework_api_key.models import AbstractAPIKey, APIKey

from Pm.errors import NotAuthenticatedError, PermissionDeniedError

SCHEME = "Api-Key"
_KEY = re.compile(r"[A-Za-z0-9]{8}\.[A-Za-z0-9]{32}")


class ApiKeyAuthentication(BaseAuthentication):
    """Runs before the body is read. A key that is sent is always checked, required or not."""

    def authenticate(self, request: Request) -> tuple[None, AbstractAPIKey] | None:
        """The key's record, whose name the request then carries; None for nobody, where nobody may ask.

        Raises: NotAuthenticatedError, PermissionDeniedError.
        """
        scheme, _, key = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() == SCHEME.lower():
            record = _find(key.strip())
            request.META["PM_CLIENT"] = record.name
            return None, record
        if settings.GATEWAY.require_api_key:
            raise NotAuthenticatedError("Send an API key: 'Authorization: Api-Key <key>'.")
        return None


def client_name(meta: Mapping[str, Any]) -> str:
    """Who asks: the API key's name, or else the address."""
    return str(meta.get("PM_CLIENT") or meta.get("REMOTE_ADDR", ""))[:64]


def _find(key: str) -> AbstractAPIKey:
    try:
        record = APIKey.objects.get_from_key(key) if _KEY.fullmatch(key) else None
    except APIKey.DoesNotExist:
        record = None
    if record is None or record.has_expired:
        raise PermissionDeniedError("The API key is unknown, revoked or expired.")
    return record
