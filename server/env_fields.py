"""Reads a table of settings from the environment and .env, checks each, and tells all that is wrong at once."""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from dotenv import load_dotenv
from dotenv.parser import parse_stream
from environs import Env, ValidationError
from environs.exceptions import EnvValidationError
from marshmallow.validate import OneOf

Check = Callable[[str], object]  # raises ValidationError, whose text follows the setting's name


class SettingsError(Exception):
    """The environment or .env cannot be used; the message has one sentence for each name at fault."""


class Setting(NamedTuple):
    """One row of the settings' documentation: .env.example shows each."""

    name: str
    default: str
    help: str


class Fields:
    """Gives each setting its type; what is refused becomes its default until `report` tells of it."""

    def __init__(self, table: Iterable[Setting], env_file: Path) -> None:
        """Load `env_file`, over which the process's environment wins.

        Raises: SettingsError when it is there and is no text.
        """
        self.defaults = {row.name: row.default for row in table}
        self.problems = list(_load(env_file))
        self._env = Env(eager=False)

    def text(self, name: str, check: Check | None = None) -> str:
        """The text of a setting that `check` accepts; what it refuses reads as the default until `report`."""
        return self._env.str(name, self.defaults[name], validate=check) or self.defaults[name]

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of a few words, the empty one among them where it is the default."""
        *most, last = [word or "empty" for word in choices]
        return self.text(name, OneOf(choices, error=f"must be {', '.join(most)} or {last}"))

    def flag(self, name: str) -> bool:
        """Either true or false."""
        return self.choice(name, ("true", "false")) == "true"

    def whole(self, name: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`."""
        return int(self.text(name, _between(int, low, high)))

    def number(self, name: str, low: float, high: float) -> float:
        """A number from `low` to `high`."""
        return float(self.text(name, _between(float, low, high)))

    def items(self, name: str, accepts: Callable[[str], object], what: str, *, at_least: int = 0) -> tuple[str, ...]:
        """The items between commas, `at_least` so many, each of which `accepts` finds true."""

        def check(text: str) -> None:
            items = _split(text)
            if len(items) < at_least or not all(accepts(item) for item in items):
                raise ValidationError(f"must list {what}, separated by commas")

        return _split(self.text(name, check))

    def report(self) -> None:
        """Tell what is wrong: in the file, in each setting, and what callers added to `problems`.

        Raises: SettingsError, one sentence a problem.
        """
        problems = list(self.problems)
        try:
            self._env.seal()
        except EnvValidationError as exc:
            messages = exc.error_messages if isinstance(exc.error_messages, Mapping) else {}
            problems += [f"{name} {texts[0]}." for name, texts in messages.items()]
        if problems:
            raise SettingsError("Correct the settings in .env or the environment: " + " ".join(problems))


def _load(env_file: Path) -> Iterator[str]:
    """Put the file's lines into the environment; give a problem for each that is none (python-dotenv skips those)."""
    try:
        text = env_file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return
    except (OSError, ValueError) as exc:
        raise SettingsError(f"{env_file} cannot be read as a text file of NAME=value lines: {exc}.") from exc
    good = io.StringIO()
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key and binding.value is None):
            blank = re.match(r"\s*", binding.original.string)
            line = binding.original.line + (blank[0].count("\n") if blank else 0)
            yield f"Line {line} of {env_file.name} must be NAME=value."
        else:
            good.write(binding.original.string)
    good.seek(0)
    load_dotenv(stream=good)


def _between(kind: type[int] | type[float], low: float, high: float) -> Check:
    def check(text: str) -> None:
        try:
            if low <= kind(text) <= high:
                return
        except ValueError:
            pass
        raise ValidationError(f"must be a {'whole ' if kind is int else ''}number from {low} to {high}")

    return check


def _split(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(",")) if text.strip() else ()
