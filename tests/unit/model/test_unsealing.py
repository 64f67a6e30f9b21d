"""Conversations that moved away from where their seals are valid."""

from __future__ import annotations

import pytest

from antiphon.model.parts import Author, Origin, Part, Reasoning, Text, ToolCall, Turn
from antiphon.model.request import ChatRequest
from antiphon.model.unsealing import moved_to, without_seals, without_unnamed_seals

OWN = "anthropic_messages"
UNNAMED = Reasoning("a", signature="1", origin=Origin(OWN))
HERE = Reasoning("b", signature="2", origin=Origin(OWN, "m", "here/m"))
THERE = Reasoning("c", signature="3", origin=Origin(OWN, "m", "there/m"))
OTHER = Reasoning("d", signature="4", origin=Origin("openai_responses", "m", "other/m"))


def asked(*parts: Part) -> ChatRequest:
    turns = tuple(Turn(Author.ASSISTANT, (part,)) for part in parts)
    return ChatRequest(model="m", turns=turns)


def parts_of(request: ChatRequest) -> list[Part]:
    return [part for turn in request.turns for part in turn.parts]


def test_all_seals_go_and_sealed_thought_with_them() -> None:
    sealed = Reasoning(signature="x", sealed=True, origin=Origin(OWN))
    call = ToolCall("c", "f", "{}", signature="y", origin=Origin("gemini"))
    left = parts_of(without_seals(asked(UNNAMED, sealed, call, Text("t"))))
    assert left == [Reasoning("a"), ToolCall("c", "f", "{}"), Text("t")]


@pytest.mark.parametrize(
    ("parts", "scope"),
    [
        ((), ""),
        ((UNNAMED,), ""),
        ((UNNAMED, OTHER), ""),
        ((UNNAMED, OTHER, HERE, THERE), "here/m"),
        ((THERE, HERE), "there/m"),
        ((Reasoning("x"),), ""),
    ],
)
def test_the_first_wrapped_seal_tells_who_refused_the_others(
    parts: tuple[Part, ...], scope: str
) -> None:
    assert moved_to(asked(*parts), OWN) == scope


def test_only_seals_go_that_do_not_say_whose_they_are() -> None:
    request = without_unnamed_seals(asked(UNNAMED, HERE, THERE, OTHER), OWN)
    assert parts_of(request) == [Reasoning("a"), HERE, THERE, OTHER]
