"""Requests that go through unread: their cheap checks, and what makes them fit for a provider."""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE, first_byte, is_null
from antiphon.dialects.openai_responses.thought import is_foreign
from antiphon.errors import MalformedBody, UnsupportedParameter
from antiphon.model.seals import MARK
from antiphon.wire.shallow import Members

STORED: Final = ("previous_response_id", "conversation")
"""Members that build on what a server stored."""

LOGPROBS: Final = "message.output_text.logprobs"
"""What is included where log probabilities are asked for."""

_MOST_DIGITS: Final = 9
_MARK: Final = b'"' + MARK.encode()


class _Kind(msgspec.Struct, gc=False):
    type: str | None = None


_KINDS: Final = msgspec.json.Decoder(list[_Kind])
_NAMES: Final = msgspec.json.Decoder(list[str])
_ITEMS: Final = msgspec.json.Decoder(list[msgspec.Raw])


def check_request(members: Members) -> tuple[str, bool]:
    """The cheap checks of a request that goes through unread: its model, and if it streams.

    Hot path: about two microseconds, and a search for one word in the body.

    Raises:
        MalformedBody: `model`, `input` or `stream` is missing or wrong.
        UnsupportedParameter: It builds on what a server stored.
    """
    model = members.text("model")
    if not model:
        raise MalformedBody("'model' must be a non-empty string.", param="model")
    asked = members.raw("input")
    if asked is None or is_null(asked):
        prompt = members.raw("prompt")
        if prompt is None or is_null(prompt):
            raise MalformedBody("'input' must be a string or an array.", param="input")
    elif first_byte(asked) not in b'"[':
        raise MalformedBody("'input' must be a string or an array.", param="input")
    stream = members.flag("stream")
    refuse_stored(members)
    return model, stream


def refuse_stored(members: Members) -> None:
    """Refuse a request that builds on what a server stored.

    Raises:
        UnsupportedParameter: It does.
    """
    for name in STORED:
        raw = members.raw(name)
        if raw is not None and not is_null(raw):
            raise _not_stored(name)
    if members.raw("background") is not None and members.flag("background"):
        raise _not_stored("background")
    if _has(members, b'"item_reference"'):
        _check_references(members)


def _not_stored(param: str) -> UnsupportedParameter:
    return UnsupportedParameter(
        f"{param!r} needs stored responses, and none are stored here: send the whole conversation"
        " in 'input', with 'store' set to false. Stored responses are accepted once response"
        " storage is configured.",
        param=param,
    )


def _check_references(members: Members) -> None:
    try:
        kinds = _KINDS.decode(members.get("input", b"[]"))
    except UNREADABLE:
        return
    at = next((at for at, kind in enumerate(kinds) if kind.type == "item_reference"), None)
    if at is not None:
        raise _not_stored(f"input[{at}]")


def prepare(members: Members) -> Members:
    """What goes through unread, fit for a provider.

    `store` is false where nothing is said, since whoever says nothing gets no answer from a store.
    Thought that another dialect sealed is left out: a provider refuses a seal that is not its own.
    """
    store = members.raw("store")
    if store is None or is_null(store):
        members = members.replace({"store": b"false"})
    if _has(members, _MARK):
        members = _without_foreign(members)
    return members


def _has(members: Members, words: bytes) -> bool:
    """Whether the items of the input may say something: most do not, and are not read."""
    asked = members.raw("input")
    if asked is None or first_byte(asked) != ord("["):
        return False
    return words in (members.source or bytes(asked))


def _without_foreign(members: Members) -> Members:
    raw = members.get("input", b"")
    try:
        items = _ITEMS.decode(raw)
    except UNREADABLE:
        return members
    kept = [item for item in items if not is_foreign(item)]
    if len(kept) == len(items):
        return members
    return members.replace({"input": msgspec.json.encode(kept)})


def without_logprobs(members: Members) -> Members:
    """The same request, not asking for log probabilities among what is included."""
    raw = members.get("include", b"")
    try:
        include = _NAMES.decode(raw)
    except UNREADABLE:
        return members
    kept = [name for name in include if name != LOGPROBS]
    if len(kept) == len(include):
        return members
    return members.replace({"include": msgspec.json.encode(kept)})


def output_bound(members: Members) -> tuple[int | None, int]:
    """The tokens that an answer may have, and how many answers are asked for: one."""
    raw = members.raw("max_output_tokens")
    digits = bytes(raw) if raw is not None else b""
    return int(digits) if digits.isdigit() and len(digits) <= _MOST_DIGITS else None, 1
