"""What the events of the two dialects with blocks and items may hold when something goes wrong."""

import json
from collections.abc import Callable

import pytest

from antiphon.simulator.wires import MESSAGES, RESPONSES
from tests.simulator.callers import Raw, body_of, events_of

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
MEMBERS = {
    MESSAGES: {
        "tools": [{"name": name, "input_schema": CITY} for name in ("get_weather", "get_stock")]
    },
    RESPONSES: {
        "tools": [
            {"type": "function", "name": name, "parameters": CITY}
            for name in ("get_weather", "get_stock")
        ],
        "reasoning": {"summary": "auto"},
        "include": ["reasoning.encrypted_content"],
    },
}
ASKED = "get_weather and get_stock [say: one two three]"


@pytest.fixture
def told(raw_in: Raw) -> Callable[..., object]:
    """The events of an answer with a thought, a text and two calls, and a fault."""

    async def ask(wire: str, name: str, text: str = ASKED) -> list[dict]:
        model = f"sim-reason+fault:{name}" if name else "sim-reason"
        answer = await raw_in(wire, model, text=text, stream=True, **MEMBERS[wire])
        return events_of(answer)

    return ask


def kinds(events: list[dict]) -> list[str]:
    return [event["type"] for event in events]


def deltas(events: list[dict], kind: str) -> list[dict]:
    found = (event["delta"] for event in events if event["type"] == "content_block_delta")
    return [delta for delta in found if delta["type"] == kind]


COUNTS = [
    (MESSAGES, "start-twice", "message_start", 2),
    (MESSAGES, "start-missing", "message_start", 0),
    (MESSAGES, "block-unstarted", "content_block_start", 0),
    (MESSAGES, "block-unended", "content_block_stop", 0),
    (MESSAGES, "no-done", "message_stop", 0),
    (MESSAGES, "no-finish", "message_delta", 0),
    (MESSAGES, "done-twice", "message_stop", 2),
    (MESSAGES, "ping-flood", "ping", 1001),
    (MESSAGES, "event-unknown", "weather_report", 1),
    (MESSAGES, "error-event", "error", 1),
    (RESPONSES, "start-twice", "response.created", 2),
    (RESPONSES, "start-missing", "response.created", 0),
    (RESPONSES, "block-unstarted", "response.output_item.added", 0),
    (RESPONSES, "block-unended", "response.output_item.done", 0),
    (RESPONSES, "no-done", "response.completed", 0),
    (RESPONSES, "done-twice", "response.completed", 2),
    (RESPONSES, "ping-flood", "keepalive", 1000),
    (RESPONSES, "event-unknown", "response.weather.report", 1),
    (RESPONSES, "error-event", "error", 1),
    (RESPONSES, "response-failed", "response.failed", 1),
    (RESPONSES, "response-failed", "response.completed", 0),
    (RESPONSES, "arguments-on-done", "response.function_call_arguments.delta", 0),
    (RESPONSES, "text-on-done", "response.output_text.delta", 0),
    (RESPONSES, "no-reason", "response.incomplete", 1),
    (RESPONSES, "thought-untold", "response.reasoning_summary_text.delta", 0),
]


@pytest.mark.parametrize(("wire", "name", "kind", "times"), COUNTS)
async def test_an_event_comes_so_often(
    told: Callable, wire: str, name: str, kind: str, times: int
) -> None:
    assert kinds(await told(wire, name)).count(kind) == times
    assert kinds(await told(wire, "")).count(kind) != times


async def test_numbers_stay_in_order_but_for_one_fault(told: Callable) -> None:
    for name in ("blocks-interleaved", "ping-flood", "event-unknown", "start-missing"):
        events = await told(RESPONSES, name)
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert {event["sequence_number"] for event in await told(RESPONSES, "sequence-zero")} == {0}


@pytest.mark.parametrize(("wire", "index"), [(MESSAGES, "index"), (RESPONSES, "output_index")])
async def test_blocks_are_interleaved_and_misnumbered(
    told: Callable, wire: str, index: str
) -> None:
    order = [e[index] for e in await told(wire, "blocks-interleaved") if index in e]
    assert order[:4] == [0, 1, 2, 3]
    assert sorted(order) == sorted(e[index] for e in await told(wire, "") if index in e)
    zero = [e[index] for e in await told(wire, "tool-index-zero") if index in e]
    assert set(zero) == {0}
    assert not [e for e in await told(wire, "tool-index-missing") if index in e]
    assert 9 in [e.get(index) for e in await told(wire, "block-unknown")]


async def test_inputs_come_whole(told: Callable) -> None:
    honest = "".join(d["partial_json"] for d in deltas(await told(MESSAGES, ""), INPUT))
    begun = [e["content_block"] for e in await told(MESSAGES, "input-in-start") if BEGUN in e]
    inputs = [json.dumps(b["input"]) for b in begun if b["type"] == "tool_use"]
    assert "".join(inputs).replace(" ", "") == honest
    twice = [d["partial_json"] for d in deltas(await told(MESSAGES, "input-twice"), INPUT)]
    assert twice[0] == twice[2] == "{}"
    assert twice[1] + twice[3] == honest


INPUT = "input_json_delta"
BEGUN = "content_block"


async def test_arguments_are_empty_or_repeated(told: Callable) -> None:
    empty = deltas(await told(MESSAGES, "tool-arguments-empty"), INPUT)
    assert {delta["partial_json"] for delta in empty} == {""}
    snapshots = [d["partial_json"] for d in deltas(await told(MESSAGES, SNAPSHOTS), INPUT)]
    assert snapshots[2].startswith(snapshots[1])
    responses = await told(RESPONSES, SNAPSHOTS)
    parts = [e["delta"] for e in responses if e["type"].endswith("call_arguments.delta")]
    assert parts[1].startswith(parts[0])
    assert json.loads(parts[1])
    none = await told(RESPONSES, "tool-arguments-empty")
    assert {e["arguments"] for e in none if "arguments" in e} == {""}


SNAPSHOTS = "tool-arguments-snapshots"


async def test_thoughts_are_unsealed_or_untold(told: Callable) -> None:
    unsealed = await told(MESSAGES, "thought-unsealed")
    assert not deltas(unsealed, "signature_delta")
    assert deltas(unsealed, "thinking_delta")
    untold = await told(MESSAGES, "thought-untold")
    assert deltas(untold, "signature_delta")
    assert not deltas(untold, "thinking_delta")
    last = (await told(RESPONSES, "thought-unsealed"))[-1]["response"]["output"][0]
    assert "encrypted_content" not in last
    assert last["summary"]
    last = (await told(RESPONSES, "thought-untold"))[-1]["response"]["output"][0]
    assert last["summary"] == []
    assert last["encrypted_content"]


async def test_the_reason_is_missing(told: Callable) -> None:
    messages = await told(MESSAGES, "no-reason")
    assert messages[-2]["delta"]["stop_reason"] is None
    response = (await told(RESPONSES, "no-reason"))[-1]["response"]
    assert (response["status"], response["incomplete_details"]) == ("incomplete", None)


async def test_a_failure_and_an_empty_output(told: Callable) -> None:
    failed = (await told(RESPONSES, "response-failed"))[-1]["response"]
    assert (failed["status"], failed["error"]["code"]) == ("failed", "server_error")
    empty = await told(RESPONSES, "output-empty")
    assert empty[-1]["response"]["output"] == []
    assert empty[-1]["response"]["usage"]["total_tokens"]


async def test_an_error_event_is_an_overload(told: Callable) -> None:
    error = (await told(MESSAGES, "error-event"))[-1]
    assert error["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize("wire", [MESSAGES, RESPONSES])
async def test_usage_is_absurd(raw_in: Raw, wire: str) -> None:
    stated = {"negative-usage": -9, "huge-usage": 10**18, "text-usage": "9", "null-usage": None}
    for name, figure in stated.items():
        whole = json.loads(body_of(await raw_in(wire, f"fault:{name}")))
        assert whole["usage"]["input_tokens"] == figure
        last = events_of(await raw_in(wire, f"fault:{name}", stream=True))[-2:]
        assert f'"input_tokens": {json.dumps(figure)}' in json.dumps(last)
    assert "usage" not in json.loads(body_of(await raw_in(wire, "fault:no-usage")))


async def test_usage_grows(told: Callable) -> None:
    events = await told(MESSAGES, "usage-growing")
    growing = [e["usage"]["output_tokens"] for e in events if e["type"] == "message_delta"]
    assert growing[:-1] == sorted(growing[:-1])
    assert len(growing) > 10
    events = await told(RESPONSES, "usage-growing")
    used = [e["response"]["usage"] for e in events if "response" in e]
    assert [each["output_tokens"] for each in used[:2]] == [0, 1]


@pytest.mark.parametrize("wire", [MESSAGES, RESPONSES])
async def test_a_folded_stream_is_the_whole_answer(raw_in: Raw, wire: str) -> None:
    asked = {"text": ASKED, **MEMBERS[wire]}
    whole = json.loads(body_of(await raw_in(wire, "sim-reason", **asked)))
    model = "sim-reason+fault:not-streamed"
    folded = json.loads(body_of(await raw_in(wire, model, stream=True, **asked)))
    assert folded.keys() == whole.keys()
    member = "content" if wire == MESSAGES else "output"
    assert [without_id(each) for each in folded[member]] == [
        without_id(each) for each in whole[member]
    ]
    figures = ("input_tokens", "output_tokens")
    assert [folded["usage"][name] for name in figures] == [whole["usage"][name] for name in figures]


def without_id(block: dict) -> dict:
    return {name: value for name, value in block.items() if name != "id"}


@pytest.mark.parametrize("wire", [MESSAGES, RESPONSES])
async def test_texts_are_edited_alike_wherever_they_stand(raw_in: Raw, wire: str) -> None:
    for stream in (False, True):
        answer = await raw_in(wire, "fault:line-separators", text="[say: hi]", stream=stream)
        bodies = body_of(answer).decode()
        assert "\u2028\u2029\x85hi" in bodies
        assert '"hi' not in bodies
        assert b"\xff\xc0" in await raw_in(wire, "fault:invalid-utf8", stream=stream)


@pytest.mark.parametrize("wire", [MESSAGES, RESPONSES])
async def test_data_stand_on_two_lines(raw_in: Raw, wire: str) -> None:
    body = body_of(await raw_in(wire, "fault:data-lines", text="[say: a b]", stream=True))
    for event in body.split(b"\n\n")[:-1]:
        name, *lines = event.split(b"\n")
        data = b"\n".join(line.removeprefix(b"data: ") for line in lines)
        assert json.loads(data)["type"].encode() == name.removeprefix(b"event: ")
    assert body.count(b"\ndata: ") > body.count(b"event: ")
