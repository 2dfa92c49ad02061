"""The tree of errors: named, distinct, drawn as it is."""

import re
from http import HTTPStatus

from Pm import errors
from Pm.errors import ERRORS, ApiError


def test_every_error_ends_in_error_and_has_its_own_code() -> None:
    assert all(error.__name__.endswith("Error") for error in ERRORS)
    assert len({error.code for error in ERRORS}) == len(ERRORS) == 16


def test_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    drawn = re.findall(r"── (\w+) +(\d+) +(\w+) +(yes|no) ", errors.__doc__ or "")
    assert sorted((name, int(status), code) for name, status, code, _ in drawn) == sorted(
        (error.__name__, int(error.status), error.code) for error in ERRORS
    )


def test_every_503_and_429_says_when_to_come_back() -> None:
    for error in ERRORS:
        waits = error.status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS)
        assert ("Retry-After" in error("x").headers) == waits


def test_field_and_message_are_kept() -> None:
    error = ApiError("No.", field="image_id")
    assert (error.message, error.field, str(error)) == ("No.", "image_id", "No.")
