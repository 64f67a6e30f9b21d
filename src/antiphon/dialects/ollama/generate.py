"""Requests of `/api/generate`: one prompt, read as a conversation of one turn.

What only a completion can do (a raw prompt, a suffix, a template of one's own, tokens of an earlier
call, pictures that are drawn) has no place in a conversation, and is refused.
"""

from __future__ import annotations

from typing import Final

from antiphon.dialects.contract import Target
from antiphon.dialects.ollama.fields import Fields, encode, written
from antiphon.dialects.ollama.images import asked_images, write_image
from antiphon.dialects.ollama.requests import read_rest, streams, write_rest
from antiphon.errors import MalformedBody, UnsupportedParameter
from antiphon.model.parts import Author, Image, Part, Refusal, Text, ToolResult, Turn
from antiphon.model.request import ChatRequest
from antiphon.wire.shallow import Members

_COMPLETION: Final = ("suffix", "template", "context", "width", "height", "steps")
_NO_PROMPT: Final = frozenset({b"null", b'""'})
_EMPTY: Final = frozenset({b"null", b'""', b"[]", b"false", b"0"})
_BETWEEN: Final = "\n\n"


def check_generate(members: Members) -> tuple[str, bool]:
    """The cheap checks of a request that goes through unread: its model, and if it streams.

    Raises:
        MalformedBody: `model` or `stream` is missing or wrong.
    """
    model = members.text("model")
    if not model:
        raise MalformedBody("'model' must be a non-empty string.", param="model")
    return model, streams(members) and not prompts_nothing(members)


def prompts_nothing(members: Members) -> bool:
    """Whether a request has no prompt: it loads a model or lets it go."""
    return bytes(members.raw("prompt") or b"null") in _NO_PROMPT


def read_generate(members: Members) -> ChatRequest:
    """Read a caller's request.

    Raises:
        MalformedBody: A member has the wrong type; `param` names it.
        UnsupportedParameter: It asks for what only a completion can do.
    """
    _, stream = check_generate(members)
    fields = Fields(members.raws())
    if fields.flag("raw"):
        raise _unsupported("raw")
    for name in _COMPLETION:
        raw = fields.raw(name)
        if raw and bytes(raw).replace(b" ", b"") not in _EMPTY:
            raise _unsupported(name)
    system, prompt = fields.text("system"), fields.text("prompt") or ""
    images = asked_images(fields)
    turns: list[Turn] = []
    if system:
        turns.append(Turn(Author.SYSTEM, (Text(system),)))
    if prompt or images:
        texts = (Text(prompt),) if prompt else ()
        turns.append(Turn(Author.USER, (*texts, *images)))
    return read_rest(fields, tuple(turns), stream=stream)


def write_generate(request: ChatRequest, target: Target) -> Members:
    """Write a request: what is not said by the system is one prompt, without roles or tools."""
    system = [_text(turn) for turn in request.turns if _is_system(turn)]
    said = [_text(turn) for turn in request.turns if not _is_system(turn)]
    parts = [part for turn in request.turns for part in _shown(turn)]
    images = [data for part in parts if isinstance(part, Image) and (data := write_image(part))]
    out = written(
        {
            "model": target.model,
            "system": _BETWEEN.join(filter(None, system)) or None,
            "prompt": _BETWEEN.join(filter(None, said)),
            "images": images or None,
            **write_rest(request),
        },
        request.extra,
    )
    return Members({name: encode(value) for name, value in out.items()})


def _unsupported(name: str) -> UnsupportedParameter:
    return UnsupportedParameter(
        f"{name!r} is not supported: the prompt is sent as a conversation.", param=name
    )


def _is_system(turn: Turn) -> bool:
    return turn.author in {Author.SYSTEM, Author.DEVELOPER}


def _shown(turn: Turn) -> list[Part]:
    """The parts of a turn, those that tools gave back among them."""
    parts: list[Part] = []
    for part in turn.parts:
        if isinstance(part, ToolResult):
            parts += part.parts
        else:
            parts.append(part)
    return parts


def _text(turn: Turn) -> str:
    shown = _shown(turn)
    return _BETWEEN.join(part.text for part in shown if isinstance(part, Text | Refusal))
