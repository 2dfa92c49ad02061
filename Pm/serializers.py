"""The shape and limits of get_pm's body."""

import unicodedata
from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from Pm.base64_text import decode_base64
from Pm.errors import InvalidImageError, InvalidRequestError

MAX_IMAGE_ID_CHARACTERS = 255
IMAGE_ID_PATTERN = r"^[^\u0000-\u001f\u007f-\u009f]+$"  # no control characters (Unicode Cc)


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
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
            raise serializers.ValidationError("must not hold control characters")
        return text


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
            raise InvalidImageError("The image has no bytes.", field=str(self.field_name))
        return image


class GetPmRequestSerializer(serializers.Serializer[Any]):
    """The body of a request; unknown fields are ignored."""

    image_id = ImageIdField()
    image_base64 = ImageBase64Field()

    def read(self, name: str) -> Any:  # noqa: ANN401 - str for image_id, bytes for image_base64
        """One field's value: fields are read in turn, so that a refused picture is still recorded under its image_id.

        Raises: InvalidRequestError naming the field, and what the field itself raises.
        """
        if name not in self.initial_data:
            raise InvalidRequestError(f"{name} is missing.", field=name)
        try:
            return self.fields[name].run_validation(self.initial_data[name])
        except serializers.ValidationError as exc:
            detail = "must not be null" if self.initial_data[name] is None else exc.detail[0]  # type: ignore[index]
            raise InvalidRequestError(f"{name} {detail}.", field=name) from exc


class GetPmAnswerSerializer(serializers.Serializer[Any]):
    """The body of an answer: these two keys, nothing else."""

    image_id = serializers.CharField()
    result = serializers.ChoiceField(choices=["offline", "online"])
