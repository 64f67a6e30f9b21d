"""What is sensitive goes where it may go, or nowhere."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from antiphon.simulator import SimulatorSpec
from tests.server.stage import HELLO, KEY, stage

TWO = [SimulatorSpec(name="cloud", seed=1), SimulatorSpec(name="home", seed=2)]
CLEARED = {"home": {"clearance": "restricted"}}
LEVELS = ("public", "internal", "confidential", "restricted")
SECRET = {"detect": [{"matches": r"\bPROJECT-[0-9]{4}\b"}]}


def chat(text: str = "Hello", **more: object) -> dict[str, object]:
    return {"model": "both", "messages": [{"role": "user", "content": text}], **more}


async def post(road, body, path="/v1/chat/completions", **headers):
    return await road.http.post(
        path, json=body, headers={"authorization": f"Bearer {KEY}", **headers}
    )


def asked(simulator) -> int:
    return len(simulator.received)


async def test_what_is_marked_goes_past_the_first_to_who_is_cleared(tmp_path):
    async with stage(tmp_path, TWO, providers_of=CLEARED) as road:
        plain = await post(road, chat())
        assert plain.headers["x-antiphon-deployment"] == "cloud/sim-small"
        marks = ({"x-antiphon-sensitivity": "restricted"}, {"x-antiphon-sensitivity": "sensitive"})
        for mark in marks:
            marked = await post(road, chat(), **mark)
            assert marked.status_code == 200
            assert marked.headers["x-antiphon-deployment"] == "home/sim-small"
        inside = await post(road, chat(metadata={"sensitivity": "confidential"}))
        assert inside.headers["x-antiphon-deployment"] == "home/sim-small"
        assert asked(road.first) == 1


async def test_it_fails_rather_than_goes_elsewhere(tmp_path):
    async with stage(tmp_path, TWO, providers_of=CLEARED) as road:
        road.second.arm("server-error")
        answer = await post(road, chat(), **{"x-antiphon-sensitivity": "restricted"})
        assert answer.status_code >= 500
        assert "home/sim-small" in answer.text
        assert asked(road.first) == 0
        lone = await post(
            road, chat() | {"model": "fast"}, **{"x-antiphon-sensitivity": "restricted"}
        )
        assert lone.status_code == 403
        assert "restricted" in lone.json()["error"]["message"]
        direct = await post(
            road,
            chat() | {"model": "cloud/sim-small"},
            **{"x-antiphon-sensitivity": "restricted"},
        )
        assert direct.status_code == 403
        assert asked(road.first) == 0


async def test_a_mark_that_means_nothing_is_refused(road):
    answer = await post(road, chat(), **{"x-antiphon-sensitivity": "secretish"})
    assert answer.status_code == 400
    assert "x-antiphon-sensitivity" in answer.text


DIALECTS = {
    "openai_chat": ("/v1/chat/completions", chat),
    "responses": ("/v1/responses", lambda text: {"model": "both", "input": text}),
    "messages": (
        "/v1/messages",
        lambda text: {
            "model": "both",
            "max_tokens": 9,
            "messages": [{"role": "user", "content": text}],
        },
    ),
    "gemini": (
        "/gemini/v1beta/models/both:generateContent",
        lambda text: {"contents": [{"role": "user", "parts": [{"text": text}]}]},
    ),
    "ollama": (
        "/api/chat",
        lambda text: {
            "model": "both",
            "stream": False,
            "messages": [{"role": "user", "content": text}],
        },
    ),
    "embeddings": ("/v1/embeddings", lambda text: {"model": "both", "input": [text]}),
    "old completions": ("/v1/completions", lambda text: {"model": "both", "prompt": text}),
    "moderations": ("/v1/moderations", lambda text: {"model": "both", "input": text}),
}


@pytest.mark.parametrize("name", DIALECTS)
async def test_what_is_found_in_it_counts_in_every_dialect(tmp_path, name):
    path, body = DIALECTS[name]
    async with stage(tmp_path, TWO, providers_of=CLEARED, privacy=SECRET) as road:
        text = json.dumps(body("tell me of PROJECT-1234")).replace("PROJECT", "\\u0050ROJECT")
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        found = await road.http.post(path, content=text, headers=headers)
        assert found.status_code == 200, found.text
        assert asked(road.first) == 0
        assert asked(road.second) == 1


async def test_the_whole_conversation_counts_and_tools_too(tmp_path):
    history = [
        {"role": "system", "content": "You help with PROJECT-1234."},
        {"role": "user", "content": "Hi"},
    ]
    tool = [
        {"role": "user", "content": "look it up"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "it is PROJECT-1234"},
        {"role": "user", "content": "thanks"},
    ]
    picture = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "what is this"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
            ],
        }
    ]
    async with stage(tmp_path, TWO, providers_of=CLEARED, privacy=SECRET) as road:
        for messages in (history, tool, picture):
            answer = await post(road, {"model": "both", "messages": messages})
            assert answer.headers["x-antiphon-deployment"] == "home/sim-small", answer.text
        assert asked(road.first) == 0


async def test_a_prompt_is_counted_by_who_is_cleared_or_by_nobody(tmp_path):
    body = {
        "model": "fast",
        "messages": [{"role": "user", "content": "PROJECT-1234"}],
    }
    dialects = {"cloud": "anthropic_messages", "home": "anthropic_messages"}
    async with stage(
        tmp_path, TWO, providers_of=CLEARED, privacy=SECRET, dialects=dialects
    ) as road:
        answer = await post(road, body, "/v1/messages/count_tokens")
        assert answer.status_code == 200
        assert answer.json()["input_tokens"] > 0
        assert answer.headers["x-antiphon-token-count"] == "estimated"
        assert asked(road.first) == 0


async def test_a_route_and_a_default_may_say_more(tmp_path):
    models = {
        "deep": {
            "deployments": ["cloud/sim-small", "home/sim-small"],
            "sensitivity": "confidential",
        }
    }
    async with stage(tmp_path, TWO, providers_of=CLEARED, models=models) as road:
        answer = await post(road, chat() | {"model": "deep"})
        assert answer.headers["x-antiphon-deployment"] == "home/sim-small"
    async with stage(
        tmp_path / "b", TWO, providers_of=CLEARED, privacy={"default": "confidential"}
    ) as road:
        answer = await post(road, chat(), **{"x-antiphon-sensitivity": "public"})
        assert answer.headers["x-antiphon-deployment"] == "home/sim-small"


async def test_a_cached_answer_of_another_choice_is_not_given(tmp_path):
    models = {"kept": {"deployments": ["cloud/sim-small", "home/sim-small"], "cache": {"ttl": 60}}}
    async with stage(tmp_path, TWO, providers_of=CLEARED, models=models) as road:
        ask = chat() | {"model": "kept"}
        for _ in range(2):
            plain = await post(road, ask)
        assert plain.headers["x-antiphon-cache"] == "hit"
        marked = await post(road, ask, **{"x-antiphon-sensitivity": "restricted"})
        assert marked.headers["x-antiphon-cache"] == "miss"
        assert marked.headers["x-antiphon-deployment"] == "home/sim-small"


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    clearances=st.tuples(*[st.sampled_from(LEVELS)] * 3),
    sensitivity=st.sampled_from(LEVELS),
    broken=st.sets(st.integers(0, 2)),
    rule=st.sampled_from([None, False, True]),
    stream=st.booleans(),
)
async def test_nobody_who_is_not_cleared_is_ever_asked(
    tmp_path_factory, clearances, sensitivity, broken, rule, stream
):
    """Whatever fails, and whatever rules say."""
    names = ("a", "b", "c")
    specs = [SimulatorSpec(name=name, seed=1) for name in names]
    route: dict[str, object] = {
        "deployments": [f"{name}/sim-small" for name in names],
        "retry": {"backoff": 0},
    }
    if rule is not None:
        route["rules"] = [
            {"name": "x", "when": {"tags": "x"}, "use": ["c/sim-small"], "only": rule}
        ]
    providers = {name: {"clearance": each} for name, each in zip(names, clearances, strict=True)}
    async with stage(
        tmp_path_factory.mktemp("c"), specs, providers_of=providers, models={"any": route}
    ) as road:
        for place in broken:
            road.simulators[place].arm("unavailable")
        answer = await road.http.post(
            "/v1/chat/completions",
            json={"model": "any", "messages": HELLO, "stream": stream},
            headers={
                "authorization": f"Bearer {KEY}",
                "x-antiphon-sensitivity": sensitivity,
                "x-antiphon-tags": "x",
            },
        )
        may = {
            place
            for place, each in enumerate(clearances)
            if LEVELS.index(each) >= LEVELS.index(sensitivity)
        }
        if rule:
            may &= {2}
        for place, simulator in enumerate(road.simulators):
            assert place in may or not asked(simulator)
        assert (answer.status_code == 200) == bool(may - broken)
        assert (answer.status_code == 403) == (not may)


def _chat_with(part: dict[str, object]) -> dict[str, object]:
    return chat() | {"messages": [{"role": "user", "content": [part]}]}


def _gemini_with(part: dict[str, object]) -> dict[str, object]:
    return {"contents": [{"role": "user", "parts": [{"text": "Hi"}, part]}]}


GEMINI = "/gemini/v1beta/models/both:generateContent"
UNREADABLE = {
    "gemini, a document": (
        GEMINI,
        _gemini_with({"inlineData": {"mimeType": "application/pdf", "data": "UFJPSg=="}}),
    ),
    "gemini, in snake case": (
        GEMINI,
        _gemini_with({"inline_data": {"mime_type": "text/plain", "data": "UFJPSg=="}}),
    ),
    "messages, a document": (
        "/v1/messages",
        chat()
        | {
            "max_tokens": 9,
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "source": {
                                "type": "base64",
                                "media_type": "application/pdf",
                                "data": "UFJPSg==",
                            },
                        }
                    ],
                }
            ],
        },
    ),
    "chat, a film": (
        "/v1/chat/completions",
        _chat_with({"type": "video_url", "video_url": {"url": "data:video/mp4;base64,UFJP"}}),
    ),
    "moderations, a picture": (
        "/v1/moderations",
        {
            "model": "both",
            "input": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
            ],
        },
    ),
    "embeddings, tokens": ("/v1/embeddings", {"model": "both", "input": [[1, 2, 3]]}),
    "old completions, tokens": ("/v1/completions", {"model": "both", "prompt": [1, 2, 3]}),
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_what_cannot_be_looked_through_stays_in(tmp_path, name):
    path, body = UNREADABLE[name]
    async with stage(tmp_path, TWO, providers_of=CLEARED, privacy=SECRET) as road:
        await post(road, body, path)
        assert asked(road.first) == 0


@pytest.mark.parametrize("text", ["what is an image", "read my profile", "file an audio report"])
async def test_a_word_in_a_text_hides_nothing(tmp_path, text):
    tool = {
        "type": "function",
        "function": {
            "name": "read",
            "parameters": {"type": "object", "properties": {"file_path": {"type": "string"}}},
        },
    }
    async with stage(tmp_path, TWO, providers_of=CLEARED, privacy=SECRET) as road:
        for more in ({}, {"tools": [tool]}):
            answer = await post(road, chat(text, **more))
            assert answer.headers["x-antiphon-deployment"] == "cloud/sim-small", answer.text


@pytest.mark.parametrize(
    "path", ["/v1/moderations", "/v1/completions", "/v1/rerank", "/v1/responses/input_tokens"]
)
async def test_a_mark_in_the_body_counts_where_it_is_passed_on_unread(tmp_path, path):
    body = {"model": "both", "input": "Hi", "prompt": "Hi", "query": "Hi", "documents": ["a"]}
    async with stage(tmp_path, TWO, providers_of=CLEARED) as road:
        answer = await post(road, {**body, "metadata": {"sensitivity": "restricted"}}, path)
        assert answer.status_code == 200, answer.text
        assert asked(road.first) == 0
