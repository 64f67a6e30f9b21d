"""`embedContent` and `batchEmbedContents`."""

import json

import pytest

from antiphon.dialects.gemini.embeddings import (
    embed_path,
    read_embed_reply,
    read_embed_request,
    write_embed_reply,
    write_embed_request,
)
from antiphon.errors import InvalidRequest, MalformedBody, NotAnAnswer, UpstreamRefused
from antiphon.model.embedding import EmbedReply, EmbedRequest
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members


def members(body: object) -> Members:
    return Members.parse(json.dumps(body).encode())


def one(text: str, **asked: object) -> dict[str, object]:
    return {"model": "models/m", "content": {"parts": [{"text": text}]}, **asked}


def test_one() -> None:
    body = one("Hello", taskType="RETRIEVAL_QUERY", title="T", outputDimensionality=3)
    request = read_embed_request(members(body), "m", single=True)
    assert request == EmbedRequest(
        "m", ("Hello",), single=True, dimensions=3, task="RETRIEVAL_QUERY", title="T"
    )
    del body["model"]
    assert json.loads(write_embed_request(request, "x").encode()) == body
    assert embed_path("x", single=True) == "/models/x:embedContent"


def test_a_batch() -> None:
    body = {"requests": [one("a", outputDimensionality=3), one("b", output_dimensionality=3)]}
    request = read_embed_request(members(body), "m", single=False)
    assert request == EmbedRequest("m", ("a", "b"), dimensions=3)
    written = json.loads(write_embed_request(request, "m").encode())
    assert written == {
        "requests": [one("a", outputDimensionality=3), one("b", outputDimensionality=3)]
    }
    assert embed_path("x", single=False) == "/models/x:batchEmbedContents"


def test_v1_puts_what_is_asked_into_an_object() -> None:
    body = {**one("a"), "embedContentConfig": {"outputDimensionality": 3, "autoTruncate": True}}
    request = read_embed_request(members(body), "m", single=True)
    assert (request.dimensions, request.truncate) == (3, True)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"requests": []}, "requests"),
        ({"requests": [one("a"), one("b", taskType="X")]}, "requests[1]"),
        (
            {"requests": [{"content": {"parts": [{"inlineData": {}}]}}]},
            "requests[0].content.parts[0]",
        ),
        ({"requests": [{}]}, "requests[0].content"),
    ],
)
def test_what_cannot_be_asked(body: object, param: str) -> None:
    with pytest.raises((InvalidRequest, MalformedBody)) as raised:
        read_embed_request(members(body), "m", single=False)
    assert raised.value.param == param


def test_tokens_are_refused() -> None:
    with pytest.raises(InvalidRequest):
        write_embed_request(EmbedRequest("m", ((1, 2),)), "m")


def test_vectors() -> None:
    reply = EmbedReply(((0.5, -1.0), (2.0, 3.0)), "m", Usage(7))
    assert read_embed_reply(write_embed_reply(reply, single=False), "m") == reply
    first = EmbedReply(reply.vectors[:1], "m")
    raw = write_embed_reply(first, single=True)
    assert json.loads(raw) == {"embedding": {"values": [0.5, -1.0]}}
    assert read_embed_reply(raw, "m") == first


def test_no_vectors() -> None:
    with pytest.raises(NotAnAnswer):
        read_embed_reply(b"{}")
    with pytest.raises(UpstreamRefused):
        read_embed_reply(b'{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}')
