"""`countTokens`: how many tokens a prompt would be, both ways.

A caller may put the prompt in `contents`, or a whole request in `generateContentRequest`. Vertex
takes the members of a request as they are; what is sent holds the whole request, which both read
where tools and instructions count.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE, Written
from antiphon.dialects.gemini.fields import Fields, camel
from antiphon.errors import NotAnAnswer
from antiphon.wire.shallow import Members

_WHOLE: Final = "generateContentRequest"
_COUNTED: Final = ("contents", "systemInstruction", "tools", "toolConfig", "generationConfig")


class _Reply(msgspec.Struct, rename="camel"):
    total_tokens: int


_REPLY: Final = msgspec.json.Decoder(_Reply)


def read_count_request(members: Members, model: str) -> Members:
    """A caller's question as the request whose prompt it is about.

    Args:
        members: The body.
        model: The model of the path; it counts, whatever the body says.
    """
    for name in (_WHOLE, "generate_content_request"):
        raw = members.raw(name)
        if raw is not None:
            members = Members(Fields.parse(raw, _WHOLE).left())
            break
    return members.without("model", "stream").replace({"model": msgspec.json.encode(model)})


def write_count_request(members: Members, model: str) -> Members:
    """A question for a provider; `members` are of a request (`Dialect.encode_request`)."""
    kept = {camel(name): bytes(raw) for name, raw in members.items()}
    inner: Written = {"model": model if "/" in model else f"models/{model}"}
    inner |= {name: msgspec.Raw(kept[name]) for name in _COUNTED if name in kept}
    return Members({_WHOLE: msgspec.json.encode(inner)})


def read_count_reply(body: bytes) -> int:
    """The tokens that a provider counted.

    Raises:
        NotAnAnswer: It says none.
    """
    try:
        return _REPLY.decode(body).total_tokens
    except UNREADABLE as error:
        raise NotAnAnswer("The provider's count cannot be read.", code="bad_body") from error


def write_count_reply(tokens: int) -> bytes:
    """The answer to a caller."""
    return msgspec.json.encode({"totalTokens": tokens})
