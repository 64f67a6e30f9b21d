"""What stays the same from turn to turn of a conversation, and how its prompt begins.

Callers say which conversation a request belongs to in many places; where none does, its system
prompt and its first turn tell it from others. Only where that is asked for, and nobody said it, a
request is read for it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from antiphon.dialects.base import Payload
from antiphon.dialects.passed import UntranslatedPayload
from antiphon.errors import CallerError
from antiphon.model.parts import Author
from antiphon.routing.candidate import number_of
from antiphon.routing.strategies.sticky import PREFIX_BYTES

_HEADERS = (
    *(b"x-antiphon-conversation", b"x-conversation-id", b"x-session-id"),
    *(b"session_id", b"session-id"),
)
_MEMBERS = ("prompt_cache_key", "conversation", "user")
_PROMPTS = (
    *("instructions", "system", "systemInstruction", "system_instruction"),
    *("messages", "input", "contents", "prompt"),
)
"""Members with the text of a prompt, in the order in which models read them."""
_LONGEST = 512
Headers = Iterable[tuple[bytes, bytes]]


class _Told(msgspec.Struct):
    """Members of `metadata` that may name a conversation."""

    conversation_id: str | None = None
    session_id: str | None = None
    thread_id: str | None = None
    user_id: str | None = None


class _Named(msgspec.Struct):
    id: str


_told = msgspec.json.Decoder(_Told)
_name = msgspec.json.Decoder(str | _Named | None)


def conversation_of(headers: Headers, payload: Payload) -> str:
    """What tells a conversation from others; empty where nothing does.

    A header, `metadata`, the key of the prompt's cache, the user; else a number of the system
    prompt and the first turn of the user.
    """
    given = {name: value for name, value in headers if name in _HEADERS}
    for name in _HEADERS:
        if given.get(name):
            return given[name][:_LONGEST].decode("latin-1")
    if isinstance(payload, UntranslatedPayload):
        return ""
    return _said(payload) or _begun(payload)


def prefix_of(payload: Payload) -> bytes:
    """The first bytes of the prompt as the caller wrote it; empty where there is none."""
    if isinstance(payload, UntranslatedPayload):
        return b""
    members = payload.members
    if members is None:
        texts = "\n".join(turn.text for turn in payload.request.turns)
        return texts.encode("utf-8", "surrogatepass")[:PREFIX_BYTES]
    found = b""
    for name in _PROMPTS:
        raw = members.raw(name)
        if raw is not None:
            found += bytes(memoryview(raw)[: PREFIX_BYTES - len(found)])
    return found


def _said(payload: Payload) -> str:
    """What the body calls the conversation, unread but for that."""
    members = payload.members
    if members is None:
        return ""
    try:
        if (raw := members.raw("metadata")) is not None:
            told = _told.decode(raw)
            for found in (told.conversation_id, told.session_id, told.thread_id, told.user_id):
                if found:
                    return found[:_LONGEST]
        for name in _MEMBERS:
            if (raw := members.raw(name)) is not None:
                named = _name.decode(raw)
                found = named.id if isinstance(named, _Named) else named
                if found:
                    return found[:_LONGEST]
    except msgspec.DecodeError:
        # Not what it should be: whoever has to read it will say so.
        return ""
    return ""


def _begun(payload: Payload) -> str:
    texts: list[str] = []
    try:
        for turn in payload.request.turns:
            texts.append(turn.text)
            if turn.author is Author.USER:
                break
    except CallerError:
        # Whoever has to read it will say so; it may never have to be read.
        return ""
    said = "\n".join(texts).strip()
    return f"{number_of(said.encode('utf-8', 'surrogatepass')):x}" if said else ""
