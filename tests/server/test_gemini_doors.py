"""Gemini's endpoints, by Google's client: answers, both forms of streams, counts, models, keys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from google import genai
from google.genai import errors, types

from antiphon.simulator import FaultRule, SimulatorSpec
from tests.server.stage import KEY, Stage, stage

HI = {"contents": [{"role": "user", "parts": [{"text": "Hello there"}]}]}
ODD = "one/a model:v2"
PREFIXES = ("/v1beta", "/v1", "/gemini/v1beta", "/gemini")
VERTEX = "/v1/projects/p/locations/eu/publishers/google"
CALLER = "a-key-of-the-caller-0123456789"


@pytest.fixture
async def mixed(tmp_path: Path) -> AsyncIterator[Stage]:
    """`one` speaks chat, `native` Gemini."""
    specs = [SimulatorSpec(name="one", seed=1), SimulatorSpec(name="native", seed=2)]
    models = {"home": "native/sim-small"}
    of = {"native": {"catalog": "gemini", "dialect": None}}
    async with stage(tmp_path, specs, providers_of=of, models=models) as running:
        yield running


@asynccontextmanager
async def client(running: Stage, mount: str = "", key: str = KEY) -> AsyncIterator[genai.Client]:
    async with httpx.AsyncClient(verify=False, timeout=20) as http:
        options = types.HttpOptions(base_url=f"{running.address}{mount}", httpx_async_client=http)
        made = genai.Client(api_key=key, http_options=options)
        yield made
        made.close()


@pytest.mark.parametrize("mount", ["", "/gemini"])
@pytest.mark.parametrize("model", ["fast", "home", ODD])
async def test_answers_and_streams(mixed: Stage, mount: str, model: str) -> None:
    async with client(mixed, mount) as asked:
        said = await asked.aio.models.generate_content(model=model, contents="Hello there")
        assert said.text
        assert said.usage_metadata is not None
        assert said.usage_metadata.candidates_token_count
        pieces = [
            each
            async for each in await asked.aio.models.generate_content_stream(
                model=model, contents="Hello there"
            )
        ]
        assert "".join(each.text or "" for each in pieces)
        [candidate] = pieces[-1].candidates or []
        assert candidate.finish_reason == types.FinishReason.STOP


@pytest.mark.parametrize("prefix", [*PREFIXES, VERTEX])
@pytest.mark.parametrize("model", ["fast", "home", ODD, ODD.replace("/", "%2F")])
async def test_every_path(mixed: Stage, prefix: str, model: str) -> None:
    path = f"{prefix}/models/{quote(model, safe='/%')}"
    answer = await mixed.http.post(f"{path}:generateContent", json=HI)
    assert answer.status_code == 200, answer.text
    assert answer.json()["candidates"][0]["content"]["role"] == "model"
    answer = await mixed.http.post(f"{path}:countTokens", json=HI)
    assert answer.json()["totalTokens"] > 0


@pytest.mark.parametrize("model", ["fast", "home"])
async def test_a_stream_is_an_array_unless_events_are_asked_for(mixed: Stage, model: str) -> None:
    path = f"/v1beta/models/{model}:streamGenerateContent"
    answer = await mixed.http.post(path, json=HI)
    assert answer.headers["content-type"].startswith("application/json")
    chunks = answer.json()
    assert len(chunks) > 1
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    for query in ("alt=json", "$alt=json;enum-encoding=int"):
        again = await mixed.http.post(f"{path}?{query}", json=HI)
        assert len(again.json()) == len(chunks)
    events = await mixed.http.post(f"{path}?alt=sse", json=HI)
    assert events.headers["content-type"].startswith("text/event-stream")
    frames = [each for each in events.text.replace("\r\n", "\n").split("\n\n") if each.strip()]
    assert [json.loads(each.removeprefix("data: "))["candidates"] for each in frames]
    refused = await mixed.http.post(f"{path}?alt=proto", json=HI)
    assert (refused.status_code, refused.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


async def test_an_array_that_breaks_is_ended_by_an_error(mixed: Stage) -> None:
    for model in ("one/sim-small+fault:cut", "native/sim-small+fault:cut"):
        answer = await mixed.http.post(f"/v1beta/models/{model}:streamGenerateContent", json=HI)
        assert answer.status_code == 200
        assert answer.json()[-1]["error"]["code"] >= 500


async def test_the_callers_bytes_go_through_where_gemini_answers(mixed: Stage) -> None:
    body = b'{ "contents": [{"parts":[{"text":"Hi"}]}],  "generation_config": {"topK": 3} }'
    for method, query in (("generateContent", ""), ("streamGenerateContent", "?alt=sse")):
        answer = await mixed.http.post(f"/v1beta/models/home:{method}", content=body)
        assert answer.status_code == 200, answer.text
        received = mixed.second.received[-1]
        assert received.body == body
        assert received.path.endswith(f"/models/sim-small:{method}")
        assert received.header(b"x-goog-api-key") == b"sk-upstream"
        assert query in received.target


async def test_both_spellings_of_members(mixed: Stage) -> None:
    for model in ("fast", "home"):
        body = {
            "contents": HI["contents"],
            "system_instruction": {"parts": [{"text": "Be brief."}]},
            "generationConfig": {"max_output_tokens": 3, "stopSequences": ["zzz"]},
        }
        answer = await mixed.http.post(f"/v1beta/models/{model}:generateContent", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["candidates"][0]["finishReason"] == "MAX_TOKENS"


async def test_keys_in_a_header_and_in_the_query(tmp_path: Path) -> None:
    auth = {"required": True, "keys": [{"key": CALLER, "user": "web"}]}
    async with stage(tmp_path, auth=auth) as running:
        path = "/v1beta/models/fast:generateContent"
        for target, headers in (
            (path, {"x-goog-api-key": CALLER}),
            (path, {"authorization": f"Bearer {CALLER}"}),
            (f"{path}?key={CALLER}", {}),
        ):
            answer = await running.http.post(target, json=HI, headers=headers)
            assert answer.status_code == 200, answer.text
        for name in ("generateContent", "countTokens"):
            refused = await running.http.post(f"/v1beta/models/fast:{name}?key=no", json=HI)
            assert (refused.status_code, refused.json()["error"]["status"]) == (
                401,
                "UNAUTHENTICATED",
            )
        listed = await running.http.get(f"/v1beta/models?key={CALLER}")
        assert listed.status_code == 200
        async with client(running, key="wrong") as stranger:
            with pytest.raises(errors.ClientError) as told:
                await stranger.aio.models.generate_content(model="fast", contents="Hi")
            assert told.value.code == 401


@pytest.mark.parametrize("mount", ["", "/gemini"])
async def test_models_page_by_page(mixed: Stage, mount: str) -> None:
    async with client(mixed, mount) as asked:
        names = [each.name async for each in await asked.aio.models.list(config={"page_size": 1})]
        assert {"models/fast", "models/home"} <= set(names)
        assert len(names) == len(set(names))
        one = await asked.aio.models.get(model="fast")
        assert one.name == "models/fast"
        with pytest.raises(errors.ClientError) as told:
            await asked.aio.models.get(model="absent")
        assert (told.value.code, told.value.status) == (404, "NOT_FOUND")
    for wrong in ("pageSize=x", "pageToken=x"):
        refused = await mixed.http.get(f"/v1beta/models?{wrong}")
        assert (refused.status_code, refused.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


async def test_counts_come_from_a_provider_that_counts(mixed: Stage) -> None:
    async with client(mixed) as asked:
        told = await asked.aio.models.count_tokens(model="home", contents="Hello there")
        assert told.total_tokens
    assert mixed.second.received[-1].path.endswith(":countTokens")
    answer = await mixed.http.post("/v1beta/models/home:countTokens", json=HI)
    assert answer.headers["x-antiphon-token-count"] == "provider"
    answer = await mixed.http.post("/v1beta/models/fast:countTokens", json=HI)
    assert answer.headers["x-antiphon-token-count"] == "estimated"
    # A caller of another dialect is counted for too.
    body = {"model": "home", "messages": [{"role": "user", "content": "Hello there"}]}
    answer = await mixed.http.post("/v1/messages/count_tokens", json=body)
    assert answer.headers["x-antiphon-token-count"] == "provider"
    assert answer.json()["input_tokens"] == told.total_tokens


async def test_what_is_not_there_is_told_in_googles_words(mixed: Stage) -> None:
    for method, path, status in (
        ("POST", "/v1beta/models/absent:generateContent", 404),
        ("POST", "/gemini/v1beta/models/fast:predict", 404),
        ("POST", "/gemini/nothing", 404),
        ("GET", "/v1beta/models/fast:generateContent", 405),
        ("GET", "/v1beta/models/fast:countTokens", 405),
    ):
        answer = await mixed.http.request(method, path, json=HI)
        assert answer.status_code == status, path
        assert answer.json()["error"]["code"] == status


@pytest.mark.parametrize("model", ["fast", "home"])
async def test_why_it_ended_is_said_once(mixed: Stage, model: str) -> None:
    """Clients add chunks up: LangChain would read `STOPSTOP`."""
    path = f"/v1beta/models/{model}:streamGenerateContent?alt=sse"
    answer = await mixed.http.post(path, json=HI)
    assert answer.text.count('"finishReason"') == 1
    assert answer.text.rstrip().rpartition("data: ")[2].count('"finishReason"') == 1


async def test_google_s_client_retries_what_may_pass(tmp_path: Path) -> None:
    models = {"lone": {"deployments": ["one/sim-small"], "retry": {"attempts": 1}}}
    async with stage(tmp_path, [SimulatorSpec(name="one", seed=1)], models=models) as running:
        retrying = types.HttpOptions(
            base_url=running.address,
            async_client_args={"verify": False, "trust_env": False},
            retry_options=types.HttpRetryOptions(attempts=2, initial_delay=0.01, max_delay=0.02),
        )
        made = genai.Client(api_key=KEY, http_options=retrying)
        running.first.arm(FaultRule("server-error", count=1))
        told = await made.aio.models.generate_content(model="lone", contents="Hello")
        assert told.text
        assert running.first.requests == 2
        running.first.arm("bad-request")
        with pytest.raises(errors.ClientError):
            await made.aio.models.generate_content(model="lone", contents="Hello")
        assert running.first.requests == 3
        await made.aio.aclose()
        made.close()


@pytest.mark.parametrize("path", ["/v1beta/models", "/v1/models", "/v1beta/models/fast"])
async def test_a_query_of_many_members_is_refused(mixed: Stage, path: str) -> None:
    for query in ("a=b&" * 100 + "key=x", "a" * 5000 + "&key=x&alt=sse"):
        answer = await mixed.http.get(f"{path}?{query}")
        assert answer.status_code == 400, path
        answer = await mixed.http.post(f"/v1beta/models/fast:generateContent?{query}", json=HI)
        assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("name", ["..%2F..%2Fx", "../x", "a%2F..", ".", "a/./b", "%2E%2E/x"])
async def test_no_name_leads_up_at_a_provider(mixed: Stage, name: str) -> None:
    path = f"/v1beta/models/native/{name}:generateContent".encode()
    reader, writer = await asyncio.open_connection(mixed.host, mixed.port)
    body = json.dumps(HI).encode()
    head = b"POST %b HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    writer.write(head % (path, len(body)) + body)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 404"), answer
    assert not mixed.second.received
