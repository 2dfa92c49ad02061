"""Values of commands' options, checked before anything is done."""

import re

from django.core.management.base import CommandError


def whole_number(option: str, text: str, least: int, most: int) -> int:
    """Raises: CommandError naming the option, when the text is no number from `least` to `most`."""
    if not (re.fullmatch("[0-9]{1,9}", text) and least <= int(text) <= most):
        raise CommandError(f"{option} must be a whole number from {least} to {most}, not {text!r}.")
    return int(text)
