"""The one place that knows the validator; loaded when the first answer is checked.

It fetches nothing, and matches patterns in time that grows with the text alone. A pattern that
such an engine cannot have (it looks around, or back) is matched by one that takes a bounded number
of steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

import jsonschema_rs

from antiphon.schemas.shapes import Json
from antiphon.schemas.trouble import BadSchema, Unchecked

_PATTERN_BYTES: Final = 1 << 20
_STEPS: Final = 2_000
_LONGEST: Final = 160
_LONGEST_NAME: Final = 40
_LONGEST_PATH: Final = 100
_LINEAR: Final = jsonschema_rs.RegexOptions(size_limit=_PATTERN_BYTES)
_BOUNDED: Final = jsonschema_rs.FancyRegexOptions(backtrack_limit=_STEPS, size_limit=_PATTERN_BYTES)
_WORDS: Final = {
    "additionalProperties": "has members that the schema does not name",
    "unevaluatedProperties": "has members that the schema does not name",
    "enum": "is none of the values that may stand here",
    "const": "is not the value that must stand here",
    "anyOf": "fits none of the choices",
    "oneOf": "does not fit exactly one of the choices",
    "pattern": "does not match the pattern",
    "format": "has not the format",
    "falseSchema": "must not be there",
    "uniqueItems": "has the same item twice",
    "contains": "lacks an item that must be there",
    "minimum": "is too small",
    "exclusiveMinimum": "is too small",
    "maximum": "is too great",
    "exclusiveMaximum": "is too great",
    "multipleOf": "is not a multiple of what it must be",
    "minLength": "is too short",
    "maxLength": "is too long",
    "minItems": "has too few items",
    "maxItems": "has too many items",
    "minProperties": "has too few members",
    "maxProperties": "has too many members",
}


class Compiled:
    """A schema, ready for answers.

    Raises:
        BadSchema: On construction, where it is none.
    """

    __slots__ = ("_validator",)

    def __init__(self, schema: Json) -> None:
        try:
            self._validator = _made(schema, _LINEAR)
        except jsonschema_rs.ValidationError as error:
            if "regex" not in error.message:
                raise BadSchema(_complaint(error)) from error
            self._validator = self._bounded(schema)
        except ValueError as error:
            raise BadSchema("it is nested too deeply") from error

    @staticmethod
    def _bounded(schema: Json) -> jsonschema_rs.Validator:
        try:
            return _made(schema, _BOUNDED)
        except jsonschema_rs.ValidationError as error:
            raise BadSchema(_complaint(error)) from error

    def problems(self, answer: object, most: int) -> Sequence[str]:
        """What is wrong with an answer: no more than `most`; empty where it fits.

        Raises:
            Unchecked: It cannot be looked at.
        """
        try:
            if self._validator.is_valid(answer):
                return ()
            found = [*islice(self._validator.iter_errors(answer), most)]
        except ValueError as error:
            # Too deep for it, or a number or a text that it cannot take.
            raise Unchecked from error
        if any(isinstance(each.kind, _GIVES_UP) for each in found):
            raise Unchecked
        return [_problem(each) for each in found]


_Kind = jsonschema_rs.ValidationErrorKind
_GIVES_UP: Final = (_Kind.BacktrackLimitExceeded, _Kind.RegexEngineFailure)


def _made(
    schema: Json, patterns: jsonschema_rs.RegexOptions | jsonschema_rs.FancyRegexOptions
) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for({**schema}, pattern_options=patterns, offline=True)


def _complaint(error: jsonschema_rs.ValidationError) -> str:
    """What is wrong with a schema."""
    if error.instance_path:
        return f"it is no JSON Schema at {path_of(error.instance_path)}"
    return "it is no JSON Schema, or refers to what it does not have"


def _problem(error: jsonschema_rs.ValidationError) -> str:
    return f"{path_of(error.instance_path)}: {_words(error.kind)}"[:_LONGEST]


def _words(kind: jsonschema_rs.ValidationErrorKind) -> str:
    match kind:
        case _Kind.Type(types=types):
            return f"must be {' or '.join(types)}"
        case _Kind.Required(property=name):
            return f"lacks {name_of(str(name))}"
        case _:
            return _WORDS.get(kind.name, f"breaks {name_of(kind.name)}")


def path_of(steps: Sequence[str | int]) -> str:
    """A place in JSON, such as `$.people[0].name`, in ASCII and not too long."""
    told = "".join(
        f"[{step}]"
        if isinstance(step, int)
        else f".{step}"
        if step.isascii() and step.isidentifier() and len(step) <= _LONGEST_NAME
        else f"[{name_of(step)}]"
        for step in steps
    )
    return f"${told}" if len(told) <= _LONGEST_PATH else f"${told[:_LONGEST_PATH]}..."


def name_of(name: str) -> str:
    """The name of a member, as it can stand in a header."""
    shown = name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."
    told = shown.encode("unicode_escape").decode("ascii").replace("'", "\\'").replace('"', "\\x22")
    return f"'{told}'"
