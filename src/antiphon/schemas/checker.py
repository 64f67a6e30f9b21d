"""Checking the text of an answer against a schema, within bounds of time and memory.

A schema is compiled once for many answers. The validator itself is loaded with the first of them:
whoever asks for plain text never pays for it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import msgspec

from antiphon.model.request import OutputForm
from antiphon.model.said import Said
from antiphon.model.structured import MOST_PROBLEMS, How, Structured
from antiphon.schemas.shapes import is_array, is_object
from antiphon.schemas.trouble import BadSchema, Unchecked
from antiphon.schemas.weight import DEEPEST_ANSWER, MOST_BYTES, Weight, weigh

if TYPE_CHECKING:
    from antiphon.schemas.compiled import Compiled

MOST_ANSWER: Final = 1 << 20
"""Characters of an answer that is checked."""
_MOST_WORK: Final = 4_000_000
_KEPT_BYTES: Final = 4 << 20
_UNREADABLE: Final = (msgspec.DecodeError, RecursionError, UnicodeError)
_TOO_MUCH: Final = "too much to be checked"
_NO_JSON: Final = "$: is no JSON"


class Checker:
    """One form that answers must have.

    Args:
        schema: Raw JSON Schema; empty where any JSON will do.

    Raises:
        BadSchema: On construction: it is none, or none that can be used here.
    """

    __slots__ = ("_compiled", "_form", "_weight")

    def __init__(self, form: OutputForm, schema: bytes = b"") -> None:
        self._form = form
        self._compiled: Compiled | None = None
        self._weight = Weight(0, recursive=False)
        if schema:
            self._compiled, self._weight = _compile(schema)

    def check(self, said: Said, how: How) -> Structured:
        """What is known of the form of one answer."""
        excuse = said.excuse
        if excuse:
            return Structured(self._form, how, why=excuse)
        problems = self._problems(said.text)
        if problems is None:
            return Structured(self._form, how, why=_TOO_MUCH)
        return Structured(self._form, how, valid=not problems, problems=problems)

    def _problems(self, text: str) -> tuple[str, ...] | None:
        """What is wrong with a text; None where that cannot be said."""
        if len(text) > MOST_ANSWER:
            return None
        try:
            answer: object = msgspec.json.decode(text.encode())
        except _UNREADABLE:
            return (_NO_JSON,)
        if self._form is OutputForm.JSON:
            return () if is_object(answer) else ("$: must be object",)
        return () if self._compiled is None else self._judged(self._compiled, text, answer)

    def _judged(self, compiled: Compiled, text: str, answer: object) -> tuple[str, ...] | None:
        size = 1 + text.count(",") + text.count(":")
        if size * self._weight.looks > _MOST_WORK:
            return None
        if self._weight.recursive and _is_deep(answer):
            return None
        try:
            return tuple(compiled.problems(answer, MOST_PROBLEMS))
        except Unchecked:
            return None


class Checkers:
    """The checkers that were used last, by their schema; bounded by the bytes of these."""

    def __init__(self, most: int = _KEPT_BYTES) -> None:
        self._most = most
        self._size = 0
        self._known: OrderedDict[tuple[OutputForm, bytes], Checker | BadSchema] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, form: OutputForm, schema: bytes) -> Checker:
        """The checker of a form.

        Raises:
            BadSchema: The schema is none, or none that can be used here.
        """
        if len(schema) > MOST_BYTES:
            raise BadSchema(f"it has more than {MOST_BYTES} bytes")
        key = form, schema
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _made(form, schema)
            self._size += len(schema)
            while self._size > self._most:
                (_, dropped), _ = self._known.popitem(last=False)
                self._size -= len(dropped)
        else:
            self._known.move_to_end(key)
        if isinstance(found, BadSchema):
            raise BadSchema(*found.args)
        return found


CHECKERS: Final = Checkers()
"""Of this process: what a schema means depends on nothing else."""


def _made(form: OutputForm, schema: bytes) -> Checker | BadSchema:
    try:
        return Checker(form, schema)
    except BadSchema as error:
        return BadSchema(*error.args)


def _compile(schema: bytes) -> tuple[Compiled, Weight]:
    from antiphon.schemas.compiled import Compiled  # noqa: PLC0415  see the top

    try:
        decoded: object = msgspec.json.decode(schema)
    except _UNREADABLE as error:
        raise BadSchema("it cannot be read") from error
    if not is_object(decoded):
        raise BadSchema("it must be an object")
    weight = weigh(decoded)
    return Compiled(decoded), weight


def _is_deep(answer: object) -> bool:
    """Whether it is nested deeper than a schema that refers to itself is weighed for."""
    level = [answer]
    for _ in range(DEEPEST_ANSWER):
        level = [
            inner
            for each in level
            if isinstance(each, Mapping) or is_array(each)
            for inner in (each.values() if is_object(each) else each)
        ]
        if not level:
            return False
    return True
