"""The way back: streams and whole replies, and that both say the same."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.dialects.fitting import Fitting
from antiphon.errors import UpstreamBroken
from antiphon.model.events import (
    Ended,
    Finished,
    OpaqueEvent,
    PartEnded,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    StreamFailed,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.fold import fold
from antiphon.model.parts import CallKind, ToolCall
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.request import ChatRequest, CustomTool, FunctionTool
from antiphon.model.usage import Usage
from tests.unit.dialects.fitting.conversations import (
    ANTHROPIC_TRAITS,
    CHAT_TRAITS,
    RESPONSES_TRAITS,
    TARGET,
    assistant,
    call,
    fit,
    result,
    tool,
    user,
)
from tests.unit.dialects.fitting.test_arguments import cut

PATCH = "*** Begin Patch 🌍\n"
TOOLS = (FunctionTool("mcp.read"), CustomTool("patch.it"), FunctionTool("f"))
END = Finished(Stop(StopReason.STOP, raw="completed"))
CUT = Finished(Stop(StopReason.STOP, sequence="END"))
USED = UsageReported(Usage(input_tokens=1, output_tokens=2))


def asks(**members: object) -> ChatRequest:
    return msgspec.structs.replace(ChatRequest("m", (user("a"),)), **members)


def names_of(fitting: Fitting) -> list[str]:
    return [tool.name for tool in fitting.request.tools if isinstance(tool, FunctionTool)]


def told(fitting: Fitting, *events: StreamEvent) -> list[StreamEvent]:
    undo = fitting.undo()
    return [out for event in events for out in undo.feed(event)]


class TestTools:
    FITTING = fit(asks(tools=TOOLS))

    def test_names_are_those_that_the_caller_gave(self) -> None:
        name = names_of(self.FITTING)[0]
        begun = ToolCallStarted(0, "1", name)
        assert told(self.FITTING, begun) == [ToolCallStarted(0, "1", "mcp.read")]
        same = ToolCallStarted(1, "2", "f")
        assert told(self.FITTING, same)[0] is same

    def test_free_text_is_unwrapped_as_it_comes(self) -> None:
        name = names_of(self.FITTING)[1]
        assert told(
            self.FITTING,
            ToolCallStarted(0, "1", name),
            ToolCallDelta(0, '{"in'),
            ToolCallDelta(0, 'put": "a\\'),
            ToolCallDelta(0, 'nb"'),
            ToolCallDelta(0, "}"),
        ) == [
            ToolCallStarted(0, "1", "patch.it", kind=CallKind.CUSTOM),
            ToolCallDelta(0, "a"),
            ToolCallDelta(0, "\nb"),
        ]

    @pytest.mark.parametrize(
        "ends",
        [
            (PartEnded(),),
            (END,),
            (Ended(),),
            (StreamFailed(UpstreamBroken("x", code="x")),),
        ],
    )
    def test_what_was_held_back_is_told_at_the_end(self, ends: tuple[StreamEvent, ...]) -> None:
        name = names_of(self.FITTING)[1]
        begun = (ToolCallStarted(0, "1", name), ToolCallDelta(0, '{"x":1'))
        assert told(self.FITTING, *begun, *ends)[1:] == [ToolCallDelta(0, '{"x":1'), *ends]

    def test_calls_that_come_side_by_side(self) -> None:
        name = names_of(self.FITTING)[1]
        assert told(
            self.FITTING,
            ToolCallStarted(0, "1", name),
            ToolCallStarted(1, "2", "f"),
            ToolCallDelta(0, '{"input":'),
            ToolCallDelta(1, "{}"),
            ToolCallDelta(0, '"a"}'),
        )[2:] == [ToolCallDelta(1, "{}"), ToolCallDelta(0, "a")]

    def test_a_whole_reply(self) -> None:
        read, patch, plain = names_of(self.FITTING)
        wrapped = json.dumps({"input": PATCH})
        said = assistant("b", call("1", read), call("2", patch, wrapped), call("3", plain))
        reply = self.FITTING.reply(ChatReply("r", "m", (Choice(0, said),)))
        assert reply.choices[0].turn == assistant(
            "b",
            call("1", "mcp.read"),
            ToolCall("2", "patch.it", PATCH, kind=CallKind.CUSTOM),
            call("3", plain),
        )

    def test_where_there_are_custom_tools_nothing_is_wrapped(self) -> None:
        fitting = fit(asks(tools=(CustomTool("patch"),)), RESPONSES_TRAITS)
        assert not fitting.undoes
        begun = ToolCallStarted(0, "1", "patch", kind=CallKind.CUSTOM)
        assert told(fitting, begun, ToolCallDelta(0, "x")) == [begun, ToolCallDelta(0, "x")]

    def test_a_caller_of_the_legacy_functions_is_told_of_one(self) -> None:
        fitting = fit(asks(tools=(FunctionTool("f"),), legacy_functions=True))
        assert told(fitting, ToolCallStarted(0, "1", "f"), ToolCallStarted(1, "2", "f")) == [
            ToolCallStarted(0, "1", "f", kind=CallKind.LEGACY),
            ToolCallStarted(1, "2", "f"),
        ]


class TestIds:
    """An Anthropic caller, answered by a local server, may go on at Anthropic."""

    REQUEST = asks(
        tools=(FunctionTool("f"),),
        turns=(user("a"), assistant(call("call_0")), tool(result("call_0"))),
    )
    FITTING = Fitting(REQUEST, CHAT_TRAITS, TARGET, heard=ANTHROPIC_TRAITS)

    def test_ids_are_legal_and_new_for_the_caller(self) -> None:
        out = told(
            self.FITTING,
            ToolCallStarted(0, "call_0", "f"),
            ToolCallStarted(1, "f.x:1", "f"),
            ToolCallStarted(2, "call_2", "f"),
        )
        ids = [each.call_id for each in out if isinstance(each, ToolCallStarted)]
        assert all(ANTHROPIC_TRAITS.call_id.fullmatch(each) for each in ids)
        assert len({*ids, "call_0"}) == 4
        assert ids[2] == "call_2"

    def test_the_provider_gets_its_own_back(self) -> None:
        begun = told(self.FITTING, ToolCallStarted(0, "f.x:1", "f"))[0]
        assert isinstance(begun, ToolCallStarted)
        turns = (*self.REQUEST.turns, assistant(call(begun.call_id)), tool(result(begun.call_id)))
        again = fit(msgspec.structs.replace(self.REQUEST, turns=turns), CHAT_TRAITS)
        assert again.request.turns[3:] == (assistant(call("f.x:1")), tool(result("f.x:1")))

    def test_unless_nobody_asks(self) -> None:
        assert not fit(self.REQUEST, CHAT_TRAITS).undoes


class TestStops:
    FITTING = fit(asks(stop=("END",)), RESPONSES_TRAITS)

    def test_the_text_is_cut(self) -> None:
        undo = self.FITTING.undo()
        assert undo.feed(TextDelta("a E")) == (TextDelta("a "),)
        assert not undo.done
        assert undo.feed(TextDelta("ND b")) == (CUT,)
        assert undo.done
        for event in (TextDelta("c"), PartEnded(), ToolCallStarted(0, "1", "f"), END):
            assert undo.feed(event) == ()
        for event in (USED, OpaqueEvent("x", b""), Ended()):
            assert undo.feed(event) == (event,)

    @pytest.mark.parametrize(
        "event",
        [
            PartEnded(),
            ToolCallStarted(0, "1", "f"),
            ReasoningDelta("x"),
            RefusalDelta("x"),
            END,
            Ended(),
            StreamFailed(UpstreamBroken("x", code="x")),
        ],
    )
    def test_a_tail_is_held_back_until_the_text_ends(self, event: StreamEvent) -> None:
        assert told(self.FITTING, TextDelta("aEN"), event) == [
            TextDelta("a"),
            TextDelta("EN"),
            event,
        ]

    def test_a_stop_does_not_reach_over_a_part(self) -> None:
        events = (TextDelta("aE"), PartEnded(), TextDelta("ND"))
        assert told(self.FITTING, *events, Ended()) == [
            TextDelta("a"),
            TextDelta("E"),
            PartEnded(),
            TextDelta("ND"),
            Ended(),
        ]

    def test_choices_are_cut_alone(self) -> None:
        undo = fit(asks(stop=("END",), n=2), RESPONSES_TRAITS).undo()
        assert undo.feed(TextDelta("END", 1)) == (msgspec.structs.replace(CUT, choice=1),)
        assert not undo.done
        assert undo.feed(TextDelta("a")) == (TextDelta("a"),)
        assert undo.feed(END) == (END,)
        assert undo.done

    def test_a_stream_that_ends_by_itself_is_read_to_its_end(self) -> None:
        undo = self.FITTING.undo()
        assert undo.feed(TextDelta("a")) == (TextDelta("a"),)
        assert undo.feed(END) == (END,)
        assert not undo.done

    def test_what_was_being_called_is_told_first(self) -> None:
        fitting = fit(asks(stop=(" ",), tools=(CustomTool("p"),)))
        assert told(
            fitting,
            ToolCallStarted(0, "1", "p"),
            ToolCallDelta(0, "{"),
            TextDelta("a "),
        )[1:] == [
            TextDelta("a"),
            ToolCallDelta(0, "{"),
            Finished(Stop(StopReason.STOP, sequence=" ")),
        ]

    def test_a_whole_reply(self) -> None:
        said = assistant("a END b", call("1"))
        choices = (Choice(0, said, END.stop), Choice(1, assistant("ENDE"), END.stop))
        reply = self.FITTING.reply(ChatReply("r", "m", choices))
        assert reply.choices == (
            Choice(0, assistant("a "), CUT.stop),
            Choice(1, assistant(), CUT.stop),
        )


def test_nothing_to_undo() -> None:
    fitting = fit(asks(tools=(FunctionTool("f"),), stop=("END",)))
    assert not fitting.undoes
    reply = ChatReply("r", "m", (Choice(0, assistant("END")),))
    assert fitting.reply(reply) is reply
    event = TextDelta("END")
    assert told(fitting, event)[0] is event


# ------------------------------------------------------------------ both ways

PLACES = st.lists(st.integers(0, 60), max_size=5)
TEXT = st.text("ENDab \\", min_size=1, max_size=12)
ARGUMENTS = st.one_of(
    st.text('ab🌍\n"\\', max_size=8).map(lambda text: json.dumps({"input": text})),
    st.text('ab🌍\n"\\', max_size=8).map(lambda text: json.dumps({"x": [1], "input": text})),
    st.text('{}":,inputx', max_size=10),
)
WATCHED = fit(
    asks(tools=TOOLS, stop=("END", "D", "\\\\ "), n=2),
    msgspec.structs.replace(RESPONSES_TRAITS, custom_tools=False),
)


@st.composite
def streams(draw: st.DrawFn) -> list[StreamEvent]:
    """One or two choices, each said in pieces, the choices in turns."""
    choices = [draw(said(number)) for number in range(draw(st.integers(1, 2)))]
    events: list[StreamEvent] = [Started("r", "m")]
    while any(choices):
        ready = [choice for choice in choices if choice]
        events.append(ready[draw(st.integers(0, len(ready) - 1))].pop(0))
    return [*events, USED, Ended()]


@st.composite
def said(draw: st.DrawFn, number: int) -> list[StreamEvent]:
    events: list[StreamEvent] = []
    calls = 0
    for kind in draw(st.lists(st.sampled_from(["text", "thought", "calls"]), max_size=4)):
        if kind == "text":
            pieces = cut(draw(TEXT), draw(PLACES))
            events += [TextDelta(piece, number) for piece in pieces if piece]
        elif kind == "thought":
            events.append(ReasoningDelta("END", number))
        else:
            several = draw(st.integers(1, 2))
            deltas: list[list[StreamEvent]] = []
            for index in range(calls, calls + several):
                name = draw(st.sampled_from([*names_of(WATCHED), "patch.it"]))
                events.append(ToolCallStarted(index, f"c{index}", name, number))
                pieces = cut(draw(ARGUMENTS), draw(PLACES))
                deltas.append([ToolCallDelta(index, piece, number) for piece in pieces])
            calls += several
            while any(deltas):
                ready = [each for each in deltas if each]
                events.append(ready[draw(st.integers(0, len(ready) - 1))].pop(0))
        events.append(PartEnded(number))
    return [*events, msgspec.structs.replace(END, choice=number)]


@given(streams())
def test_a_stream_says_what_the_whole_reply_says(events: list[StreamEvent]) -> None:
    out = told(WATCHED, *events)
    assert fold(out) == WATCHED.reply(fold(events))
    assert [event for event in out if isinstance(event, Started | UsageReported | Ended)] == [
        events[0],
        USED,
        events[-1],
    ]
