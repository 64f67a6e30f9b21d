"""OpenAI's shape, both ways."""

import json
from typing import Any

import pytest
from openai.types import CreateEmbeddingResponse

from antiphon.dialects.embeddings import OPENAI_EMBEDDINGS as OPENAI
from antiphon.dialects.embeddings import EmbedPayload
from antiphon.dialects.embeddings.vectors import packed
from antiphon.errors import CallerError, InvalidRequest, MalformedBody, NotAnAnswer, UpstreamRefused
from antiphon.model.embedding import EmbedNeed, EmbedReply, EmbedRequest
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members


def payload(**body: object) -> EmbedPayload:
    return EmbedPayload(OPENAI, Members.parse(json.dumps({"model": "m"} | body).encode()))


def data(*vectors: object, first: int = 0) -> list[dict[str, object]]:
    return [
        {"object": "embedding", "index": at, "embedding": vector}
        for at, vector in enumerate(vectors, first)
    ]


def told(*vectors: object, **members: object) -> bytes:
    body = {"object": "list", "data": data(*vectors), "model": "m"}
    return json.dumps(body | members).encode()


@pytest.mark.parametrize(
    ("body", "inputs"),
    [
        ({"input": "a"}, ("a",)),
        ({"input": ["a"]}, ("a",)),
        ({"input": ["a", ""], "dimensions": 8, "user": "u"}, ("a", "")),
        ({"input": [1, 2]}, ((1, 2),)),
        ({"input": [[1, 2], [3]], "encoding_format": "base64"}, ((1, 2), (3,))),
        ({"input": "a", "encoding_format": "float", "output_dtype": "int8"}, ("a",)),
    ],
)
def test_requests(body: dict[str, Any], inputs: tuple[object, ...]) -> None:
    asked = payload(**body)
    assert asked.asked.inputs == inputs
    assert OPENAI.inputs_of(Members.parse(json.dumps(body).encode())) == len(inputs)
    written = json.loads(OPENAI.write_request(asked.asked, "n").encode())
    if body["input"] == [1, 2]:
        body = body | {"input": [[1, 2]]}
    assert written == body | {"model": "n"}


@pytest.mark.parametrize(
    ("members", "task", "left"),
    [
        ({"input_type": "query"}, "RETRIEVAL_QUERY", set()),
        ({"input_type": "Document"}, "RETRIEVAL_DOCUMENT", set()),
        ({"task": "text-matching"}, "SEMANTIC_SIMILARITY", set()),
        ({"task": "retrieval.query", "input_type": "x"}, "RETRIEVAL_QUERY", {"input_type"}),
        ({"task": 7, "input_type": None}, None, {"task"}),
        ({"task": "of my own"}, None, {"task"}),
    ],
)
def test_what_the_vectors_are_for(
    members: dict[str, object], task: str | None, left: set[str]
) -> None:
    asked = payload(input="a", **members).asked
    assert asked.task == task
    assert (set(asked.extra.members) if asked.extra else set()) == left


def test_needs() -> None:
    assert payload(input="a", encoding_format="base64").wants == frozenset()
    asked = payload(input=[[1]], dimensions=3, user="u", task="separation", odd=1)
    assert asked.wants == {
        EmbedNeed.TOKENS,
        EmbedNeed.DIMENSIONS,
        EmbedNeed.USER,
        EmbedNeed.TASK,
        EmbedNeed.UNKNOWN_MEMBERS,
    }


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": None}, "input"),
        ({"input": []}, "input"),
        ({"input": 1}, "input"),
        ({"input": {"text": "a"}}, "input"),
        ({"input": ["a", 1]}, "input"),
        ({"input": [1, "a"]}, "input"),
        ({"input": [[1], ["a"]]}, "input"),
        ({"input": [1.5]}, "input"),
        ({"input": [None]}, "input"),
        ({"input": [True]}, "input"),
        ({"input": "a", "dimensions": "8"}, "dimensions"),
        ({"input": "a", "encoding_format": "int8"}, "encoding_format"),
        ({"input": "a", "encoding_format": 8}, "encoding_format"),
        ({"input": "a", "user": []}, "user"),
    ],
)
def test_what_cannot_be_read(body: dict[str, object], param: str) -> None:
    with pytest.raises((InvalidRequest, MalformedBody)) as caught:
        _ = payload(**body).asked
    assert isinstance(caught.value, CallerError)
    assert caught.value.param == param


@pytest.mark.parametrize("model", [None, "", 1, ["m"]])
def test_a_model_must_be_named(model: object) -> None:
    with pytest.raises(MalformedBody) as caught:
        payload(input="a", model=model)
    assert caught.value.param == "model"


@pytest.mark.parametrize("encoding", [None, "float", "base64"])
def test_replies(encoding: str | None) -> None:
    reply = EmbedReply(((0.5, -1.0), (0.25, 2.0)), "m", Usage(7))
    body = OPENAI.write_reply(reply, EmbedRequest("x", ("a", "b"), encoding=encoding))
    assert OPENAI.read_reply(body) == reply
    facts = OPENAI.inspect_reply(body)
    assert (facts.usage, facts.vectors) == (Usage(7), 2)
    if encoding == "base64":
        told_ = json.loads(body)["data"]
        assert [each["embedding"] for each in told_] == [packed(each) for each in reply.vectors]
        return
    seen = CreateEmbeddingResponse.model_validate_json(body)
    assert [each.index for each in seen.data] == [0, 1]
    assert (seen.object, seen.model, seen.usage.total_tokens) == ("list", "m", 7)


def test_the_name_that_was_asked_for_stands_in_for_one_that_was_not_told() -> None:
    body = OPENAI.write_reply(EmbedReply(((1.0,),)), EmbedRequest("x", ("a",)))
    assert json.loads(body)["model"] == "x"


def test_vectors_are_put_into_the_order_of_their_numbers() -> None:
    out_of_order = json.dumps({"data": data([1.0], [2.0], [3.0])[::-1]}).encode()
    assert OPENAI.read_reply(out_of_order).vectors == ((1.0,), (2.0,), (3.0,))
    unnumbered = json.dumps({"data": [{"embedding": [1]}, {"embedding": [2]}]}).encode()
    assert OPENAI.read_reply(unnumbered).vectors == ((1.0,), (2.0,))


@pytest.mark.parametrize(
    "items",
    [
        data([1.0], first=1),
        data([1.0]) + data([2.0]),
        [*data([1.0]), {"embedding": [1.0]}],
        [{"index": -1, "embedding": [1.0]}],
        [{"index": 0, "embedding": ["a"]}],
        [{"index": 0, "embedding": [None]}],
        [{"index": 0, "embedding": "AAA"}],
        [{"index": 0}],
        [[1.0]],
        [None],
    ],
)
def test_vectors_that_are_none(items: list[object]) -> None:
    with pytest.raises(NotAnAnswer):
        OPENAI.read_reply(json.dumps({"data": items}).encode())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"data":null}',
        b'{"data":{}}',
        b"<html></html>",
        b'{"data":[{"embedding":[NaN]}]}',
        b'{"data":[{"embedding":[Infinity]}]}',
        b'{"data":[{"embedding":[1]}',
        b"\xff",
    ],
)
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        OPENAI.inspect_reply(body)


def test_a_number_that_no_number_can_be() -> None:
    with pytest.raises(NotAnAnswer):
        OPENAI.read_reply(b'{"data":[{"embedding":[1e999]}]}')


def test_an_error_with_a_status_of_success() -> None:
    with pytest.raises(UpstreamRefused, match="Too many"):
        OPENAI.inspect_reply(b'{"error":{"message":"Too many.","type":"rate_limit_error"}}')


# ------------------------------------------------------------------ bytes that pass


@pytest.mark.parametrize(
    ("body", "vectors"),
    [
        ({"input": "a"}, 1),
        ({"input": ["a", "b"]}, 2),
        ({"input": [1, 2, 3]}, 1),
        ({"input": [[1], [2]]}, 2),
        ({"input": [{"text": "a"}, {"image": "b"}]}, 2),
    ],
)
def test_as_many_vectors_as_inputs(body: dict[str, object], vectors: int) -> None:
    asked = payload(**body)
    right = told(*[[1.0]] * vectors)
    assert asked.accepted(right, OPENAI.inspect_reply(right)) is right
    for wrong in (vectors - 1, vectors + 1):
        short = told(*[[1.0]] * wrong)
        with pytest.raises(NotAnAnswer) as caught:
            asked.accepted(short, OPENAI.inspect_reply(short))
        assert caught.value.code == "wrong_count"


def test_inputs_under_another_name_are_not_counted() -> None:
    asked = payload(messages=[{"role": "user", "content": "a"}])
    body = told([1.0])
    assert asked.accepted(body, OPENAI.inspect_reply(body)) is body


@pytest.mark.parametrize(
    ("encoding", "vector", "heard"),
    [
        ("base64", [0.5, 2.0], packed([0.5, 2.0])),
        ("float", packed([0.5, 2.0]), [0.5, 2.0]),
    ],
)
def test_a_provider_that_encodes_otherwise(encoding: str, vector: object, heard: object) -> None:
    asked = payload(input=["a", "b"], encoding_format=encoding)
    body = told(vector, vector, odd={"kept": 1})
    heard_body = json.loads(asked.accepted(body, OPENAI.inspect_reply(body)))
    assert heard_body == json.loads(told(heard, heard, odd={"kept": 1}))


@pytest.mark.parametrize("encoding", [None, "base64", "ubinary"])
def test_what_is_as_asked_or_as_only_others_ask_is_not_touched(encoding: str | None) -> None:
    body = told(packed([0.5]))
    members = {"encoding_format": encoding} if encoding else {}
    asked = payload(input="a", **members)
    assert asked.accepted(body, OPENAI.inspect_reply(body)) is body


@pytest.mark.parametrize("vector", ["AAA", "AAAAAAA=", "!"])
def test_a_vector_that_cannot_be_encoded_anew(vector: str) -> None:
    asked = payload(input="a", encoding_format="float")
    body = told(vector)
    with pytest.raises(NotAnAnswer):
        asked.accepted(body, OPENAI.inspect_reply(body))
