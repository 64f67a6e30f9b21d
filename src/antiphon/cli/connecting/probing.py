"""One tiny real request in a client's own dialect: what the client will do, done once."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import msgspec
from typing_extensions import override

from antiphon.cli.connecting.asking import Asking
from antiphon.cli.connecting.refusals import CannotConnect

MOST_TOKENS = 256
"""The answer needs three; some models think before they give it, and fail where they may not."""
_QUESTION = "Reply with the single word: ready"
_TURNS = [{"role": "user", "content": _QUESTION}]


class Wire(msgspec.Struct, frozen=True):
    """How a dialect is asked.

    Attributes:
        dialect: Its name.
        path: Its endpoint.
        members: Of the body, without the model.
        headers: That its clients always send.
    """

    dialect: str
    path: str
    members: Mapping[str, object]
    headers: Mapping[str, str] = {}


CHAT = Wire("openai_chat", "/v1/chat/completions", {"messages": _TURNS, "max_tokens": MOST_TOKENS})
RESPONSES = Wire(
    "openai_responses",
    "/v1/responses",
    {"input": _QUESTION, "max_output_tokens": MOST_TOKENS, "store": False},
)
MESSAGES = Wire(
    "anthropic_messages",
    "/v1/messages",
    {"messages": _TURNS, "max_tokens": MOST_TOKENS},
    {"anthropic-version": "2023-06-01"},
)


class Probe(msgspec.Struct, frozen=True):
    """What the request came to.

    Attributes:
        dialect: In which it was asked.
        model: Which model was asked.
        deployment: Who answered.
        milliseconds: From the request to the whole answer.
        input_tokens: As the provider states.
        output_tokens: As the provider states.
        cost: In dollars, where it is known.
    """

    dialect: str
    model: str
    deployment: str
    milliseconds: float
    input_tokens: int | None
    output_tokens: int | None
    cost: str | None

    @override
    def __str__(self) -> str:
        """A line for people."""
        said = [f"{self.milliseconds:.0f} ms"]
        if self.input_tokens is not None and self.output_tokens is not None:
            said.append(f"{self.input_tokens} + {self.output_tokens} tokens")
        if self.cost is not None:
            said.append(f"cost ${self.cost}")
        return f"ok: {self.model} answered from {self.deployment}, {', '.join(said)}"


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Answer(msgspec.Struct):
    usage: _Usage | None = None


async def probe(asking: Asking, wire: Wire, model: str) -> Probe:
    """Ask once.

    Raises:
        CannotConnect: It was refused, or what came is no answer; says what to do.
    """
    body = msgspec.json.encode({"model": model, **wire.members})
    told = await asking.ask(wire.path, body, wire.headers)
    if not told.ok:
        raise CannotConnect(asking.complaint(told))
    usage = _Usage()
    with suppress(msgspec.DecodeError):
        usage = msgspec.json.decode(told.body, type=_Answer).usage or usage
    return Probe(
        dialect=wire.dialect,
        model=model,
        deployment=told.headers.get("x-antiphon-deployment", "somebody who is no Antiphon"),
        milliseconds=told.seconds * 1000,
        input_tokens=_first(usage.prompt_tokens, usage.input_tokens),
        output_tokens=_first(usage.completion_tokens, usage.output_tokens),
        cost=told.headers.get("x-antiphon-cost"),
    )


def _first(one: int | None, other: int | None) -> int | None:
    return other if one is None else one
