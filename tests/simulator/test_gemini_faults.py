"""What callers of Gemini's API meet when something goes wrong, byte by byte."""

import json
import re
from collections.abc import Awaitable, Callable

import pytest

from antiphon.simulator import FAULTS
from antiphon.simulator.wires import GEMINI
from tests.simulator.callers import Raw, body_of, events_of
from tests.simulator.test_faults import ENDING

CITY = {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}
TOOLS = [
    {
        "functionDeclarations": [
            {"name": n, "parameters": CITY} for n in ("get_weather", "get_stock")
        ]
    }
]
THINKING = {"thinkingConfig": {"includeThoughts": True}}
ASKED = "get_weather and get_stock [say: one two three]"
CHANCE = re.compile(rb'"responseId":"\w+"|x-request-id: req_\d+')
BITING = [name for name in ENDING if GEMINI in FAULTS[name].wires]
Told = Callable[..., Awaitable[bytes]]


@pytest.fixture
def told(raw_in: Raw) -> Told:
    """An answer with a thought, a text and two calls, and a fault."""

    async def ask(name: str, *, stream: bool = True, text: str = ASKED) -> bytes:
        model = f"sim-reason+fault:{name}" if name else "sim-reason"
        members = {"tools": TOOLS, "generationConfig": THINKING}
        return await raw_in(GEMINI, model, text=text, stream=stream, **members)

    return ask


@pytest.mark.parametrize("name", BITING)
async def test_every_fault_bites(told: Told, name: str) -> None:
    """A caller sees other bytes than without it, in a stream or in a whole answer."""
    bites = False
    for stream in (True, False):
        honest = CHANCE.sub(b"", await told("", stream=stream))
        try:
            bites |= CHANCE.sub(b"", await told(name, stream=stream)) != honest
        except ConnectionResetError:
            bites = True
    assert bites


def whole(answer: bytes) -> dict:
    return json.loads(body_of(answer))


def parts(events: list[dict]) -> list[dict]:
    candidates = [each for event in events for each in event.get("candidates", ())]
    return [part for each in candidates for part in each["content"].get("parts", ())]


def texts(events: list[dict]) -> str:
    said = [part for part in parts(events) if not part.get("thought")]
    return "".join(part.get("text", "") for part in said)


def finishes(events: list[dict]) -> list[str | None]:
    return [c.get("finishReason") for event in events for c in event.get("candidates", ())]


STATUSES = {
    "rate-limited": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota"),
    "quota": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota"),
    "bad-key": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    "forbidden": (403, "PERMISSION_DENIED", "You are not allowed"),
    "no-model": (404, "NOT_FOUND", "is not found for API version v1beta"),
    "bad-request": (400, "INVALID_ARGUMENT", "temperature must be in the range"),
    "context-length": (400, "INVALID_ARGUMENT", "exceeds the maximum number of tokens allowed"),
    "timeout": (408, "DEADLINE_EXCEEDED", "Timeout."),
    "server-error": (500, "INTERNAL", "The server had an error"),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded"),
    "overloaded-529": (529, "UNAVAILABLE", "Overloaded"),
}


@pytest.mark.parametrize("name", STATUSES)
@pytest.mark.parametrize("stream", [False, True])
async def test_an_error_is_in_googles_envelope(told: Told, name: str, *, stream: bool) -> None:
    status, word, message = STATUSES[name]
    answer = await told(name, stream=stream)
    error = whole(answer)["error"]
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert (error["code"], error["status"]) == (status, word)
    assert message in error["message"]


async def test_an_error_of_an_array_stands_in_one(raw_in: Raw) -> None:
    answer = await raw_in(GEMINI, "fault:overloaded", stream=True, form="")
    assert answer.startswith(b"HTTP/1.1 503 ")
    [told] = json.loads(body_of(answer))
    assert told["error"]["status"] == "UNAVAILABLE"
    refused = await raw_in(GEMINI, stream=True, form="", contents=[])
    assert json.loads(body_of(refused))[0]["error"]["code"] == 400


def details(answer: bytes) -> dict[str, dict]:
    return {each["@type"].rpartition(".")[2]: each for each in whole(answer)["error"]["details"]}


@pytest.mark.parametrize(
    ("name", "delay"),
    [
        ("rate-limited", "1s"),
        ("rate-limited-ms", "0.05s"),
        ("rate-limited-long", "3600s"),
        ("rate-limited-negative", "-5s"),
        ("rate-limited-info", "1s"),
    ],
)
async def test_a_limit_tells_when_to_come_again(told: Told, name: str, delay: str) -> None:
    answer = await told(name)
    limit = details(answer)
    assert limit["RetryInfo"]["retryDelay"] == delay
    assert "PerMinute" in limit["QuotaFailure"]["violations"][0]["quotaId"]
    assert (b"retry-after" in answer) == (name != "rate-limited-info")


async def test_a_limit_may_be_that_of_a_day_or_without_a_hint(told: Told) -> None:
    quota = details(await told("quota"))
    assert "PerDay" in quota["QuotaFailure"]["violations"][0]["quotaId"]
    assert "RetryInfo" not in quota
    assert "RetryInfo" not in details(await told("rate-limited-bare"))
    assert "RetryInfo" not in details(await told("rate-limited-date"))


async def test_details_name_the_key_and_the_member(told: Told, raw_in: Raw) -> None:
    assert details(await told("bad-key"))["ErrorInfo"]["reason"] == "API_KEY_INVALID"
    [violation] = details(await told("bad-request"))["BadRequest"]["fieldViolations"]
    assert violation["field"] == "generation_config.temperature"
    for header in ("x-goog-api-key: AIza-secret\r\n", "authorization: Bearer AIza-secret\r\n"):
        assert b"AIza-secret" in await raw_in(GEMINI, "fault:key-echo", headers=header)
    assert b"AIza-secret" in await raw_in(
        GEMINI, "fault:key-echo", stream=True, form="?alt=sse&key=AIza-secret"
    )


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_holds_nothing(told: Told, *, stream: bool) -> None:
    async def only(name: str) -> dict:
        answer = await told(name, stream=stream)
        [event] = events_of(answer) if stream else [whole(answer)]
        return event

    blocked = await only("prompt-blocked")
    assert "candidates" not in blocked
    assert blocked["promptFeedback"]["blockReason"] == "PROHIBITED_CONTENT"
    for name, reason in (
        ("candidate-empty", "STOP"),
        ("call-malformed", "MALFORMED_FUNCTION_CALL"),
    ):
        [candidate] = (await only(name))["candidates"]
        assert candidate["finishReason"] == reason
        assert "parts" not in candidate["content"]


@pytest.mark.parametrize("stream", [False, True])
async def test_calls_lack_something(told: Told, *, stream: bool) -> None:
    async def calls(name: str) -> list[dict]:
        answer = await told(name, stream=stream)
        said = parts(events_of(answer) if stream else [whole(answer)])
        return [part["functionCall"] for part in said if "functionCall" in part]

    honest = await calls("")
    assert [call["name"] for call in honest] == ["get_weather", "get_stock"]
    assert len({call["id"] for call in honest}) == 2
    assert [call["id"] for call in await calls("tool-id-twice")] == ["call_same"] * 2
    assert [call["id"] for call in await calls("tool-id-empty")] == [""] * 2
    assert all("id" not in call for call in await calls("tool-id-missing"))
    bare = await calls("args-missing")
    assert all("args" not in call and call["id"] for call in bare)


async def test_events_say_something_else(told: Told) -> None:
    async def events(name: str) -> list[dict]:
        return events_of(await told(name, text="[say: one two three]"))

    honest = await events("")
    assert texts(honest) == "one two three"
    assert finishes(honest) == [None] * (len(honest) - 1) + ["STOP"]
    late = await events("late-content")
    assert finishes(late)[-2:] == ["STOP", None]
    assert texts(late) == "one two three"
    assert finishes(await events("no-reason"))[-1] == "FINISH_REASON_UNSPECIFIED"
    assert finishes(await events("done-twice"))[-2:] == ["STOP", "STOP"]
    assert set(finishes(await events("truncated"))) == {None}
    assert any("weatherReport" in event for event in await events("event-unknown"))
    assert any("weather" in part for part in parts(await events("block-unknown")))
    assert "candidates" not in (await events("candidates-missing"))[0]
    [preamble] = await events("preamble-only")
    assert (texts([preamble]), finishes([preamble])) == ("", [None])
    error = (await events("error-event"))[-1]["error"]
    assert (error["code"], error["status"]) == (503, "UNAVAILABLE")
    assert "error" in (await events("error-first"))[0]
    nulls = await events("nulls")
    assert {event["usageMetadata"] for event in nulls} == {None}
    assert all(part["functionCall"] is None for part in parts(nulls))
    assert texts(nulls) == texts(await events("repeated-members")) == "one two three"


async def test_thoughts_are_unsealed_or_untold(told: Told) -> None:
    for stream in (True, False):
        answers = [
            await told(name, stream=stream) for name in ("thought-unsealed", "thought-untold")
        ]
        unsealed, untold = (parts(events_of(one) if stream else [whole(one)]) for one in answers)
        assert not any("thoughtSignature" in part for part in unsealed)
        assert any(part.get("thought") for part in unsealed)
        assert any("thoughtSignature" in part for part in untold)
        assert not any(part.get("thought") for part in untold)


async def test_usage_is_absurd(told: Told) -> None:
    stated = {"negative-usage": -9, "huge-usage": 10**18, "text-usage": "9", "null-usage": None}
    for name, figure in stated.items():
        assert whole(await told(name, stream=False))["usageMetadata"]["promptTokenCount"] == figure
        used = [event["usageMetadata"] for event in events_of(await told(name))]
        assert {each["promptTokenCount"] for each in used} == {figure}
    assert "usageMetadata" not in whole(await told("no-usage", stream=False))
    assert not any("usageMetadata" in event for event in events_of(await told("no-usage")))
    everywhere = events_of(await told("usage-everywhere"))
    assert len({event["usageMetadata"]["totalTokenCount"] for event in everywhere}) == 1


async def test_a_folded_stream_is_the_whole_answer(told: Told) -> None:
    honest = whole(await told("", stream=False))
    folded = whole(await told("not-streamed"))
    assert folded.keys() == honest.keys()
    assert folded["usageMetadata"] == honest["usageMetadata"]
    [candidate], [wanted] = folded["candidates"], honest["candidates"]
    assert candidate["content"] == wanted["content"]
    assert candidate["finishReason"] == wanted["finishReason"]


@pytest.mark.parametrize("stream", [False, True])
async def test_texts_are_edited_wherever_they_stand(told: Told, *, stream: bool) -> None:
    body = body_of(await told("line-separators", stream=stream)).decode()
    assert '"text":"\u2028\u2029\x85one' in body
    assert not re.search('\u2028[^}]*"thought":true', body)
    assert b'"text":"\xff\xc0one' in await told("invalid-utf8", stream=stream)


async def test_framing_may_be_unusual(told: Told) -> None:
    lines = body_of(await told("data-lines", text="[say: a b]"))
    for event in lines.split(b"\r\n\r\n")[:-1]:
        data = b"\n".join(line.removeprefix(b"data: ") for line in event.split(b"\n"))
        assert json.loads(data)["usageMetadata"]
        assert event.count(b"\ndata: ") == 1
    for event in body_of(await told("event-fields")).split(b"\r\n\r\n")[:-1]:
        assert event.startswith(b"event: message\r\nid: 7\r\nretry: 10\r\ndata: {")
