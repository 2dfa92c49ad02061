"""What the OpenAPI document says of get_pm and of errors; the statuses come from the tree in errors.py."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from Pm.errors import ERRORS, ApiError, MethodNotAllowedError, NotFoundError
from Pm.serializers import GetPmAnswerSerializer, GetPmRequestSerializer

TINY_PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"  # 1 x 1, red
EXAMPLES = Path(__file__).resolve().parent.parent / "contracts" / "examples"


class ErrorDetailSerializer(serializers.Serializer[Any]):
    """What went wrong."""

    code = serializers.ChoiceField(choices=sorted(error.code for error in ERRORS), help_text="For programs.")
    message = serializers.CharField(help_text="For people; its words may change.")
    request_id = serializers.CharField(help_text="The same as X-Request-ID; finds the request in our log.")
    field = serializers.CharField(required=False, help_text="The field at fault, where one is.")


class ErrorSerializer(serializers.Serializer[Any]):
    """The one error body."""

    error = ErrorDetailSerializer()


def error_example(error: type[ApiError]) -> dict[str, Any]:
    """A body of this error as it is really answered: the contracts' example, which tests provoke."""
    return _example(f"error.{error.code}")


def _example(name: str) -> dict[str, Any]:
    example: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return example


def error_responses(errors: tuple[type[ApiError], ...]) -> dict[int, OpenApiResponse]:
    """The OpenAPI responses of these errors, one a status with an example for each code."""
    responses = {}
    for status in sorted({int(error.status) for error in errors}):
        here = [error for error in errors if error.status == status]
        responses[status] = OpenApiResponse(
            ErrorSerializer,
            description=" or ".join(error.code for error in here),
            examples=[OpenApiExample(error.code, value=error_example(error), response_only=True) for error in here],
        )
    return responses


def _response_header(name: str, description: str, *statuses: int, **schema: Any) -> OpenApiParameter:  # noqa: ANN401
    everywhere_or = list(statuses) or True
    type_ = {"type": "string", **schema}
    return OpenApiParameter(name, type_, OpenApiParameter.HEADER, description=description, response=everywhere_or)


REQUEST_ID_HEADER = _response_header(
    "X-Request-ID", "The request's id, yours if you sent an acceptable one.", pattern="^[A-Za-z0-9._-]{1,64}$"
)
RETRY_AFTER_HEADER = _response_header("Retry-After", "Seconds to wait.", 429, 503, pattern="^[0-9]+$")
POST_ERRORS = tuple(error for error in ERRORS if error not in (NotFoundError, MethodNotAllowedError))

GET_PM: dict[str, Any] = {
    "operation_id": "get_pm",
    "summary": "Classify one class photo",
    "description": "Answers `offline` (people in a room) or `online` (a screen). The body is read as JSON whatever its "
    "Content-Type says; Accept is ignored. Also at `/api/v1/get_pm`, without the final slash. Repeating is safe.",
    "tags": ["get_pm"],
    "request": {"application/json": GetPmRequestSerializer},
    "parameters": [
        OpenApiParameter("X-Request-ID", OpenApiTypes.STR, OpenApiParameter.HEADER, description="Your own id."),
        REQUEST_ID_HEADER,
        RETRY_AFTER_HEADER,
        _response_header("X-Model-Version", "Which model answered.", 200, pattern="^[A-Za-z0-9._-]{1,64}$"),
        _response_header("X-Score", "The result's probability.", 200, pattern=r"^[01]\.[0-9]{4}$"),
        _response_header("WWW-Authenticate", "The scheme that is wanted.", 401, enum=["Api-Key"]),
    ],
    "responses": {
        int(HTTPStatus.OK): OpenApiResponse(
            GetPmAnswerSerializer,
            description="The answer",
            examples=[OpenApiExample("answer", value={"image_id": "12345", "result": "offline"}, response_only=True)],
        ),
        **error_responses(POST_ERRORS),
    },
    "examples": [
        OpenApiExample("plain", value={"image_id": "12345", "image_base64": TINY_PNG}, request_only=True),
        OpenApiExample("with institution", value=_example("get_pm.request.institution"), request_only=True),
        OpenApiExample("documented", value={"image_id": "12345", "image_base64": f"b'{TINY_PNG}'"}, request_only=True),
    ],
}


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """The security scheme in the OpenAPI document."""

    target_class = "Pm.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:  # noqa: ARG002 - spectacular's signature
        """An Authorization header."""
        return {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Api-Key <key>"}
