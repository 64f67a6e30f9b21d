"""How hard to think, in the form that each model takes."""

import json

import pytest

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.contract import Target
from antiphon.model.needs import Need
from antiphon.model.parts import Author, Text, ToolCall, ToolResult, Turn
from antiphon.model.request import (
    ChatRequest,
    FunctionTool,
    ReasoningAsk,
    Sampling,
    ToolChoice,
    ToolMode,
)
from antiphon.wire.shallow import Members

OPEN = (
    Turn(Author.USER, (Text("Hello"),)),
    Turn(Author.ASSISTANT, (ToolCall("c", "f", "{}"),)),
    Turn(Author.TOOL, (ToolResult("c", (Text("x"),)),)),
)
HELLO = Turn(Author.USER, (Text("Hello"),))


def written(
    asked: ReasoningAsk, target: Target, *, turns: tuple[Turn, ...] = (HELLO,), **members: object
) -> dict[str, object]:
    request = ChatRequest("m", turns, reasoning=asked, **members)
    out = json.loads(ANTHROPIC_MESSAGES.encode_request(request, target).encode())
    return {name: out.get(name) for name in ("thinking", "output_config", "max_tokens")}


def enabled(budget: int) -> dict[str, object]:
    return {"type": "enabled", "budget_tokens": budget}


@pytest.mark.parametrize(
    ("effort", "budget", "told"),
    [
        ("minimal", 1024, "low"),
        ("low", 1024, "low"),
        ("medium", 2048, "medium"),
        ("high", 4096, "high"),
        ("xhigh", 8192, "xhigh"),
        ("max", 16384, "max"),
    ],
)
def test_an_effort(effort: str, budget: int, told: str) -> None:
    asked = ReasoningAsk(effort)
    for adaptive in (False, None):
        out = written(asked, Target("m", adaptive=adaptive))
        assert out == {
            "thinking": enabled(budget),
            "output_config": None,
            "max_tokens": 8192 + budget,
        }
    assert written(asked, Target("m", adaptive=True)) == {
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": told},
        "max_tokens": 8192,
    }


@pytest.mark.parametrize(
    ("budget", "told"),
    [(1, "low"), (1500, "medium"), (4096, "high"), (8000, "xhigh"), (30000, "max")],
)
def test_a_budget(budget: int, told: str) -> None:
    asked = ReasoningAsk(budget=budget)
    assert written(asked, Target("m"))["thinking"] == enabled(max(budget, 1024))
    assert written(asked, Target("m", adaptive=True))["output_config"] == {"effort": told}


def test_thought_is_switched_off() -> None:
    for asked in (ReasoningAsk("none"), ReasoningAsk(budget=0)):
        assert written(asked, Target("m"))["thinking"] == {"type": "disabled"}
        assert written(asked, Target("m", adaptive=True))["thinking"] == {"type": "disabled"}
        assert written(asked, Target("m", adaptive=False))["thinking"] is None


@pytest.mark.parametrize(
    ("bound", "most", "thinking", "max_tokens"),
    [
        (None, None, enabled(16384), 8192 + 16384),
        (None, 8192, enabled(4096), 8192),
        (None, 64000, enabled(16384), 32768),
        (20000, None, enabled(16384), 20000),
        (4000, None, enabled(2000), 4000),
        (1500, None, enabled(1024), 1500),
        (1024, None, None, 1024),
        (99999, 8192, enabled(4096), 8192),
    ],
)
def test_a_budget_is_below_the_bound(
    bound: int | None, most: int | None, thinking: object, max_tokens: int
) -> None:
    out = written(
        ReasoningAsk("max"), Target("m", max_output=most, adaptive=False), max_output_tokens=bound
    )
    assert out == {"thinking": thinking, "output_config": None, "max_tokens": max_tokens}


@pytest.mark.parametrize(("most", "bound"), [(None, 8192), (4096, 4096), (64000, 16384)])
def test_a_bound_that_nobody_gave(most: int | None, bound: int) -> None:
    request = ChatRequest("m", (HELLO,))
    out = ANTHROPIC_MESSAGES.encode_request(request, Target("m", max_output=most))
    assert json.loads(out["max_tokens"]) == bound


CALLED = Turn(Author.ASSISTANT, (ToolCall("c", "f", "{}"),))
GIVEN = Turn(Author.TOOL, (ToolResult("c", (Text("4"),)),))


def test_an_open_call_without_thought_switches_it_off() -> None:
    turns = (HELLO, CALLED, GIVEN)
    out = written(ReasoningAsk("high"), Target("m"), turns=turns)
    assert out["thinking"] == {"type": "disabled"}
    adaptive = written(ReasoningAsk("high"), Target("m", adaptive=True), turns=turns)
    assert adaptive["thinking"] == {"type": "adaptive"}
    done = (*turns, Turn(Author.ASSISTANT, (Text("Four."),)), HELLO)
    assert written(ReasoningAsk("high"), Target("m"), turns=done)["thinking"] == enabled(4096)


def test_a_forced_tool_leaves_no_thought() -> None:
    out = written(
        ReasoningAsk("high"),
        Target("m", adaptive=True),
        tools=(FunctionTool("f"),),
        tool_choice=ToolChoice(ToolMode.NAMED, ("f",)),
    )
    assert out["thinking"] is None


def own(target: Target, *, content: object = "x", bound: int = 9000, **members: object) -> object:
    body = {"model": "m", "max_tokens": bound, "messages": [{"role": "user", "content": "Hello"}]}
    if content != "x":
        body["messages"] = content
    read = ANTHROPIC_MESSAGES.decode_request(Members.parse(json.dumps(body | members).encode()))
    return json.loads(ANTHROPIC_MESSAGES.encode_request(read, target).encode())


def test_what_a_caller_of_this_dialect_said_is_written_so() -> None:
    thinking = {"type": "enabled", "budget_tokens": 3000, "news": 1}
    out = own(Target("m"), thinking=thinking, temperature=1, top_k=5)
    assert (out["thinking"], out["temperature"], out["top_k"]) == (thinking, 1, 5)
    out = own(Target("m", max_output=2000), thinking=thinking)
    assert (out["thinking"], out["max_tokens"]) == (enabled(1024), 2000)


def test_what_they_said_takes_the_form_that_the_model_takes() -> None:
    out = own(Target("m", adaptive=True), thinking=enabled(3000))
    assert (out["thinking"], out["output_config"]) == ({"type": "adaptive"}, {"effort": "high"})
    out = own(
        Target("m", adaptive=False), thinking={"type": "adaptive"}, output_config={"effort": "high"}
    )
    assert out["thinking"] == enabled(4096)
    assert "output_config" not in out


def test_their_thought_is_off_behind_a_call_whose_thought_was_another_models() -> None:
    call = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
    lost = {"type": "thinking", "thinking": "Hm", "signature": "antiphon1.x"}
    result = {"type": "tool_result", "tool_use_id": "c", "content": "4"}

    def turns(signed: object) -> object:
        return [
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": [signed, call]},
            {"role": "user", "content": [result]},
        ]

    asked = enabled(3000)
    assert own(Target("m"), content=turns(lost), thinking=asked)["thinking"] == {"type": "disabled"}
    signed = lost | {"signature": "c2ln"}
    assert own(Target("m"), content=turns(signed), thinking=asked)["thinking"] == asked


def test_drawing_is_left_to_a_model_that_thinks() -> None:
    request = ChatRequest(
        "m", (HELLO,), reasoning=ReasoningAsk("low"), sampling=Sampling(0.2, 0.5, 7)
    )
    out = json.loads(ANTHROPIC_MESSAGES.encode_request(request, Target("m")).encode())
    assert not {"temperature", "top_p", "top_k"} & out.keys()


@pytest.mark.parametrize(
    ("asked", "turns", "adaptive", "lost"),
    [
        (ReasoningAsk("high"), OPEN, False, {Need.EFFORT}),
        (ReasoningAsk(budget=2048), OPEN, None, {Need.BUDGET}),
        (ReasoningAsk("high"), OPEN, True, set()),
        (ReasoningAsk("high"), (HELLO,), False, set()),
        (ReasoningAsk("none"), OPEN, True, set()),
        (None, OPEN, False, set()),
    ],
)
def test_thought_that_is_switched_off_is_a_loss(
    asked: ReasoningAsk | None, turns: tuple[Turn, ...], adaptive: bool | None, lost: set[Need]
) -> None:
    request = ChatRequest("m", turns, reasoning=asked)
    target = Target("m", adaptive=adaptive)
    assert ANTHROPIC_MESSAGES.given_up(request, target).keys() == lost
