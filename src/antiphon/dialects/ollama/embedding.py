"""Embeddings: `/api/embed`, and the older `/api/embeddings` of one text.

Pure functions between bytes and plain tuples. Ollama writes floats only, in the order of the texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from antiphon.dialects.fields import UNREADABLE, Written
from antiphon.dialects.ollama.fields import Fields, encode, written
from antiphon.dialects.ollama.usage import Count, read_usage
from antiphon.errors import MalformedBody, NotAnAnswer
from antiphon.model.parts import Extra
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members

Vector = tuple[float, ...]


class Asked(NamedTuple):
    """What is to be embedded.

    Attributes:
        dimensions: Of each vector; None is all that the model has.
        extra: `truncate`, `options`, `keep_alive` and what else only this dialect knows.
    """

    model: str
    texts: tuple[str, ...]
    dimensions: int | None = None
    extra: Extra | None = None


class Embedded(NamedTuple):
    """Vectors in the order of the texts."""

    model: str
    vectors: tuple[Vector, ...]
    usage: Usage | None = None


class _Reply(msgspec.Struct):
    embeddings: tuple[Vector, ...]
    model: str | None = None
    prompt_eval_count: Count = None


class _OneReply(msgspec.Struct):
    embedding: Vector


_REPLY: Final = msgspec.json.Decoder(_Reply)
_ONE_REPLY: Final = msgspec.json.Decoder(_OneReply)


# ------------------------------------------------------------------ /api/embed


def read_embed_request(members: Members) -> Asked:
    """A caller's request to `/api/embed`.

    Raises:
        MalformedBody: `model` or `input` is missing or wrong.
    """
    fields = Fields(members.raws())
    model = _read_model(fields)
    if "input" not in fields:
        raise MalformedBody("'input' is missing.", param="input")
    texts, dimensions = fields.text_or_texts("input"), fields.integer("dimensions")
    return Asked(model, texts, dimensions, fields.extra())


def write_embed_request(asked: Asked, *, model: str) -> Members:
    """A provider's request, for `/api/embed`."""
    out = written(
        {"model": model, "input": asked.texts, "dimensions": asked.dimensions}, asked.extra
    )
    return Members({name: encode(value) for name, value in out.items()})


def read_embed_reply(body: bytes) -> Embedded:
    """A provider's answer of `/api/embed`.

    Raises:
        NotAnAnswer: It is none.
    """
    try:
        reply = _REPLY.decode(body)
    except UNREADABLE as error:
        raise _no_answer() from error
    usage = read_usage(reply.prompt_eval_count, None)
    return Embedded(reply.model or "", reply.embeddings, usage)


def write_embed_reply(embedded: Embedded) -> bytes:
    """The answer of `/api/embed`."""
    usage = embedded.usage
    out: Written = {
        "model": embedded.model,
        "embeddings": embedded.vectors,
        "total_duration": 0,
        "load_duration": 0,
        "prompt_eval_count": usage.input_total if usage is not None else 0,
    }
    return msgspec.json.encode(out)


# ------------------------------------------------------------------ /api/embeddings


def read_embeddings_request(members: Members) -> Asked:
    """A caller's request to `/api/embeddings`: one text, `prompt`.

    Raises:
        MalformedBody: `model` is missing, or one of both is wrong.
    """
    fields = Fields(members.raws())
    model, prompt = _read_model(fields), fields.text("prompt")
    return Asked(model, (prompt or "",), extra=fields.extra())


def read_embeddings_reply(body: bytes) -> Embedded:
    """A provider's answer of `/api/embeddings`, which tells neither the model nor the tokens.

    Raises:
        NotAnAnswer: It is none.
    """
    try:
        return Embedded("", (_ONE_REPLY.decode(body).embedding,))
    except UNREADABLE as error:
        raise _no_answer() from error


def write_embeddings_reply(vectors: Sequence[Sequence[float]]) -> bytes:
    """The answer of `/api/embeddings`: the first vector; empty where there is none."""
    return msgspec.json.encode({"embedding": vectors[0] if vectors else ()})


def _read_model(fields: Fields) -> str:
    model = fields.text("model")
    if not model:
        raise MalformedBody("'model' must be a non-empty string.", param="model")
    return model


def _no_answer() -> NotAnAnswer:
    return NotAnAnswer("The provider's answer is no embedding.", code="bad_body")
