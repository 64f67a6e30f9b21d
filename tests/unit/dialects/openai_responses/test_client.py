"""What the official client reads of what is written here."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import openai
import pydantic
import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.model.events import (
    SUMMARY,
    Ended,
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.fold import fold
from antiphon.model.parts import CallKind, Origin
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage
from antiphon.wire.shallow import Members

TOOLS: list[Any] = [
    {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False},
    {"type": "custom", "name": "g"},
]
SAID: list[StreamEvent] = [
    Started("chatcmpl-1", "kimi-k3", 7),
    ReasoningDelta("hm ", 0, "reasoning_content"),
    ReasoningDelta("so", 0, "reasoning_content"),
    TextDelta("Hel"),
    TextDelta("lo é中\u2028"),
    ToolCallStarted(0, "call_a", "f"),
    ToolCallStarted(1, "call_b", "g", kind=CallKind.CUSTOM),
    ToolCallDelta(0, '{"a"'),
    ToolCallDelta(1, "x=1"),
    ToolCallDelta(0, ":1}"),
    UsageReported(Usage(3, cache_read_tokens=4, output_tokens=5, reasoning_tokens=6)),
    Finished(Stop(StopReason.TOOL, raw="tool_calls")),
    Ended(),
]


def speaking(events: list[StreamEvent]) -> Callable[[httpx2.Request], httpx2.Response]:
    """A gateway whose provider says these events."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked = Payload(OPENAI_RESPONSES, Members.parse(request.read()))
        if not asked.stream:
            body = OPENAI_RESPONSES.encode_reply(fold(events), asked)
            return httpx2.Response(200, content=body, headers={"content-type": "application/json"})
        encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True, asked=asked)
        content = b"".join(OPENAI_RESPONSES.heartbeat + encoder.feed(event) for event in events)
        return httpx2.Response(
            200, content=content, headers={"content-type": OPENAI_RESPONSES.stream_type}
        )

    return answer


def client(events: list[StreamEvent]) -> openai.OpenAI:
    http = httpx2.Client(transport=httpx2.MockTransport(speaking(events)))
    return openai.OpenAI(
        api_key="k",
        base_url="http://gateway/v1",
        max_retries=0,
        http_client=http,
        # What does not fit the client's types raises.
        _strict_response_validation=True,
    )


def check_whole(response: Any) -> None:
    assert response.id == "resp_chatcmpl1"
    assert response.status == "completed"
    assert response.output_text == "Hello é中\u2028"
    thought, message, call, custom = response.output
    assert thought.content[0].text == "hm so"
    assert message.content[0].text == "Hello é中\u2028"
    assert (call.call_id, call.name, call.arguments) == ("call_a", "f", '{"a":1}')
    assert (custom.call_id, custom.name, custom.input) == ("call_b", "g", "x=1")
    assert response.usage.input_tokens == 7
    assert response.usage.input_tokens_details.cached_tokens == 4
    assert response.usage.output_tokens_details.reasoning_tokens == 6
    assert response.usage.total_tokens == 18
    assert response.tools[0].name == "f"


def test_the_helper_for_streams() -> None:
    with client(SAID).responses.stream(model="m", input="x", tools=TOOLS) as stream:
        events = list(stream)
        final = stream.get_final_response()
    check_whole(final)
    texts = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert texts == ["Hel", "lo é中\u2028"]
    assert [event.sequence_number for event in events] == list(range(len(events)))


def test_a_stream_event_by_event() -> None:
    events = list(client(SAID).responses.create(model="m", input="x", tools=TOOLS, stream=True))
    assert events[0].type == "response.created"
    last = events[-1]
    assert last.type == "response.completed"
    check_whole(last.response)
    done = [event.item for event in events if event.type == "response.output_item.done"]
    assert len(done) == len(last.response.output)


def test_a_whole_reply() -> None:
    check_whole(client(SAID).responses.create(model="m", input="x", tools=TOOLS))


def test_every_event_fits_its_type() -> None:
    """The client does not check what it reads from a stream: its types do it here."""
    said: list[StreamEvent] = [
        Started("resp_1", "m", 7),
        ReasoningDelta("a", 0, SUMMARY),
        ReasoningSealed("sig", Origin("anthropic_messages", "claude")),
        PartEnded(),
        TextDelta("x"),
        RefusalDelta("no"),
        *SAID[5:10],
        UsageReported(Usage(1, output_tokens=2)),
        Finished(Stop(StopReason.LENGTH)),
        Ended(),
    ]
    adapter: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(
        openai.types.responses.ResponseStreamEvent
    )
    for events in (SAID, said):
        encoder = OPENAI_RESPONSES.stream_encoder(include_usage=True)
        frames = b"".join(encoder.feed(event) for event in events).split(b"\n\n")[:-1]
        for frame in frames:
            event = json.loads(frame.partition(b"\ndata: ")[2])
            assert adapter.validate_python(event).type == event["type"]


class Person(pydantic.BaseModel):
    name: str


def test_structured_output() -> None:
    said: list[StreamEvent] = [
        Started("x", "m"),
        TextDelta('{"name":"Ada"}'),
        Finished(Stop(StopReason.STOP)),
        Ended(),
    ]
    parsed = client(said).responses.parse(model="m", input="x", text_format=Person)
    assert parsed.output_parsed == Person(name="Ada")


def test_an_answer_that_was_cut_off() -> None:
    said: list[StreamEvent] = [
        Started("x", "m"),
        TextDelta("Hel"),
        UsageReported(Usage(1, output_tokens=2)),
        Finished(Stop(StopReason.LENGTH, raw="length")),
        Ended(),
    ]
    events = list(client(said).responses.create(model="m", input="x", stream=True))
    last = events[-1]
    assert last.type == "response.incomplete"
    assert last.response.incomplete_details is not None
    assert last.response.incomplete_details.reason == "max_output_tokens"
    whole = client(said).responses.create(model="m", input="x")
    assert (whole.status, whole.output_text) == ("incomplete", "Hel")


def test_what_the_client_gives_back_is_read() -> None:
    """A tool loop as the client's own documentation shows it: output goes on as input."""
    response = client(SAID).responses.create(model="m", input="x", tools=TOOLS)
    history: list[Any] = [{"role": "user", "content": "x"}]
    history += [item.to_dict(mode="json") for item in response.output]
    history.append({"type": "function_call_output", "call_id": "call_a", "output": "1"})
    seen: list[Payload] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(Payload(OPENAI_RESPONSES, Members.parse(request.read())))
        return speaking(SAID)(request)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    openai.OpenAI(api_key="k", base_url="http://x/v1", http_client=http).responses.create(
        model="m", input=history, tools=TOOLS
    )
    _, said, result = seen[0].request.turns
    assert said.text == "Hello é中\u2028"
    assert [call.call_id for call in said.tool_calls] == ["call_a", "call_b"]
    assert getattr(result.parts[0], "call_id", "") == "call_a"


@pytest.mark.parametrize("stop", [StopReason.STOP, StopReason.FILTER])
def test_an_answer_of_nothing(stop: StopReason) -> None:
    said: list[StreamEvent] = [Started("x", "m"), Finished(Stop(stop)), Ended()]
    assert client(said).responses.create(model="m", input="x").output == []
