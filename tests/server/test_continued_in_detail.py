"""What is gone on with and what is not, what the ledger has of it, and what its caller is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from antiphon.errors import UpstreamError
from antiphon.model.events import TextDelta
from antiphon.simulator import Fault, FaultRule, Scene, SimulatorSpec
from antiphon.simulator.reply import Ending, Piece, Reply
from antiphon.simulator.rules import Match
from tests.server.cached import request
from tests.server.callers import calling
from tests.server.continued import (
    BACK,
    HEARD,
    TEXT,
    Heard,
    asked,
    check_frames,
    cut_at,
    cutting,
    partial_of,
    simulator_of,
    struck,
)
from tests.server.stage import stage

CUT = 8
"""Frames with some of the text, in every dialect, and none of its end."""
SCHEMA = {"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"]}
TOOL = {"type": "function", "function": {"name": "get_it", "parameters": SCHEMA}}
JSON = [{"role": "user", "content": '[say: {"a": [1, 2, 3, 4, 5, 6, 7, 8, 9]}]'}]
CALLING = [{"role": "user", "content": f"get_it [say: {TEXT}]"}]


WORDS = " ".join(f"word{number}" for number in range(40))


def saying(heard: str, text: str) -> dict[str, Any]:
    """The members of a question whose answer is this text."""
    said = f"[say: {text}]"
    match heard:
        case "gemini":
            return {"contents": [{"role": "user", "parts": [{"text": said}]}]}
        case "openai_responses":
            return {"input": said}
        case _:
            return {"messages": [{"role": "user", "content": said}]}


@pytest.mark.parametrize("heard", HEARD)
async def test_two_breaks_in_a_row(tmp_path, heard):
    async with cutting(tmp_path) as road:
        struck(simulator_of(road, "openai_chat"), cut_at(4, 4))
        answer = await asked(road, heard, "openai_chat")
        told = Heard(heard, answer.content)
        assert (told.said, told.ended, told.failed) == (TEXT, 1, [])
        check_frames(heard, told.frames)
        begun = [each.begun for each in simulator_of(road, "openai_chat").received]
        assert begun == [None, "Grüezi, one two", "Grüezi, one two three four five"]


@pytest.mark.parametrize("heard", HEARD)
async def test_a_break_too_many_is_an_error_with_the_text_so_far(tmp_path, heard):
    async with cutting(tmp_path, route={"retry": {"calls": 3}}) as road:
        for name in (heard, BACK):
            struck(simulator_of(road, name), cut_at(10, 10, 10))
        answer = await asked(road, heard, heard, **saying(heard, WORDS))
        told = Heard(heard, answer.content)
        assert told.failed
        assert not told.ended
        assert WORDS.startswith(told.said)
        assert 10 < len(told.said.split()) <= 30
        assert partial_of(heard, answer.content) == told.said


@pytest.mark.parametrize(
    "members",
    [
        {"n": 2},
        {"logprobs": True},
        {"messages": JSON, "response_format": {"type": "json_object"}},
        {"messages": CALLING[:1], "tools": [TOOL], "tool_choice": "required", "after": 6},
        {"tools": [TOOL], "messages": CALLING, "after": 10},
    ],
    ids=["answers", "logprobs", "json", "forced", "calls"],
)
async def test_what_two_calls_cannot_give_together(tmp_path, members):
    async with cutting(tmp_path) as road:
        struck(simulator_of(road, "openai_chat"), cut_at(members.pop("after", CUT)))
        answer = await asked(road, "openai_chat", "openai_chat", **members)
        assert len(road.simulators[0].received) == 1
        told = Heard("openai_chat", answer.content)
        assert told.failed
        given = told.reply.choices[0].turn.text
        assert given
        assert partial_of("openai_chat", answer.content) == given


async def test_a_route_may_say_no(tmp_path):
    async with cutting(tmp_path, route={"continuation": False}) as road:
        struck(simulator_of(road, "openai_chat"), cut_at(4))
        answer = await asked(road, "anthropic_messages", "openai_chat")
        assert partial_of("anthropic_messages", answer.content) == "Grüezi, one two"
        assert simulator_of(road, BACK).requests == 0


async def test_nobody_is_asked_who_is_not_cleared(tmp_path):
    cleared = {BACK: {"clearance": "public"}, "openai_responses": {"clearance": "restricted"}}
    async with cutting(tmp_path, providers_of=cleared) as road:
        secret = {"x-antiphon-sensitivity": "confidential"}
        struck(simulator_of(road, "openai_responses"), cut_at(CUT))
        answer = await asked(road, "openai_chat", "openai_responses", secret)
        assert partial_of("openai_chat", answer.content)
        assert simulator_of(road, BACK).requests == 0
        struck(simulator_of(road, "openai_responses"), cut_at(CUT))
        answer = await asked(road, "openai_chat", "openai_responses")
        assert Heard("openai_chat", answer.content).said == TEXT
        assert simulator_of(road, BACK).requests == 1


@pytest.mark.parametrize("how", ["error-event", "garbage-data", "stall-inside", "half-event"])
async def test_however_it_breaks(tmp_path, how):
    quick = {"provider": {"models": {"sim-small": {"prefill": True}}, "timeouts": {"idle": 0.2}}}
    async with cutting(tmp_path, **quick) as road:
        for spoken in ("anthropic_messages", "gemini", "ollama"):
            simulator_of(road, spoken).arm(FaultRule(how, count=1))
            answer = await asked(road, spoken, spoken)
            told = Heard(spoken, answer.content)
            assert (told.said, told.ended, told.failed) == (TEXT, 1, []), (spoken, answer.text)
            check_frames(spoken, told.frames)


@pytest.mark.parametrize("how", ["repeats-tail", "repeats-all"])
async def test_the_seam_is_removed(tmp_path, how):
    async with cutting(tmp_path) as road:
        for spoken in ("openai_chat", "anthropic_messages", "gemini", "ollama"):
            simulator = simulator_of(road, spoken)
            simulator.faults = {**simulator.faults, "of-a-test": cut_at(CUT)}
            simulator.arm(FaultRule("of-a-test", count=1))
            simulator.arm(how)
            answer = await asked(road, "openai_responses", spoken)
            told = Heard("openai_responses", answer.content)
            assert (told.said, told.ended) == (TEXT, 1), (spoken, answer.text)


async def test_another_answer_is_no_continuation(tmp_path):
    async with cutting(tmp_path) as road:
        simulator = simulator_of(road, "openai_chat")
        simulator.faults = {**simulator.faults, "of-a-test": cut_at(30)}
        simulator.arm(FaultRule("of-a-test", count=1))
        simulator.arm("begins-anew")
        said = [{"role": "user", "content": f"[say: {WORDS}]"}]
        answer = await asked(road, "openai_chat", "openai_chat", messages=said)
        told = Heard("openai_chat", answer.content)
        assert (told.said, told.ended) == (WORDS, 1)
        found = await request(road, answer)
        codes = [(each["provider"], each["outcome"], each["code"]) for each in found["attempts"]]
        assert [codes[0][1], *codes[1:]] == [
            "failed",
            ("openai_chat", "failed", "not_continued"),
            (BACK, "ok", ""),
        ]


async def test_a_beginning_that_ends_in_white_space(tmp_path):
    """It is sent without, as Anthropic demands, and the space comes once."""
    text = "one two\n\nthree  four"
    async with cutting(tmp_path) as road:
        simulator = simulator_of(road, "openai_chat")

        def blank(reply: Reply, scene: Scene) -> Reply:
            """The third word is cut off behind the white space before it."""
            cut = cut_at(4).damage(reply, scene)
            *kept, last = cut.pieces
            left = Piece(last.data.replace(b'\\n\\nthree"', b'\\n\\n"'))
            return replace(cut, pieces=(*kept, left))

        simulator.faults = {**simulator.faults, "of-a-test": Fault("of a test", blank)}
        simulator.arm(FaultRule("of-a-test", count=1))
        said = [{"role": "user", "content": f"[say: {text}]"}]
        answer = await asked(road, "openai_chat", "openai_chat", messages=said)
        assert Heard("openai_chat", answer.content).said == text
        assert simulator.received[-1].begun == "one two"


async def test_both_calls_are_in_the_ledger_and_in_the_usage(tmp_path):
    priced = {"sim-small": {"prefill": True, "prices": {"input": 1.0, "output": 2.0}}}
    async with cutting(tmp_path, provider={"models": priced}) as road:
        struck(simulator_of(road, "openai_responses"), cut_at(CUT))
        answer = await asked(road, "openai_chat", "openai_responses")
        found = await request(road, answer)
        first, second = found["attempts"]
        assert (first["outcome"], first["charge"]) == ("failed", "estimated")
        assert (second["provider"], second["outcome"], second["charge"]) == (BACK, "ok", "reported")
        assert first["usage"]["output_tokens"] > 0
        for name in ("input_tokens", "output_tokens"):
            both = first["usage"][name] + second["usage"][name]
            assert found["usage"][name] == both
            told = json.loads(answer.content.split(b"data: ")[-2])["usage"]
            assert told[{"input_tokens": "prompt_tokens"}.get(name, "completion_tokens")] == both
        assert float(found["cost_usd"]) == float(first["cost_usd"]) + float(second["cost_usd"]) > 0
        [warning] = found["warnings"]
        assert warning.startswith(f"continued: {BACK}/sim-small went on after ")
        assert found["outcome"] == "ok"
        counted = road.gateway.metrics.exposition()
        assert b'antiphon_continued_total{route="openai_responses",outcome="ok"} 1' in counted


async def test_in_the_process_the_error_has_the_text(tmp_path):
    async with cutting(tmp_path) as road:
        said: list[str] = []

        async def read(**members: object) -> None:
            struck(simulator_of(road, "openai_chat"), cut_at(CUT, ending=Ending.RESET))
            said.clear()
            asked_for = {"model": "openai_chat", "messages": CALLING, **members}
            async with road.gateway.stream(**asked_for) as events:
                async for each in events:
                    if isinstance(each, TextDelta):
                        said.append(each.text)  # noqa: PERF401  what came before it broke

        await read()
        assert "".join(said) == TEXT
        with pytest.raises(UpstreamError) as caught:
            await read(logprobs=True)
        assert caught.value.partial == "".join(said)
        assert TEXT.startswith(caught.value.partial)


async def test_a_budget_holds_for_it(tmp_path):
    priced = {"sim-small": {"prefill": True, "prices": {"input": 1.0, "output": 2.0}}}
    dear = {"models": {"sim-small": {"prefill": True, "prices": {"input": 1e6, "output": 1e6}}}}
    limits = {"limits": [{"scope": "organisation", "per": "total", "limit": "10"}]}
    async with cutting(
        tmp_path, provider={"models": priced}, providers_of={BACK: dear}, budgets=limits
    ) as road:
        struck(simulator_of(road, "openai_responses"), cut_at(CUT))
        answer = await asked(road, "openai_chat", "openai_responses", max_tokens=100)
        assert partial_of("openai_chat", answer.content)
        assert simulator_of(road, BACK).requests == 0


async def test_it_is_not_stored_and_whoever_shares_it_gets_it(tmp_path):
    async with cutting(tmp_path, route={"cache": {}}) as road:
        struck(simulator_of(road, "openai_chat"), cut_at(4))
        first = await asked(road, "openai_chat", "openai_chat")
        second = await asked(road, "openai_chat", "openai_chat")
        assert Heard("openai_chat", first.content).said == TEXT
        assert [each.headers["x-antiphon-cache"] for each in (first, second)] == ["miss", "miss"]
        third = await asked(road, "openai_chat", "openai_chat")
        assert third.headers["x-antiphon-cache"] == "hit"
        assert third.content == second.content


UNTHOUGHT: dict[str, dict[str, Any]] = {
    "chat": {"reasoning_effort": "none"},
    "responses": {"reasoning": {"effort": "none"}},
    "messages": {"thinking": {"type": "disabled"}},
    "gemini": {"thinking_config": {"thinking_budget": 0}},
    "ollama": {"think": False},
}


async def test_the_other_forms_of_gemini_and_ollama(tmp_path):
    async with cutting(tmp_path) as road:
        struck(simulator_of(road, "openai_chat"), cut_at(4))
        answer = await asked(road, "ollama_generate", "openai_chat")
        told = Heard("ollama_generate", answer.content)
        assert (told.said, told.ended, told.failed) == (TEXT, 1, [])
        struck(simulator_of(road, "openai_chat"), cut_at(4))
        path = "/v1beta/models/openai_chat:streamGenerateContent"
        answer = await road.http.post(path, json=saying("gemini", TEXT))
        parts = [each["candidates"][0]["content"]["parts"] for each in answer.json()]
        assert "".join(part["text"] for each in parts for part in each) == TEXT
        assert answer.json()[-1]["antiphon"] == {"continued": ["openai_chat/sim-small"]}


@pytest.mark.parametrize("kind", ["chat", "responses", "messages", "gemini", "ollama"])
async def test_the_official_clients_read_it_whole(tmp_path, kind):
    async with cutting(tmp_path) as road:
        simulator = simulator_of(road, "anthropic_messages")
        for at in range(4, 60, 3):
            struck(simulator, cut_at(at))
            async with calling(road, kind) as caller:
                caller.user(f"[say: {TEXT}]")
                said = await caller.ask("anthropic_messages", stream=True, **UNTHOUGHT[kind])
                assert said.text == TEXT, at
            if simulator.received[-1].begun is None:
                break


WAYS = {
    "moonshot": ("partial", "kimi-k2.6"),
    "deepseek": ("prefix", "deepseek-v4-flash"),
    "mistral": ("prefix", "mistral-small-latest"),
    "alibaba": ("partial", "qwen-plus"),
    "groq": ("trailing", "llama-3.3-70b"),
    "vllm": ("continue_final_message", "some-model"),
    "sglang": ("continue_final_message", "some-model"),
    "llamacpp": ("trailing", "some-model"),
}


@pytest.mark.parametrize("row", WAYS)
async def test_each_provider_is_asked_in_its_own_way(tmp_path, row):
    way, model = WAYS[row]
    spec = SimulatorSpec(name="one", seed=1, prefill=way)
    entry = {"one": {"catalog": row, "dialect": None}}
    async with stage(tmp_path, [spec], providers_of=entry) as road:
        struck(road.first, cut_at(4))
        answer = await asked(road, "openai_chat", f"one/{model}")
        assert Heard("openai_chat", answer.content).said == TEXT, answer.text
        assert road.first.received[-1].begun == "Grüezi, one two"
        assert road.first.received[-1].path.startswith("/beta/") == (row == "deepseek")


async def test_claude_goes_on_where_it_is_known_to(tmp_path):
    """The newest refuse it, and are not asked."""
    spec = SimulatorSpec(name="one", seed=1, strict=True)
    entry = {"one": {"catalog": "anthropic", "dialect": None}}
    async with stage(tmp_path, [spec], providers_of=entry) as road:
        for model, goes_on in (("claude-sonnet-4-5", True), ("claude-sonnet-5-5", False)):
            road.first.forget()
            struck(road.first, cut_at(CUT))
            answer = await asked(road, "anthropic_messages", f"one/{model}")
            told = Heard("anthropic_messages", answer.content)
            assert (told.said == TEXT) == goes_on, answer.text
            assert len(road.first.received) == 1 + goes_on
            assert goes_on or partial_of("anthropic_messages", answer.content) == told.said


async def test_who_refuses_it_is_not_the_last(tmp_path):
    """A refusal of the beginning is not the caller's fault: the next one is asked."""
    async with cutting(tmp_path) as road:
        simulator = simulator_of(road, "anthropic_messages")
        simulator.faults = {**simulator.faults, "of-a-test": cut_at(CUT)}
        simulator.arm(FaultRule("of-a-test", count=1))
        simulator.arm(
            FaultRule("400", match=Match()) if "400" in simulator.faults else "bad-request"
        )
        answer = await asked(road, "anthropic_messages", "anthropic_messages")
        assert Heard("anthropic_messages", answer.content).said == TEXT
        assert simulator_of(road, BACK).requests == 1
