"""Files of lines: variables, one a line, and programs, which are written whole."""

from __future__ import annotations

import re
from collections.abc import Mapping

from typing_extensions import override

from antiphon.cli.connecting.forms.base import Form, Settings

_VARIABLE = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)[ \t]*=")
WHOLE = "text"
"""The one setting of a file that is written whole."""


class _Env(Form):
    """`NAME=value`, as `docker run --env-file` reads it: no quotes, nothing is replaced."""

    @override
    def merged(self, text: str | None, settings: Settings) -> str:
        left = {name: str(value) for name, value in settings.items() if value is not None}
        lines: list[str] = []
        for line in (text or "").splitlines(keepends=True):
            name = _name(line)
            if name not in settings:
                lines.append(line)
            elif name in left:
                lines.append(f"{name}={left.pop(name)}\n")
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        return "".join([*lines, *(f"{name}={value}\n" for name, value in left.items())])

    @override
    def members(self, text: str) -> Mapping[str, object]:
        named = ((_name(line), line.partition("=")[2]) for line in text.splitlines())
        return {name: value for name, value in named if name}


class _Text(Form):
    """A program of one's own: there is nothing to merge."""

    @override
    def merged(self, text: str | None, settings: Settings) -> str:
        whole = str(settings[WHOLE])
        if text is not None and text.strip() and text != whole:
            raise ValueError("something else stands in it: name another file with --file")
        return whole

    @override
    def members(self, text: str) -> Mapping[str, object]:
        return {f"line {number}": line for number, line in enumerate(text.splitlines(), start=1)}


def _name(line: str) -> str:
    found = _VARIABLE.match(line)
    return "" if found is None else found["name"]


ENV: Form = _Env()
TEXT: Form = _Text()
