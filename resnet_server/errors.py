"""Every error that the model service answers with, and the one body they are rendered in.

ServiceError                    status  code
├── InvalidRequestError         400     invalid_request       not JSON, no image_path, a path outside the root
├── InvalidImageError           400     invalid_image         bytes are no image, or a truncated one
├── UnsupportedFormatError      415     unsupported_format    a format we refuse, or an animation
├── TooLargeError               413     too_large             over the byte or pixel limit
└── BusyError                   503     busy                  every worker busy and the queue full

ArtifactError                   (start-up only)               the model cannot be trusted: the process exits

request body ──▶ read_image ──▶ admission ──▶ preprocess ──▶ engine ──▶ postprocess
                 InvalidRequest  Busy          InvalidImage
                 TooLarge                      UnsupportedFormat, TooLarge
"""

from http import HTTPStatus


class ServiceError(Exception):
    """A refusal that the client can act on; `message` is shown to it."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal_error"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidRequestError(ServiceError):
    """The request is not one of the two documented forms."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_request"


class InvalidImageError(ServiceError):
    """The bytes are no image, or not a whole one."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_image"


class UnsupportedFormatError(ServiceError):
    """The bytes are a picture, film or document of a kind that is refused."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_format"


class TooLargeError(ServiceError):
    """The body has too many bytes, or the picture too many pixels."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"


class BusyError(ServiceError):
    """Every slot is taken and the queue is full; another server, or a later try, may answer."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "busy"


class ArtifactError(Exception):
    """A model artifact is missing, damaged or not what its manifest says; it must not be served."""


def error_body(code: str, message: str, request_id: str, field: str | None = None) -> dict[str, dict[str, str]]:
    """The one error body of the product: contracts/error.schema.json."""
    error = {"code": code, "message": message, "request_id": request_id}
    return {"error": error | ({"field": field} if field else {})}
