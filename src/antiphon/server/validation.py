"""What FastAPI and Pydantic found wrong in a request, as mistakes at their places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter
from typing_extensions import TypedDict

from antiphon.errors import AntiphonError, MalformedBody
from antiphon.server.problems import Flaw, Invalid
from antiphon.server.shapes import is_list, is_map

_MOST: Final = 50
"""Mistakes that are told; whoever made more has something else to find out."""
_LONGEST_STEP: Final = 100
_NO_JSON: Final = "json_invalid"


class _Found(TypedDict):
    type: str
    loc: Sequence[str | int]
    msg: str


_FOUND = TypeAdapter(list[_Found])


def refusal_of(error: RequestValidationError) -> AntiphonError:
    """The error that a caller is told."""
    found = _FOUND.validate_python(error.errors())
    if found[0]["type"] == _NO_JSON:
        return MalformedBody("The body is not valid JSON.")
    return Invalid([_flaw(each, error.body) for each in found[:_MOST]])


def _flaw(found: _Found, body: object) -> Flaw:
    where, *steps = found["loc"] or ("body",)
    detail = found["msg"].removeprefix("Value error, ")
    if where == "body":
        return Flaw(detail, pointer=_pointer(steps, body))
    return Flaw(detail, param=".".join(map(str, steps))[:_LONGEST_STEP])


def _pointer(steps: Sequence[str | int], body: object) -> str:
    """A JSON pointer to a member.

    Pydantic puts the names of the types that it tried between the names of members; they are left
    out. The last step of what is missing is not in the body, and stays.
    """
    pointer, at = "#", body
    for number, step in enumerate(steps, 1):
        inside = _inside(at, step)
        if inside is None and number < len(steps):
            continue
        if inside is not None or is_map(at):
            text = str(step)[:_LONGEST_STEP].replace("~", "~0").replace("/", "~1")
            pointer += "/" + quote(text, safe="~")
            at = inside[0] if inside else None
    return pointer


def _inside(at: object, step: str | int) -> tuple[object] | None:
    """What a value holds at a step, in a tuple; None where there is no such place."""
    if is_map(at) and isinstance(step, str) and step in at:
        return (at[step],)
    if is_list(at) and isinstance(step, int) and 0 <= step < len(at):
        return (at[step],)
    return None
