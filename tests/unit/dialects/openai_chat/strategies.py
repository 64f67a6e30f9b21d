"""What hypothesis draws: JSON as clients and servers of this dialect write it."""

from collections.abc import Mapping

from hypothesis import strategies as st

from antiphon.model.events import (
    Ended,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import CallKind
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage

Json = st.SearchStrategy[object]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "a\u2028b", "data: x\n\n", "é中🌍"]
)
SOME_TEXT = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12
) | st.sampled_from(["a\u2028b", "data: x\n\n", "é中🌍"])
WORD = st.text("abcdefghijkl_-0123", min_size=1, max_size=6)
NUMBER = st.floats(-2, 2).map(lambda number: round(number, 3))
JSON: Json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | NUMBER | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORD, inner, max_size=2),
    max_leaves=4,
)
SAYS = JSON.filter(lambda value: value is not None)
NEWS = st.dictionaries(WORD.map("x_{}".format), SAYS, max_size=1)
"""Members that nobody has heard of."""


def objects(
    required: Mapping[str, Json], optional: Mapping[str, Json] | None = None, *, news: bool = True
) -> st.SearchStrategy[dict[str, object]]:
    """Objects with these members, and perhaps with news."""
    known = st.fixed_dictionaries(dict(required), optional=dict(optional or {}))
    return st.tuples(known, NEWS).map(lambda pair: pair[0] | pair[1]) if news else known


CACHE = objects({"mode": st.just("explicit")}, {"ttl": st.sampled_from(["30m", "12h"])}, news=False)
CONTROL = objects(
    {"type": st.just("ephemeral")}, {"ttl": st.sampled_from(["5m", "1h"])}, news=False
)
MARKS = st.sampled_from(["prompt_cache_breakpoint", "cache_control", ""]).flatmap(
    lambda name: objects(
        {}, {name: CACHE if name[:1] == "p" else CONTROL} if name else {}, news=False
    )
)


def part(kind: str, inner: Json) -> Json:
    return st.tuples(objects({"type": st.just(kind), kind: inner}), MARKS).map(
        lambda pair: pair[0] | pair[1]
    )


URL = st.sampled_from(
    [
        "https://x/y.png",
        "data:image/png;base64,AAAA",
        "data:;base64,",
        "data:text/plain,x",
        "ms://id",
    ]
)
TEXT_PART = part("text", TEXT)
CONTENT_PARTS = st.one_of(
    TEXT_PART,
    part("image_url", objects({"url": URL}, {"detail": st.sampled_from(["low", "high"])})),
    part(
        "input_audio", objects({"data": st.just("AAAA"), "format": st.sampled_from(["wav", "mp3"])})
    ),
    part(
        "file",
        objects(
            {"file_data": st.sampled_from(["AAAA", "data:application/pdf;base64,AA"])},
            {"filename": WORD},
        ),
    ),
    part("file", objects({"file_id": WORD}, {"filename": WORD})),
    objects({"type": st.just("video_url"), "video_url": JSON}),
)


def is_plain(content: object) -> bool:
    """One text without anything beside it is written as a string."""
    match content:
        case [{"type": "text", **rest}] if set(rest) == {"text"}:
            return True
        case _:
            return False


def content(parts: Json) -> Json:
    several = st.lists(parts, max_size=3).filter(lambda drawn: not is_plain(drawn))
    return TEXT | several


FUNCTION_CALL = objects(
    {
        "id": WORD,
        "type": st.just("function"),
        "function": objects({"name": WORD, "arguments": TEXT}),
    }
)
CUSTOM_CALL = objects(
    {"id": WORD, "type": st.just("custom"), "custom": objects({"name": WORD, "input": TEXT})}
)
CALLS = st.lists(FUNCTION_CALL | CUSTOM_CALL, min_size=1, max_size=3)
THOUGHT = objects({}, {"reasoning_content": SOME_TEXT}, news=False) | objects(
    {}, {"reasoning": SOME_TEXT}, news=False
)
SAID = st.tuples(
    objects({"role": st.just("assistant")}, {"name": WORD, "refusal": SOME_TEXT}),
    THOUGHT,
    objects({"content": SOME_TEXT}, {"tool_calls": CALLS}, news=False)
    | objects({"tool_calls": CALLS}, news=False)
    | objects(
        {"function_call": objects({"name": WORD, "arguments": TEXT}, news=False)}, news=False
    ),
).map(lambda pieces: pieces[0] | pieces[1] | pieces[2])
MESSAGES = st.one_of(
    objects(
        {
            "role": st.sampled_from(["system", "developer", "user"]),
            "content": content(CONTENT_PARTS),
        },
        {"name": WORD},
    ),
    objects({"role": st.just("tool"), "tool_call_id": WORD, "content": TEXT}, {"name": WORD}),
    objects({"role": st.just("function"), "name": WORD, "content": TEXT}),
    SAID,
)
SCHEMA = st.just({"type": "object"}) | st.dictionaries(WORD, JSON, max_size=2)
TOOLS = st.lists(
    objects(
        {
            "type": st.just("function"),
            "function": objects(
                {"name": WORD}, {"description": TEXT, "parameters": SCHEMA, "strict": st.booleans()}
            ),
        }
    )
    | objects(
        {
            "type": st.just("custom"),
            "custom": objects({"name": WORD}, {"description": TEXT, "format": SCHEMA}),
        }
    )
    | objects({"type": st.just("web_search")}),
    min_size=1,
    max_size=3,
)
NAMED = objects(
    {"type": st.just("function"), "function": objects({"name": WORD}, news=False)}, news=False
)
CHOICES = st.sampled_from(["auto", "none", "required", "any"]) | NAMED
FORMATS = st.one_of(
    st.just({"type": "text"}),
    objects({"type": st.just("json_object")}),
    objects(
        {
            "type": st.just("json_schema"),
            "json_schema": objects({"name": WORD}, {"schema": SCHEMA, "strict": st.booleans()}),
        }
    ),
    objects({"type": st.just("grammar")}),
)
REQUESTS = objects(
    {"model": WORD, "messages": st.lists(MESSAGES, min_size=1, max_size=4)},
    {
        "tools": TOOLS,
        "tool_choice": CHOICES,
        "parallel_tool_calls": st.booleans(),
        "response_format": FORMATS,
        "reasoning_effort": st.sampled_from(["none", "low", "max"]),
        "temperature": NUMBER,
        "top_p": NUMBER,
        "seed": st.integers(-9, 9),
        "max_tokens": st.integers(0, 9),
        "max_completion_tokens": st.integers(0, 9),
        "n": st.integers(1, 3),
        "stop": st.lists(TEXT, min_size=1, max_size=4),
        "logprobs": st.booleans(),
        "logit_bias": st.dictionaries(WORD, st.integers(-9, 9), max_size=2),
        "metadata": st.dictionaries(WORD, TEXT, max_size=2),
        "user": TEXT,
        "store": st.booleans(),
        "stream": st.just(value=True),
        "stream_options": objects({"include_usage": st.just(value=True)}),
        "service_tier": WORD,
        "web_search_options": st.dictionaries(WORD, JSON, max_size=1),
    },
)

LOGPROBS = st.dictionaries(WORD, JSON, min_size=1, max_size=2)
COUNTS = st.integers(0, 1000)
USAGES = st.tuples(COUNTS, COUNTS).map(
    lambda pair: {"prompt_tokens": pair[0], "completion_tokens": pair[1], "total_tokens": sum(pair)}
)
REPLIES = objects(
    {
        "id": WORD,
        "object": st.just("chat.completion"),
        "created": COUNTS,
        "model": WORD,
        "choices": st.lists(
            objects(
                {
                    "message": SAID,
                    "finish_reason": st.sampled_from(["stop", "length", "content_filter"]),
                },
                {"logprobs": LOGPROBS},
            ),
            min_size=1,
            max_size=2,
        ).map(lambda choices: [{"index": at} | choice for at, choice in enumerate(choices)]),
    },
    {"usage": USAGES, "service_tier": WORD},
)


@st.composite
def streams(draw: st.DrawFn) -> list[StreamEvent]:
    """Streams as the model tells them, in an order that this dialect can tell too."""
    events: list[StreamEvent] = [Started(draw(WORD), draw(WORD), draw(COUNTS))]
    for choice in range(draw(st.integers(1, 2))):
        spelling = draw(st.sampled_from(["reasoning", "reasoning_content"]))
        events += [
            ReasoningDelta(text, choice, spelling) for text in draw(st.lists(SOME_TEXT, max_size=2))
        ]
        events += [TextDelta(text, choice) for text in draw(st.lists(SOME_TEXT, max_size=3))]
        events += [RefusalDelta(text, choice) for text in draw(st.lists(SOME_TEXT, max_size=1))]
        calls = draw(
            st.lists(
                st.tuples(
                    WORD,
                    WORD,
                    st.lists(SOME_TEXT, max_size=3),
                    st.sampled_from([CallKind.FUNCTION, CallKind.CUSTOM]),
                ),
                max_size=3,
                unique_by=lambda call: call[0],
            )
        )
        for index, (call_id, name, pieces, kind) in enumerate(calls):
            events.append(ToolCallStarted(index, call_id, name, choice=choice, kind=kind))
            events += [ToolCallDelta(index, piece, choice) for piece in pieces]
        reason = (
            StopReason.TOOL
            if calls
            else draw(st.sampled_from([StopReason.STOP, StopReason.LENGTH, StopReason.FILTER]))
        )
        raw = {StopReason.TOOL: "tool_calls", StopReason.FILTER: "content_filter"}.get(
            reason, reason.value
        )
        events.append(Finished(Stop(reason, raw=raw), choice))
    events += [UsageReported(Usage(input_tokens=draw(COUNTS), output_tokens=draw(COUNTS))), Ended()]
    return events


EXAMPLE: list[StreamEvent] = [
    Started("chatcmpl-1", "m", 7),
    ReasoningDelta("thought", spelling="reasoning_content"),
    TextDelta("é中\u2028"),
    TextDelta("b", 1),
    ToolCallStarted(0, "a", "f"),
    ToolCallStarted(1, "b", "g"),
    ToolCallDelta(0, "{"),
    ToolCallDelta(1, "[]"),
    ToolCallDelta(0, "}"),
    Finished(Stop(StopReason.TOOL, raw="tool_calls")),
    Finished(Stop(StopReason.STOP, raw="stop"), 1),
    UsageReported(Usage(input_tokens=3, output_tokens=4)),
    Ended(),
]
