"""Single values of the file: what they are, and how they are written again.

A value is a text of its own or `os.environ/NAME`. Templates that are filled in before LiteLLM
reads them hold `${NAME}` or `$NAME`: that is read as the same.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

_REFERENCE = "os.environ/"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TEMPLATE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_YES = frozenset({"true", "yes", "on", "1"})
_NO = frozenset({"false", "no", "off", "0"})

PLACEHOLDERS = frozenset(
    {
        *("none", "null", "any", "anything", "empty", "dummy", "fake", "fake-key", "placeholder"),
        *("na", "n/a", "not-needed", "not-used", "unused", "no-key", "no-key-required", "noop"),
        *("sk-no-key-required", "ollama", "lm-studio", "lm_studio", "vllm", "local", "test", "key"),
    }
)
"""Words that stand where a key is asked for and none is needed: no secrets."""


class Value(NamedTuple):
    """A text, or the name of the variable that holds it."""

    text: str
    is_variable: bool = False

    @property
    def written(self) -> str:
        """As it stands in our file; a secret must not come here."""
        return f"${{{self.text}}}" if self.is_variable else self.text.replace("$", "$$")

    @property
    def is_placeholder(self) -> bool:
        """Whether it is a word in place of a key."""
        return not self.is_variable and self.text.lower() in PLACEHOLDERS


class NoValue(Exception):
    """The value is none of what is wanted; the text says what that is, and holds no value."""


def value_of(given: object) -> Value | None:
    """A text or a number; None where nothing is said.

    Raises:
        NoValue: It is something else.
    """
    if given is None or given == "":
        return None
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise NoValue("must be a text")
    text = str(given).strip()
    if text.startswith(_REFERENCE):
        name = text.removeprefix(_REFERENCE)
        if not _NAME.fullmatch(name):
            raise NoValue("os.environ/ must be followed by the name of a variable")
        return Value(name, is_variable=True)
    template = _TEMPLATE.fullmatch(text)
    if template is not None:
        return Value(template[1] or template[2], is_variable=True)
    return Value(text) if text else None


def text_of(given: object) -> str | None:
    """A text that stands in the file itself.

    Raises:
        NoValue: It is something else, or stands in the environment.
    """
    value = value_of(given)
    if value is None:
        return None
    if value.is_variable:
        raise NoValue("stands in the environment, where it cannot be read now")
    return value.text


def number_of(given: object) -> float | None:
    """A number that is not negative.

    Raises:
        NoValue: It is something else.
    """
    text = text_of(given)
    if text is None:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise NoValue("must be a number") from error
    if not math.isfinite(number) or number < 0:
        raise NoValue("must be a number, and not negative")
    return number


def flag_of(given: object) -> bool:
    """True or false, in all the words that YAML 1.1 has for them.

    Raises:
        NoValue: It is neither.
    """
    if isinstance(given, bool):
        return given
    word = (text_of(given) or "").lower()
    if word in _YES | _NO:
        return word in _YES
    raise NoValue("must be true or false")


def plain(number: float) -> float:
    """A whole number as such: `600`, not `600.0`."""
    return int(number) if number == int(number) else number
