"""Serves the OpenAPI document, always as JSON."""

from typing import Any

from django.conf import settings
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request

from Pm.json_view import JsonView


class SchemaView(JsonView, SpectacularAPIView):
    """GET /api/schema/."""

    renderer_classes = [OpenApiJsonRenderer]  # noqa: RUF012 - the framework's type

    def _get_version_parameter(self, request: Request) -> None:
        """There is one version; the framework would write what a client names into a header."""


def mark_required_key(result: dict[str, Any], **_: object) -> dict[str, Any]:
    """Where keys are required, no operation may be called without one (spectacular's postprocessing hook)."""
    for path in result["paths"].values():
        for operation in path.values():
            if settings.GATEWAY.require_api_key and "security" in operation:
                operation["security"] = [scheme for scheme in operation["security"] if scheme]
    return result
