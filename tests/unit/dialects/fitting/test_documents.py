"""Documents, where the target says less of them."""

import base64

import pytest

from antiphon.dialects.contract import Traits
from antiphon.dialects.fitting.fitting import Fitting
from antiphon.model.parts import Blob, File, Part, Text, ToolResult
from antiphon.model.request import ChatRequest
from tests.unit.dialects.fitting.conversations import (
    ANTHROPIC_TRAITS,
    CHAT_TRAITS,
    RESPONSES_TRAITS,
    TARGET,
    fit,
    user,
)

OLD = Blob(data=base64.b64encode(b"Once.").decode(), media_type="text/plain")
PDF = Blob(data="aGk=", media_type="application/pdf")


def shown(part: Part, traits: Traits) -> tuple[Part, ...]:
    [turn] = fit(ChatRequest("m", (user(part),)), traits).request.turns
    return turn.parts


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (File(OLD), "<document>\nOnce.\n</document>"),
        (File(OLD, title="T"), "<document>\nTitle: T\nOnce.\n</document>"),
        (File(OLD, filename="a.txt"), "<document>\nTitle: a.txt\nOnce.\n</document>"),
        (
            File(OLD, title="T", context="C"),
            "<document>\nTitle: T\nContext: C\nOnce.\n</document>",
        ),
    ],
)
def test_plain_text_is_text(document: File, told: str) -> None:
    assert shown(document, CHAT_TRAITS) == (Text(told),)
    assert shown(document, ANTHROPIC_TRAITS) == (document,)


def test_plain_text_that_a_tool_gave_is_text() -> None:
    request = ChatRequest("m", (user(ToolResult("a", (File(OLD),))),))
    [turn] = fit(request, CHAT_TRAITS).request.turns
    assert turn.text.endswith("<document>\nOnce.\n</document>")


@pytest.mark.parametrize("traits", [CHAT_TRAITS, RESPONSES_TRAITS])
def test_a_title_is_a_name_and_a_context_is_text(traits: Traits) -> None:
    assert shown(File(PDF), traits) == (File(PDF, filename="document.pdf"),)
    assert shown(File(PDF, title="T"), traits) == (File(PDF, filename="T.pdf"),)
    assert shown(File(PDF, title="T.pdf", context="C"), traits) == (
        Text("<document>\nTitle: T.pdf\nContext: C\n</document>"),
        File(PDF, filename="T.pdf"),
    )
    away = Blob(url="https://a/b")
    assert shown(File(away, title="T"), traits) == (
        Text("<document>\nTitle: T\n</document>"),
        File(away),
    )


def test_nothing_is_named_on_the_way_to_the_same_dialect() -> None:
    request = ChatRequest("m", (user(File(OLD)),))
    assert Fitting(request, CHAT_TRAITS, TARGET, CHAT_TRAITS).request.turns == request.turns
