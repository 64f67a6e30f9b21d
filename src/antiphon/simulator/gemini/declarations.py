"""What Google refuses of functions and their schemas."""

import re
from collections.abc import Iterator
from typing import Final

import msgspec

from antiphon.simulator.gemini.members import entries_of
from antiphon.simulator.gemini.schemas import type_of
from antiphon.simulator.gemini.shapes import Object, Request

_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
_NAME_TOLD: Final = (
    "Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, "
    "A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 128."
)
_TYPES: Final = frozenset(
    {"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL", "TYPE_UNSPECIFIED"}
)
_V1BETA: Final = "type.googleapis.com/google.ai.generativelanguage.v1beta"


def of_declarations(request: Request) -> Iterator[tuple[str, str]]:
    """What is wrong: a place, and what Google says of it."""
    seen: set[str] = set()
    for at, tool in enumerate(request.tools):
        for number, declared in enumerate(tool.function_declarations or ()):
            place = f"tools[{at}].function_declarations[{number}]"
            if not _NAME.fullmatch(declared.name):
                yield _at(f"{place}.name", _NAME_TOLD)
            if declared.name in seen:
                yield f"{place}.name", f"Duplicate function declaration found: {declared.name}"
            seen.add(declared.name)
            if declared.parameters is not None:
                yield from _of_schema(declared.parameters, f"{place}.parameters")
    if (schema := request.generation.response_schema) is not None:
        yield from _of_schema(schema, "generation_config.response_schema")
    yield from _of_calling(request)


def _of_calling(request: Request) -> Iterator[tuple[str, str]]:
    calling = request.calling
    mode = (calling.mode or "AUTO").upper()
    place = "tool_config.function_calling_config"
    if mode == "ANY" and not request.declared:
        yield f"{place}.mode", "Function calling config is set without function_declarations."
    named = f"{place}.allowed_function_names"
    if calling.allowed_function_names and mode not in {"ANY", "VALIDATED"}:
        told = "allowed_function_names should be set only when function_calling_mode is ANY."
        yield _at(named, told)
    known = {declared.name for declared in request.declared}
    for name in calling.allowed_function_names or ():
        if name not in known:
            yield _at(named, f"`{name}` is not in the function declarations.")


def _of_schema(schema: Object, place: str) -> Iterator[tuple[str, str]]:
    kind = type_of(schema.get("type"))
    if isinstance(kind, list):
        told = (
            f"Invalid JSON payload received. Unknown name \"type\" at '{place}': Proto field is "
            "not repeating, cannot start list."
        )
        yield place, told
        return
    shown = kind.upper() if isinstance(kind, str) else None
    if shown is not None and shown not in _TYPES:
        told = f"Invalid value at '{place}.type' ({_V1BETA}.Type), \"{schema.get('type')}\""
        yield place, told
    for number, value in enumerate(_values(schema.get("enum"))):
        if not isinstance(value, str):
            told = msgspec.json.encode(value).decode()
            yield place, f"Invalid value at '{place}.enum[{number}]' (TYPE_STRING), {told}"
    if schema.get("enum") and shown not in {"STRING", None}:
        yield _at(f"{place}.enum", "only allowed for STRING type")
    if shown == "ARRAY" and "items" not in schema:
        yield _at(f"{place}.items", "missing field.")
    properties = _object(schema.get("properties"))
    for name in _values(schema.get("required")):
        if properties and name not in properties:
            yield _at(f"{place}.required", f"property is not defined: {name}")
    for name, each in properties.items():
        yield from _of_schema(_object(each), f"{place}.properties[{name}]")
    if items := _object(schema.get("items")):
        yield from _of_schema(items, f"{place}.items")
    for number, each in enumerate(_values(schema.get("anyOf"))):
        yield from _of_schema(_object(each), f"{place}.any_of[{number}]")


def _at(place: str, told: str) -> tuple[str, str]:
    return place, f"* GenerateContentRequest.{place}: {told}"


def _object(value: object) -> Object:
    return entries_of(value) or {}


def _values(value: object) -> list[object]:
    return msgspec.convert(value, list[object]) if isinstance(value, list) else []
