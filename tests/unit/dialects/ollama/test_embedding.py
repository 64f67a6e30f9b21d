"""Embeddings, of many texts and of one."""

import json

import pytest

from antiphon.dialects.ollama.embedding import (
    Embedded,
    read_embed_reply,
    read_embed_request,
    read_embeddings_reply,
    read_embeddings_request,
    write_embed_reply,
    write_embed_request,
    write_embeddings_reply,
)
from antiphon.errors import MalformedBody, NotAnAnswer
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members


def test_requests() -> None:
    body = {"model": "m", "input": ["a", "b"], "dimensions": 8, "truncate": False}
    asked = read_embed_request(Members.parse(json.dumps(body).encode()))
    assert (asked.model, asked.texts, asked.dimensions) == ("m", ("a", "b"), 8)
    written = write_embed_request(asked, model="n:1")
    assert json.loads(written.encode()) == body | {"model": "n:1"}
    assert read_embed_request(Members.parse(b'{"model":"m","input":"a"}')).texts == ("a",)
    assert read_embed_request(Members.parse(b'{"model":"m","input":[]}')).texts == ()


def test_replies() -> None:
    embedded = Embedded("m", ((0.5, -1.0), (0.25, 2.0)), Usage(7))
    body = write_embed_reply(embedded)
    assert json.loads(body) == {
        "model": "m",
        "embeddings": [[0.5, -1.0], [0.25, 2.0]],
        "total_duration": 0,
        "load_duration": 0,
        "prompt_eval_count": 7,
    }
    assert read_embed_reply(body) == embedded
    assert read_embed_reply(b'{"embeddings":[[1,2]]}') == Embedded("", ((1.0, 2.0),), None)


def test_one_text() -> None:
    asked = read_embeddings_request(Members.parse(b'{"model":"m","prompt":"a"}'))
    assert (asked.model, asked.texts) == ("m", ("a",))
    body = write_embeddings_reply([(0.5, 1.0)])
    assert json.loads(body) == {"embedding": [0.5, 1.0]}
    assert read_embeddings_reply(body).vectors == ((0.5, 1.0),)
    assert json.loads(write_embeddings_reply([])) == {"embedding": []}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"input":"a"}', "model"),
        (b'{"model":"m"}', "input"),
        (b'{"model":"m","input":1}', "input"),
        (b'{"model":"m","input":[[1,2]]}', "input"),
        (b'{"model":"m","input":"a","dimensions":"x"}', "dimensions"),
    ],
)
def test_what_is_refused(body: bytes, param: str) -> None:
    with pytest.raises(MalformedBody) as caught:
        read_embed_request(Members.parse(body))
    assert caught.value.param == param


@pytest.mark.parametrize("body", [b"", b"{}", b'{"embeddings":[["a"]]}', b'{"embedding":{}}'])
def test_what_is_none(body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        read_embed_reply(body)
    with pytest.raises(NotAnAnswer):
        read_embeddings_reply(body)
