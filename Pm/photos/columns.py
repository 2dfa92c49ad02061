"""Cells that more than one list of photos has."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _


def column(name: str, title: Any) -> Callable[[Model], Any]:  # noqa: ANN401 - a lazy translation
    """A plain field under a title in the reader's language."""

    def show(row: Model) -> Any:  # noqa: ANN401
        return getattr(row, name) or "–"

    show.__name__ = name
    return admin.display(description=title)(show)


def thumbnail(sha256: str) -> str:
    """A small picture, fetched when it is scrolled to."""
    if not sha256:
        return "–"
    return format_html(
        '<img class="pm-thumbnail" src="{}" alt="" loading="lazy" decoding="async" width="96" height="64">',
        reverse("admin:Pm_photo_thumbnail", args=[sha256]),
    )


def photo_score(result: str, score: float | None) -> str:
    """The class and how sure the model was."""
    return "–" if score is None else f"{told(result)} {score:.3f}"


def told(answer: str) -> str:
    """An answer in the reader's language."""
    return {"offline": _("offline"), "online": _("online"), "skip": _("cannot tell")}.get(answer, "–")
