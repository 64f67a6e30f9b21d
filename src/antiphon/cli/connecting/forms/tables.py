"""TOML: comments, order and layout stay as they were written."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping

import tomlkit
from tomlkit.exceptions import TOMLKitError
from typing_extensions import TypeIs, override

from antiphon.cli.connecting.forms.base import Form, Settings, flat
from antiphon.config.tree import is_mapping


class _Toml(Form):
    @override
    def merged(self, text: str | None, settings: Settings) -> str:
        before = _parsed(text or "")
        try:
            document = tomlkit.parse(text or "")
            _put(document, settings)
            after = tomlkit.dumps(document)
        except (TOMLKitError, TypeError, ValueError) as error:
            raise ValueError(f"it cannot be changed safely: {error}") from error
        # Somebody else's file is only touched where a second reader finds in it what was meant.
        if _parsed(after) != _expected(before, settings):
            raise ValueError("it cannot be changed safely: add the lines by hand")
        return after

    @override
    def members(self, text: str) -> Mapping[str, object]:
        return dict(flat(_parsed(text)))


def _parsed(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ValueError(f"it is not TOML: {error}") from error


def _put(table: MutableMapping[str, object], settings: Settings) -> None:
    for name, value in settings.items():
        match value:
            case None:
                table.pop(name, None)
            case str() | bool():
                table[name] = value
            case _:
                inside = table.setdefault(name, tomlkit.table())
                if not _is_table(inside):
                    raise TypeError(f"{name} is no table")
                _put(inside, value)


def _is_table(value: object) -> TypeIs[MutableMapping[str, object]]:
    return isinstance(value, MutableMapping)


def _expected(before: Mapping[str, object], settings: Settings) -> dict[str, object]:
    after = dict(before)
    for name, value in settings.items():
        match value:
            case None:
                after.pop(name, None)
            case str() | bool():
                after[name] = value
            case _:
                inside = after.get(name)
                after[name] = _expected(inside if is_mapping(inside) else {}, value)
    return after


TOML: Form = _Toml()
