"""What hypothesis draws: JSON as clients and servers of this dialect write it."""

import itertools
from collections.abc import Mapping

from hypothesis import strategies as st

from antiphon.dialects.anthropic_messages.fields import DIALECT
from antiphon.model.events import (
    Ended,
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import Origin
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage

Json = st.SearchStrategy[object]

SOME_TEXT = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12
) | st.sampled_from(["a\u2028b", "data: x\n\n", "é中🌍"])
SAID = SOME_TEXT.filter(lambda text: bool(text.strip()))
"""Texts that the API takes."""
WORD = st.text("abcdefghijkl_-0123", min_size=1, max_size=6)
NUMBER = st.floats(-2, 2).map(lambda number: round(number, 3))
JSON: Json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | NUMBER | SOME_TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORD, inner, max_size=2),
    max_leaves=4,
)
OBJECT = st.dictionaries(WORD, JSON, max_size=2)
NEWS = st.dictionaries(
    WORD.map("x_{}".format), JSON.filter(lambda value: value is not None), max_size=1
)
"""Members that nobody has heard of."""
COUNTS = st.integers(0, 1000)


def objects(
    required: Mapping[str, Json], optional: Mapping[str, Json] | None = None, *, news: bool = True
) -> st.SearchStrategy[dict[str, object]]:
    """Objects with these members, and perhaps with news."""
    known = st.fixed_dictionaries(dict(required), optional=dict(optional or {}))
    return st.tuples(known, NEWS).map(lambda pair: pair[0] | pair[1]) if news else known


def block(kind: str, required: Mapping[str, Json], optional: Mapping[str, Json] | None = None):
    return objects(
        {"type": st.just(kind), **required}, {**(optional or {}), "cache_control": CACHE}
    )


CACHE = objects(
    {"type": st.just("ephemeral")}, {"ttl": st.sampled_from(["5m", "1h"])}, news=False
) | objects({"type": st.just("ephemeral"), "scope": WORD}, news=False)
BASE64 = st.sampled_from(["AAAA", "iVBORw0KGgo=", ""])
SOURCE = st.one_of(
    objects(
        {
            "type": st.just("base64"),
            "media_type": st.sampled_from(["image/png", "application/pdf"]),
            "data": BASE64,
        }
    ),
    objects({"type": st.just("url"), "url": st.just("https://x/y.png")}),
    objects({"type": st.just("file"), "file_id": WORD}),
)
PLAIN_SOURCE = objects(
    {"type": st.just("text"), "media_type": st.just("text/plain"), "data": SOME_TEXT}
) | objects(
    {
        "type": st.just("content"),
        "content": SOME_TEXT
        | st.lists(objects({"type": st.just("text"), "text": SOME_TEXT}), max_size=2),
    }
)
TEXT = block("text", {"text": SAID}, {"citations": st.lists(OBJECT, min_size=1, max_size=2)})
IMAGE = block("image", {"source": SOURCE})
DOCUMENT = block(
    "document",
    {"source": SOURCE | PLAIN_SOURCE},
    {"title": WORD, "context": SOME_TEXT, "citations": st.just({"enabled": True})},
)
FOUND = block("search_result", {"source": WORD, "title": WORD, "content": st.lists(TEXT)})
NEW = block("news_of_tomorrow", {})
CALL = block("tool_use", {"id": WORD, "name": WORD, "input": OBJECT})
THOUGHT = objects(
    {"type": st.just("thinking"), "thinking": st.just("") | SOME_TEXT, "signature": WORD}
) | objects({"type": st.just("redacted_thinking"), "data": WORD})
SERVED = block("server_tool_use", {"id": WORD, "name": WORD, "input": OBJECT}) | block(
    "web_search_tool_result", {"tool_use_id": WORD, "content": st.lists(OBJECT, max_size=1)}
)


def is_plain(content: object) -> bool:
    """One text without anything beside it is written as a string."""
    match content:
        case [{"type": "text", **rest}] if set(rest) == {"text"}:
            return True
        case _:
            return False


def content(blocks: Json) -> Json:
    several = st.lists(blocks, min_size=1, max_size=3).filter(lambda drawn: not is_plain(drawn))
    return SAID | several


RESULT = block(
    "tool_result",
    {"tool_use_id": WORD},
    {
        "content": SOME_TEXT
        | st.lists(TEXT | IMAGE | DOCUMENT | FOUND | NEW, min_size=1, max_size=3).filter(
            lambda drawn: not is_plain(drawn)
        ),
        "is_error": st.just(value=True),
    },
)
ASKED = objects(
    {"role": st.just("user"), "content": content(TEXT | IMAGE | DOCUMENT | FOUND | NEW)}
)
RESULTS = objects(
    {
        "role": st.just("user"),
        "content": st.tuples(
            st.lists(RESULT, min_size=1, max_size=2), st.lists(TEXT | IMAGE, max_size=1)
        ).map(lambda pair: [*pair[0], *pair[1]]),
    }
)
ANSWERED = objects(
    {"role": st.just("assistant"), "content": content(TEXT | CALL | THOUGHT | SERVED)}
)
RULED = objects({"role": st.just("system"), "content": content(TEXT | NEW)})


def results_apart(messages: list[dict[str, object]]) -> bool:
    """No two messages of results follow each other: they are written in one."""
    marks = [
        isinstance(message["content"], list)
        and any(block["type"] == "tool_result" for block in message["content"])
        for message in messages
    ]
    return not any(mark and after for mark, after in itertools.pairwise(marks))


def asked_last(messages: list[dict[str, object]]) -> list[dict[str, object]]:
    """An answer that is to be continued is trimmed."""
    last: dict[str, object] = {"role": "user", "content": "Go on"}
    return [*messages, last] if messages[-1]["role"] == "assistant" else messages


MESSAGES = (
    st.lists(ASKED | RESULTS | ANSWERED | RULED, min_size=1, max_size=4)
    .filter(results_apart)
    .map(asked_last)
)
SCHEMA = objects({"type": st.just("object")}, {"properties": OBJECT}, news=False)
TOOLS = st.lists(
    block(
        "custom",
        {"name": WORD, "input_schema": SCHEMA},
        {
            "description": SOME_TEXT,
            "strict": st.booleans(),
            "input_examples": st.lists(OBJECT, min_size=1, max_size=1),
        },
    )
    | objects({"name": WORD, "input_schema": SCHEMA}, {"cache_control": CACHE})
    | block("web_search_20260209", {"name": st.just("web_search")}),
    min_size=1,
    max_size=3,
)
CHOICES = (
    objects(
        {"type": st.sampled_from(["auto", "any"])},
        {"disable_parallel_tool_use": st.booleans()},
    )
    | objects(
        {"type": st.just("tool"), "name": WORD},
        {"disable_parallel_tool_use": st.booleans()},
        news=False,
    )
    | objects({"type": st.just("none")}, news=False)
)
OFFERED = objects({"tools": TOOLS}, {"tool_choice": CHOICES}, news=False)
THINKING = st.one_of(
    objects({"type": st.sampled_from(["adaptive", "between_tools"])}),
    objects({"type": st.just("adaptive"), "display": st.sampled_from(["summarized", "omitted"])}),
    objects({"type": st.just("disabled")}),
)
CONFIG = objects(
    {},
    {
        "effort": st.sampled_from(["low", "high", "max"]),
        "format": objects({"type": st.just("json_schema"), "schema": SCHEMA})
        | objects({"type": st.just("grammar")}),
    },
).filter(bool)
REQUESTS = st.tuples(
    objects(
        {"model": WORD, "max_tokens": st.integers(0, 9), "messages": MESSAGES},
        {
            "system": content(TEXT),
            "thinking": THINKING,
            "output_config": CONFIG,
            "temperature": st.floats(0, 1).map(lambda number: round(number, 3)),
            "top_k": st.integers(0, 9),
            "stop_sequences": st.lists(SAID, min_size=1, max_size=4),
            "metadata": objects({"user_id": SOME_TEXT}),
            "service_tier": st.sampled_from(["auto", "standard_only", "batch_of_tomorrow"]),
            "cache_control": CACHE,
            "stream": st.just(value=True),
            "container": WORD,
        },
    ),
    st.just({}) | OFFERED,
).map(lambda pair: pair[0] | pair[1])

USAGES = st.tuples(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS).map(
    lambda drawn: {
        "input_tokens": drawn[0],
        "cache_creation_input_tokens": drawn[1] + drawn[2],
        "cache_read_input_tokens": drawn[3],
        "cache_creation": {
            "ephemeral_5m_input_tokens": drawn[1],
            "ephemeral_1h_input_tokens": drawn[2],
        },
        "output_tokens": drawn[4],
    }
)
REPLIES = objects(
    {
        "id": WORD.map("msg_{}".format),
        "type": st.just("message"),
        "role": st.just("assistant"),
        "model": WORD,
        "content": st.lists(TEXT | CALL | THOUGHT | SERVED, max_size=3),
        "stop_reason": st.sampled_from(
            ["end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"]
        ),
        "usage": st.tuples(USAGES, NEWS).map(lambda pair: pair[0] | pair[1]),
    },
    {"stop_sequence": SOME_TEXT, "container": OBJECT},
)


@st.composite
def streams(draw: st.DrawFn) -> list[StreamEvent]:
    """Streams as the model tells them, in an order that this dialect can tell too."""
    model = draw(WORD)
    usage = Usage(input_tokens=draw(COUNTS), cache_read_tokens=draw(COUNTS))
    events: list[StreamEvent] = [Started("msg_1", model), UsageReported(usage, alone=False)]
    calls = 0
    for kind in draw(st.lists(st.sampled_from(["text", "thought", "sealed", "call"]), max_size=4)):
        match kind:
            case "text":
                events += map(TextDelta, draw(st.lists(SOME_TEXT, min_size=1, max_size=3)))
            case "thought":
                events += map(ReasoningDelta, draw(st.lists(SOME_TEXT, max_size=3)))
                events.append(ReasoningSealed(draw(WORD), Origin(DIALECT, model)))
            case "sealed":
                events.append(ReasoningSealed(draw(WORD), Origin(DIALECT, model), sealed=True))
            case _:
                events.append(ToolCallStarted(calls, draw(WORD), draw(WORD)))
                pieces = draw(st.sampled_from([("{}",), ("{", '"a"', ":1}"), ("{ }", " ")]))
                events += [ToolCallDelta(calls, piece) for piece in pieces]
                calls += 1
        events.append(PartEnded())
    stop = ("tool_use", StopReason.TOOL) if calls else ("end_turn", StopReason.STOP)
    events += [
        UsageReported(Usage(3, output_tokens=draw(COUNTS)), alone=False),
        Finished(Stop(stop[1], raw=stop[0])),
        Ended(),
    ]
    return events


ORIGIN = Origin(DIALECT, "m")
EXAMPLE: list[StreamEvent] = [
    Started("msg_1", "m"),
    UsageReported(Usage(input_tokens=3), alone=False),
    ReasoningDelta("thought"),
    ReasoningSealed("c2VhbA==", ORIGIN),
    PartEnded(),
    ReasoningSealed("aGlkZGVu", ORIGIN, sealed=True),
    PartEnded(),
    TextDelta("é中\u2028"),
    TextDelta("b"),
    PartEnded(),
    ToolCallStarted(0, "toolu_1", "f"),
    ToolCallDelta(0, '{"a"'),
    ToolCallDelta(0, ":1}"),
    PartEnded(),
    ToolCallStarted(1, "toolu_2", "g"),
    ToolCallDelta(1, "{}"),
    PartEnded(),
    UsageReported(Usage(input_tokens=3, output_tokens=4, reasoning_tokens=5), alone=False),
    Finished(Stop(StopReason.TOOL, raw="tool_use")),
    Ended(),
]
