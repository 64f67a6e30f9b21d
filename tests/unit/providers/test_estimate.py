from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.model.parts import (
    Audio,
    Author,
    Blob,
    File,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from antiphon.model.request import ChatRequest, CustomTool, FunctionTool, Output, OutputForm
from antiphon.providers.catalog import Catalog
from antiphon.providers.estimate import (
    ASK,
    CALL,
    IMAGE,
    TOOL,
    TURN,
    Calibration,
    measure,
    text_size,
    tokens_of,
)
from antiphon.providers.models import ModelFacts
from antiphon.wire.shallow import Members

RECORDED = Path(__file__).parents[2] / "corpus/data/openai_chat.jsonl"

sizes = st.integers(min_value=0, max_value=40_000_000)
lessons = st.lists(st.tuples(st.integers(-5, 10**9), st.integers(-5, 10**9)), max_size=40)


def ask(*parts: Part, **more: object) -> ChatRequest:
    return ChatRequest("m", (Turn(Author.USER, parts),), **more)


@pytest.mark.parametrize(("size", "tokens"), [(0, 0), (1, 1), (4, 1), (5, 2), (400, 100)])
def test_four_bytes_are_a_token_where_nothing_is_known(size: int, tokens: int) -> None:
    assert tokens_of(size) == tokens


# ------------------------------------------------------------------ calibration


@given(lessons, st.lists(sizes, min_size=2, max_size=10))
def test_whatever_it_is_taught_it_is_never_negative_and_grows_with_the_size(
    taught: list[tuple[int, int]], asked: list[int]
) -> None:
    calibration = Calibration()
    for size, tokens in taught:
        calibration.learn(size, tokens)
    told = [calibration.tokens(size) for size in sorted(asked)]
    assert told[0] >= 0
    assert told == sorted(told)
    assert 2 <= calibration.bytes_per_token <= 6.001


@given(st.floats(2, 6), st.integers(400, 10**6))
def test_it_comes_to_what_the_provider_states(ratio: float, size: int) -> None:
    calibration = Calibration()
    stated = max(1, round(size / ratio))
    for _ in range(200):
        calibration.learn(size, stated)
    told = calibration.tokens(size)
    assert stated - 1 <= told <= stated * 1.06 + 2, "a little on the high side"


@pytest.mark.parametrize(("size", "tokens"), [(399, 10_000), (0, 5), (-1, 5), (5_000, 0)])
def test_what_says_nothing_teaches_nothing(size: int, tokens: int) -> None:
    calibration = Calibration()
    calibration.learn(size, tokens)
    assert calibration.bytes_per_token == 4


@pytest.mark.parametrize("tokens", [1, 10**9])
def test_one_mad_sample_moves_it_little(tokens: int) -> None:
    calibration = Calibration()
    calibration.learn(100_000, tokens)
    assert 3.7 < calibration.bytes_per_token < 4.3


def test_it_starts_where_the_family_was_measured(catalog: Catalog) -> None:
    older, newer = (
        Calibration(catalog.models.row(name)).tokens(10_000)
        for name in ("claude-sonnet-4-6", "claude-sonnet-5-5")
    )
    # The tokenizer of 4.7 and later makes about 30 % more tokens of the same text.
    assert 1.25 < newer / older < 1.45
    assert Calibration(catalog.models.row("something-new")).bytes_per_token == 4


def test_facts_out_of_bounds_are_bounded() -> None:
    assert Calibration(ModelFacts(bytes_per_token=0.1)).bytes_per_token == 2
    assert Calibration(ModelFacts(bytes_per_token=100)).bytes_per_token == pytest.approx(6)


def test_measured_figures_are_within_bounds(catalog: Catalog) -> None:
    known = [row.bytes_per_token for row in catalog.models.rows if row.bytes_per_token]
    assert known
    assert all(2 <= each <= 6 for each in known)


# ------------------------------------------------------------------ sizes


@pytest.mark.parametrize(
    ("part", "size", "media"),
    [
        (Text("abc"), 3, 0),
        (Text("é中"), 5, 0),
        (Text("\ud800"), 3, 0),
        (Refusal("no"), 2, 0),
        (ToolCall("id", "tool", '{"a":1}'), CALL + 11, 0),
        (ToolResult("id", (Text("four"), Image(Blob(data="AAAA")))), 4, IMAGE),
        (Reasoning("thought", signature="x" * 999), 7, 0),
        (Reasoning(summary=("one", "two"), signature="x" * 999, sealed=True), 6, 0),
        (Image(Blob(url="https://a.test/b.png")), 0, IMAGE),
        (Image(Blob(data="A" * 4_000_000)), 0, IMAGE),
        (Audio(Blob(data="A" * 40_000), transcript="hi"), 2, 60),
        (File(Blob(data="A" * 400_000), filename="a.pdf"), 0, 15_000),
        (File(Blob(file_id="file-1"), title="ab"), 2, IMAGE),
        (Opaque("openai_chat", msgspec.Raw(b'{"type":"new"}')), 14, 0),
    ],
)
def test_what_counts_of_a_part(part: Part, size: int, media: int) -> None:
    assert measure(ask(part)) == (ASK + TURN + size, media)


def test_tools_and_the_form_of_the_answer_count() -> None:
    schema = msgspec.Raw(b'{"type":"object"}')
    tools = (FunctionTool("f", "does", schema), CustomTool("c", None, schema))
    bare, more = ask(Text("a")), ask(Text("a"), tools=tools)
    assert text_size(more) - text_size(bare) == 2 * TOOL + 6 + 2 * len(schema)
    formed = ask(Text("a"), output=Output(OutputForm.SCHEMA, name="n", schema=schema))
    assert text_size(formed) - text_size(bare) == 1 + len(schema)


def test_a_prompt_with_tools_has_what_tools_bring_along() -> None:
    calibration = Calibration(ModelFacts(tool_prompt=345))
    tools = (FunctionTool("f"),)
    plain, with_tools = calibration.count(ask(Text("a"))), calibration.count(ask(tools=tools))
    assert 340 <= with_tools - plain <= 350
    assert calibration.count(ask(Image(Blob(data="AAAA")))) > IMAGE


@given(st.lists(st.text(max_size=50), max_size=8), st.text(max_size=50))
def test_a_longer_conversation_is_never_smaller(texts: list[str], last: str) -> None:
    turns = tuple(Turn(Author.USER, (Text(text),)) for text in texts)
    before = ChatRequest("m", turns)
    after = ChatRequest("m", (*turns, Turn(Author.ASSISTANT, (Text(last),))))
    calibration = Calibration()
    assert text_size(before) < text_size(after)
    assert calibration.count(before) <= calibration.count(after)


# ------------------------------------------------------------------ real prompts


def test_recorded_prompts_of_openai_are_met(catalog: Catalog) -> None:
    off: list[float] = []
    for line in RECORDED.read_text("utf-8").splitlines():
        exchange = json.loads(line)
        asked, answer = exchange["request"], exchange["response"]["body"]
        if exchange["provider"] != "openai" or not asked or not isinstance(answer, dict):
            continue
        request = OPENAI_CHAT.decode_request(Members.parse(json.dumps(asked["body"]).encode()))
        size, media = measure(request)
        tokens = (answer.get("usage") or {}).get("prompt_tokens")
        if tokens and not media and size >= 150:
            told = Calibration(catalog.models.row(request.model)).count(request)
            off.append((told - tokens) / tokens)
    assert len(off) >= 4
    assert sorted(map(abs, off))[len(off) // 2] < 0.35
    assert sum(each < -0.25 for each in off) <= len(off) / 5, "seldom much too low"
