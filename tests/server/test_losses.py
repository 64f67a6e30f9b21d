"""What a request asks for and a deployment cannot do, over HTTP: told, refused, or taken elsewhere."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import anthropic
import openai
import pytest
from prometheus_client.parser import text_string_to_metric_families

from antiphon.simulator import SimulatorSpec
from tests.sdks.jobs import PIXEL
from tests.server.callers import calling
from tests.server.stage import HELLO, Stage, stage

ADMIN: Final = "admin-key-0123456789abcdef"
PROVIDERS: Final = MappingProxyType(
    {
        "chat": "openai_chat",
        "responses": "openai_responses",
        "messages": "anthropic_messages",
    }
)
PLAIN: Final = {"sampling": False, "forced_tools": False, "prefill": False, "vision": False}
MODELS: Final = {"blunt": PLAIN, "thinker": {"reasoning_off": False}, "claude-opus-5-5": {}}
NAMES: Final = ("sim-small", *MODELS)
POLICIES: Final = ("drop", "error", "skip")
HEADERS: Final = {"anthropic-version": "2023-06-01"}
PATHS: Final = MappingProxyType(
    {
        "chat": "/v1/chat/completions",
        "responses": "/v1/responses",
        "messages": "/v1/messages",
    }
)
OBJECT: Final = {"type": "object", "properties": {}}


@pytest.fixture
async def fleet(tmp_path) -> AsyncIterator[Stage]:
    """Routes are named after their policy and the deployments behind them."""
    specs = [
        SimulatorSpec(name=name, seed=seed, strict=True) for seed, name in enumerate(PROVIDERS)
    ]
    routes = {
        f"{policy}-{one}": {"deployments": [f"{one}/sim-small"], "on_loss": policy}
        for policy in POLICIES
        for one in PROVIDERS
    }
    routes["drop-blunt"] = {"deployments": ["chat/blunt", "chat/sim-small"], "on_loss": "drop"}
    routes["skip-blunt"] = {"deployments": ["chat/blunt", "chat/sim-small"], "on_loss": "skip"}
    routes["error-blunt"] = {"deployments": ["chat/blunt", "chat/sim-small"], "on_loss": "error"}
    routes["skip-both"] = {
        "deployments": ["messages/sim-small", "chat/sim-small"],
        "on_loss": "skip",
    }
    async with stage(
        tmp_path,
        specs,
        dialects=PROVIDERS,
        models=routes,
        provider={"models": MODELS},
        auth={"admin_key": ADMIN},
    ) as running:
        yield running


def asked(dialect: str, model: str, **members: object) -> dict[str, Any]:
    """The least request of a dialect."""
    least: Mapping[str, dict[str, object]] = {
        "chat": {"messages": HELLO},
        "responses": {"input": "Hello there"},
        "messages": {"messages": HELLO, "max_tokens": 2000},
    }
    return {"model": model, **least[dialect], **members}


async def post(fleet: Stage, dialect: str, body: Mapping[str, object]) -> Any:
    return await fleet.http.post(PATHS[dialect], json=body, headers=HEADERS)


def received(fleet: Stage, provider: str) -> list[dict[str, Any]]:
    [simulator] = [each for each in fleet.simulators if each.name == provider]
    return [json.loads(each.body) for each in simulator.received]


# ------------------------------------------------------------------ between dialects

LOST: Final = [
    pytest.param("chat", "messages", {"seed": 7}, "seed", "seed: left out", id="chat-messages"),
    pytest.param("chat", "responses", {"seed": 7}, "seed", "seed: left out", id="chat-responses"),
    pytest.param(
        "messages", "responses", {"top_k": 5}, "top_k", "top_k: left out", id="messages-responses"
    ),
    pytest.param(
        "messages",
        "chat",
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        "thinking",
        "budget: the nearest effort",
        id="messages-chat",
    ),
    pytest.param(
        "responses",
        "messages",
        {"text": {"verbosity": "low"}},
        "text",
        "verbosity: left out",
        id="responses-messages",
    ),
    pytest.param(
        "responses",
        "chat",
        {
            "tools": [
                {"type": "web_search"},
                {"type": "function", "name": "f", "parameters": OBJECT},
            ]
        },
        "tools",
        "server_tools: left out: only its own provider knows it",
        id="responses-chat",
    ),
]


@pytest.mark.parametrize(("heard", "spoken", "members", "param", "told"), LOST)
async def test_what_is_dropped_is_told(
    fleet: Stage, heard: str, spoken: str, members: dict, param: str, told: str
) -> None:
    answer = await post(fleet, heard, asked(heard, f"drop-{spoken}", **members))
    assert answer.status_code == 200
    assert answer.headers["x-antiphon-warnings"] == told
    counted = await losses(fleet)
    assert counted == {(PROVIDERS[heard], PROVIDERS[spoken], told.partition(":")[0]): 1}


@pytest.mark.parametrize("policy", ["error", "skip"])
@pytest.mark.parametrize(("heard", "spoken", "members", "param", "told"), LOST)
async def test_what_must_not_be_dropped_is_refused_in_the_caller_s_words(
    fleet: Stage, policy: str, heard: str, spoken: str, members: dict, param: str, told: str
) -> None:
    answer = await post(fleet, heard, asked(heard, f"{policy}-{spoken}", **members))
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert f"'{param}'" in error["message"]
    assert told.partition(":")[0].replace("_", " ") in error["message"]
    if heard == "messages":
        assert error["type"] == "invalid_request_error"
    else:
        assert (error["code"], error["param"]) == ("unsupported_parameter", param)
    assert received(fleet, spoken) == []
    assert await losses(fleet) == {}


@pytest.mark.parametrize(
    ("heard", "raised"),
    [
        ("chat", openai.BadRequestError),
        ("responses", openai.BadRequestError),
        ("messages", anthropic.BadRequestError),
    ],
)
async def test_the_sdk_raises_what_it_has_for_it(
    fleet: Stage, heard: str, raised: type[Exception]
) -> None:
    model, members = {
        "chat": ("error-messages", {"seed": 7}),
        "responses": ("error-messages", {"text": {"verbosity": "low"}}),
        "messages": ("error-responses", {"top_k": 5}),
    }[heard]
    async with calling(fleet, heard) as caller:
        caller.user("Hello")
        with pytest.raises(raised, match="can do"):
            await caller.ask(model, stream=True, extra_body=members)


async def test_another_deployment_answers_without_a_loss(fleet: Stage) -> None:
    answer = await post(fleet, "chat", asked("chat", "skip-both", seed=7))
    assert answer.headers["x-antiphon-deployment"] == "chat/sim-small"
    assert "x-antiphon-warnings" not in answer.headers
    assert received(fleet, "chat")[0]["seed"] == 7
    answer = await post(fleet, "chat", asked("chat", "skip-both"))
    assert answer.headers["x-antiphon-deployment"] == "messages/sim-small"


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("heard", "spoken", "members", "param"),
    [
        ("chat", "messages", {"n": 2}, "n"),
        ("chat", "responses", {"n": 2}, "n"),
        ("chat", "messages", {"logprobs": True}, "logprobs"),
        ("chat", "messages", {"modalities": ["text", "audio"]}, "modalities"),
        ("responses", "messages", {"tools": [{"type": "web_search"}]}, "tools"),
        ("responses", "chat", {"tools": [{"type": "web_search"}]}, "tools"),
        (
            "messages",
            "chat",
            {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            "tools",
        ),
    ],
)
async def test_what_would_be_another_answer_is_never_dropped(
    fleet: Stage, policy: str, heard: str, spoken: str, members: dict, param: str
) -> None:
    answer = await post(fleet, heard, asked(heard, f"{policy}-{spoken}", **members))
    assert answer.status_code == 400
    assert f"'{param}'" in answer.json()["error"]["message"]
    assert received(fleet, spoken) == []


# ------------------------------------------------------------------ models that refuse

REFUSED: Final = [
    pytest.param("chat", {"temperature": 0.5}, "temperature", id="chat-temperature"),
    pytest.param("responses", {"temperature": 0.5}, "temperature", id="responses-temperature"),
    pytest.param("messages", {"temperature": 0.5}, "temperature", id="messages-temperature"),
    pytest.param("messages", {"top_k": 5}, "top_k", id="messages-top-k"),
    pytest.param(
        "chat",
        {
            "tools": [{"type": "function", "function": {"name": "f", "parameters": OBJECT}}],
            "tool_choice": "required",
        },
        "forced_tool",
        id="chat-forced",
    ),
    pytest.param(
        "responses",
        {
            "tools": [{"type": "function", "name": "f", "parameters": OBJECT}],
            "tool_choice": {"type": "function", "name": "f"},
        },
        "forced_tool",
        id="responses-forced",
    ),
    pytest.param(
        "messages",
        {"tools": [{"name": "f", "input_schema": OBJECT}], "tool_choice": {"type": "any"}},
        "forced_tool",
        id="messages-forced",
    ),
]


@pytest.mark.parametrize("spoken", PROVIDERS)
@pytest.mark.parametrize(("heard", "members", "need"), REFUSED)
async def test_what_a_model_refuses_is_left_out_in_every_dialect(
    fleet: Stage, heard: str, members: dict, need: str, spoken: str
) -> None:
    answer = await post(fleet, heard, asked(heard, f"{spoken}/blunt", **members))
    assert answer.status_code == 200, answer.text
    told = [each.partition(":")[0] for each in answer.headers["x-antiphon-warnings"].split("; ")]
    assert need in told
    [body] = received(fleet, spoken)
    assert not {"temperature", "top_k"} & set(body)
    assert body.get("tool_choice", "auto") in ("auto", {"type": "auto"})


async def test_the_newest_claude_is_known_by_its_name(fleet: Stage) -> None:
    """The strict simulator refuses all three of it, as its maker does."""
    tools = [{"name": "f", "input_schema": OBJECT}]
    body = asked("messages", "messages/claude-opus-5-5", temperature=1.0, tools=tools)
    answer = await post(fleet, "messages", {**body, "tool_choice": {"type": "any"}})
    assert answer.status_code == 200, answer.text
    told = [each.partition(":")[0] for each in answer.headers["x-antiphon-warnings"].split("; ")]
    assert sorted(told) == ["forced_tool", "temperature"]


@pytest.mark.parametrize(
    ("heard", "thinking", "asks_not_to"),
    [
        ("chat", {"reasoning_effort": "none"}, True),
        ("chat", {"reasoning_effort": "high"}, False),
        ("responses", {"reasoning": {"effort": "none"}}, True),
        ("responses", {"reasoning": {"effort": "high", "summary": "auto"}}, False),
        ("messages", {"thinking": {"type": "disabled"}}, True),
        ("messages", {"thinking": {"type": "adaptive"}}, False),
        ("messages", {"thinking": {"type": "enabled", "budget_tokens": 1024}}, False),
    ],
)
async def test_a_model_that_always_thinks_is_not_asked_to_stop(
    fleet: Stage, heard: str, thinking: dict, *, asks_not_to: bool
) -> None:
    answer = await post(fleet, heard, asked(heard, f"{heard}/thinker", **thinking))
    assert answer.status_code == 200
    [body] = received(fleet, heard)
    told = answer.headers.get("x-antiphon-warnings", "")
    if asks_not_to:
        assert told == "no_thought: the model always thinks"
        assert not thinking.keys() & body.keys()
    else:
        assert told == ""
        assert {name: body[name] for name in thinking} == thinking


# ------------------------------------------------------------------ what cannot be left out


def showing(heard: str) -> dict[str, object]:
    """A picture."""
    url = f"data:image/png;base64,{PIXEL}"
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    shown: Mapping[str, tuple[str, dict[str, object]]] = {
        "chat": ("messages", {"type": "image_url", "image_url": {"url": url}}),
        "responses": ("input", {"type": "input_image", "image_url": url, "detail": "auto"}),
        "messages": ("messages", {"type": "image", "source": source}),
    }
    name, part = shown[heard]
    return {name: [{"role": "user", "content": [part]}]}


@pytest.mark.parametrize("heard", PROVIDERS)
async def test_a_picture_goes_to_a_model_that_sees(fleet: Stage, heard: str) -> None:
    answer = await post(fleet, heard, asked(heard, "skip-blunt", **showing(heard)))
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-antiphon-deployment"] == "chat/sim-small"
    refused = await post(fleet, heard, asked(heard, "error-blunt", **showing(heard)))
    assert refused.status_code == 400
    assert "sees no pictures" in refused.json()["error"]["message"]


@pytest.mark.parametrize("heard", [one for one in PROVIDERS if one != "chat"])
async def test_a_picture_for_a_model_that_sees_none(fleet: Stage, heard: str) -> None:
    answer = await post(fleet, heard, asked(heard, "chat/blunt", **showing(heard)))
    assert answer.status_code == 400
    assert "sees no pictures" in answer.json()["error"]["message"]
    assert received(fleet, "chat") == []


@pytest.mark.parametrize("route", ["drop-blunt", "skip-blunt"])
async def test_a_begun_answer_goes_to_a_model_that_goes_on_with_it(
    fleet: Stage, route: str
) -> None:
    begun = [*HELLO, {"role": "assistant", "content": "Once"}]
    answer = await post(fleet, "chat", asked("chat", route, messages=begun))
    assert answer.headers["x-antiphon-deployment"] == "chat/sim-small"
    answer = await post(fleet, "chat", asked("chat", route, messages=[*begun, *HELLO]))
    assert answer.headers["x-antiphon-deployment"] == "chat/blunt"


# ------------------------------------------------------------------ members of members

SCHEMA: Final = {"name": "f", "input_schema": OBJECT}
DOCUMENT: Final = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "Once."},
}


def told(block: Mapping[str, object], **members: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": [block], **members}]}


@pytest.mark.parametrize("target", ["chat", "responses"])
@pytest.mark.parametrize(
    "members",
    [
        {"tools": [{**SCHEMA, "defer_loading": True}]},
        {"tools": [{**SCHEMA, "input_examples": [{}]}]},
        told({**DOCUMENT, "citations": {"enabled": True}}),
        told({"type": "text", "text": "Hi", "odd": 1}),
        told({"type": "text", "text": "Hi"}, odd=1),
        {"thinking": {"type": "of a new kind"}},
    ],
)
async def test_members_below_the_top_are_not_lost_in_silence(
    fleet: Stage, target: str, members: dict[str, object]
) -> None:
    body = asked("messages", f"drop-{target}", **members)
    answer = await post(fleet, "messages", body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-antiphon-warnings"] == "unknown_members: left out"
    refused = await post(fleet, "messages", {**body, "model": f"error-{target}"})
    assert refused.status_code == 400


@pytest.mark.parametrize(
    "members",
    [
        {"tools": [{**SCHEMA, "type": "custom", "eager_input_streaming": True}]},
        told({**DOCUMENT, "title": "T", "context": "C"}),
        {
            "messages": [
                *HELLO,
                {
                    "role": "assistant",
                    "content": [
                        {
                            "type": "tool_use",
                            "id": "a",
                            "name": "f",
                            "input": {},
                            "caller": {"type": "direct"},
                        }
                    ],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
            ]
        },
    ],
)
async def test_marks_ask_for_nothing(fleet: Stage, members: dict[str, object]) -> None:
    answer = await post(fleet, "messages", asked("messages", "error-chat", **members))
    assert answer.status_code == 200, answer.text
    assert "x-antiphon-warnings" not in answer.headers


# ------------------------------------------------------------------ thought


async def test_thought_that_is_switched_off_in_an_open_loop_is_told(fleet: Stage) -> None:
    call = {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    said = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": "x"},
    ]
    body = asked("chat", "drop-messages", messages=said, reasoning_effort="high")
    answer = await post(fleet, "chat", body)
    assert answer.status_code == 200, answer.text
    assert "effort: no thought in this answer" in answer.headers["x-antiphon-warnings"]
    assert received(fleet, "messages")[0]["thinking"] == {"type": "disabled"}
    refused = await post(fleet, "chat", {**body, "model": "error-messages"})
    assert refused.status_code == 400


# ------------------------------------------------------------------ what says nothing

EMPTY: Final = {"role": "user", "content": ""}
THOUGHT: Final = {"type": "thinking", "thinking": "hm", "signature": ""}


@pytest.mark.parametrize(
    ("heard", "target", "members", "param"),
    [
        ("messages", "chat", {"messages": [EMPTY]}, "messages"),
        (
            "messages",
            "responses",
            {"messages": [{"role": "assistant", "content": [THOUGHT]}]},
            "messages",
        ),
        ("chat", "messages", {"messages": [{"role": "user", "content": " "}]}, "messages"),
        ("responses", "chat", {"input": [EMPTY]}, "input"),
        ("messages", "chat", {"max_tokens": 0}, "max_tokens"),
        ("chat", "messages", {"max_completion_tokens": 0}, "max_completion_tokens"),
    ],
)
async def test_what_says_nothing_or_wants_nothing_is_refused(
    fleet: Stage, heard: str, target: str, members: dict[str, object], param: str
) -> None:
    answer = await post(fleet, heard, asked(heard, f"drop-{target}", **members))
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert received(fleet, target) == []


async def test_instructions_alone_are_answered(fleet: Stage) -> None:
    rules = {"role": "system", "content": "Say hello."}
    for said in ([rules], [rules, EMPTY]):
        answer = await post(fleet, "chat", asked("chat", "drop-messages", messages=said))
        assert answer.status_code == 200, answer.text


# ------------------------------------------------------------------ what is not looked at


@pytest.mark.parametrize("route", ["drop-chat", "error-chat", "skip-both"])
async def test_a_request_that_goes_through_is_not_read(fleet: Stage, route: str) -> None:
    """Its deep parts are invalid for us; the provider gets them byte for byte, and judges."""
    model = "error-chat" if route == "skip-both" else route
    body = (
        b'{"model": "%b",  "messages": [{"role": "user", "content": "x", "name": 7}],'
        b' "temperature": 0.50, "response_format": {"type": "text", "json_schema": null}}'
    )
    answer = await fleet.http.post(PATHS["chat"], content=body % model.encode())
    assert answer.status_code == 200, answer.text
    [simulator] = [each for each in fleet.simulators if each.name == "chat"]
    assert simulator.received[-1].body == body % b"sim-small"


async def test_a_request_that_cannot_be_read_is_still_passed_on(fleet: Stage) -> None:
    """A trace of a picture makes it be read; what cannot be is left to the provider."""
    body = b'{"model": "skip-blunt", "messages": [{"role": "user", "content": "image", "name": 7}]}'
    answer = await fleet.http.post(PATHS["chat"], content=body)
    assert answer.headers["x-antiphon-deployment"] == "chat/blunt"


async def losses(fleet: Stage) -> dict[tuple[str, str, str], float]:
    await fleet.at_rest()
    page = await fleet.http.get("/metrics", headers={"authorization": f"Bearer {ADMIN}"})
    return {
        (each.labels["from"], each.labels["to"], each.labels["need"]): each.value
        for family in text_string_to_metric_families(page.text)
        for each in family.samples
        if each.name == "antiphon_losses_total"
    }
