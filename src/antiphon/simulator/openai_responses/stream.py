"""A Responses answer as a stream of numbered, named events: a word at a time, at its pace."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from antiphon.simulator.answers import Answer, Question
from antiphon.simulator.dialect import Delivery
from antiphon.simulator.openai_responses.wire import (
    CustomCallItem,
    FunctionCallItem,
    Item,
    MessageItem,
    OutputText,
    Part,
    ReasoningItem,
    Refusal,
    SummaryText,
    ending_of,
    items_of,
    response_of,
)
from antiphon.simulator.probabilities import probabilities_of
from antiphon.simulator.reply import EVENT_STREAM, Framing, Piece, Reply
from antiphon.simulator.tokens import count_tokens, words_of

_ARGUMENT_BYTES = 12
_OBFUSCATION = 11

_Members: TypeAlias = Mapping[str, object]
_Event: TypeAlias = tuple[str, _Members, int]
"""A name, what it says, and the tokens that it took."""


def streamed(question: Question, answer: Answer, delivery: Delivery) -> Reply:
    """The answer as it is made."""
    latency, dice, number = delivery.latency, delivery.dice, count()
    pieces: list[Piece] = []
    for name, members, made in _told(question, answer, delivery):
        told: dict[str, object] = {"type": name, "sequence_number": next(number), **members}
        if name.endswith(".delta") and question.obfuscates:
            told["obfuscation"] = dice.token(_OBFUSCATION)
        pieces.append(Piece(frame(name, told), latency.for_tokens(made, dice)))
    return Reply(
        headers=(EVENT_STREAM, (b"cache-control", b"no-cache")),
        pieces=tuple(pieces),
        framing=Framing.CHUNKED,
        delay=latency.to_first_token(dice),
    )


def frame(name: str, told: object) -> bytes:
    """An event as it is sent."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), msgspec.json.encode(told))


def _told(question: Question, answer: Answer, delivery: Delivery) -> Iterator[_Event]:
    begun = response_of(question, delivery)
    yield "response.created", {"response": begun}, 0
    yield "response.in_progress", {"response": begun}, 0
    output = list(items_of(question, answer, delivery))
    for index, item in enumerate(output):
        yield "response.output_item.added", {"output_index": index, "item": _begun(item)}, 0
        yield from _inside(item, {"item_id": item.id, "output_index": index}, question)
        yield "response.output_item.done", {"output_index": index, "item": item}, 0
    ended = response_of(question, delivery, answer, output)
    status, _ = ending_of(answer)
    yield f"response.{status}", {"response": ended}, 0


def _begun(item: Item) -> Item:
    match item:
        case ReasoningItem():
            return replace(item, summary=())
        case MessageItem():
            return replace(item, status="in_progress", content=())
        case FunctionCallItem():
            return replace(item, status="in_progress", arguments="")
        case CustomCallItem():
            return replace(item, status="in_progress", input="")


def _inside(item: Item, place: _Members, question: Question) -> Iterator[_Event]:
    match item:
        case ReasoningItem(summary=summary):
            for number, part in enumerate(summary):
                yield from _summary({**place, "summary_index": number}, part)
        case MessageItem(content=content):
            for number, part in enumerate(content):
                yield from _part({**place, "content_index": number}, part, question)
        case FunctionCallItem(arguments=arguments, name=name):
            yield from _fragments("response.function_call_arguments", place, arguments)
            done = {**place, "arguments": arguments, "name": name}
            yield "response.function_call_arguments.done", done, 0
        case CustomCallItem(input=text):
            yield from _fragments("response.custom_tool_call_input", place, text)
            yield "response.custom_tool_call_input.done", {**place, "input": text}, 0


def _summary(place: _Members, part: SummaryText) -> Iterator[_Event]:
    yield "response.reasoning_summary_part.added", {**place, "part": SummaryText("")}, 0
    yield from _words("response.reasoning_summary_text.delta", place, part.text)
    yield "response.reasoning_summary_text.done", {**place, "text": part.text}, 0
    yield "response.reasoning_summary_part.done", {**place, "part": part}, 0


def _part(place: _Members, part: Part, question: Question) -> Iterator[_Event]:
    match part:
        case OutputText(text=text, logprobs=logprobs):
            yield "response.content_part.added", {**place, "part": OutputText("")}, 0
            for word in words_of(text):
                asked = question.logprobs
                told = [] if asked is None else probabilities_of([word], asked)
                delta = {**place, "delta": word, "logprobs": told}
                yield "response.output_text.delta", delta, count_tokens(word)
            done = {**place, "text": text, "logprobs": logprobs}
            yield "response.output_text.done", done, 0
        case Refusal(refusal=refusal):
            yield "response.content_part.added", {**place, "part": Refusal("")}, 0
            yield from _words("response.refusal.delta", place, refusal)
            yield "response.refusal.done", {**place, "refusal": refusal}, 0
    yield "response.content_part.done", {**place, "part": part}, 0


def _words(name: str, place: _Members, text: str) -> Iterator[_Event]:
    for word in words_of(text):
        yield name, {**place, "delta": word}, count_tokens(word)


def _fragments(kind: str, place: _Members, arguments: str) -> Iterator[_Event]:
    for at in range(0, len(arguments), _ARGUMENT_BYTES):
        part = arguments[at : at + _ARGUMENT_BYTES]
        yield f"{kind}.delta", {**place, "delta": part}, count_tokens(part)
