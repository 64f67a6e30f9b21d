"""Embeddings, of many texts and of one."""

import json

import pytest

from antiphon.dialects.ollama.embeddings import (
    read_embed_reply,
    read_embed_request,
    read_embeddings_request,
    write_embed_reply,
    write_embed_request,
    write_embeddings_reply,
)
from antiphon.errors import InvalidRequest, MalformedBody, NotAnAnswer, UpstreamRefused
from antiphon.model.embedding import EmbedReply, EmbedRequest
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members


def read(**body: object) -> EmbedRequest:
    return read_embed_request(Members.parse(json.dumps({"model": "m"} | body).encode()))


@pytest.mark.parametrize(
    "body",
    [
        {"input": "a"},
        {"input": ["a"]},
        {"input": []},
        {"input": ["a", "b"], "dimensions": 8, "truncate": False, "options": {"num_ctx": 9}},
    ],
)
def test_requests(body: dict[str, object]) -> None:
    asked = read(**body)
    assert asked.single is isinstance(body["input"], str)
    written = write_embed_request(asked, "n:1")
    assert json.loads(written.encode()) == body | {"model": "n:1"}


def test_requests_of_another_dialect() -> None:
    asked = EmbedRequest("x", ("a",), single=True, encoding="base64", task="RETRIEVAL_QUERY")
    assert json.loads(write_embed_request(asked, "m").encode()) == {"model": "m", "input": "a"}
    with pytest.raises(InvalidRequest):
        write_embed_request(EmbedRequest("x", ((1, 2),)), "m")


def test_replies() -> None:
    reply = EmbedReply(((0.5, -1.0), (0.25, 2.0)), "m", Usage(7))
    body = write_embed_reply(reply)
    assert json.loads(body) == {
        "model": "m",
        "embeddings": [[0.5, -1.0], [0.25, 2.0]],
        "total_duration": 0,
        "load_duration": 0,
        "prompt_eval_count": 7,
    }
    assert read_embed_reply(body) == reply
    assert read_embed_reply(b'{"embeddings":[[1,2]]}', "n") == EmbedReply(((1.0, 2.0),), "n")
    assert read_embed_reply(b'{"embeddings":[]}').vectors == ()


def test_one_text() -> None:
    asked = read_embeddings_request(Members.parse(b'{"model":"m","prompt":"a","keep_alive":0}'))
    assert (asked.model, asked.inputs, asked.single) == ("m", ("a",), True)
    written = write_embed_request(asked, "m")
    assert json.loads(written.encode()) == {"model": "m", "input": "a", "keep_alive": 0}
    body = write_embeddings_reply(EmbedReply(((0.5, 1.0),)))
    assert json.loads(body) == {"embedding": [0.5, 1.0]}
    assert read_embed_reply(body).vectors == ((0.5, 1.0),)
    assert json.loads(write_embeddings_reply(EmbedReply(()))) == {"embedding": []}


@pytest.mark.parametrize("body", [b'{"model":"m","input":"a"}', b'{"model":"m","prompt":null}'])
def test_without_its_text(body: bytes) -> None:
    with pytest.raises(MalformedBody) as caught:
        read_embeddings_request(Members.parse(body))
    assert caught.value.param == "prompt"
    asked = read_embeddings_request(Members.parse(b'{"model":"m","prompt":""}'))
    assert asked.inputs == ("",)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "", "input": "a"}, "model"),
        ({}, "input"),
        ({"input": 1}, "input"),
        ({"input": [[1, 2]]}, "input"),
        ({"input": "a", "dimensions": "x"}, "dimensions"),
        ({"input": "a", "truncate": 1}, "truncate"),
    ],
)
def test_what_is_refused(body: dict[str, object], param: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        read(**body)
    assert caught.value.param == param


@pytest.mark.parametrize("body", [b"", b"{}", b'{"embeddings":[["a"]]}', b'{"embedding":{}}'])
def test_what_is_none(body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        read_embed_reply(body)


def test_an_error_with_a_status_of_success() -> None:
    with pytest.raises(UpstreamRefused, match="not found"):
        read_embed_reply(b'{"error":"model \'m\' not found"}')
