"""What a request asks for, told by names and traces in it: without reading it.

Hot path: a few look-ups, or one search of the body, for models that refuse something.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from antiphon.model.needs import Need
from antiphon.wire.shallow import Members

_UNFORCED = (b"null", b'"auto"', b'"none"')
_OFF = (b'"none"', b'"disabled"')
_TRACES = MappingProxyType(
    {Need.IMAGES: b"image", Need.AUDIO: b"audio", Need.FILES: b"file", Need.TOOLS: b'"tools"'}
)
_ROLE = b'"role"'
Words = Mapping[Need, tuple[str, ...]]
"""The members in which callers of a dialect ask for a need."""


def asks(members: Members, need: Need, words: Words) -> bool:
    """Whether a request asks for a droppable need; looks at names, and at the choice of tools."""
    if need is Need.FORCED_TOOL:
        raw = members.raw("tool_choice")
        return raw is not None and not any(word in bytes(raw) for word in _UNFORCED)
    asked = [bytes(raw) for name in words[need] if (raw := members.raw(name)) is not None]
    if need is Need.NO_THOUGHT:
        return any(word in raw for raw in asked for word in _OFF)
    return any(raw != b"null" for raw in asked)


def may_ask(members: Members, need: Need, words: Words) -> bool:
    """Whether a request that was not read may ask for a need; it does not where this is False."""
    if need is not Need.PREFILL:
        return _TRACES.get(need, b"") in members.source
    raw = members.raw(words[need][0])
    said = bytes(raw) if raw is not None else b""
    return b'"assistant"' in said[said.rfind(_ROLE) :]
