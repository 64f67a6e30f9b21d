"""What a plain YAML word is: the core schema of YAML 1.2.

YAML 1.1 also reads `no` as false, `12:30` as 750 and `010` as eight. Model names and country
codes look like that, so here they are text.
"""

from __future__ import annotations

import re
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(
    r"(?P<decimal>[-+]?[0-9]{1,300})|0o(?P<octal>[0-7]{1,99})|0x(?P<hex>[0-9a-fA-F]{1,99})"
)
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)


def resolve(text: str) -> Scalar:
    """The value of a plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    if (integer := _INTEGER.fullmatch(text)) is not None:
        base = {"decimal": 10, "octal": 8, "hex": 16}[integer.lastgroup or "decimal"]
        return int(integer[integer.lastgroup or 0], base)
    if _FLOAT.fullmatch(text) is not None:
        return float(text.replace(".", "") if text[-1].isalpha() else text)
    return text
