"""Patterns over text that strangers write: searched in a time that only grows with the text.

Python's own engine can be made to think for years by a short text (`(a+)+b`). These patterns run
in the engine that Pydantic brings along, Rust's `regex`, which is linear and therefore knows no
look-around and no back-references: what needs them is refused when the configuration is read.
Syntax: https://docs.rs/regex/latest/regex/#syntax
"""

from __future__ import annotations

from pydantic_core import SchemaError, SchemaValidator, core_schema


class Pattern:
    """A pattern that is ready to search.

    Attributes:
        text: As it is written.
    """

    __slots__ = ("_holds", "text")

    def __init__(self, text: str) -> None:
        """Compile it.

        Raises:
            ValueError: It cannot be read, or not be searched in linear time, or is too large.
        """
        try:
            self._holds = SchemaValidator(
                core_schema.str_schema(pattern=text, strict=True, regex_engine="rust-regex")
            ).isinstance_python
        except SchemaError as error:
            raise ValueError(f"is no pattern: {_why(str(error))}") from error
        self.text = text

    def search(self, text: str) -> bool:
        """Whether it occurs anywhere in a text."""
        if self._holds(text):
            return True
        if text.isascii():
            return False
        # Half a surrogate pair would hide all the rest from the engine.
        whole = text.encode("utf-8", "replace").decode("utf-8")
        return whole != text and self._holds(whole)


def compile_pattern(text: str) -> Pattern:
    """A pattern from its text.

    Raises:
        ValueError: It cannot be read, or not be searched in linear time, or is too large.
    """
    return Pattern(text)


def _why(message: str) -> str:
    """The engine's words without its drawing of the place."""
    _, found, reason = message.rpartition("error: ")
    if found:
        return reason.strip().rstrip(".")
    return "it becomes too large when it is compiled" if "size limit" in message else "it is wrong"
