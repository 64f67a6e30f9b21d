"""What a caller of Ollama meets when something goes wrong: lines where others have events."""

import json

import pytest

from antiphon.simulator import Simulator
from antiphon.simulator.wires import OLLAMA
from tests.simulator.callers import Raw, body_of, called, chunks_of, lines_of, posted, request_in

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "at": {"type": "object"}},
            "required": ["city", "at"],
        },
    },
}
STOCK = {"type": "function", "function": {"name": "get_stock", "parameters": {}}}
TOOLS = {"text": "get_weather get_stock [say: Let me see.]", "tools": [WEATHER, STOCK]}
WORDS = {"text": "[say: a b]", "stream": True}
BUSY = b"server busy, please try again.  maximum pending requests exceeded"


def texts(lines: list[dict]) -> str:
    return "".join(line["message"]["content"] or "" for line in lines if "message" in line)


def calls_of(lines: list[dict]) -> list[dict]:
    return [call for line in lines for call in line["message"].get("tool_calls", ())]


async def test_an_honest_stream(raw_in: Raw) -> None:
    lines = lines_of(await raw_in(OLLAMA, **WORDS))
    assert [line["done"] for line in lines] == [False, False, True]
    assert texts(lines) == "a b"
    assert lines[-1]["done_reason"] == "stop"


STATUSES = {
    "rate-limited": (429, b"Rate limit reached"),
    "overloaded": (503, BUSY),
    "quota": (429, b"you have reached your weekly usage limit, upgrade for higher limits"),
    "bad-key": (401, b'{"error":"unauthorized"}'),
    "key-echo": (401, b"sk-secret"),
    "forbidden": (403, b"this model requires a subscription"),
    "no-model": (404, b"model 'sim-small' not found"),
    "bad-request": (400, b"does not support thinking"),
    "context-length": (400, b"the input length exceeds the context length"),
    "server-error": (500, b"model runner has unexpectedly stopped"),
    "error-200": (200, BUSY),
}


@pytest.mark.parametrize("name", STATUSES)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_is_a_text(raw_in: Raw, name: str, *, stream: bool) -> None:
    status, told = STATUSES[name]
    secret = "authorization: Bearer sk-secret\r\n"
    answer = await raw_in(OLLAMA, f"m+fault:{name}", headers=secret, stream=stream)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert told in answer
    assert list(json.loads(body_of(answer))) == ["error"]


async def test_lines_end_otherwise(raw_in: Raw) -> None:
    honest = body_of(await raw_in(OLLAMA, **WORDS))
    crlf = body_of(await raw_in(OLLAMA, "m+fault:crlf", **WORDS))
    assert crlf.count(b"\r\n") == honest.count(b"\n") == 3
    blank = body_of(await raw_in(OLLAMA, "m+fault:blank-lines", **WORDS))
    assert blank.startswith(b"\n{")
    assert blank.count(b"\n\n") == 2
    last = await raw_in(OLLAMA, "m+fault:no-newline", **WORDS)
    assert body_of(last).endswith(b"}")
    assert len(lines_of(last)) == 3


async def test_a_line_is_broken(raw_in: Raw) -> None:
    halves = body_of(await raw_in(OLLAMA, "m+fault:line-halves", **WORDS)).splitlines()
    assert len(halves) == 6
    for half in halves:
        with pytest.raises(json.JSONDecodeError):
            json.loads(half)
    whole = [json.loads(a + b) for a, b in zip(halves[::2], halves[1::2], strict=True)]
    assert texts(whole) == "a b"
    cut = body_of(await raw_in(OLLAMA, "m+fault:half-event", **WORDS))
    with pytest.raises(json.JSONDecodeError):
        json.loads(cut.splitlines()[-1])
    bytewise = await raw_in(OLLAMA, "m+fault:byte-chunks", **WORDS)
    assert {len(chunk) for chunk in chunks_of(bytewise.partition(b"\r\n\r\n")[2])} == {1}


@pytest.mark.parametrize("stream", [False, True])
async def test_text_may_be_dangerous(raw_in: Raw, *, stream: bool) -> None:
    asked = {"text": "[say: a b]", "stream": stream}
    assert b'"content":"\x00a' in await raw_in(OLLAMA, "m+fault:nul-bytes", **asked)
    odd = (await raw_in(OLLAMA, "m+fault:line-separators", **asked)).decode()
    assert '"content":"\u2028\u2029\x85a' in odd
    twice = body_of(await raw_in(OLLAMA, "m+fault:repeated-members", **asked))
    assert b'"content":"not this","content":"a' in twice
    assert texts([json.loads(line) for line in twice.split(b"\n") if line]) == "a b"


async def test_the_end_is_not_the_end(raw_in: Raw) -> None:
    none = lines_of(await raw_in(OLLAMA, "m+fault:no-done", **WORDS))
    assert [line["done"] for line in none] == [False, False]
    twice = lines_of(await raw_in(OLLAMA, "m+fault:done-twice", **WORDS))
    assert [line["done"] for line in twice[-2:]] == [True, True]
    after = lines_of(await raw_in(OLLAMA, "m+fault:after-done", **WORDS))
    assert texts(after) == "a b And more."
    bare = lines_of(await raw_in(OLLAMA, "m+fault:preamble-only", **WORDS))
    assert [(line["done"], line["message"]["content"]) for line in bare] == [
        (False, ""),
        (True, ""),
    ]
    silent = lines_of(await raw_in(OLLAMA, "m+fault:no-reason", **WORDS))
    assert silent[-1]["done"]
    assert "done_reason" not in silent[-1]


async def test_an_error_comes_inside(raw_in: Raw) -> None:
    lines = lines_of(await raw_in(OLLAMA, "m+fault:error-event", **WORDS))
    assert lines[0]["message"]["content"] == "a"
    assert lines[-1] == {
        "error": "an error was encountered while running the model: unexpected EOF"
    }
    assert list(lines_of(await raw_in(OLLAMA, "m+fault:error-first", **WORDS))[0]) == ["error"]


async def test_lines_say_nothing(raw_in: Raw) -> None:
    flood = lines_of(await raw_in(OLLAMA, "m+fault:ping-flood", **WORDS))
    assert len(flood) == 1003
    assert texts(flood) == "a b"
    unknown = lines_of(await raw_in(OLLAMA, "m+fault:event-unknown", **WORDS))
    assert [list(line) for line in unknown if "model" not in line] == [["weather_report"]]
    nulls = lines_of(await raw_in(OLLAMA, "m+fault:nulls", **WORDS))
    assert nulls[-1]["message"] == dict.fromkeys(("thinking", "tool_calls", "content")) | {
        "role": "assistant"
    }
    assert nulls[-1]["eval_count"] is None


FIGURES = {
    "negative-usage": (-9, -3),
    "huge-usage": (10**18, 10**18),
    "text-usage": ("9", "3"),
    "float-usage": (9.0, 3.0),
    "null-usage": (None, None),
}


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("stream", [False, True])
async def test_usage_is_absurd(raw_in: Raw, name: str, *, stream: bool) -> None:
    last = lines_of(await raw_in(OLLAMA, f"m+fault:{name}", stream=stream))[-1]
    assert (last["prompt_eval_count"], last["eval_count"]) == FIGURES[name]


async def test_usage_comes_often_or_not_at_all(raw_in: Raw) -> None:
    honest = lines_of(await raw_in(OLLAMA, **WORDS))[-1]
    often = lines_of(await raw_in(OLLAMA, "m+fault:usage-everywhere", **WORDS))
    assert {line["eval_count"] for line in often} == {honest["eval_count"]}
    growing = lines_of(await raw_in(OLLAMA, "m+fault:usage-growing", **WORDS))
    assert [line["eval_count"] for line in growing] == [0, 1, honest["eval_count"]]
    none = lines_of(await raw_in(OLLAMA, "m+fault:no-usage", **WORDS))[-1]
    assert not {"prompt_eval_count", "eval_count"} & set(none)
    half = lines_of(await raw_in(OLLAMA, "m+fault:no-prompt-count", **WORDS))[-1]
    assert "prompt_eval_count" not in half
    assert half["eval_count"] == honest["eval_count"]


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_are_muddled(raw_in: Raw, *, stream: bool) -> None:
    async def called(name: str) -> list[dict]:
        model = f"m+fault:{name}" if name else "m"
        return calls_of(lines_of(await raw_in(OLLAMA, model, stream=stream, **TOOLS)))

    honest = await called("")
    assert [call["function"]["index"] for call in honest] == [0, 1]
    assert len({call["id"] for call in honest}) == 2
    assert {tuple(call["function"]) for call in await called("tool-index-missing")} == {
        ("name", "arguments")
    }
    zeros = await called("tool-index-zero")
    assert [call["function"]["index"] for call in zeros] == [0, 0]
    assert [call["id"] for call in await called("tool-id-twice")] == ["call_same"] * 2
    assert [call["id"] for call in await called("tool-id-empty")] == ["", ""]
    assert [list(call) for call in await called("tool-id-missing")] == [["function"]] * 2
    empty = await called("tool-arguments-empty")
    assert [call["function"]["arguments"] for call in empty] == ["", ""]
    told = [call["function"]["arguments"] for call in await called("tool-arguments-text")]
    assert [json.loads(each) for each in told] == [c["function"]["arguments"] for c in honest]


async def test_a_stream_is_folded(raw_in: Raw) -> None:
    whole = json.loads(body_of(await raw_in(OLLAMA, "sim-reason", **TOOLS)))
    folded = await raw_in(OLLAMA, "sim-reason+fault:not-streamed", stream=True, **TOOLS)
    assert b"content-type: application/json" in folded
    assert json.loads(body_of(folded)) == whole


async def test_the_stream_of_the_other_road_is_folded(simulator: Simulator) -> None:
    asked = {"model": "m+fault:not-streamed", "prompt": "[say: a b]"}
    async with called(simulator) as (reader, writer):
        writer.write(posted("api/generate", asked))
        told = json.loads(body_of(await reader.read()))
    assert (told["response"], told["done"]) == ("a b", True)
    assert told["context"]


async def test_filler_is_white_space_and_signs_of_life_are_lines(simulator: Simulator) -> None:
    for name, expected in (("endless", b" " * 1000), ("heartbeats", b'"content":""},"done":false')):
        async with called(simulator) as (reader, writer):
            writer.write(request_in(OLLAMA, f"m+fault:{name}", **WORDS))
            read = b""
            while expected not in read:
                read += await reader.read(65_536)
        assert b": heartbeat" not in read
