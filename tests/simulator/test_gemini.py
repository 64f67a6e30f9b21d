"""Gemini's own API on the wire: paths, spellings, keys, both forms of a stream."""

import json
from pathlib import Path

import pytest

from antiphon.simulator import Simulator, SimulatorSpec
from antiphon.simulator.wires import GEMINI
from tests.simulator.callers import Raw, body_of, called, chunks_of, events_of, gemini_request

RECORDED = Path(__file__).parents[1] / "corpus/data/gemini.jsonl"
SAID = [{"role": "user", "parts": [{"text": "[say: hi there]"}]}]


async def asked(
    simulator: Simulator, target: str, body: object = None, *, headers: str = ""
) -> tuple[int, dict]:
    """The status and the body of an answer; without a body it is asked with `GET`."""
    sent = b"" if body is None else json.dumps(body).encode()
    method = "GET" if body is None else "POST"
    head = f"{method} {target} HTTP/1.1\r\nhost: lab\r\n{headers}connection: close\r\n"
    async with called(simulator) as (reader, writer):
        writer.write(f"{head}content-length: {len(sent)}\r\n\r\n".encode() + sent)
        answer = await reader.read()
    return int(answer.split(b" ", 2)[1]), json.loads(body_of(answer))


async def test_a_whole_answer_has_googles_members_in_their_order(raw_in: Raw) -> None:
    answer = await raw_in(GEMINI, text="[say: hi there]")
    head = answer.partition(b"\r\n\r\n")[0]
    assert b"content-type: application/json; charset=UTF-8" in head
    assert b"x-antiphon-simulator: lab" in head
    told = json.loads(body_of(answer))
    assert list(told) == ["candidates", "usageMetadata", "modelVersion", "responseId"]
    assert told["candidates"] == [
        {
            "content": {"parts": [{"text": "hi there"}], "role": "model"},
            "finishReason": "STOP",
            "index": 0,
        }
    ]
    assert told["usageMetadata"] == {
        "promptTokenCount": 8,
        "candidatesTokenCount": 2,
        "totalTokenCount": 10,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}],
        "serviceTier": "standard",
    }


async def test_events_end_without_a_word(raw_in: Raw) -> None:
    answer = await raw_in(GEMINI, text="[say: a b]", stream=True)
    body = body_of(answer)
    assert b"content-type: text/event-stream\r\n" in answer
    assert body.count(b"\r\n\r\n") == body.count(b"data: {") == 3
    *said, last = events_of(answer)
    assert [each["candidates"][0]["content"]["parts"] for each in said] == [
        [{"text": "a"}],
        [{"text": " b"}],
    ]
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert len({each["responseId"] for each in (*said, last)}) == 1


async def test_the_figures_of_a_stream_never_fall(raw_in: Raw) -> None:
    """Clients add up by how much each chunk has more than the one before."""
    answer = await raw_in(GEMINI, text="[tokens: 40]", stream=True)
    used = [each["usageMetadata"].get("candidatesTokenCount", 0) for each in events_of(answer)]
    assert used == sorted(used)
    assert used[-1] == 40


async def test_without_alt_a_stream_is_an_array(raw_in: Raw) -> None:
    for form in ("", "?alt=json"):
        answer = await raw_in(GEMINI, text="[say: a b]", stream=True, form=form)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert b"content-type: application/json; charset=UTF-8" in head
        pieces = chunks_of(body)
        assert [piece[:1] for piece in pieces] == [b"[", b",", b",", b"\r"]
        items = json.loads(body_of(answer))
        assert [item["candidates"][0].get("finishReason") for item in items] == [None, None, "STOP"]


PATHS = [
    "/v1beta/models/sim-small:generateContent",
    "/v1/models/sim-small:generateContent",
    "/gemini/v1beta/models/sim-small:generateContent",
    "/models/sim-small:generateContent",
    "/v1beta/models/sim-small%3AgenerateContent",
    "/v1beta/models/models/sim-small:generateContent?$alt=json",
    "/v1/projects/p/locations/l/publishers/google/models/sim-small:generateContent",
]


@pytest.mark.parametrize("path", PATHS)
async def test_any_path_to_a_model_will_do(simulator: Simulator, path: str) -> None:
    status, told = await asked(simulator, path, {"contents": SAID})
    assert (status, told["modelVersion"]) == (200, "sim-small")


@pytest.mark.parametrize(
    ("name", "model"),
    [("org/sim:8b", "org/sim:8b"), ("org%2Fsim%3A8b", "org/sim:8b"), ("a%20b", "a b")],
)
async def test_a_name_may_have_slashes_and_colons(
    simulator: Simulator, name: str, model: str
) -> None:
    _, told = await asked(simulator, f"/v1beta/models/{name}:generateContent", {"contents": SAID})
    assert told["modelVersion"] == model


async def test_marks_stand_in_the_name(simulator: Simulator, raw_in: Raw) -> None:
    for name in ("fault:quota", "sim-small+fault:quota", "sim-small%2Bfault%3Aquota"):
        target = f"/v1beta/models/{name}:generateContent"
        status, told = await asked(simulator, target, {"contents": SAID})
        assert (status, told["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
    recording = next(iter(simulator.recordings.values()))
    answer = await raw_in(GEMINI, f"replay:{recording.id}")
    assert body_of(answer) == recording.body
    status, told = await asked(
        simulator, "/v1beta/models/replay:nothing:generateContent", {"contents": SAID}
    )
    assert (status, told["error"]["status"]) == (404, "NOT_FOUND")


async def test_members_are_read_in_both_spellings(simulator: Simulator) -> None:
    weather = {
        "name": "get_weather",
        "parameters": {"type": "OBJECT", "properties": {"d": {"type": "ARRAY", "min_items": "3",
                       "max_items": "3", "items": {"type": 3}}}, "required": ["d"]},
    }  # fmt: skip
    body = {
        "contents": {"parts": {"text": "get_weather"}},
        "system_instruction": {"parts": [{"text": "be brief"}]},
        "tools": {"function_declarations": [weather]},
        "generation_config": {
            "max_output_tokens": "99",
            "thinking_config": {"include_thoughts": True},
        },
    }
    _, told = await asked(simulator, PATHS[0], body)
    thought, call = told["candidates"][0]["content"]["parts"]
    assert thought["thought"] is True
    assert len(call["functionCall"]["args"]["d"]) == 3
    assert told["candidates"][0]["finishMessage"] == "Model generated function call(s)."


async def test_older_models_give_calls_no_ids(simulator: Simulator) -> None:
    body = {
        "contents": [{"parts": [{"text": "get_weather"}]}],
        "tools": [{"functionDeclarations": [{"name": "get_weather"}]}],
    }
    for model, has in (("gemini-2.5-flash", False), ("gemini-3-pro", True)):
        _, told = await asked(simulator, f"/v1beta/models/{model}:generateContent", body)
        [call] = told["candidates"][0]["content"]["parts"]
        assert ("id" in call["functionCall"]) is has
        assert ("thoughtSignature" in call) is has


REFUSED = [
    ({}, "* GenerateContentRequest.contents: contents is not specified"),
    ({"contents": []}, "* GenerateContentRequest.contents: contents is not specified"),
    ([], "Invalid JSON payload received. Root element must be a message."),
    ({"contents": "hello"}, "Invalid value at 'contents[0]' (message)"),
    (
        {"contents": SAID, "generationConfig": {"maxOutputTokens": "many"}},
        "Invalid value at 'generation_config.max_output_tokens' (TYPE_INT32)",
    ),
    ({"contents": SAID, "cachedContent": "cachedContents/x"}, "CachedContent not found"),
]


@pytest.mark.parametrize(("body", "told"), REFUSED)
async def test_what_is_no_request_is_refused(simulator: Simulator, body: object, told: str) -> None:
    status, answer = await asked(simulator, PATHS[0], body)
    assert answer["error"]["message"].startswith(told)
    assert status == (403 if "Cached" in told else 400)


async def test_what_is_no_json_is_refused(simulator: Simulator) -> None:
    async with called(simulator) as (reader, writer):
        head = f"POST {PATHS[0]} HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n"
        writer.write(f"{head}content-length: 2\r\n\r\n{{x".encode())
        answer = await reader.read()
    assert b"Invalid JSON payload received. Unexpected token." in answer


@pytest.mark.parametrize(
    ("query", "header"),
    [
        ("", "x-goog-api-key: sk-good\r\n"),
        ("?key=sk-good", ""),
        ("", "authorization: Bearer sk-good\r\n"),
    ],
)
async def test_a_key_comes_in_three_ways(query: str, header: str) -> None:
    async with Simulator(SimulatorSpec(keys=frozenset({"sk-good"}))) as lab:
        body = {"contents": SAID}
        assert (await asked(lab, PATHS[0] + query, body, headers=header))[0] == 200
        bad, headers = query.replace("good", "bad"), header.replace("good", "bad")
        status, told = await asked(lab, PATHS[0] + bad, body, headers=headers)
        assert (status, told["error"]["details"][0]["reason"]) == (400, "API_KEY_INVALID")
        status, told = await asked(lab, PATHS[0], body)
        assert (status, told["error"]["status"]) == (403, "PERMISSION_DENIED")
        assert told["error"]["message"].startswith("Method doesn't allow unregistered callers")


async def test_models_are_listed_as_the_caller_knows_them(simulator: Simulator) -> None:
    google = [
        await asked(simulator, "/v1beta/models"),
        await asked(simulator, "/v1/models?key=sk"),
        await asked(simulator, "/v1/models", headers="x-goog-api-key: sk\r\n"),
    ]
    assert all(told["models"][0]["name"] == "models/sim-small" for _, told in google)
    _, told = await asked(simulator, "/v1/models")
    assert told["data"][0]["id"] == "sim-small"
    _, one = await asked(simulator, "/v1beta/models/org/any")
    assert one["name"] == "models/org/any"
    assert (await asked(simulator, "/v1/models/any"))[0] == 404
    status, told = await asked(simulator, "/v1beta/models?pageSize=x")
    assert (status, told["error"]["code"]) == (400, 400)
    _, page = await asked(simulator, "/v1beta/models?pageSize=2")
    assert (len(page["models"]), page["nextPageToken"]) == (2, "2")


async def test_counts_and_vectors(simulator: Simulator) -> None:
    base = "/v1beta/models/sim-small"
    _, told = await asked(simulator, f"{base}:countTokens", {"contents": SAID})
    assert told["totalTokens"] == 8
    whole = {
        "model": "models/sim-small",
        "contents": SAID,
        "systemInstruction": {"parts": [{"text": "be brief"}]},
    }
    _, told = await asked(simulator, f"{base}:countTokens", {"generateContentRequest": whole})
    assert told["totalTokens"] == 8 + 4 + 2
    one = {"content": {"parts": [{"text": "hello"}]}, "outputDimensionality": 5}
    _, told = await asked(simulator, f"{base}:embedContent", one)
    assert len(told["embedding"]["values"]) == 5
    _, told = await asked(simulator, f"{base}:batchEmbedContents", {"requests": [one, one]})
    assert [len(each["values"]) for each in told["embeddings"]] == [5, 5]
    for method in ("countTokens", "embedContent", "batchEmbedContents"):
        status, told = await asked(simulator, f"{base}:{method}", {})
        assert (status, told["error"]["status"]) == (400, "INVALID_ARGUMENT")


async def test_where_no_road_leads_google_says_so(simulator: Simulator) -> None:
    status, told = await asked(simulator, "/v1beta/models/sim-small:dream", {"contents": SAID})
    assert (status, told["error"]["status"]) == (404, "NOT_FOUND")


async def test_recordings_come_back_byte_for_byte() -> None:
    """Whole answers, arrays, events and errors of Google's, as they were recorded."""
    async with Simulator(SimulatorSpec(replay=RECORDED, replay_pause=0.0)) as lab:
        assert {one.wire for one in lab.recordings.values()} == {GEMINI}
        assert len(lab.recordings) > 20
        for name, recording in lab.recordings.items():
            async with called(lab) as (reader, writer):
                writer.write(gemini_request(f"replay:{name}", stream=True))
                answer = await reader.read()
            assert answer.startswith(b"HTTP/1.1 %d " % recording.status)
            assert body_of(answer) == recording.body
