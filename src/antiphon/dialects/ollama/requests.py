"""Requests of `/api/chat`, both ways, and the cheap checks of those that go through unread.

A request without messages asks no question: it loads the model, or lets it go where
`keep_alive` is 0, and is answered whole.

Reading and writing again changes these things only, and none of them changes the meaning: a null
and an empty text as `format`, array of tools or set of options are dropped, as is a `num_predict`
below 0, which is no bound; `stream` is always written;
`stop` is written as an array; a role is written in lower case, `developer` as `system`; content
that is missing is written as an empty text; arguments are written as an object; a result names its
tool, and its pictures follow it; a data URL of a picture is written as its data.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

import msgspec

from antiphon.dialects.contract import Target
from antiphon.dialects.fields import UNREADABLE, Json, first_byte, is_empty_array, is_null
from antiphon.dialects.ollama.fields import Fields, encode, written
from antiphon.dialects.ollama.messages import read_messages, write_messages
from antiphon.dialects.ollama.options import (
    read_format,
    read_options,
    read_think,
    write_format,
    write_options,
    write_think,
)
from antiphon.dialects.ollama.tools import read_tools, write_tools
from antiphon.errors import MalformedBody
from antiphon.model.parts import Turn
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members

_NOUGHT: Final = re.compile(rb'"?-?0+(?:\.0+)?(?:ns|us|ms|s|m|h)?"?')


class _Bound(msgspec.Struct, gc=False):
    num_predict: int | float | None = None


_BOUND: Final = msgspec.json.Decoder(_Bound | None)

# ------------------------------------------------------------------ in passing


def check_request(members: Members) -> tuple[str, bool]:
    """The cheap checks of a request that goes through unread: its model, and if it streams.

    It streams unless it says that it does not. Hot path: about a microsecond.

    Raises:
        MalformedBody: `model`, `messages` or `stream` is missing or wrong.
    """
    model = members.text("model")
    if not model:
        raise MalformedBody("'model' must be a non-empty string.", param="model")
    messages = members.raw("messages")
    if messages is None or _is_empty(messages):
        return model, False
    if first_byte(messages) != ord("["):
        raise MalformedBody("'messages' must be an array.", param="messages")
    return model, streams(members)


def streams(members: Members) -> bool:
    """Whether a request asks for a stream: it does where it says nothing."""
    raw = members.raw("stream")
    return raw is None or is_null(raw) or members.flag("stream")


def asks_nothing(members: Members) -> bool:
    """Whether a request asks no question, but loads a model or lets it go."""
    messages = members.raw("messages")
    return messages is None or _is_empty(messages)


def unloads(members: Members) -> bool:
    """Whether a request without a question lets the model go."""
    kept = members.raw("keep_alive")
    return kept is not None and _NOUGHT.fullmatch(bytes(kept)) is not None


def output_bound(members: Members) -> tuple[int | None, int]:
    """The tokens that an answer may have, and how many answers are asked for: one."""
    raw = members.raw("options")
    if raw is None:
        return None, 1
    try:
        options = _BOUND.decode(raw)
    except UNREADABLE:
        return None, 1
    bound = options.num_predict if options is not None else None
    return (int(bound) if bound is not None and bound >= 0 else None), 1


def capped(members: Members, tokens: int) -> Members:
    """The same request, with a smaller bound of its answer."""
    bound = {"num_predict": b"%d" % tokens}
    inner = _options(members)
    options = Members(bound) if inner is None else inner.replace(bound)
    return members.replace({"options": options.encode()})


def says(members: Members, name: str) -> bool:
    """Whether `options` hold a member."""
    inner = _options(members)
    return inner is not None and name in inner


def without_options(members: Members, names: Collection[str]) -> Members:
    """The same request, without these of its `options`."""
    inner = _options(members)
    if inner is None or not any(name in inner for name in names):
        return members
    left = inner.without(*names)
    return members.replace({"options": left.encode()}) if left else members.without("options")


def _options(members: Members) -> Members | None:
    raw = members.raw("options")
    if raw is None or first_byte(raw) != ord("{"):
        return None
    return Members.parse(bytes(raw))


def _is_empty(array: Json) -> bool:
    return is_null(array) or is_empty_array(array)


# ------------------------------------------------------------------ reading


def read_request(members: Members) -> ChatRequest:
    """Read a caller's request.

    Raises:
        MalformedBody: A member has the wrong type; `param` names it.
        InvalidRequest: A member has an impossible value.
    """
    _, stream = check_request(members)
    fields = Fields(members.raws())
    turns = read_messages(fields.items("messages"))
    return read_rest(fields, turns, stream=stream)


def read_rest(fields: Fields, turns: tuple[Turn, ...], *, stream: bool) -> ChatRequest:
    """What a request says beside its question."""
    fields.raw("stream")
    options = read_options(fields)
    return ChatRequest(
        fields.text("model") or "",
        turns,
        tools=read_tools(fields.items("tools")),
        output=read_format(fields),
        reasoning=read_think(fields),
        sampling=options.sampling,
        max_output_tokens=options.maximum,
        stop=options.stop,
        stream=stream,
        include_usage=stream,
        extra=fields.extra(),
    )


# ------------------------------------------------------------------ writing


def write_request(request: ChatRequest, target: Target) -> Members:
    """Write a request for a provider."""
    out = written(
        {
            "model": target.model,
            "messages": write_messages(request.turns),
            "tools": write_tools(request.tools, request.tool_choice) or None,
            **write_rest(request),
        },
        request.extra,
    )
    return Members({name: encode(value) for name, value in out.items()})


def write_rest(request: ChatRequest) -> dict[str, object]:
    """What a request says beside its question."""
    drawn = request.sampling
    return {
        "format": write_format(request.output),
        "think": write_think(request.reasoning),
        "options": write_options(request) or None,
        "logprobs": drawn.logprobs,
        "top_logprobs": drawn.top_logprobs,
        "stream": request.stream,
    }
