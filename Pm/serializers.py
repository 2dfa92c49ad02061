"""The shape and limits of get_pm's body."""

import re
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from Pm.base64_text import FIELD, decode_base64
from Pm.errors import InvalidImageError, InvalidRequestError

MAX_IMAGE_ID_CHARACTERS = 255
MAX_INSTITUTION_CHARACTERS = 255
MAX_REGION_CHARACTERS = 64
IMAGE_ID_PATTERN = r"^[^\u0000-\u001f\u007f-\u009f]+$"  # no control characters (Unicode Cc)
TEXT_PATTERN = r"^[^\u0000-\u001f\u007f-\u009f]*$"
# A date, or a date and a time, of this century; its zone may be left out.
CAPTURED_AT_PATTERN = (
    r"^20[0-9]{2}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:[0-9]{2})?)?$"
)
_CAPTURED_AT = re.compile(CAPTURED_AT_PATTERN[:-1] + r"\Z")  # $ would let a line break follow
_NOT_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")  # control characters, and halves of surrogate pairs


class StrictTextField(serializers.Field[str, str, str, Any]):
    """A JSON string, taken as it is: a number is not turned into one."""

    def to_internal_value(self, data: object) -> str:
        """The string. Raises: ValidationError."""
        if not isinstance(data, str):
            raise serializers.ValidationError("must be a JSON string")
        return data

    def to_representation(self, value: str) -> str:
        """The string."""
        return value


@extend_schema_field(
    {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_IMAGE_ID_CHARACTERS,
        "pattern": IMAGE_ID_PATTERN,
        "description": "Your name for the photo, given back in the answer. Any script; no control characters.",
    }
)
class ImageIdField(StrictTextField):
    """1 to 255 characters of any script, without control characters and half surrogate pairs."""

    def to_internal_value(self, data: object) -> str:
        """The id. Raises: ValidationError."""
        text = super().to_internal_value(data)
        if not 1 <= len(text) <= MAX_IMAGE_ID_CHARACTERS:
            raise serializers.ValidationError(f"must have 1 to {MAX_IMAGE_ID_CHARACTERS} characters")
        if _NOT_TEXT.search(text):
            raise serializers.ValidationError("must not hold control characters")
        return text


class OptionalTextField(StrictTextField):
    """A name of at most so many characters, without spaces around it; nothing is as good as none."""

    def __init__(self, max_length: int) -> None:
        super().__init__(required=False, allow_null=True)
        self.max_length = max_length

    def to_internal_value(self, data: object) -> str:
        """The name. Raises: ValidationError."""
        text = super().to_internal_value(data)
        if len(text) > self.max_length:
            raise serializers.ValidationError(f"must have at most {self.max_length} characters")
        if _NOT_TEXT.search(text):
            raise serializers.ValidationError("must not hold control characters")
        return text.strip()


@extend_schema_field(
    {
        "type": "string",
        "nullable": True,
        "maxLength": MAX_INSTITUTION_CHARACTERS,
        "pattern": TEXT_PATTERN,
        "description": "Who runs the class. Left out, it is read from an image_id like 北京校区Java学科12期.",
    }
)
class InstitutionField(OptionalTextField):
    """At most 255 characters of any script."""


@extend_schema_field(
    {
        "type": "string",
        "nullable": True,
        "maxLength": MAX_REGION_CHARACTERS,
        "pattern": TEXT_PATTERN,
        "description": "Where, such as 广东. Left out, it is that of the city in the institution's name.",
    }
)
class RegionField(OptionalTextField):
    """At most 64 characters of any script."""


@extend_schema_field(
    {
        "type": "string",
        "nullable": True,
        "format": "captured-at",
        "pattern": CAPTURED_AT_PATTERN,
        "description": "When the photo was taken: ISO 8601, such as 2026-11-20T09:30:00+08:00, years 2000 to 2099. "
        "Without a zone it is in the server's REPORT_TIME_ZONE; a date alone is its midnight.",
    }
)
class CapturedAtField(StrictTextField):
    """A moment in ISO 8601."""

    def to_internal_value(self, data: object) -> datetime:  # type: ignore[override]
        """The moment, in UTC: PostgreSQL refuses offsets of 16 hours and more. Raises: ValidationError."""
        text = super().to_internal_value(data).upper()
        try:
            moment = datetime.fromisoformat(text) if _CAPTURED_AT.match(text) else None
        except ValueError:  # the 30th of February, 25 o'clock
            moment = None
        if moment is None:
            raise serializers.ValidationError(
                "must be a time in ISO 8601 from 2000 to 2099, such as 2026-11-20T09:30:00+08:00"
            )
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=settings.GATEWAY.report_time_zone)
        return moment.astimezone(UTC)


@extend_schema_field(
    {
        "type": "string",
        "minLength": 1,
        "format": "image-base64",
        "description": "A JPEG, PNG, WebP, BMP or AVIF picture in base64: standard or URL-safe, padded or not, with "
        "line breaks or not, as a data URL, or as Python's str(base64.b64encode(data)), that is b'...'.",
    }
)
class ImageBase64Field(StrictTextField):
    """An image's bytes in one of the accepted base64 forms."""

    def to_internal_value(self, data: object) -> bytes:  # type: ignore[override]
        """The bytes, at least one. Raises: ValidationError, InvalidBase64Error, TooLargeError, InvalidImageError."""
        image = decode_base64(super().to_internal_value(data), max_bytes=settings.GATEWAY.max_image_bytes)
        if not image:
            raise InvalidImageError("The image has no bytes.", field=FIELD)
        return image


class GetPmRequestSerializer(serializers.Serializer[Any]):
    """The body of a request; unknown fields are ignored."""

    image_id = ImageIdField()
    image_base64 = ImageBase64Field()
    institution = InstitutionField(MAX_INSTITUTION_CHARACTERS)
    region = RegionField(MAX_REGION_CHARACTERS)
    captured_at = CapturedAtField(required=False, allow_null=True)

    def read_optional(self, name: str) -> Any:  # noqa: ANN401 - datetime for captured_at, else str
        """One field's value, or None where it is left out or null. Raises: InvalidRequestError naming the field."""
        return None if self.initial_data.get(name) is None else self.read(name)

    def read(self, name: str) -> Any:  # noqa: ANN401 - str for image_id, bytes for image_base64
        """One field's value: fields are read in turn, so that a refused picture is still recorded under its image_id.

        Raises: InvalidRequestError naming the field, and what the field itself raises.
        """
        if name not in self.initial_data:
            raise InvalidRequestError(f"{name} is missing.", field=name)
        try:
            # The class's own field: self.fields would copy all of them for each request, which takes 40 µs.
            return self._declared_fields[name].run_validation(self.initial_data[name])
        except serializers.ValidationError as exc:
            detail = "must not be null" if self.initial_data[name] is None else exc.detail[0]  # type: ignore[index]
            raise InvalidRequestError(f"{name} {detail}.", field=name) from exc


class GetPmAnswerSerializer(serializers.Serializer[Any]):
    """The body of an answer: these two keys, nothing else."""

    image_id = serializers.CharField()
    result = serializers.ChoiceField(choices=["offline", "online"])
