"""The members of Ollama's answers, in the order in which the server writes them."""

from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import msgspec
from msgspec import Raw, Struct

from antiphon.simulator.answers import Answer, Question, ToolCall
from antiphon.simulator.probabilities import probabilities_of
from antiphon.simulator.prompt import prompt_of

CREATED: Final = "2026-01-01T00:00:00Z"
"""Every answer was made at the beginning of 2026: the same question has the same bytes."""
WHOLE: Final = (b"content-type", b"application/json; charset=utf-8")
LINES: Final = (b"content-type", b"application/x-ndjson")
LOADED_IN: Final = 1_000_000
"""Nanoseconds, as all durations here: they only look the part."""
_READ_IN = 100_000
_MADE_IN = 2_000_000
_ID = len("call_") + 8

Members: TypeAlias = dict[str, object]


class Asked(Question, frozen=True, kw_only=True):
    """A question, and what only Ollama knows of it."""

    only: str = ""
    """The reason of an answer without words: `load` or `unload`."""
    remembers: bool = False
    """The answer has the tokens of the conversation so far."""


class Called(Struct, frozen=True):
    """The called function."""

    index: int
    name: str
    arguments: Raw


class Call(Struct, frozen=True):
    """A tool call, always whole."""

    id: str
    function: Called


Saying: TypeAlias = Callable[[str, str, Sequence[Call]], Members]
"""The members with a text, a thought and calls: the one thing in which the two roads differ."""


def in_chat(text: str, thought: str, calls: Sequence[Call]) -> Members:
    """What `/api/chat` says."""
    message: Members = {"role": "assistant", "content": text}
    if thought:
        message["thinking"] = thought
    if calls:
        message["tool_calls"] = calls
    return {"message": message}


def in_generate(text: str, thought: str, _calls: Sequence[Call]) -> Members:
    """What `/api/generate` says."""
    return {"response": text, "thinking": thought} if thought else {"response": text}


def line_of(question: Question, said: Members, **ended: object) -> Members:
    """A line of a stream, or a whole answer, with this at its end."""
    return {"model": question.model, "created_at": CREATED, **said, **ended}


def calls_of(answer: Answer) -> list[Call]:
    """The calls; one that broke off is none, for there are only whole ones."""
    whole = [call for call in answer.calls if _is_whole(call)]
    return [
        Call(call.id[:_ID], Called(index, call.tool.name, Raw(call.arguments.encode())))
        for index, call in enumerate(whole)
    ]


def _is_whole(call: ToolCall) -> bool:
    try:
        msgspec.json.decode(call.arguments, type=dict[str, Raw])
    except msgspec.DecodeError:
        return False
    return True


def ended(question: Question, answer: Answer) -> Members:
    """How an answer ends: why, what was used, and how long it took."""
    read, made = prompt_of(question).total, answer.completion_tokens
    reading, making = read * _READ_IN, made * _MADE_IN
    remembered: Members = {}
    if isinstance(question, Asked) and question.remembers:
        remembered["context"] = tokens_of(f"{question.transcript}\nassistant: {answer.text}")
    return {
        "done": True,
        "done_reason": "length" if answer.finish == "length" else "stop",
        **remembered,
        "total_duration": LOADED_IN + reading + making,
        "load_duration": LOADED_IN,
        "prompt_eval_count": read,
        "prompt_eval_duration": reading,
        "eval_count": made,
        "eval_duration": making,
    }


def logprobs_of(words: list[str], question: Question) -> Members:
    """The probabilities of words, where they are asked for."""
    if question.logprobs is None or not words:
        return {}
    told: list[Members] = []
    for each in probabilities_of(words, question.logprobs):
        one: Members = {"token": each.token, "logprob": each.logprob, "bytes": each.bytes}
        if each.top_logprobs:
            one["top_logprobs"] = each.top_logprobs
        told.append(one)
    return {"logprobs": told}


def tokens_of(text: str) -> list[int]:
    """A text as numbers: four bytes are a token here, too."""
    data = text.encode("utf-8", "surrogatepass")
    return [int.from_bytes(data[at : at + 4], "big") for at in range(0, len(data), 4)]


def text_of(tokens: Sequence[int]) -> str:
    """The text of such numbers; others are a text that nobody meant."""
    parts = [(number & _TOKEN).to_bytes(4, "big").lstrip(b"\0") for number in tokens]
    return b"".join(parts).decode("utf-8", "replace")


_TOKEN = 0xFFFF_FFFF
