"""Recorded requests for vectors, and everything that must hold of one."""

import json
import struct
from base64 import b64decode
from typing import Any

from msgspec import structs

from antiphon.dialects.contract import Target
from antiphon.dialects.embeddings import OPENAI_EMBEDDINGS, EmbedDialect, EmbedPayload
from antiphon.dialects.gemini.embedder import GEMINI_BATCH_EMBED, GEMINI_EMBED
from antiphon.dialects.gemini.paths import model_and_method
from antiphon.dialects.ollama.embedder import OLLAMA_EMBED, OLLAMA_EMBEDDINGS
from antiphon.dialects.registry import EMBEDDING_AT, EMBEDDINGS
from antiphon.errors import UpstreamRefused
from antiphon.model.embedding import EmbedReply, EmbedRequest
from antiphon.model.needs import Severity
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members
from tests.corpus.exchanges import Exchange

WIRES = ("openai-embeddings", "gemini-embed")
ENDS = {
    ":embedContent": GEMINI_EMBED,
    ":batchEmbedContents": GEMINI_BATCH_EMBED,
    "/api/embed": OLLAMA_EMBED,
    "/api/embeddings": OLLAMA_EMBEDDINGS,
    "/embeddings": OPENAI_EMBEDDINGS,
}
"""What is spoken, by the end of a path."""


def check(exchange: Exchange, truth: Exchange | None = None) -> str:
    """Read everything that was said; returns what the answer was."""
    request, response = exchange["request"], exchange["response"]
    path = request["path"].partition("?")[0]
    shape = next(shape for end, shape in ENDS.items() if path.endswith(end))
    model = ""
    if shape in (GEMINI_EMBED, GEMINI_BATCH_EMBED):
        model = model_and_method(path.rpartition("/models/")[2])[0]
    asked = check_request(shape, request["body"], model)
    raw = json.dumps(response["body"]).encode()
    if response["status"] >= 400:
        error = shape.decode_error(response["status"], {}, raw)
        assert isinstance(error, UpstreamRefused)
        assert error.upstream_status == response["status"]
        return "error"
    check_reply(shape, asked, raw, response["body"])
    return shape.name


def check_request(shape: EmbedDialect, body: dict[str, Any], model: str) -> EmbedPayload:
    source = json.dumps(body).encode()
    payload = EmbedPayload(shape, Members.parse(source), model)
    assert payload.model == (model or body["model"])
    same = shape.aimed(Members.parse(source), payload.model).encode()
    assert json.loads(same) == body
    elsewhere = json.loads(payload.encode(Target("other")))
    assert elsewhere == renamed(body, model, "other")

    again = shape.write_request(payload.asked, payload.model)
    kept = structs.replace(payload.asked, task=None) if model == "" else payload.asked
    assert shape.read_request(again, payload.model) == kept
    given = {name: value for name, value in body.items() if value not in (None, {})}
    if "input_type" in given:
        # What vectors are for is the model's word, and written by those who have it.
        assert payload.asked.task is not None
        del given["input_type"]
    written = json.loads(again.encode())
    assert {name: value for name, value in written.items() if value != {}} == given
    check_request_across(payload)
    return payload


def renamed(body: dict[str, Any], model: str, other: str) -> dict[str, Any]:
    """A request for another model, wherever it says which."""
    if not model:
        return body | {"model": other}
    text = json.dumps(body)
    return json.loads(text.replace(json.dumps(f"models/{model}"), json.dumps(f"models/{other}")))


def check_request_across(payload: EmbedPayload) -> None:
    """Each other shape asks for the same, but for what it says that it loses."""
    asked = payload.asked
    for shape in {each.shape_for(len(asked.inputs)) for each in EMBEDDING_AT.values()}:
        if payload.passes(shape):
            continue
        lost = {need: shape.lost[need] for need in payload.wants & shape.lost.keys()}
        assert not any(loss.severity is Severity.REFUSE for loss in lost.values())
        again = shape.read_request(shape.write_request(asked, "m"), "m")
        assert again.inputs == asked.inputs
        for name in ("dimensions", "task", "title", "user"):
            assert getattr(again, name) == (None if name in lost else getattr(asked, name))


def check_reply(
    shape: EmbedDialect, payload: EmbedPayload, raw: bytes, body: dict[str, Any]
) -> None:
    facts, reply = shape.inspect_reply(raw), shape.read_reply(raw)
    assert payload.accepted(raw, facts) is raw
    assert facts.vectors == len(reply.vectors) == len(payload.asked.inputs)
    assert facts.usage == reply.usage == stated(body)
    assert [len(each) for each in reply.vectors] == [len(each) for each in vectors_in(body)]
    assert list(map(list, reply.vectors)) == vectors_in(body)
    for other in EMBEDDINGS.values():
        check_reply_across(other, reply, payload.asked)


def check_reply_across(shape: EmbedDialect, reply: EmbedReply, asked: EmbedRequest) -> None:
    """A caller of any shape reads the vectors that the provider gave."""
    if shape in (GEMINI_EMBED, OLLAMA_EMBEDDINGS) and len(reply.vectors) > 1:
        return
    again = shape.read_reply(shape.write_reply(reply, asked))
    if shape is OPENAI_EMBEDDINGS and asked.encoding == "base64":
        sizes = [f"<{len(each)}f" for each in reply.vectors]
        packed = [struct.pack(size, *each) for size, each in zip(sizes, reply.vectors, strict=True)]
        assert [
            struct.pack(size, *each) for size, each in zip(sizes, again.vectors, strict=True)
        ] == packed
    else:
        assert again.vectors == reply.vectors
    if reply.usage is not None and shape is not OLLAMA_EMBEDDINGS:
        assert again.usage == reply.usage


# ------------------------------------------------------------------ figures


def stated(body: dict[str, Any]) -> Usage | None:
    """What the provider counted."""
    if "usage" in body:
        return Usage(input_tokens=body["usage"]["total_tokens"])
    if "usageMetadata" in body:
        return Usage(input_tokens=body["usageMetadata"]["promptTokenCount"])
    return None


def vectors_in(body: dict[str, Any]) -> list[list[float]]:
    """The vectors of an answer, read by other means."""
    if "data" in body:
        return [_numbers(each["embedding"]) for each in body["data"]]
    if "embeddings" in body:
        return [each["values"] for each in body["embeddings"]]
    found = body["embedding"]
    return [found["values"] if isinstance(found, dict) else found]


def _numbers(given: str | list[float]) -> list[float]:
    if isinstance(given, list):
        return given
    raw = b64decode(given, validate=True)
    return list(struct.unpack(f"<{len(raw) // 4}f", raw))
