"""Forms of an answer in words, and the JSON out of the words that come back."""

from __future__ import annotations

import json
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.contract import Target
from antiphon.dialects.fitting import Fitting
from antiphon.dialects.fitting.forms import (
    IN_JSON,
    ONE_OBJECT,
    ONE_VALUE,
    Unwrapping,
    opener_of,
    unwrapped,
)
from antiphon.dialects.registry import DIALECTS
from antiphon.model.events import Finished, PartEnded, TextDelta, ToolCallStarted
from antiphon.model.fold import Fold
from antiphon.model.parts import Author, Text, Turn
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.request import ChatRequest, Output, OutputForm

SCHEMA: Final = msgspec.Raw(b'{"type": "object", "properties": {"a": {"type": "integer"}}}')
KEPT: Final = Output(OutputForm.SCHEMA, name="x", schema=SCHEMA)
JSON: Final = Output(OutputForm.JSON)
TARGET: Final = Target("m")
SAID: Final = '{"a": [1, "}{\\"```"], "b": {"c": "]"}}'
WRAPPED: Final = {
    "bare": SAID,
    "blanks": f"\n  {SAID}\n",
    "a fence": f"```json\n{SAID}\n```",
    "a fence without a name": f"```\n{SAID}\n```\n",
    "a fence on one line": f"```{SAID}```",
    "prose before": f"Here is the JSON you asked for [as agreed]:\n\n{SAID}",
    "prose behind": f"{SAID}\n\nI hope {{this}} helps!",
    "all of it": f"Sure! {{Here}} it is:\n```json\n{SAID}\n```\nAnything else? {{}}",
}


def asking(output: Output, *turns: Turn) -> ChatRequest:
    said = turns or (Turn(Author.USER, (Text("Hi"),)),)
    return ChatRequest("m", said, output=output)


def fitted(request: ChatRequest, dialect: str = "openai_chat", target: Target = TARGET) -> Fitting:
    return Fitting(request, DIALECTS[dialect].traits, target, in_words=True)


# ------------------------------------------------------------------ there


def test_the_words_stand_at_the_end_of_the_instructions() -> None:
    rules = Turn(Author.SYSTEM, (Text("Be brief."),))
    more = Turn(Author.DEVELOPER, (Text("Be kind."),))
    user = Turn(Author.USER, (Text("Hi"),))
    request = fitted(asking(KEPT, rules, more, user)).request
    assert request.turns[0] is rules
    assert request.turns[2] is user
    [text] = request.turns[1].parts
    assert isinstance(text, Text)
    assert text.text.startswith(f"Be kind.\n\n{ONE_VALUE}\n\n")
    assert text.text.endswith(bytes(SCHEMA).decode())
    assert request.output is None


def test_without_instructions_they_are_the_first() -> None:
    request = fitted(asking(JSON)).request
    assert request.turns[0] == Turn(Author.SYSTEM, (Text(ONE_OBJECT),))


def test_what_the_schema_is_for_is_told() -> None:
    told = msgspec.structs.replace(KEPT, description="One person.")
    assert "One person." in fitted(asking(told)).request.turns[0].text


@pytest.mark.parametrize(
    ("schema", "form"),
    [(SCHEMA, OutputForm.JSON), (msgspec.Raw(b'{"type": "array"}'), None)],
)
def test_json_of_any_shape_helps_an_object(schema: msgspec.Raw, form: OutputForm | None) -> None:
    output = Output(OutputForm.SCHEMA, schema=schema)
    request = fitted(asking(output), target=Target("m", json_mode=True)).request
    assert (request.output.form if request.output else None) is form


def test_a_conversation_that_grows_begins_the_same() -> None:
    user, said = Turn(Author.USER, (Text("Hi"),)), Turn(Author.ASSISTANT, (Text("{}"),))
    short = fitted(asking(KEPT, user)).request.turns
    long = fitted(asking(KEPT, user, said, user)).request.turns
    assert long[: len(short)] == short


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses"])
def test_the_word_is_said_where_a_provider_wants_it(dialect: str) -> None:
    traits = DIALECTS[dialect].traits
    rules = Turn(Author.SYSTEM, (Text("JSON, always."),))
    user = Turn(Author.USER, (Text("Hi"),))
    request = Fitting(asking(JSON, rules, user), traits, TARGET).request
    assert request.turns[1].text == f"Hi\n\n{IN_JSON}"
    assert request.output == JSON
    said = asking(JSON, Turn(Author.USER, (Text("Some json, please."),)))
    assert Fitting(said, traits, TARGET).request is said
    alone = Fitting(asking(JSON, rules), traits, TARGET).request
    assert alone.turns[-1] == Turn(Author.USER, (Text(IN_JSON),))


OPENERS: Final = [
    (JSON, "{"),
    (KEPT, "{"),
    (Output(OutputForm.SCHEMA, schema=msgspec.Raw(b'{"type":"array"}')), "["),
    (Output(OutputForm.SCHEMA, schema=msgspec.Raw(b'{"type":"string"}')), ""),
    (Output(OutputForm.SCHEMA, schema=msgspec.Raw(b'{"anyOf":[]}')), "{["),
    (Output(OutputForm.SCHEMA, schema=msgspec.Raw(b"[1]")), "{["),
    (Output(OutputForm.SCHEMA), "{["),
]


@pytest.mark.parametrize(("output", "opener"), OPENERS)
def test_what_json_can_begin_with(output: Output, opener: str) -> None:
    assert opener_of(output) == opener


# ------------------------------------------------------------------ back


def read(pieces: list[str], opener: str = "{") -> str:
    reader = Unwrapping(opener)
    return "".join(map(reader.feed, pieces)) + reader.flush()


@pytest.mark.parametrize("how", WRAPPED)
def test_cut_anywhere_the_json_is_taken_out(how: str) -> None:
    text = WRAPPED[how]
    assert unwrapped(text, "{") == SAID
    assert read(list(text)) == SAID
    for at in range(len(text) + 1):
        assert read([text[:at], text[at:]]) == SAID


SCALARS: Final = [("```json\n5\n```", "5"), ('```\n"a { b"\n```', '"a { b"'), ("true", "true")]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_a_value_that_is_no_object(text: str, value: str) -> None:
    assert unwrapped(text, "") == value
    assert read(list(text), "") == value


def test_nothing_is_held_back_once_it_began() -> None:
    reader = Unwrapping("{")
    assert reader.feed("Sure: ") == ""
    assert reader.feed('{"a') == '{"a'
    assert reader.feed('": 1') == '": 1'
    assert reader.feed("} Bye") == "}"
    assert reader.feed(" more") == ""


@pytest.mark.parametrize("text", ["I cannot do that.", "Sets {a, b} and {c}", "```py\nx\n``` so"])
def test_prose_is_given_as_it_was(text: str) -> None:
    assert unwrapped(text, "{") == text
    assert read(list(text)) == text


def test_long_prose_is_not_waited_for() -> None:
    text = "word " * 5000 + SAID
    assert "".join(read([text[at : at + 40] for at in range(0, len(text), 40)])) == text


def test_what_looked_like_json_and_was_none() -> None:
    """A whole answer is looked through; a stream cannot take back what it gave."""
    text = f'Not {{"this"}} but {SAID}'
    assert unwrapped(text, "{") == SAID


@given(st.text(alphabet='{}[]"\\`json \n:,1a', max_size=60), st.sampled_from(["{", "[", "{[", ""]))
def test_pieces_and_whole_are_read_alike(text: str, opener: str) -> None:
    whole = read([text], opener)
    assert read(list(text), opener) == whole
    assert whole.strip() in text


OBJECTS: Final = st.dictionaries(
    st.text(max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=12),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
        max_leaves=8,
    ),
    max_size=4,
)


@given(OBJECTS, st.sampled_from([None, 2]), st.lists(st.integers(1, 9), max_size=20))
def test_any_object_comes_out_of_a_fence(
    value: dict[str, object], indent: int | None, cuts: list[int]
) -> None:
    said = json.dumps(value, indent=indent)
    text, pieces = f"Here:\n```json\n{said}\n```\nDone.", []
    for cut in cuts:
        pieces.append(text[:cut])
        text = text[cut:]
    assert read([*pieces, text]) == said


def test_a_whole_reply() -> None:
    parts = (Text("Sure.", id="one"), Text(f"```json\n{SAID}\n```"))
    turn = Turn(Author.ASSISTANT, parts)
    reply = ChatReply("r", "m", (Choice(0, turn, Stop(StopReason.STOP)),))
    told = fitted(asking(KEPT)).reply(reply)
    assert told.choices[0].turn.parts == (Text(SAID, id="one"),)
    plain = msgspec.structs.replace(
        reply, choices=(Choice(0, Turn(Author.ASSISTANT, (Text(SAID),))),)
    )
    assert fitted(asking(KEPT)).reply(plain) == plain


def test_a_stream_of_two_choices_with_a_stop_sequence() -> None:
    request = msgspec.structs.replace(asking(KEPT), n=2, stop=("END",))
    undo = fitted(request, "openai_responses").undo()
    fold = Fold()
    events = [
        *(TextDelta(each, 0) for each in f"Well: {SAID} END and more"),
        *(TextDelta(each, 1) for each in "No, EN"),
        PartEnded(1),
        Finished(Stop(StopReason.STOP), 1),
    ]
    for event in events:
        for told in undo.feed(event):
            fold.feed(told)
    one, two = fold.reply().choices
    assert one.turn.text == SAID
    assert one.stop is not None
    assert one.stop.sequence == "END"
    assert two.turn.text == "No, EN"


def test_what_was_said_before_a_call_stands_before_it() -> None:
    undo = fitted(asking(KEPT)).undo()
    said = [
        *undo.feed(TextDelta("Let me look.", 0)),
        *undo.feed(ToolCallStarted(0, "c1", "look", choice=0)),
    ]
    assert [type(each) for each in said] == [TextDelta, ToolCallStarted]
