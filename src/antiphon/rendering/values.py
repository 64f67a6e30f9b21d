"""What fills the gaps of a template, and what can be wrong with one; loads no template engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Value: TypeAlias = "str | int | float | bool | Sequence[Value] | Mapping[str, Value] | None"
"""What a gap may be filled with. A mapping that knows what to give for any name (`defaultdict`)
is never missing one."""


class TemplateMistake(Exception):
    """A template that cannot be used.

    Attributes:
        line: Of the template, from 1.
        message: What is wrong.
    """

    def __init__(self, line: int, message: str) -> None:
        super().__init__(f"line {line}: {message}")
        self.line = line
        self.message = message


class CannotRender(Exception):
    """A template that is good, and cannot be filled with these values: too long, or not fitting."""
