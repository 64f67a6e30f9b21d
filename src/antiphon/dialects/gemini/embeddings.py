"""`embedContent` and `batchEmbedContents`, both ways.

A content is one input, its texts joined; a batch is as many requests. What is asked of all
vectors (dimensions, the task) stands in each request. A batch that asks differently for its
inputs is refused, since no other dialect can say it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE, Json, Written
from antiphon.dialects.gemini.complaints import read_failure
from antiphon.dialects.gemini.fields import Fields, written
from antiphon.dialects.gemini.paths import method_path
from antiphon.errors import InvalidRequest, MalformedBody, NotAnAnswer
from antiphon.model.embedding import EmbedReply, EmbedRequest
from antiphon.model.parts import ABSENT
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members

_REQUESTS: Final = "requests"


class _Vector(msgspec.Struct):
    values: tuple[float, ...] = ()


class _Counts(msgspec.Struct, rename="camel"):
    prompt_token_count: int | float | None = None


class _Reply(msgspec.Struct, rename="camel"):
    embedding: _Vector | None = None
    embeddings: list[_Vector] | None = None
    usage_metadata: msgspec.Raw = ABSENT


_REPLY: Final = msgspec.json.Decoder(_Reply)
_COUNTS: Final = msgspec.json.Decoder(_Counts | None)
_ABSURD: Final = 10**10


def model_path(model: str) -> str:
    """The name of a model as a request says it."""
    return model if "/" in model else f"models/{model}"


def embed_path(model: str, *, single: bool) -> str:
    """The path behind a base URL."""
    return method_path(model, "embedContent" if single else "batchEmbedContents")


def read_embed_request(members: Members, model: str, *, single: bool) -> EmbedRequest:
    """A caller's request.

    Args:
        members: The body.
        model: The model of the path.
        single: It is for `embedContent`.

    Raises:
        MalformedBody: A member has the wrong type; `param` names it.
        InvalidRequest: There is nothing to embed, or what is asked differs between inputs.
    """
    fields = Fields(members.raws())
    if single:
        return _read_one(fields, model)
    items = fields.some(_REQUESTS)
    asked = [
        _read_one(Fields.parse(raw, f"{_REQUESTS}[{at}]"), model) for at, raw in enumerate(items)
    ]
    if not asked:
        raise InvalidRequest("'requests' must be a non-empty array.", param=_REQUESTS)
    texts = [text for each in asked for text in each.inputs if isinstance(text, str)]
    first = msgspec.structs.replace(asked[0], inputs=tuple(texts), single=False, title=None)
    for at, each in enumerate(asked):
        alike = msgspec.structs.replace(each, inputs=first.inputs, single=False, title=None)
        if alike != first:
            path = f"{_REQUESTS}[{at}]"
            raise InvalidRequest(f"'{path}' asks otherwise than the first.", param=path)
    titles = {each.title for each in asked}
    return msgspec.structs.replace(first, title=titles.pop() if len(titles) == 1 else None)


def write_embed_request(request: EmbedRequest, model: str) -> Members:
    """A request for a provider: one content for `embedContent`, or a batch.

    Raises:
        InvalidRequest: The inputs are tokens, which this API does not take.
    """
    every = [_write_one(text, request, model) for text in _texts(request.inputs)]
    if request.single and len(every) == 1:
        one = {name: value for name, value in every[0].items() if name != "model"}
        return Members({name: msgspec.json.encode(value) for name, value in one.items()})
    return Members({_REQUESTS: msgspec.json.encode(every)})


def read_embed_reply(body: bytes, model: str = "") -> EmbedReply:
    """Read a provider's vectors.

    Raises:
        NotAnAnswer: There are none.
        UpstreamRefused: It is an error.
    """
    try:
        reply = _REPLY.decode(body)
    except UNREADABLE as error:
        raise NotAnAnswer("The provider's vectors cannot be read.", code="bad_body") from error
    failure = read_failure(body)
    if failure is not None:
        raise failure
    found = reply.embeddings if reply.embeddings is not None else []
    if reply.embedding is not None:
        found = [reply.embedding]
    if not found:
        raise NotAnAnswer("The provider's answer has no vectors.", code="bad_body")
    vectors = tuple([each.values for each in found])
    return EmbedReply(vectors, model, read_counts(reply.usage_metadata))


def read_counts(raw: Json) -> Usage | None:
    """The usage of an answer; None where there is none, or none that can be believed."""
    if not raw:
        return None
    try:
        counts = _COUNTS.decode(raw)
    except UNREADABLE:
        return None
    told = counts.prompt_token_count if counts is not None else None
    return Usage(input_tokens=int(told)) if told is not None and 0 <= told <= _ABSURD else None


def write_embed_reply(reply: EmbedReply, *, single: bool) -> bytes:
    """Vectors for a caller."""
    vectors: list[Written] = [{"values": each} for each in reply.vectors]
    out: Written = {"embedding": vectors[0]} if single and vectors else {"embeddings": vectors}
    if reply.usage is not None:
        out["usageMetadata"] = {"promptTokenCount": reply.usage.input_total}
    return msgspec.json.encode(out)


# ------------------------------------------------------------------ one input


def _read_one(fields: Fields, model: str) -> EmbedRequest:
    fields.raw("model")
    path = f"{fields.path}.content" if fields.path else "content"
    content = fields.object("content")
    if content is None:
        raise MalformedBody(f"{path!r} is missing.", param=path)
    texts = [_text_of(raw, f"{path}.parts[{at}]") for at, raw in enumerate(content.some("parts"))]
    # The first client of v1 puts what is asked into an object of its own.
    config = fields.object("embedContentConfig") or fields
    request = EmbedRequest(
        model,
        ("".join(texts),),
        single=True,
        dimensions=config.integer("outputDimensionality"),
        task=config.text("taskType"),
        title=config.text("title"),
        truncate=config.flag("autoTruncate"),
    )
    if config is not fields:
        fields.keep_rest_of("embedContentConfig", config)
    return msgspec.structs.replace(request, extra=fields.extra())


def _text_of(raw: Json, path: str) -> str:
    text = Fields.parse(raw, path).text("text")
    if text is None:
        raise InvalidRequest(f"{path!r} is no text: only texts become vectors here.", param=path)
    return text


def _write_one(text: str, request: EmbedRequest, model: str) -> Written:
    return written(
        {
            "model": model_path(model),
            "content": {"parts": [{"text": text}]},
            "taskType": request.task,
            "title": request.title,
            "outputDimensionality": request.dimensions,
            "autoTruncate": request.truncate,
        },
        request.extra,
    )


def _texts(inputs: Sequence[str | tuple[int, ...]]) -> list[str]:
    texts = [each for each in inputs if isinstance(each, str)]
    if len(texts) < len(inputs):
        raise InvalidRequest("Tokens cannot be embedded there: send texts.", param="input")
    return texts
