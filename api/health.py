"""/healthz: this process is alive. /readyz: it can answer now, and if not, which part is missing."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api.errors import error_body
from Pm.errors import InternalError
from Pm.json_view import JsonView
from Pm.schema import REQUEST_ID_HEADER, RETRY_AFTER_HEADER, ErrorDetailSerializer, error_example, error_responses
from Pm.selectors import NO_DATABASE, OK, Readiness, readiness, readiness_of

ONE_READY = {"127.0.0.1:5005": "ready (default-0a1b2c3d)", "127.0.0.1:5006": "unreachable"}
NONE_READY = {"127.0.0.1:5005": "timed out", "127.0.0.1:5006": "unreachable"}


class AliveSerializer(serializers.Serializer[Any]):
    """The process answers."""

    status = serializers.ChoiceField(choices=["alive"])


class ReadySerializer(serializers.Serializer[Any]):
    """Every part that is needed is there."""

    status = serializers.ChoiceField(choices=["ready"])
    checks = serializers.DictField(child=serializers.CharField(), help_text="The database and each model server.")


class NotReadySerializer(serializers.Serializer[Any]):
    """The one error body, and each part's state."""

    error = ErrorDetailSerializer()
    checks = serializers.DictField(child=serializers.CharField())


def _ready_body(state: Readiness) -> dict[str, Any]:
    return {"status": "ready", "checks": state.checks}


def _not_ready_example(database: str, states: dict[str, str]) -> OpenApiExample:
    state = readiness_of(database, states)
    error = state.error or InternalError("")
    body = error_example(type(error))
    return OpenApiExample(
        error.code, value={"error": body["error"] | {"message": error.message}, "checks": state.checks}
    )


class HealthView(JsonView):
    """A page for balancers and monitors: no key needed."""

    authentication_classes = ()


class AliveView(HealthView):
    """GET /healthz."""

    @extend_schema(
        operation_id="healthz",
        summary="Alive?",
        tags=["health"],
        parameters=[REQUEST_ID_HEADER],
        responses={
            200: OpenApiResponse(
                AliveSerializer, description="Alive", examples=[OpenApiExample("alive", value={"status": "alive"})]
            ),
            **error_responses((InternalError,)),
        },
    )
    def get(self, request: Request) -> Response:  # noqa: ARG002 - Django's signature
        """Say so; touches nothing."""
        return Response({"status": "alive"})


class ReadyView(HealthView):
    """GET /readyz."""

    @extend_schema(
        operation_id="readyz",
        summary="Ready to answer?",
        tags=["health"],
        parameters=[REQUEST_ID_HEADER, RETRY_AFTER_HEADER],
        responses={
            200: OpenApiResponse(
                ReadySerializer,
                description="The database and at least one model server are ready",
                examples=[OpenApiExample("ready", value=_ready_body(readiness_of(OK, ONE_READY)))],
            ),
            503: OpenApiResponse(
                NotReadySerializer,
                description="Not ready; the message says which part",
                examples=[_not_ready_example(NO_DATABASE, ONE_READY), _not_ready_example(OK, NONE_READY)],
            ),
            **error_responses((InternalError,)),
        },
    )
    def get(self, request: Request) -> Response:
        """Ask the database and all model servers."""
        state = readiness()
        if state.error is None:
            return Response(_ready_body(state))
        request.META["PM_ERROR_CODE"] = state.error.code
        body = error_body(state.error) | {"checks": state.checks}
        return Response(body, status=state.error.status, headers=state.error.headers)


healthz = AliveView.as_view()
readyz = ReadyView.as_view()
