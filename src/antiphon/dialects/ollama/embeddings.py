"""Embeddings, both ways: `/api/embed`, and the older `/api/embeddings` of one text.

Texts only; vectors are floats, in the order of the texts. A provider is asked at `/api/embed`.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.envelopes import read_envelope, refusal_of
from antiphon.dialects.fields import UNREADABLE, Written
from antiphon.dialects.ollama.fields import Fields, encode, written
from antiphon.dialects.ollama.usage import Count, read_usage
from antiphon.errors import InvalidRequest, MalformedBody, NotAnAnswer
from antiphon.model.embedding import EmbedReply, EmbedRequest
from antiphon.wire.shallow import Members

EMBED_PATH: Final = "/embed"
"""Behind a base URL."""
EMBEDDINGS_PATH: Final = "/embeddings"
"""The older one's."""

_Vector = tuple[float, ...]


class _Reply(msgspec.Struct):
    embeddings: tuple[_Vector, ...] | None = None
    embedding: _Vector | None = None
    model: str | None = None
    prompt_eval_count: Count = None


_REPLY: Final = msgspec.json.Decoder(_Reply)


def read_embed_request(members: Members) -> EmbedRequest:
    """A caller's request to `/api/embed`.

    Raises:
        MalformedBody: A member has the wrong type, or one that is required is missing.
    """
    fields = Fields(members.raws())
    model = _read_model(fields)
    if "input" not in fields:
        raise MalformedBody("'input' is missing.", param="input")
    single = fields.begins("input", b'"')
    inputs, dimensions = fields.text_or_texts("input"), fields.integer("dimensions")
    truncate = fields.flag("truncate")
    return EmbedRequest(model, inputs, single, dimensions, truncate=truncate, extra=fields.extra())


def read_embeddings_request(members: Members) -> EmbedRequest:
    """A caller's request to `/api/embeddings`: one text, `prompt`.

    Raises:
        MalformedBody: A member has the wrong type, or the model or the prompt is missing.
    """
    fields = Fields(members.raws())
    model, prompt = _read_model(fields), fields.text("prompt")
    if prompt is None:
        raise MalformedBody("'prompt' is missing.", param="prompt")
    return EmbedRequest(model, (prompt,), single=True, extra=fields.extra())


def write_embed_request(request: EmbedRequest, model: str) -> Members:
    """A request for a provider; what the vectors are for has no place in it.

    Raises:
        InvalidRequest: The inputs are tokens, which this API does not take.
    """
    texts = [each for each in request.inputs if isinstance(each, str)]
    if len(texts) < len(request.inputs):
        raise InvalidRequest("'input' must be text: tokens are not taken there.", param="input")
    out = written(
        {
            "model": model,
            "input": texts[0] if request.single and len(texts) == 1 else texts,
            "dimensions": request.dimensions,
            "truncate": request.truncate,
        },
        request.extra,
    )
    return Members({name: encode(value) for name, value in out.items()})


def write_embeddings_request(request: EmbedRequest, model: str) -> Members:
    """The older request, of the first text; `truncate` and `dimensions` have no place in it."""
    [text, *_] = request.inputs
    out = written({"model": model, "prompt": text}, request.extra)
    return Members({name: encode(value) for name, value in out.items()})


def read_embed_reply(body: bytes, model: str = "") -> EmbedReply:
    """Read a provider's vectors, of either endpoint.

    Raises:
        NotAnAnswer: There are none.
        UpstreamRefused: It is an error.
    """
    try:
        reply = _REPLY.decode(body)
    except UNREADABLE as error:
        raise _no_vectors() from error
    vectors = reply.embeddings
    if vectors is None and reply.embedding is not None:
        vectors = (reply.embedding,)
    if vectors is None:
        envelope = read_envelope(body)
        raise refusal_of(envelope, status=0) if envelope is not None else _no_vectors()
    usage = read_usage(reply.prompt_eval_count, None)
    return EmbedReply(vectors, reply.model or model, usage)


def write_embed_reply(reply: EmbedReply) -> bytes:
    """The answer of `/api/embed`."""
    usage = reply.usage
    out: Written = {
        "model": reply.model,
        "embeddings": reply.vectors,
        "total_duration": 0,
        "load_duration": 0,
        "prompt_eval_count": usage.input_total if usage is not None else 0,
    }
    return msgspec.json.encode(out)


def write_embeddings_reply(reply: EmbedReply) -> bytes:
    """The answer of `/api/embeddings`: the first vector; empty where there is none."""
    return msgspec.json.encode({"embedding": reply.vectors[0] if reply.vectors else ()})


def _read_model(fields: Fields) -> str:
    model = fields.text("model")
    if not model:
        raise MalformedBody("'model' must be a non-empty string.", param="model")
    return model


def _no_vectors() -> NotAnAnswer:
    return NotAnAnswer("The provider's answer has no vectors.", code="bad_body")
