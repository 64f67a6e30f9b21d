"""Endpoints that nobody translates, through real sockets, with the official SDKs."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
from contextlib import asynccontextmanager

import anthropic
import openai
import pytest

from antiphon.server.passing import PASSED
from antiphon.simulator import FaultRule, Latency, SimulatorSpec
from antiphon.simulator.faults import Fault
from antiphon.simulator.received import Outcome
from antiphon.simulator.reply import json as json_reply
from antiphon.simulator.reply import plain
from antiphon.simulator.untranslated import SAID, SOUND
from tests.docs.pages import ROOT
from tests.server.raw import connected, request
from tests.server.stage import KEY, stage

ADMIN = "admin-key-0123456789abcdef"
NARROW = "narrow-key-0123456789abcdef"
AUTH = {
    "required": True,
    "admin_key": ADMIN,
    "keys": [{"key": KEY, "team": "web"}, {"key": NARROW, "models": ["fast"]}],
}
PRICES = {"prices": {"input": 1.0, "output": 2.0, "request": 0.25}}
PRICED = {"sim-small": PRICES, "files": {"prices": {"input": 0, "output": 0, "request": 0.125}}}
STORING = {"stored_objects": True}
ONE = [SimulatorSpec(name="one", seed=1)]
CLAUDE = {"dialect": "anthropic_messages", "stored_objects": True}
BATCH = [
    {
        "custom_id": "first",
        "params": {
            "model": "claude",
            "max_tokens": 5,
            "messages": [{"role": "user", "content": "Hi"}],
        },
    }
]


@asynccontextmanager
async def charged(tmp_path, **sections):
    """A gateway with keys and prices, whose providers store objects."""
    provider = {"models": PRICED, **STORING, **sections.pop("provider", {})}
    async with stage(tmp_path, auth=AUTH, provider=provider, **sections) as road:
        yield road


async def rows(road) -> list[dict[str, str]]:
    """What the ledger says of the attempts, in their order."""
    await road.at_rest()
    await asyncio.to_thread(road.gateway.books.shipper.flush, 10)
    headers = {"authorization": f"Bearer {ADMIN}"}
    answer = await road.http.get("/api/v1/ledger.csv", headers=headers)
    found = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    return sorted(found, key=lambda row: row["started_at"])


def claude(road) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(
        base_url=road.address,
        api_key=KEY,
        max_retries=0,
        http_client=anthropic.DefaultAsyncHttpxClient(verify=False, timeout=20),
    )


# ------------------------------------------------------------------ by model, OpenAI's


async def test_completions(road):
    answer = await road.client.completions.create(model="fast", prompt="Once", seed=7)
    assert answer.choices[0].text == SAID
    (sent,) = road.first.received
    assert sent.path == "/v1/completions"
    assert json.loads(sent.body) == {"model": "sim-small", "prompt": "Once", "seed": 7}


async def test_completions_streamed(road):
    raw = await road.client.completions.with_raw_response.create(
        model="fast", prompt="Once", stream=True, stream_options={"include_usage": True}
    )
    assert raw.headers["content-type"].startswith("text/event-stream")
    assert raw.headers["x-antiphon-deployment"] == "one/sim-small"
    chunks = [chunk async for chunk in raw.parse()]
    assert "".join(c.choices[0].text for c in chunks if c.choices) == SAID
    assert chunks[-1].usage.total_tokens > 0


@pytest.mark.parametrize("encoding", ["float", "base64"])
async def test_embeddings(road, encoding):
    answer = await road.client.embeddings.create(
        model="fast", input=["one", "two"], encoding_format=encoding
    )
    assert len(answer.data) == 2
    if encoding == "float":
        assert answer.data[0].embedding == [0.25, -0.5, 0.125, 1.0]


async def test_moderations_rerank_and_compaction(road):
    moderated = await road.client.moderations.create(model="fast", input="fine")
    assert moderated.results[0].flagged is False
    asked = {"model": "fast", "query": "q", "documents": ["a", "b"]}
    ranked = await road.client.post("/rerank", body=asked, cast_to=object)
    assert [each["index"] for each in ranked["results"]] == [0, 1]
    kept = await road.client.post(
        "/responses/compact", body={"model": "fast", "input": "long"}, cast_to=object
    )
    assert kept["object"] == "response.compaction"


async def test_speech_comes_byte_for_byte(road):
    spoken = await road.client.audio.speech.create(model="fast", voice="alloy", input="Hello")
    assert spoken.content == SOUND
    assert spoken.response.headers["content-type"] == "audio/mpeg"
    assert spoken.response.headers["x-content-type-options"] == "nosniff"
    assert spoken.response.headers["x-antiphon-attempts"] == "1"


async def test_speech_as_a_stream(road):
    asked = {"model": "fast", "voice": "alloy", "input": "Hi", "stream_format": "sse"}
    answer = await road.http.post("/v1/audio/speech", json=asked)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.text.count("data: ") == 2
    assert "speech.audio.done" in answer.text


async def test_transcription_of_a_form(road):
    answer = await road.client.audio.transcriptions.create(
        model="fast", file=("a.mp3", SOUND, "audio/mpeg"), temperature=0.5
    )
    assert answer.text == SAID
    (sent,) = road.first.received
    assert sent.header(b"content-type").startswith(b"multipart/form-data; boundary=")
    assert SOUND in sent.body
    assert b'name="model"\r\n\r\nsim-small\r\n' in sent.body
    assert b"fast" not in sent.body


async def test_transcription_as_text_and_as_a_stream(road):
    sound = ("a.mp3", SOUND, "audio/mpeg")
    create = road.client.audio.transcriptions.create
    assert await create(model="fast", file=sound, response_format="text") == SAID
    events = [event async for event in await create(model="fast", file=sound, stream=True)]
    assert events[-1].type == "transcript.text.done"
    assert "".join(e.delta for e in events if e.type == "transcript.text.delta") == SAID


async def test_a_model_that_answers_whole_although_a_stream_was_asked_for(road):
    form = {"model": "one/whisper", "stream": "true"}
    files = {"file": ("a.mp3", SOUND, "audio/mpeg")}
    answer = await road.http.post("/v1/audio/transcriptions", data=form, files=files)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["text"] == SAID


async def test_images(road):
    made = await road.client.images.generate(model="fast", prompt="A boat")
    assert made.data[0].b64_json
    edited = await road.client.images.edit(
        model="fast", prompt="A ship", image=[("a.png", b"1", "image/png")] * 2
    )
    assert edited.data[0].b64_json


@pytest.mark.parametrize("mount", ["/v1", "", "/openai/v1"])
async def test_every_mount(road, mount):
    answer = await road.http.post(f"{mount}/embeddings", json={"model": "fast", "input": "x"})
    assert answer.status_code == 200
    assert road.first.received[-1].path == "/v1/embeddings"


async def test_a_route_that_captures_keeps_nothing_of_it(tmp_path):
    kept = {"deployments": ["one/sim-small"], "capture": "full"}
    async with stage(tmp_path, models={"kept": kept}) as road:
        await road.client.embeddings.create(model="kept", input="hush-hush")
        await road.at_rest()
        await asyncio.to_thread(road.gateway.books.shipper.flush, 10)
        assert b"hush-hush" not in b"".join(
            path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()
        )


# ------------------------------------------------------------------ failures


async def test_the_second_deployment_answers_where_the_first_fails(road):
    road.first.arm(FaultRule("server-error"))
    raw = await road.client.embeddings.with_raw_response.create(model="both", input="x")
    assert raw.headers["x-antiphon-deployment"] == "two/sim-small"
    assert raw.headers["x-antiphon-attempts"] == "2"
    stream = await road.client.completions.create(model="both", prompt="x", stream=True)
    assert "".join([c.choices[0].text async for c in stream]) == SAID
    assert road.gateway.deployments()[0].health.failures == 2


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("bad-request", openai.BadRequestError),
        ("rate-limited-ms", openai.RateLimitError),
        ("html", openai.InternalServerError),
        ("error-200", openai.APIStatusError),
        ("empty-200", openai.InternalServerError),
        ("reset", openai.InternalServerError),
        ("key-echo", openai.InternalServerError),
    ],
)
async def test_failures_have_the_class_that_the_sdk_knows(road, fault, kind):
    road.first.arm(fault)
    with pytest.raises(kind) as caught:
        await road.client.embeddings.create(model="fast", input="x")
    assert caught.value.response.headers["x-antiphon-request-id"]


async def test_a_stream_that_breaks_ends_with_an_error(road):
    road.first.set_latency(Latency(tokens_per_second=2000))
    road.first.arm("reset-inside")
    with pytest.raises(openai.APIError):
        async for _ in await road.client.completions.create(model="fast", prompt="x", stream=True):
            pass


async def test_an_unknown_and_a_missing_model(road):
    with pytest.raises(openai.NotFoundError) as unknown:
        await road.client.embeddings.create(model="absent", input="x")
    assert unknown.value.param == "model"
    for body in ({"input": "x"}, {"model": None, "input": "x"}, {"model": "", "input": "x"}):
        answer = await road.http.post("/v1/embeddings", json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["param"] == "model"
    files = {"file": ("a.mp3", SOUND, "audio/mpeg")}
    answer = await road.http.post("/v1/audio/transcriptions", files=files)
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "model"
    assert not road.first.received


async def test_a_provider_of_another_family(tmp_path):
    async with stage(tmp_path, ONE, provider={"dialect": "anthropic_messages"}) as road:
        with pytest.raises(openai.BadRequestError, match="openai_chat"):
            await road.client.embeddings.create(model="fast", input="x")
        assert not road.first.received


async def test_a_provider_without_the_endpoint_is_not_ill(road):
    told = [
        json_reply({"detail": "Not Found"}, status=404),
        json_reply({"error": {"message": "Invalid URL (POST)", "type": "x"}}, status=404),
        plain(b"404 page not found", status=404, headers=((b"content-type", b"text/plain"),)),
    ]
    for reply in told:
        absent = Fault("no such endpoint", lambda _reply, _scene, reply=reply: reply)
        road.first.faults = {**road.first.faults, "absent": absent}
        road.first.disarm()
        road.first.arm("absent")
        raw = await road.client.embeddings.with_raw_response.create(model="both", input="x")
        assert raw.headers["x-antiphon-deployment"] == "two/sim-small"
        with pytest.raises(openai.NotFoundError, match="no such endpoint"):
            await road.client.embeddings.create(model="fast", input="x")
    health = road.gateway.deployments()[0].health
    assert health.failures == 0


async def test_bodies_that_are_refused(road):
    for body in (b"", b"[]", b"{", b'{"model": "fast", "stream": 1}', b"\xff"):
        answer = await road.http.post("/v1/completions", content=body)
        assert answer.status_code == 400, body
    head = {"content-type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x--", b"--x\r\n\r\n--x--", b"--x\r\nname: y\r\n\r\n1\r\n--x--"):
        answer = await road.http.post("/v1/images/edits", content=body, headers=head)
        assert answer.status_code == 400, body
    assert not road.first.received


async def test_a_body_over_the_bound(tmp_path):
    async with stage(tmp_path, ONE, server={"max_body_bytes": 1024}) as road:
        files = {"file": ("a.mp3", SOUND, "audio/mpeg")}
        answer = await road.http.post(
            "/v1/audio/transcriptions", data={"model": "fast"}, files=files
        )
        assert answer.status_code == 413
        assert not road.first.received


async def test_methods_and_paths_that_are_not_there(road):
    answer = await road.http.get("/v1/embeddings")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert (await road.http.put("/v1/files")).status_code == 405
    assert (await road.http.get("/v1/fine_tuning/jobs")).status_code == 404


async def test_a_caller_who_leaves(tmp_path):
    async with charged(tmp_path) as road:
        road.first.set_latency(Latency(tokens_per_second=20))
        road.first.arm(FaultRule("stall"))
        body = json.dumps({"model": "fast", "prompt": "x", "stream": True}).encode()
        async with connected(road) as raw:
            await raw.send(request(body, f"Authorization: Bearer {KEY}", path="/v1/completions"))
            async with asyncio.timeout(5):
                await road.first.until(lambda sim: bool(sim.received))
            raw.abort()
            async with asyncio.timeout(5):
                await road.first.until(lambda sim: sim.received[-1].outcome is not Outcome.OPEN)
        (row,) = await rows(road)
        assert row["outcome"] == "cancelled"


# ------------------------------------------------------------------ money


async def test_the_ledger_has_what_was_stated(tmp_path):
    async with charged(tmp_path, specs=ONE) as road:
        await road.client.embeddings.create(model="fast", input="12345678")
        await road.client.post(
            "/rerank", body={"model": "fast", "query": "q", "documents": ["a"]}, cast_to=object
        )
        await road.client.audio.transcriptions.create(
            model="fast", file=("a.mp3", SOUND, "audio/mpeg")
        )
        async for _ in await road.client.audio.transcriptions.create(
            model="fast", file=("a.mp3", SOUND, "audio/mpeg"), stream=True
        ):
            pass
        found = await rows(road)
    assert [row["charge"] for row in found] == ["reported"] * 4
    embedding, ranking, heard, streamed = found
    assert embedding["heard"] == embedding["spoken"] == "openai_embeddings"
    assert embedding["input_tokens"] == "2"
    assert int(ranking["input_tokens"]) > 0
    for row in (heard, streamed):
        assert (row["input_tokens"], row["audio_input_tokens"]) == ("1", "9")
        assert row["output_tokens"] == "5"
        assert row["cost"] == str(250_000_000 + 1_000 + 9_000 + 10_000)
    assert {(row["heard"], row["spoken"], row["alias"]) for row in found[1:]} == {
        ("openai", "openai", "fast")
    }


async def test_the_ledger_has_what_was_not_stated(tmp_path):
    async with charged(tmp_path, specs=ONE) as road:
        await road.client.moderations.create(model="fast", input="x" * 400)
        async for _ in await road.client.completions.create(
            model="fast", prompt="x" * 400, stream=True
        ):
            pass
        await road.client.images.generate(model="fast", prompt="A boat")
        await road.client.audio.speech.create(model="fast", voice="alloy", input="Hello")
        moderated, completed, *rest = await rows(road)
    for row in (moderated, completed):
        assert row["charge"] == "estimated"
        assert 100 < int(row["input_tokens"]) < 200
    assert moderated["output_tokens"] == "0"
    assert completed["output_tokens"] == str(-(-len(SAID) // 4))
    for row in rest:
        assert (row["input_tokens"], row["output_tokens"]) == ("0", "0")
        assert row["cost"] == "250000000", "the price of a request, and no tokens"


async def test_sound_is_not_reserved_as_tokens(tmp_path):
    """A megabyte of sound is no million tokens, neither before the answer nor after."""
    async with charged(tmp_path, specs=ONE) as road:
        await road.client.audio.transcriptions.create(
            model="fast", file=("a.mp3", bytes(1_000_000), "audio/mpeg")
        )
        (row,) = await rows(road)
        assert int(row["cost_bound"]) < 250_001_000


async def test_metrics_and_the_requests_page_know_of_it(tmp_path):
    async with charged(tmp_path, specs=ONE) as road:
        raw = await road.client.embeddings.with_raw_response.create(model="fast", input="x")
        await road.at_rest()
        told = (await road.http.get("/metrics", headers={"authorization": f"Bearer {ADMIN}"})).text
        assert 'provider="one"' in told
        assert 'route="fast"' in told or 'alias="fast"' in told
        id_ = raw.headers["x-antiphon-request-id"]
        answer = await road.http.get(
            f"/api/v1/requests/{id_}", headers={"authorization": f"Bearer {ADMIN}"}
        )
        assert answer.json()["dialect"] == "openai_embeddings"
        assert raw.headers["x-antiphon-cost"].startswith("0.25")


# ------------------------------------------------------------------ stored objects


async def test_files_and_batches(tmp_path):
    async with charged(tmp_path, specs=ONE) as road:
        files, batches = road.client.files, road.client.batches
        made = await files.create(file=("in.jsonl", b'{"error": {}}\n'), purpose="batch")
        assert [each.id async for each in files.list(purpose="batch", limit=5)] == [made.id]
        assert road.first.received[-1].target == "/v1/files?limit=5&purpose=batch"
        assert (await files.retrieve(made.id)).filename == "in.jsonl"
        assert (await files.content(made.id)).content == b'{"error": {}}\n'
        batch = await batches.create(
            input_file_id=made.id, endpoint="/v1/chat/completions", completion_window="24h"
        )
        assert (await batches.retrieve(batch.id)).status == "validating"
        assert (await batches.cancel(batch.id)).status == "cancelled"
        with pytest.raises(openai.BadRequestError, match="twice"):
            await batches.cancel(batch.id)
        assert (await files.delete(made.id)).deleted
        with pytest.raises(openai.NotFoundError):
            await files.retrieve(made.id)
        found = await rows(road)
    assert {row["model"] for row in found} == {"files", "batches"}
    assert {row["alias"] for row in found} == {"files", "batches"}
    assert {row["input_tokens"] for row in found} == {"0"}
    costs = {row["model"]: row["cost"] for row in found if row["outcome"] == "ok"}
    assert costs == {"files": "125000000", "batches": "0"}


async def test_message_batches(tmp_path):
    async with stage(tmp_path, ONE, provider=CLAUDE) as road, claude(road) as client:
        batches = client.messages.batches
        made = await batches.create(requests=BATCH)
        assert [each.id async for each in batches.list(limit=3)] == [made.id]
        assert (await batches.retrieve(made.id)).request_counts.canceled == 1
        results = [each.custom_id async for each in await batches.results(made.id)]
        assert results == ["first"]
        assert (await batches.delete(made.id)).id == made.id
        with pytest.raises(anthropic.NotFoundError) as missing:
            await batches.retrieve(made.id)
        assert missing.value.body["error"]["type"] == "not_found_error"
        assert all(
            sent.header(b"anthropic-version") == b"2026-10-21" for sent in road.first.received
        )
        assert {sent.path.partition("/msgbatch")[0] for sent in road.first.received} == {
            "/v1/messages/batches"
        }


async def test_files_of_anthropics(tmp_path):
    async with stage(tmp_path, ONE, provider=CLAUDE) as road, claude(road) as client:
        made = await client.beta.files.upload(
            file=("a.txt", b"text", "text/plain"), betas=["files-api-2025-04-14"]
        )
        (sent,) = road.first.received
        assert sent.path == "/v1/files"
        assert sent.header(b"anthropic-beta") == b"files-api-2025-04-14"
        answer = await road.http.get(f"/anthropic/v1/files/{made.id}/content")
        assert answer.content == b"text"
        assert answer.headers["content-security-policy"].startswith("sandbox")


async def test_stored_objects_are_off_unless_allowed(road):
    for call in (
        road.client.files.list(),
        road.client.batches.retrieve("batch-1"),
        road.client.files.list(extra_headers={"x-antiphon-provider": "one"}),
    ):
        with pytest.raises(openai.PermissionDeniedError, match="stored_objects"):
            await call
    assert not road.first.received


async def test_of_several_providers_one_is_named(tmp_path):
    async with stage(tmp_path, provider=STORING) as road:
        with pytest.raises(openai.BadRequestError, match="x-antiphon-provider"):
            await road.client.files.list()
        await road.client.files.list(extra_headers={"x-antiphon-provider": "two"})
        assert not road.first.received
        assert road.second.received[0].header(b"x-antiphon-provider") is None
        for name in ("three", "sim-small"):
            answer = await road.http.get("/v1/files", headers={"x-antiphon-provider": name})
            assert answer.status_code == 400
            assert answer.json()["error"]["param"] == "x-antiphon-provider"


async def test_nobody_but_known_keys(tmp_path):
    async with charged(tmp_path, specs=ONE) as road:
        for path in ("/v1/files", "/v1/embeddings", "/v1/files/file-1/content"):
            answer = await road.http.request(
                "POST" if "embeddings" in path else "GET", path, headers={"x-api-key": "wrong"}
            )
            assert answer.status_code == 401
        narrow = road.client.with_options(api_key=NARROW)
        await narrow.embeddings.create(model="fast", input="x")
        with pytest.raises(openai.PermissionDeniedError):
            await narrow.embeddings.create(model="both", input="x")
        with pytest.raises(openai.PermissionDeniedError, match="every model"):
            await narrow.files.list()
        assert len(road.first.received) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/v1/files/../models",
        "/v1/files/%2e%2e/models",
        "/v1/files/..%2fmodels",
        "/v1/files/a%2fb",
        "/v1/files/a/../content",
        "/v1/files/%00",
        "/v1/files/a%0d%0aX: y",
        "/v1/files/a.b",
        "/v1/files//content",
        "/v1/files/é",
        "/v1/files/" + "a" * 129,
        "/v1/batches/a?b",
        "/v1/messages/batches/../x/results",
    ],
)
async def test_ids_that_lead_elsewhere(tmp_path, path):
    async with stage(tmp_path, ONE, provider=STORING) as road, connected(road) as raw:
        raw_path = path.encode().decode("latin-1").replace(" ", "%20")
        await raw.send(request(b"", method="GET", path=raw_path))
        assert (await raw.response()).status in {400, 404}
        assert not road.first.received


@pytest.mark.parametrize(
    "query",
    ["key=1", "limit=1&limit=2", "limit", "limit=%zz&x=1", "after=a&model=b", "a" * 3000, "%ff=1"],
)
async def test_queries_that_are_not_passed_on(tmp_path, query):
    async with stage(tmp_path, ONE, provider=STORING) as road, connected(road) as raw:
        await raw.send(request(b"", method="GET", path=f"/v1/files?{query}"))
        assert (await raw.response()).status == 400
        assert not road.first.received


async def test_a_query_is_written_anew(tmp_path):
    async with stage(tmp_path, ONE, provider={**STORING, "api_version": "v7"}) as road:
        await road.http.get("/v1/files?after=a%26b%0D%0A%23&order=")
        (sent,) = road.first.received
        assert sent.target == "/v1/files?after=a%26b%0D%0A%23&order=&api-version=v7"
        assert sent.header(b"content-type") is None


def test_the_guide_names_every_endpoint():
    guide = (ROOT / "docs" / "guides" / "passing-through.md").read_text("utf-8")
    named = {
        (family.lower(), method, path)
        for family, cell in re.findall(r"^\| (OpenAI|Anthropic) \| (.*?) \|", guide, re.MULTILINE)
        for methods, path in re.findall(r"`([A-Z ]+) (/[^`]+)`", cell)
        for method in methods.split()
    }
    assert named == {(each.family.name, each.method, each.path) for each in PASSED}


@pytest.mark.parametrize("path", ["/v1/responses/compact", "/v1/responses/input_tokens"])
async def test_nothing_builds_on_what_a_provider_stored(road, path):
    body = {"model": "fast", "input": "a", "previous_response_id": "resp_1"}
    refused = await road.http.post(path, json=body)
    assert refused.status_code == 400
    assert refused.json()["error"]["param"] == "previous_response_id"


async def test_a_name_that_may_not_be_used_is_not_offered(tmp_path):
    auth = {"required": True, "keys": [{"key": KEY, "models": ["fast"]}]}
    async with stage(tmp_path, auth=auth) as road:
        headers = {"authorization": f"Bearer {KEY}"}
        for model, offered in (("fas", True), ("bot", False), ("both", False)):
            told = await road.http.get(f"/v1/models/{model}", headers=headers)
            assert ("Did you mean" in told.json()["error"]["message"]) is offered
        body = {"model": "bot", "input": "a"}
        told = await road.http.post("/v1/embeddings", json=body, headers=headers)
        assert (told.status_code, "Did you mean" in told.text) == (404, False)
