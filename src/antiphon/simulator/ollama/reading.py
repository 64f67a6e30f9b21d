"""A request's body read as a Go server reads it, and refused in its words."""

import re
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from antiphon.simulator.dialect import Problem, Rejected

_T = TypeVar("_T", bound=Struct)


def read(decoder: msgspec.json.Decoder[_T], body: bytes, kind: str) -> _T:
    """The request in a body; `kind` is what the server calls it.

    Raises:
        Rejected: there is no body, it is no JSON, or a member has another type.
    """
    if not body.strip():
        raise Rejected(Problem(400, "missing request body"))
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Rejected(Problem(400, _mismatch(str(error), kind))) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Rejected(Problem(400, _malformed(str(error), body))) from error


_EXPECTED: Final = re.compile(r"Expected `([^`]*)`, got `(\w+)`(?: - at `\$\.?([^`]*)`)?")
_PLACE: Final = re.compile(r"\[[^\]]*\]")
_TYPES: Final = {
    "str": "string",
    "int": "int",
    "float": "float32",
    "bool": "bool",
    "array": "[]interface {}",
    "object": "map[string]interface {}",
}
_VALUES: Final = {"str": "string", "int": "number", "float": "number"}
_AT: Final = re.compile(r"\(byte (\d+)\)")


def _mismatch(told: str, kind: str) -> str:
    found = _EXPECTED.search(told)
    if found is None:
        return f"json: {told}"
    expected, got, place = found.groups()
    wanted = next((_TYPES[name] for name in expected.split(" | ") if name in _TYPES), expected)
    value = f"json: cannot unmarshal {_VALUES.get(got, got)} into Go "
    if not place:
        return f"{value}value of type api.{kind}"
    return f"{value}struct field {kind}.{_PLACE.sub('', place)} of type {wanted}"


def _malformed(told: str, body: bytes) -> str:
    found = _AT.search(told)
    if found is None or int(found[1]) >= len(body):
        return "unexpected EOF"
    at = int(found[1])
    character = body[at : at + 1].decode("latin-1")
    return f"invalid character '{character}' looking for beginning of value"
