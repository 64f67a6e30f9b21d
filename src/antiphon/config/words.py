"""Pydantic's findings in the words of someone who writes YAML.

No value is ever quoted, except a short word that was to be one of a few.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

_WHOLE = "must be a whole number"
_NUMBER = "must be a number"
_FLAG = "must be true or false"
_TEXT = "must be text: put it in quotes"
_MAPPING = "must be a mapping"
_LIST = "must be a list"
_FILE = "must be the path of a file that exists"

_WORDS: Mapping[str, str] = {
    "missing": "is required",
    "int_type": _WHOLE,
    "int_parsing": _WHOLE,
    "int_from_float": _WHOLE,
    "int_parsing_size": _WHOLE,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "finite_number": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "bool_type": _FLAG,
    "bool_parsing": _FLAG,
    "string_type": _TEXT,
    "dict_type": _MAPPING,
    "mapping_type": _MAPPING,
    "model_type": _MAPPING,
    "model_attributes_type": _MAPPING,
    "tuple_type": _LIST,
    "list_type": _LIST,
    "set_type": _LIST,
    "frozen_set_type": _LIST,
    "path_type": "must be a path",
    "path_not_file": _FILE,
    "ip_any_network": "must be a network such as 10.0.0.0/8, or an address",
    "greater_than": "must be greater than {gt:g}",
    "greater_than_equal": "must be at least {ge:g}",
    "less_than": "must be less than {lt:g}",
    "less_than_equal": "must be at most {le:g}",
    "too_short": "needs at least {min_length}",
    "too_long": "takes at most {max_length}",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must match {pattern}",
}

_LONGEST_SHOWN = 40


class Fault(NamedTuple):
    """One finding of pydantic.

    Attributes:
        kind: Pydantic's type of error.
        message: Pydantic's own words.
        context: What they are made of.
        value: What was given, if it may be shown.
    """

    kind: str
    message: str
    context: Mapping[str, object]
    value: str | None


def reworded(fault: Fault) -> str:
    """What is wrong, without the member's name before it."""
    words = _WORDS.get(fault.kind)
    if words is not None:
        return words.format_map({**fault.context})
    if fault.kind in {"literal_error", "enum"}:
        return _choice(fault)
    message = fault.message.removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant."""
    by_lower = {each.lower(): each for each in names}
    name = name[:200].lower()
    for spelling in (name.replace("-", "_"), name):
        near = difflib.get_close_matches(spelling, by_lower, n=1)
        if near:
            return by_lower[near[0]]
    return None


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """A hint at the nearest right name, or nothing."""
    near = nearest(name, names)
    return "" if near is None else f"; did you mean {near!r}?"


def quoted(text: str) -> str:
    """A name from the file, as it may stand in a message."""
    return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…")


def one_of(names: Sequence[str]) -> str:
    """`'a', 'b' or 'c'`."""
    shown = [repr(name) for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _choice(fault: Fault) -> str:
    expected = str(fault.context.get("expected", ""))
    names = [word.strip("' ") for word in expected.replace(" or ", ",").split(",")]
    if fault.value is None:
        return f"must be {one_of(names)}"
    hint = did_you_mean(fault.value, names) if len(names) > 1 else ""
    return f"{quoted(fault.value)} is not {one_of(names)}{hint}"
