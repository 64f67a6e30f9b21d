"""The official client reads what we write, and raises what it should.

Skipped where google-genai is not installed.
"""

import json

import msgspec
import pytest
from hypothesis import given, settings

from antiphon.dialects.gemini import GEMINI
from antiphon.errors import Disposition, Kind, ModelNotFound, UpstreamBroken, UpstreamRefused
from antiphon.model.events import Ended, StreamEvent, TextDelta
from antiphon.model.fold import fold
from antiphon.model.parts import Origin, Reasoning, Refusal, Text, ToolCall
from antiphon.model.reply import ChatReply
from antiphon.wire.shallow import Members
from tests.unit.dialects.gemini import strategies
from tests.unit.dialects.gemini.client import client_of, genai, streamed, whole
from tests.unit.dialects.openai_chat.strategies import streams as chat_streams


def write(events: list[StreamEvent]) -> bytes:
    encoder = GEMINI.stream_encoder(include_usage=True)
    return b"".join(encoder.feed(event) for event in [*events, Ended()])


def parts_in(chunks):
    """The parts of the first candidate."""
    firsts = [chunk.candidates[0] for chunk in chunks]
    return [part for each in firsts if not each.index for part in each.content.parts]


def test_a_stream() -> None:
    chunks = streamed(write(strategies.EXAMPLE))
    parts = parts_in(chunks)
    assert parts[0].thought
    said = [part for part in parts if part.text and not part.thought]
    assert "".join(part.text for part in said) == 'é中\u2028 \\" ]}{b'
    calls = [part for part in parts if part.function_call]
    assert [call.function_call.name for call in calls] == ["f", "g"]
    assert [call.function_call.args for call in calls] == [{"a": 1}, {}]
    assert calls[0].thought_signature == b"seal"
    last = chunks[-1]
    assert last.candidates[0].finish_reason == "STOP"
    assert last.usage_metadata.total_token_count == 12
    assert last.usage_metadata.thoughts_token_count == 5
    assert last.response_id == "r1"


def test_a_heartbeat_is_ignored() -> None:
    stream = write([strategies.EXAMPLE[0], TextDelta("a"), *strategies.EXAMPLE[-2:]])
    frames = stream.split(b"\n\n")
    beaten = b"\n\n\n".join(frames[:1]) + b"\n\n" + GEMINI.heartbeat * 3 + b"\n\n".join(frames[1:])
    assert [part.text for part in parts_in(streamed(beaten))] == ["a", ""]


@settings(max_examples=25, deadline=None)
@given(strategies.streams())
def test_every_stream_is_what_the_whole_reply_is(events: list[StreamEvent]) -> None:
    chunks, read = streamed(write(events)), whole(GEMINI.encode_reply(fold(events)))
    heard = [part for part in parts_in(chunks) if part.text and not part.thought]
    told = read.candidates[0].content.parts or []
    assert "".join(part.text for part in heard) == "".join(
        part.text for part in told if part.text and not part.thought
    )
    calls = [part.function_call for part in parts_in(chunks) if part.function_call]
    assert calls == [part.function_call for part in told if part.function_call]
    assert chunks[-1].usage_metadata == read.usage_metadata


@settings(max_examples=25, deadline=None)
@given(chat_streams())
def test_streams_of_another_dialect(events: list[StreamEvent]) -> None:
    """Interleaved calls, thought without a seal, arguments that are no JSON, two choices."""
    chunks = streamed(write([event for event in events if not isinstance(event, Ended)]))
    firsts = [choice for choice in fold(events).choices if choice.index == 0]
    told = [part for each in firsts for part in each.turn.parts]
    text = "".join(part.text or "" for part in parts_in(chunks) if not part.thought)
    assert text == "".join(part.text for part in told if isinstance(part, Text | Refusal))
    calls = [part.function_call.name for part in parts_in(chunks) if part.function_call]
    assert calls == [part.name for part in told if isinstance(part, ToolCall)]


def test_a_conversation_is_kept_by_the_client() -> None:
    """Its chat keeps the answer, and gives it back with its seals."""
    events = strategies.EXAMPLE
    client, asked = client_of(write(events), kind="text/event-stream")
    chat = client.chats.create(model="m")
    list(chat.send_message_stream("Hello"))
    list(chat.send_message_stream("Go on"))
    body = json.loads(asked[-1].content)
    request = GEMINI.decode_request(Members.parse(json.dumps({"model": "m", **body}).encode()))
    said = request.turns[1]
    assert said.text == 'é中\u2028 \\" ]}{b'
    assert [call.name for call in said.tool_calls] == ["f", "g"]
    seals = [
        part.signature for part in said.parts if isinstance(part, Reasoning) and part.signature
    ]
    assert [seal.replace("-", "+").replace("_", "/") for seal in seals] == ["c2VhbA=="]


def test_a_foreign_seal_comes_back() -> None:
    origin = Origin("anthropic_messages", "claude", "org")
    thought = Reasoning("Hm", signature="c2ln/+==", origin=origin)
    reply = fold(strategies.EXAMPLE)
    turn = reply.choices[0].turn
    turn = msgspec.structs.replace(turn, parts=(thought, ToolCall("c1", "f", "{}")))
    choice = msgspec.structs.replace(reply.choices[0], turn=turn)
    body = GEMINI.encode_reply(msgspec.structs.replace(reply, choices=(choice,)))
    client, asked = client_of(body)
    chat = client.chats.create(model="m")
    chat.send_message("Hello")
    chat.send_message("Go on")
    sent = asked[-1].content
    assert GEMINI.seal_mark in sent
    given = json.dumps({"model": "m", **json.loads(sent)}).encode()
    request = GEMINI.decode_request(Members.parse(given))
    assert request.turns[1].parts[0] == thought


@pytest.mark.parametrize(
    "error",
    [
        ModelNotFound("m"),
        UpstreamBroken("The stream broke.", code="x"),
        UpstreamRefused(
            "Slow down.",
            kind=Kind.RATE_LIMITED,
            disposition=Disposition.TRANSIENT,
            code="x",
            retry_after=7,
        ),
    ],
)
def test_errors(error) -> None:
    status = GEMINI.status_of(error)
    body = GEMINI.encode_error(error, request_id="req_1")
    client, _ = client_of(body, status=status)
    with pytest.raises(genai.errors.APIError) as raised:
        client.models.generate_content(model="m", contents="Hello")
    assert raised.value.code == status
    assert error.message in str(raised.value)
    stream = write(strategies.EXAMPLE[:3])
    broken = stream + GEMINI.encode_stream_error(error, request_id="req_1")
    with pytest.raises(genai.errors.APIError) as raised:
        streamed(broken)
    assert raised.value.code == status


def test_what_the_client_asks_is_read() -> None:
    """Tools, schemas, thinking and pictures, as the client writes them."""
    client, asked = client_of(
        GEMINI.encode_reply(ChatReply("r", "m", fold(strategies.EXAMPLE).choices))
    )
    types = genai.types
    client.models.generate_content(
        model="m",
        contents=["Look", types.Part.from_bytes(data=b"\x00", mime_type="image/png")],
        config=types.GenerateContentConfig(
            system_instruction="Be brief",
            temperature=0.5,
            max_output_tokens=9,
            response_mime_type="application/json",
            response_json_schema={"type": "object"},
            thinking_config=types.ThinkingConfig(thinking_level="LOW", include_thoughts=True),
            tools=[
                types.Tool(
                    function_declarations=[
                        types.FunctionDeclaration(
                            name="f", parameters_json_schema={"type": "object"}
                        )
                    ]
                )
            ],
            tool_config=types.ToolConfig(
                function_calling_config=types.FunctionCallingConfig(
                    mode="ANY", allowed_function_names=["f"]
                )
            ),
        ),
    )
    path = asked[0].url.path
    assert path.endswith("/models/m:generateContent")
    body = json.dumps({"model": "m", **json.loads(asked[0].content)}).encode()
    request = GEMINI.decode_request(Members.parse(body))
    assert request.turns[0].text == "Be brief"
    assert request.turns[1].parts[1].blob.media_type == "image/png"
    assert request.max_output_tokens == 9
    assert request.output.form == "schema"
    assert (request.reasoning.effort, request.reasoning.summary) == ("low", "auto")
    assert (request.tool_choice.mode, request.tool_choice.names) == ("named", ("f",))
    assert request.extra is None
