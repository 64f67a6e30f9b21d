"""The official client (ollama 0.6) reads what we write, and raises what it should."""

import json

import pytest

from antiphon.dialects.ollama import OLLAMA, OLLAMA_GENERATE
from antiphon.dialects.ollama.embeddings import write_embed_reply, write_embeddings_reply
from antiphon.dialects.ollama.listing import LocalModel, write_ps, write_show, write_tags
from antiphon.errors import ModelNotFound, UpstreamBroken
from antiphon.model.embedding import EmbedReply
from antiphon.model.fold import fold
from antiphon.wire.shallow import Members
from tests.unit.dialects.ollama import strategies

ollama = pytest.importorskip("ollama")
httpx = pytest.importorskip("httpx")

HELLO = [{"role": "user", "content": "Hello"}]
LOCAL = LocalModel("qwen3:14b", modified=9, size=3, family="qwen3", context_length=8)


def client_of(body, *, status=200, kind="application/x-ndjson", heard=None):
    """A client whose every request is answered so; `heard` takes what it sent."""

    def answer(request):
        if heard is not None:
            heard.append(request.content)
        return httpx.Response(status, content=body, headers={"content-type": kind})

    return ollama.Client(host="http://gateway.test", transport=httpx.MockTransport(answer))


def write(dialect=OLLAMA, *, beats=b""):
    encoder = dialect.stream_encoder(include_usage=True)
    return beats.join([b"", *map(encoder.feed, strategies.EXAMPLE)])


def test_a_stream():
    parts = [*client_of(write(beats=OLLAMA.heartbeat)).chat("m", HELLO, stream=True)]
    assert "".join(part.message.content for part in parts) == "é中\u2028b"
    assert "".join(part.message.thinking or "" for part in parts) == "thought"
    calls = [call for part in parts for call in part.message.tool_calls or ()]
    assert [(call.function.name, call.function.arguments) for call in calls] == [
        ("f", {"a": 1}),
        ("g", {}),
    ]
    assert parts[-1].done
    assert (parts[-1].prompt_eval_count, parts[-1].eval_count) == (3, 9)
    assert parts[-1].done_reason == "stop"


def test_a_whole_reply():
    said = client_of(OLLAMA.encode_reply(fold(strategies.EXAMPLE))).chat("m", HELLO)
    assert (said.message.content, said.message.thinking) == ("é中\u2028b", "thought")
    assert [call.function.name for call in said.message.tool_calls] == ["f", "g"]
    assert (said.model, said.created_at) == ("qwen3:14b", "2025-01-01T00:00:00Z")
    assert (said.prompt_eval_count, said.eval_count, said.total_duration) == (3, 9, 0)


def test_a_completion():
    dialect = OLLAMA_GENERATE
    parts = [*client_of(write(dialect, beats=dialect.heartbeat)).generate("m", "a", stream=True)]
    assert "".join(part.response for part in parts) == "é中\u2028b"
    whole = client_of(dialect.encode_reply(fold(strategies.EXAMPLE))).generate("m", "a")
    assert (whole.response, whole.thinking, whole.done) == ("é中\u2028b", "thought", True)


def test_a_model_is_loaded():
    asked = Members.parse(b'{"model":"m"}')
    loaded = OLLAMA_GENERATE.encode_loaded(asked, created=0)
    assert client_of(loaded).generate("m").done_reason == "load"
    assert client_of(OLLAMA.encode_loaded(asked, created=0)).chat("m").message.content == ""


def test_errors():
    error = ModelNotFound("model 'm' not found")
    body = OLLAMA.encode_error(error, request_id="r")
    with pytest.raises(ollama.ResponseError, match="model 'm' not found") as caught:
        client_of(body, status=OLLAMA.status_of(error)).chat("m", HELLO)
    assert caught.value.status_code == 404
    broken = OLLAMA.encode_stream_error(UpstreamBroken("cut off", code="x"), request_id="r")
    lines = write().splitlines(keepends=True)[:2]
    heard = []
    with pytest.raises(ollama.ResponseError, match="cut off"):
        heard.extend(client_of(b"".join([*lines, broken])).chat("m", HELLO, stream=True))


def test_what_it_sends_is_read():
    sent = []

    def add(a: int, b: int = 2) -> int:
        """Add two numbers.

        Args:
            a: One.
            b: The other.
        """
        return a + b

    reply = OLLAMA.encode_reply(fold(strategies.EXAMPLE))
    client = client_of(reply, heard=sent)
    said = client.chat("m", HELLO, tools=[add], think="high", options={"num_ctx": 8}, format="json")
    result = {"role": "tool", "content": "1", "tool_name": "f"}
    client.chat("m", [*HELLO, said.message, result], keep_alive="5m")
    first, second = (OLLAMA.decode_request(Members.parse(body)) for body in sent)
    assert [tool.name for tool in first.tools] == ["add"]
    assert not first.stream
    turns = second.turns
    assert [call.name for call in turns[1].tool_calls] == ["f", "g"]
    # The client drops the ids of calls: the result is told by the name of its tool.
    assert turns[2].parts[0].call_id == turns[1].tool_calls[0].call_id
    client.generate("m", "a")
    assert OLLAMA_GENERATE.decode_request(Members.parse(sent[-1])).turns[0].text == "a"


def test_lists_and_embeddings():
    assert client_of(write_tags([LOCAL])).list().models[0].model == "qwen3:14b"
    assert client_of(write_ps([LOCAL])).ps().models[0].context_length == 8
    shown = client_of(write_show(LOCAL)).show("qwen3:14b")
    assert (shown.capabilities, shown.modelinfo["qwen3.context_length"]) == (["completion"], 8)
    embedded = client_of(write_embed_reply(EmbedReply(((0.5, 1.0),), "m"))).embed("m", "a")
    assert embedded.embeddings == [[0.5, 1.0]]
    one = client_of(write_embeddings_reply(EmbedReply(((0.5, 1.0),)))).embeddings("m", "a")
    assert json.loads(one.model_dump_json())["embedding"] == [0.5, 1.0]
