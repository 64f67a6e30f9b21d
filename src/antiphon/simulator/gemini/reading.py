"""A request's body as its shape, or a refusal in Google's words."""

import re
from collections import Counter
from typing import Final, TypeVar

import msgspec

from antiphon.simulator.dialect import Problem, Rejected
from antiphon.simulator.gemini.members import Read, entries_of, read, snake
from antiphon.simulator.gemini.shapes import Content, Declaration, Part
from antiphon.simulator.tokens import count_tokens

PER_TURN: Final = 4
PER_ATTACHMENT: Final = 85

_Shape = TypeVar("_Shape")
_TYPES: Final = {
    "str": "TYPE_STRING",
    "int": "TYPE_INT32",
    "float": "TYPE_FLOAT",
    "bool": "TYPE_BOOL",
    "array": "repeated",
    "object": "message",
}
_EXPECTED: Final = re.compile(r"Expected `(\w+)")


def refused(told: str, place: str | None = None) -> Rejected:
    """A refusal of the request as it stands; the place is a path of members."""
    return Rejected(Problem(400, told, param=place))


def members_of(body: bytes, message: str) -> Read:
    """The members of a body.

    Raises:
        Rejected: it is no JSON object.
    """
    try:
        value = msgspec.json.decode(body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise refused("Invalid JSON payload received. Unexpected token.") from error
    entries = entries_of(value)
    if entries is None:
        raise refused("Invalid JSON payload received. Root element must be a message.")
    return read(entries, message)


def shaped(members: dict[str, object], shape: type[_Shape]) -> _Shape:
    """Members in their shape; protobuf reads numbers that are written as texts.

    Raises:
        Rejected: a member has a value of the wrong type.
    """
    try:
        return msgspec.convert(members, shape, strict=False)
    except msgspec.ValidationError as error:
        raise _wrong(str(error)) from error


def _wrong(error: str) -> Rejected:
    told, _, path = error.rpartition(" - at `$")
    place = snake(path.rstrip("`").lstrip("."))
    found = _EXPECTED.search(told)
    kind = _TYPES.get(found[1] if found else "", "its type")
    return refused(f"Invalid value at '{place}' ({kind})", place)


def told_of(part: Part) -> str:
    """What a part says, for those who count or quote it."""
    if part.function_call is not None:
        args = msgspec.json.encode(part.function_call.args or {}).decode()
        return f"{part.function_call.name}{args}"
    if part.function_response is not None:
        return msgspec.json.encode(part.function_response.response or {}).decode()
    return part.text or ""


def text_of(content: Content | None) -> str:
    """All that a turn says."""
    parts = content.parts if content is not None else ()
    return "\n".join(filter(None, map(told_of, parts)))


def attachments_of(contents: list[Content]) -> Counter[str]:
    """The tokens of pictures, sounds and files, by their kind."""
    counted: Counter[str] = Counter()
    parts = [part for content in contents for part in content.parts]
    inside = [each for part in parts if (got := part.function_response) for each in got.parts]
    for part in (*parts, *inside):
        for held in (part.inline_data, part.file_data):
            if held is not None:
                counted[held.modality] += PER_ATTACHMENT
    return counted


def tokens_of(contents: list[Content], system: Content | None, declared: list[Declaration]) -> int:
    """Four for each turn, 85 for each picture or file, and those of all texts and functions."""
    said = sum(PER_TURN + count_tokens(text_of(content)) for content in contents)
    told = text_of(system)
    offered = sum(count_tokens(each.name) + _size(each) for each in declared)
    attached = attachments_of(contents).total()
    return said + attached + offered + (PER_TURN + count_tokens(told) if told else 0)


def _size(declared: Declaration) -> int:
    schema = declared.parameters_json_schema or declared.parameters
    return 0 if schema is None else -(-len(msgspec.json.encode(schema)) // 4)
