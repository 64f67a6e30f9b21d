"""What the events of a stream may hold: odd framing, nulls, absurd usage, muddled tool calls."""

import json
import math

import pytest

from tests.simulator.callers import Raw, body_of, events_of

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["city", "days"],
        },
    },
}
STOCK = {"type": "function", "function": {"name": "get_stock", "parameters": {}}}
ASKED = {"stream": True, "stream_options": {"include_usage": True}}
TOOLS = {"text": "get_weather get_stock", "tools": [WEATHER, STOCK]}


def texts(events: list[dict]) -> str:
    deltas = [choice["delta"] for event in events for choice in event.get("choices") or ()]
    return "".join(delta.get("content") or "" for delta in deltas)


async def test_events_have_further_lines(raw: Raw) -> None:
    events = body_of(await raw("fault:event-fields", stream=True)).split(b"\n\n")[:-1]
    for event in events:
        assert event.startswith(b"event: message\nid: 7\nretry: 10\ndata: ")


async def test_data_stand_on_two_lines(raw: Raw) -> None:
    events = body_of(await raw("fault:data-lines", text="[say: a b]", stream=True)).split(b"\n\n")
    for event in events[:-2]:
        first, second = event.split(b"\n")
        assert json.loads(first[6:] + second[6:])["choices"]
    assert events[-2] == b"data: [DONE]"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_nul_stands_in_the_text(raw: Raw, *, stream: bool) -> None:
    assert b'"content":"\x00' in await raw("fault:nul-bytes", stream=stream)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_member_stands_twice(raw: Raw, *, stream: bool) -> None:
    answer = await raw("fault:repeated-members", text="[say: a b]", stream=stream)
    assert b'"content":"not this","content":"' in answer
    if stream:
        assert texts(events_of(answer)) == "a b"
    else:
        assert json.loads(body_of(answer))["choices"][0]["message"]["content"] == "a b"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_number_is_too_large(raw: Raw, *, stream: bool) -> None:
    answer = await raw("fault:huge-number", stream=stream)
    first = events_of(answer)[0] if stream else json.loads(body_of(answer))
    assert first["created"] == math.inf


async def test_choices_are_empty_or_missing(raw: Raw) -> None:
    events = events_of(await raw("fault:empty-choices", **ASKED))
    assert events[0]["choices"] == []
    assert "prompt_filter_results" in events[0]
    events = events_of(await raw("fault:choices-missing", **ASKED))
    assert "choices" not in events[-1]
    assert events[-1]["usage"]["total_tokens"]


async def test_nulls_stand_for_what_is_empty(raw: Raw) -> None:
    events = events_of(await raw("fault:nulls", text="[say: a b]", **ASKED))
    deltas = [event["choices"][0]["delta"] for event in events[:-1]]
    assert {delta["tool_calls"] for delta in deltas} == {None}
    assert [delta["content"] for delta in deltas] == ["", "a", " b", None]
    assert all(event["usage"] is None for event in events)
    whole = json.loads(body_of(await raw("fault:nulls", text="[say: a b]")))
    assert whole["usage"] is None
    assert whole["choices"][0]["message"]["tool_calls"] is None
    assert whole["choices"][0]["message"]["content"] == "a b"


async def test_the_end_is_not_the_end(raw: Raw) -> None:
    twice = body_of(await raw("fault:done-twice", stream=True))
    assert twice.endswith(b"data: [DONE]\n\ndata: [DONE]\n\n")
    after = body_of(await raw("fault:after-done", stream=True))
    end, _, more = after.partition(b"data: [DONE]\n\n")
    assert b"finish_reason" in end
    assert b" And more." in more


@pytest.mark.parametrize(
    ("name", "stated"),
    [
        ("huge-usage", [10**18, 10**18, 2 * 10**18]),
        ("text-usage", ["9", "3", "12"]),
        ("float-usage", [9.0, 3.0, 12.0]),
    ],
)
async def test_usage_is_absurd(raw: Raw, name: str, stated: list[object]) -> None:
    whole = json.loads(body_of(await raw(f"fault:{name}")))
    last = events_of(await raw(f"fault:{name}", **ASKED))[-1]
    assert list(whole["usage"].values()) == list(last["usage"].values()) == stated


async def test_usage_grows(raw: Raw) -> None:
    honest = events_of(await raw(text="[say: a b]", **ASKED))
    events = events_of(await raw("fault:usage-growing", text="[say: a b]", **ASKED))
    made = [event["usage"]["completion_tokens"] for event in events[:-1]]
    assert made == list(range(len(events) - 1))
    assert events[-1]["usage"] == honest[-1]["usage"]
    unasked = events_of(await raw("fault:usage-growing", text="[say: a b]", stream=True))
    assert unasked[-1]["usage"]["total_tokens"] == 12


async def calls_of(raw: Raw, name: str, *, stream: bool) -> list[dict]:
    """Each fragment, or each whole call."""
    model = f"sim-small+fault:{name}" if name else "sim-small"
    answer = await raw(model, stream=stream, **TOOLS)
    if not stream:
        return json.loads(body_of(answer))["choices"][0]["message"]["tool_calls"]
    deltas = [event["choices"][0]["delta"] for event in events_of(answer)]
    return [call for delta in deltas for call in delta.get("tool_calls", ())]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("name", "id_"), [("tool-id-twice", "call_same"), ("tool-id-empty", "")])
async def test_calls_have_no_id_of_their_own(
    raw: Raw, name: str, id_: str, *, stream: bool
) -> None:
    calls = await calls_of(raw, name, stream=stream)
    assert [call["id"] for call in calls if "id" in call] == [id_, id_]


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_have_no_arguments(raw: Raw, *, stream: bool) -> None:
    calls = await calls_of(raw, "tool-arguments-empty", stream=stream)
    assert {call["function"]["arguments"] for call in calls} == {""}


async def test_fragments_are_snapshots(raw: Raw) -> None:
    honest = await calls_of(raw, "", stream=True)
    snapshots = await calls_of(raw, "tool-arguments-snapshots", stream=True)
    for index in (0, 1):
        parts = [c["function"]["arguments"] for c in honest if c["index"] == index]
        told = [c["function"]["arguments"] for c in snapshots if c["index"] == index]
        assert told == ["".join(parts[: at + 1]) for at in range(len(parts))]
    assert len(parts) > 1


@pytest.mark.parametrize("stream", [False, True])
async def test_the_reason_hides_the_calls(raw: Raw, *, stream: bool) -> None:
    answer = await raw("fault:tool-finish-stop", stream=stream, **TOOLS)
    assert b'"finish_reason":"stop"' in answer
    assert b'"finish_reason":"tool_calls"' not in answer
    assert b"get_weather" in answer
