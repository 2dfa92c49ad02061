"""What somebody sees who has tried to log in too often."""

from typing import Any

from axes.helpers import get_cool_off
from axes.models import AccessAttempt
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone


def locked_out(request: HttpRequest, _response: object, credentials: dict[str, Any] | None) -> HttpResponse:
    """429, and when to try again (django-axes' AXES_LOCKOUT_CALLABLE)."""
    attempt = (
        AccessAttempt.objects.filter(
            username=(credentials or {}).get("username"), ip_address=request.META.get("REMOTE_ADDR")
        )
        .order_by("-attempt_time")
        .first()
    )
    cool_off = get_cool_off(request)
    until = (attempt.attempt_time if attempt else timezone.now()) + cool_off
    seconds = max(1, round((until - timezone.now()).total_seconds()))
    context = {**admin.site.each_context(request), "until": until, "minutes": -(-seconds // 60)}
    response = render(request, "Pm/access/locked_out.html", context, status=429)
    response["Retry-After"] = str(seconds)
    return response
