"""All shapes of requests for vectors: what each promises, and each into each other."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.embeddings import EmbedDialect, EmbedPayload
from antiphon.dialects.gemini.embedder import GEMINI_BATCH_EMBED, GEMINI_EMBED
from antiphon.dialects.ollama.embedder import OLLAMA_EMBED, OLLAMA_EMBEDDINGS
from antiphon.dialects.registry import DIALECTS, EMBEDDING_AT, EMBEDDINGS
from antiphon.errors import NotAnAnswer
from antiphon.model.embedding import EmbedNeed, EmbedReply, EmbedRequest
from antiphon.model.needs import Severity
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members

EVERY = pytest.mark.parametrize("shape", EMBEDDINGS.values(), ids=EMBEDDINGS)
ASKED = pytest.mark.parametrize("shape", EMBEDDING_AT.values(), ids=EMBEDDING_AT)
SINGLE = (GEMINI_EMBED, OLLAMA_EMBEDDINGS)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def test_names() -> None:
    assert not EMBEDDINGS.keys() & DIALECTS.keys()
    assert all(name == shape.name for name, shape in EMBEDDINGS.items())


@EVERY
def test_what_is_lost_is_told_in_plain_words(shape: EmbedDialect) -> None:
    for need, loss in shape.lost.items():
        assert isinstance(need, EmbedNeed)
        assert loss.how.isascii()
        assert loss.how.isprintable()
        assert ";" not in loss.how


@EVERY
def test_whoever_can_be_refused_could_have_asked(shape: EmbedDialect) -> None:
    for need, loss in shape.lost.items():
        if loss.severity is Severity.REFUSE:
            assert any(need in each.asked_in for each in EMBEDDINGS.values())


@ASKED
@given(texts=st.lists(st.text(), min_size=1, max_size=5), single=st.booleans())
def test_texts_arrive_in_order(shape: EmbedDialect, texts: list[str], single: bool) -> None:
    asked = EmbedRequest("x", tuple(texts), single=single and len(texts) == 1, dimensions=4)
    spoken = shape.shape_for(len(texts))
    body = Members.parse(spoken.write_request(asked, "m/n:1").encode())
    again = spoken.read_request(body, "m/n:1")
    assert (again.inputs, again.dimensions) == (asked.inputs, 4)
    assert spoken.inputs_of(body) == len(texts)


@EVERY
@given(
    vectors=st.lists(st.lists(NUMBERS, min_size=3, max_size=3), min_size=1, max_size=4),
    used=st.integers(0, 10**6),
)
def test_vectors_come_back_as_they_were(
    shape: EmbedDialect, vectors: list[list[float]], used: int
) -> None:
    if shape in SINGLE:
        vectors = vectors[:1]
    given_ = EmbedReply(tuple(map(tuple, vectors)), "m", Usage(used))
    body = shape.write_reply(given_, EmbedRequest("x", ("a",) * len(vectors)))
    facts, again = shape.inspect_reply(body), shape.read_reply(body)
    assert again.vectors == given_.vectors
    assert facts.vectors == len(vectors)
    assert facts.usage == again.usage
    if shape is not OLLAMA_EMBEDDINGS:
        assert again.usage == Usage(used)


@EVERY
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"<html>", b"null", b"\xff", b'{"x":1}'])
def test_what_is_no_answer(shape: EmbedDialect, body: bytes) -> None:
    with pytest.raises(NotAnAnswer):
        shape.inspect_reply(body)


@EVERY
@given(body=st.binary(max_size=60))
def test_any_bytes_are_an_answer_or_an_error_of_ours(shape: EmbedDialect, body: bytes) -> None:
    for read in (shape.inspect_reply, shape.read_reply):
        with pytest.raises(Exception) as caught:  # noqa: PT011
            read(body)
        assert type(caught.value).__module__ == "antiphon.errors"


# ------------------------------------------------------------------ Gemini's models


def gemini(shape: EmbedDialect, body: object, model: str = "fast") -> EmbedPayload:
    return EmbedPayload(shape, Members.parse(json.dumps(body).encode()), model)


def test_a_batch_names_its_model_in_every_request() -> None:
    one = {"content": {"parts": [{"text": "a"}]}, "odd": [1.50]}
    body = {"requests": [{"model": "models/fast", **one}, {**one, "model": "models/other"}]}
    asked = gemini(GEMINI_BATCH_EMBED, body)
    members = Members.parse(json.dumps(body).encode())
    sent = json.loads(asked.embeds.aimed(members, "gemini-x").encode())
    assert [each["model"] for each in sent["requests"]] == ["models/gemini-x"] * 2
    assert all(each["odd"] == [1.5] for each in sent["requests"])


@pytest.mark.parametrize("body", [{}, {"requests": 1}, {"requests": [1]}, {"requests": {}}])
def test_a_batch_that_is_none_is_the_providers_to_refuse(body: object) -> None:
    members = Members.parse(json.dumps(body).encode())
    assert GEMINI_BATCH_EMBED.aimed(members, "m").encode() == members.source
    assert GEMINI_BATCH_EMBED.inputs_of(members) is None or body == {"requests": [1]}


def test_one_names_its_model_where_the_caller_did() -> None:
    silent = Members.parse(b'{"content": {}}')
    assert GEMINI_EMBED.aimed(silent, "m").encode() == silent.source
    named = Members.parse(b'{"model": "models/fast"}')
    assert json.loads(GEMINI_EMBED.aimed(named, "m").encode()) == {"model": "models/m"}
    tuned = GEMINI_EMBED.aimed(named, "tunedModels/m")
    assert json.loads(tuned.encode()) == {"model": "tunedModels/m"}


@pytest.mark.parametrize(
    ("shape", "path"),
    [
        (GEMINI_EMBED, "/models/a%20b/c%3A1:embedContent"),
        (GEMINI_BATCH_EMBED, "/models/a%20b/c%3A1:batchEmbedContents"),
        (OLLAMA_EMBED, "/embed"),
        (OLLAMA_EMBEDDINGS, "/embeddings"),
        (EMBEDDINGS["openai_embeddings"], "/embeddings"),
    ],
)
def test_paths(shape: EmbedDialect, path: str) -> None:
    assert shape.target_path("a b/c:1", stream=False) == path


def test_how_many_inputs_decide_how_google_is_asked() -> None:
    assert GEMINI_BATCH_EMBED.shape_for(1) is GEMINI_EMBED
    assert GEMINI_EMBED.shape_for(2) is GEMINI_BATCH_EMBED
    assert OLLAMA_EMBEDDINGS.shape_for(1) is OLLAMA_EMBED


def test_google_is_not_asked_to_cut_in_words_that_only_vertex_knows() -> None:
    for cut in (True, False):
        asked = EmbedRequest("x", ("a", "b"), truncate=cut)
        assert b"runcate" not in GEMINI_BATCH_EMBED.write_request(asked, "m").encode()
    assert EmbedNeed.UNCUT in GEMINI_BATCH_EMBED.lost
    assert EmbedNeed.CUT not in GEMINI_BATCH_EMBED.lost
