"""What a pretend model says: the same to the same question.

Words only; how they are written on the wire is a dialect's affair. A caller steers with marks in
the last message: `[say: TEXT]` answers exactly that, `[tokens: N]` that long, `[refuse]` refuses
and `[filter]` ends as a content filter does. Where tools are called, `[say: TEXT]` is said first.
"""

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final

import msgspec
from msgspec import Raw, Struct

from antiphon.simulator.begun import rest_of
from antiphon.simulator.dice import Dice
from antiphon.simulator.prose import SIGNATURE, long_text, sentence, short_text
from antiphon.simulator.schema_json import AnySchema, fitting
from antiphon.simulator.tokens import count_tokens, cut_to


class ToolChoice(Enum):
    """Who decides whether a tool is called."""

    NONE = "none"
    AUTO = "auto"
    REQUIRED = "required"


class Tool(Struct, frozen=True):
    """A tool that the caller offers."""

    name: str
    schema: AnySchema = True
    freeform: bool = False
    """It takes plain text instead of JSON."""
    namespace: str = ""
    """The group that it is one of."""


class Shape(Struct, frozen=True):
    """The answer has to be JSON, and to fit this."""

    schema: AnySchema


class Question(Struct, frozen=True, kw_only=True):
    """What is asked, whatever the dialect."""

    model: str
    transcript: str
    """All that was said, as one text: it decides the answer."""
    last_role: str
    last_text: str
    prompt_tokens: int
    stream: bool = False
    wants_usage: bool = False
    seed: int = 0
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice.AUTO
    parallel_tools: bool = True
    shape: Shape | None = None
    stops: tuple[str, ...] = ()
    max_tokens: int | None = None
    choices: int = 1
    effort: str = "medium"
    thinks: bool = False
    """Thoughts are asked for; a model with `reason` in its name always has some."""
    shows_thoughts: bool = True
    """They are told, not only counted."""
    seals_thoughts: bool = True
    """They come with a seal, so that they can be sent back."""
    obfuscates: bool = True
    """Fragments are padded, so that their sizes tell nothing."""
    echo: Mapping[str, Raw] = {}
    """What the answer repeats of the request, by member."""
    begun: str | None = None
    """The beginning of the answer, which the caller gives; the question is what stands before."""
    logprobs: int | None = None
    """How many alternatives to each token; None: no probabilities."""


class ToolCall(Struct, frozen=True):
    """A call that the model asks for."""

    id: str
    tool: Tool
    arguments: str


class Answer(Struct, frozen=True, kw_only=True):
    """One choice."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: str = "stop"
    stopped_by: str | None = None
    """The stop sequence that ended it."""

    @property
    def reasoning_tokens(self) -> int:
        """Tokens that were thought."""
        return count_tokens(self.reasoning)

    @property
    def completion_tokens(self) -> int:
        """All tokens that were made, thought or said."""
        said = count_tokens(self.text) + count_tokens(self.refusal)
        called = sum(count_tokens(call.tool.name + call.arguments) for call in self.calls)
        return self.reasoning_tokens + said + called


def answers_to(question: Question, seed: int) -> tuple[Answer, ...]:
    """As many answers as are asked for."""
    return tuple(_answer(question, _dice(question, seed, n)) for n in range(question.choices))


def _dice(question: Question, seed: int, choice: int) -> Dice:
    return Dice(seed, question.seed, choice, question.model, question.transcript)


def _answer(question: Question, dice: Dice) -> Answer:
    reasoning = _reasoning(question, dice) if question.begun is None else ""
    if called := _called_tools(question):
        calls = tuple(_call(tool, dice) for tool in called)
        said = _SAY.search(question.last_text)
        text = said[1].strip() if said else ""
        if question.begun is not None:
            text = rest_of(text, question.begun)
        answer = Answer(reasoning=reasoning, text=text, calls=calls, finish="tool_calls")
        return _shortened(answer, question)
    if _REFUSE in question.last_text:
        return Answer(reasoning=reasoning, refusal="I am a simulator and was told to refuse this.")
    text, finish = _text(question, dice), "stop"
    if _FILTER in question.last_text:
        text, finish = cut_to(text, 4), "content_filter"
    stopped = min(
        ((text.find(stop), stop) for stop in question.stops if stop in text), default=None
    )
    answer = Answer(text=text, reasoning=reasoning, finish=finish)
    if stopped is not None:
        at, stop = stopped
        answer = msgspec.structs.replace(answer, text=text[:at], stopped_by=stop)
    if question.begun is not None:
        answer = msgspec.structs.replace(answer, text=rest_of(answer.text, question.begun))
    return _shortened(answer, question)


def _shortened(answer: Answer, question: Question) -> Answer:
    """The answer within the caller's maximum; thoughts count, as they do at real providers."""
    if question.max_tokens is None or answer.completion_tokens <= question.max_tokens:
        return answer
    reasoning = cut_to(answer.reasoning, question.max_tokens)
    left = question.max_tokens - count_tokens(reasoning)
    text = cut_to(answer.text, left)
    calls = _shortened_calls(answer.calls, left - count_tokens(text))
    return Answer(text=text, reasoning=reasoning, calls=calls, finish="length")


def _shortened_calls(calls: tuple[ToolCall, ...], left: int) -> tuple[ToolCall, ...]:
    """The calls for which there is room; the last one's arguments may break off."""
    kept: list[ToolCall] = []
    for call in calls:
        name = call.tool.name
        arguments = cut_to(name + call.arguments, left)[len(name) :]
        left -= count_tokens(name + arguments)
        if left < 0:
            break
        kept.append(msgspec.structs.replace(call, arguments=arguments))
    return tuple(kept)


def _text(question: Question, dice: Dice) -> str:
    if said := _SAY.search(question.last_text):
        return said[1].strip()
    if question.shape is not None:
        return msgspec.json.encode(fitting(question.shape.schema, dice)).decode()
    if asked := _TOKENS.search(question.last_text):
        size = min(int(asked[1]), _MOST_TOKENS)
        return cut_to(long_text(dice, size * 4 + 4), size)
    if question.last_role == "tool":
        return f"{SIGNATURE} The tool says: {question.last_text}"
    return short_text(dice, dice.between(2, 5))


def _reasoning(question: Question, dice: Dice) -> str:
    if not question.thinks and "reason" not in question.model.lower():
        return ""
    sentences = _SENTENCES_OF_THOUGHT.get(question.effort, 2)
    return " ".join(sentence(dice) for _ in range(sentences))


def _called_tools(question: Question) -> Sequence[Tool]:
    """The tools that this answer calls: forced, or named by the caller's last words."""
    tools = question.tools
    # A result is answered in words even if calls are required: no loop of calls without end.
    if question.tool_choice is ToolChoice.NONE or question.last_role == "tool" or not tools:
        return ()
    said = question.last_text.lower()
    named = [tool for tool in tools if _is_named(tool.name.lower(), said)]
    if not named and _WEATHER in said:
        named = [tool for tool in tools if _WEATHER in tool.name.lower()] or [tools[0]]
    if not named and question.tool_choice is ToolChoice.REQUIRED:
        named = [tools[0]]
    return named if question.parallel_tools else named[:1]


def _is_named(name: str, said: str) -> bool:
    return name in said or name.replace("_", " ") in said


def _call(tool: Tool, dice: Dice) -> ToolCall:
    made = fitting(tool.schema, dice)
    arguments = str(made) if tool.freeform else msgspec.json.encode(made).decode()
    return ToolCall(f"call_{dice.token(24)}", tool, arguments)


_SAY: Final = re.compile(r"\[say:([^\]]*)\]")
_TOKENS: Final = re.compile(r"\[tokens:\s*(\d{1,7})\]")
_REFUSE = "[refuse]"
_FILTER = "[filter]"
_WEATHER = "weather"
_MOST_TOKENS = 1_000_000
_SENTENCES_OF_THOUGHT = {
    "none": 0,
    "minimal": 1,
    "low": 1,
    "medium": 2,
    "high": 4,
    "xhigh": 6,
    "max": 8,
}
