"""Members of a request that goes through unread, named by paths, in either spelling.

Hot path for models that refuse something: only the objects on the path are split.
"""

from __future__ import annotations

from antiphon.dialects.fields import Json, first_byte
from antiphon.dialects.gemini.fields import snake
from antiphon.errors import MalformedBody
from antiphon.wire.shallow import Members


def has(members: Members, path: str) -> bool:
    """Whether a member is there."""
    outer, _, inner = path.partition(".")
    for name in (outer, snake(outer)):
        raw = members.raw(name)
        if raw is None:
            continue
        if not inner:
            return True
        split = _split(raw)
        if split is not None and has(split, inner):
            return True
    return False


def without(members: Members, path: str) -> Members:
    """The same request, without this member."""
    outer, _, inner = path.partition(".")
    for name in (outer, snake(outer)):
        raw = members.raw(name)
        if raw is None:
            continue
        if not inner:
            members = members.without(name)
            continue
        split = _split(raw)
        if split is not None:
            left = without(split, inner)
            if left is not split:
                members = members.replace({name: left.encode()})
    return members


def is_forced(members: Members) -> bool:
    """Whether a tool must be called."""
    for name in ("toolConfig", "tool_config"):
        raw = members.raw(name)
        config = _split(raw) if raw is not None else None
        for inner in ("functionCallingConfig", "function_calling_config"):
            chosen = config.raw(inner) if config is not None else None
            split = _split(chosen) if chosen is not None else None
            mode = split.raw("mode") if split is not None else None
            if mode is not None and bytes(mode).upper() == b'"ANY"':
                return True
    return False


def unforced(members: Members, free: bytes) -> Members:
    """The same request, where the model decides whether it calls a tool."""
    if not is_forced(members):
        return members
    # Both spellings at once are refused there.
    return members.without("tool_config").replace({"toolConfig": free})


def _split(raw: Json) -> Members | None:
    if first_byte(raw) != ord("{"):
        return None
    try:
        return Members.parse(bytes(raw))
    except MalformedBody:
        return None
