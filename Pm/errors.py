"""Every refusal that the gateway answers with, and where on a request's way it arises.

ApiError                        status  code                  retry
├── InvalidRequestError         400     invalid_request       no     not JSON, a missing field, a wrong type
├── InvalidBase64Error          400     invalid_base64        no     image_base64 is not base64
├── InvalidImageError           400     invalid_image         no     bytes are no image, or a truncated one
├── NotAuthenticatedError       401     not_authenticated     no     no API key where one is required
├── PermissionDeniedError       403     permission_denied     no     a wrong, revoked or expired API key, or its scope
├── NotFoundError               404     not_found             no     no such address
├── MethodNotAllowedError       405     method_not_allowed    no     GET, PATCH… where only POST is taken
├── TooLargeError               413     too_large             no     over the byte or pixel limit
├── UnsupportedFormatError      415     unsupported_format    no     a format we refuse, or an animation
├── ThrottledError              429     throttled             yes    over a client's rate (nginx) or its key's
├── InternalError               500     internal_error        no     a bug of ours; the trace is in the log
├── BadModelReplyError          502     bad_model_reply       yes    the model service answered nonsense
├── BusyError                   503     busy                  yes    every worker busy, queue full
├── ModelUnavailableError       503     model_unavailable     yes    no model server answers
├── StorageUnavailableError     503     storage_unavailable   yes    record or picture could not be written
└── ModelTimeoutError           504     model_timeout         yes    the model did not answer in time

request ──▶ authentication ──▶ body ──▶ serializer ──▶ client ──────────▶ images, record ──▶ answer
            NotAuthenticated   Invalid  InvalidBase64  InvalidImage        StorageUnavailable
            PermissionDenied   Request  TooLarge       UnsupportedFormat
            Throttled          TooLarge InvalidImage   TooLarge, Busy, Model…, BadModelReply
"""

from http import HTTPStatus


class ApiError(Exception):
    """A refusal that the client can act on; `message` is shown to it, `field` names the field at fault."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    code = "internal_error"
    retry_after_s: int | None = None

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with the answer."""
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}


class InvalidRequestError(ApiError):
    """The body is not the documented JSON object."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_request"


class InvalidBase64Error(ApiError):
    """image_base64 is in none of the accepted base64 forms."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_base64"


class InvalidImageError(ApiError):
    """The bytes are no image, or not a whole one."""

    status = HTTPStatus.BAD_REQUEST
    code = "invalid_image"


class NotAuthenticatedError(ApiError):
    """An API key is required and none was sent."""

    status = HTTPStatus.UNAUTHORIZED
    code = "not_authenticated"

    @property
    def headers(self) -> dict[str, str]:
        """Says which scheme is wanted (RFC 9110, 11.6.1)."""
        return {"WWW-Authenticate": "Api-Key"}


class PermissionDeniedError(ApiError):
    """The API key is unknown, revoked or expired, or may not do this."""

    status = HTTPStatus.FORBIDDEN
    code = "permission_denied"


class NotFoundError(ApiError):
    """No such address."""

    status = HTTPStatus.NOT_FOUND
    code = "not_found"


class MethodNotAllowedError(ApiError):
    """The address takes other methods."""

    status = HTTPStatus.METHOD_NOT_ALLOWED
    code = "method_not_allowed"


class TooLargeError(ApiError):
    """The body or the picture has too many bytes, or the picture too many pixels."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    code = "too_large"


class UnsupportedFormatError(ApiError):
    """A picture, film or document of a kind that is refused."""

    status = HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    code = "unsupported_format"


class ThrottledError(ApiError):
    """The client is over its rate: its address's, which nginx answers, or its key's."""

    status = HTTPStatus.TOO_MANY_REQUESTS
    code = "throttled"
    retry_after_s: int | None = 1

    def __init__(self, message: str, *, field: str = "", retry_after_s: int = 1) -> None:
        super().__init__(message, field=field)
        self.retry_after_s = retry_after_s


class InternalError(ApiError):
    """A bug of ours."""


class BadModelReplyError(ApiError):
    """The model service answered something that is not in its contract."""

    status = HTTPStatus.BAD_GATEWAY
    code = "bad_model_reply"


class BusyError(ApiError):
    """Every worker is busy and the queue is full."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "busy"
    retry_after_s = 1


class ModelUnavailableError(ApiError):
    """No model server answers."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "model_unavailable"
    retry_after_s = 5


class StorageUnavailableError(ApiError):
    """The record or the picture could not be written: nothing was answered."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    code = "storage_unavailable"
    retry_after_s = 5


class ModelTimeoutError(ApiError):
    """The model service did not answer in time."""

    status = HTTPStatus.GATEWAY_TIMEOUT
    code = "model_timeout"


ERRORS = tuple(sorted(ApiError.__subclasses__(), key=lambda error: (error.status, error.code)))


class RollOutError(Exception):
    """A roll-out was refused, or what it changed was undone; the message is for the person who asked for it."""
