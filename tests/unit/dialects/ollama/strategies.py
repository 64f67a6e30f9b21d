"""What hypothesis draws: JSON as clients and servers of this dialect write it."""

from collections.abc import Mapping

from hypothesis import strategies as st

from antiphon.model.events import (
    Ended,
    Finished,
    ReasoningDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage

Json = st.SearchStrategy[object]

SOME_TEXT = st.text(
    st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12
) | st.sampled_from(["a\u2028b\u0085", "50 %b\n\n", "é中🌍"])
WORD = st.text("abcdefghijkl_-0123", min_size=1, max_size=6)
MODEL = st.sampled_from(["llama3.2", "qwen3:14b", "hf.co/some one/m:Q4_K_M", "m/%"])
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
COUNTS = st.integers(1, 1000)


def objects(
    required: Mapping[str, Json], optional: Mapping[str, Json] | None = None, *, news: bool = True
) -> st.SearchStrategy[dict[str, object]]:
    """Objects with these members, and perhaps with news."""
    known = st.fixed_dictionaries(dict(required), optional=dict(optional or {}))
    return st.tuples(known, NEWS).map(lambda pair: pair[0] | pair[1]) if news else known


IMAGES = st.lists(st.sampled_from(["iVBORw0KGgoAAAA=", "/9j/AAAA", "AAAA"]), min_size=1, max_size=2)
CALL = objects(
    {"function": objects({"name": WORD, "arguments": OBJECT}, {"index": st.integers(0, 3)})},
    {"id": WORD},
)
RULED = objects({"role": st.just("system"), "content": SOME_TEXT})
ASKED = objects({"role": st.just("user"), "content": st.just("") | SOME_TEXT}, {"images": IMAGES})
ANSWERED = objects(
    {"role": st.just("assistant"), "content": st.just("") | SOME_TEXT},
    {"thinking": SOME_TEXT, "tool_calls": st.lists(CALL, min_size=1, max_size=2)},
)
RESULT = objects(
    {"role": st.just("tool"), "content": SOME_TEXT, "tool_name": WORD, "tool_call_id": WORD}
)
MESSAGES = st.lists(RULED | ASKED | ANSWERED | RESULT, min_size=1, max_size=5)
SCHEMA = objects({"type": st.just("object"), "properties": st.dictionaries(WORD, OBJECT)})
TOOLS = st.lists(
    objects(
        {
            "type": st.just("function"),
            "function": objects({"name": WORD, "parameters": SCHEMA}, {"description": SOME_TEXT}),
        }
    )
    | objects({"type": st.just("tool_of_tomorrow")}),
    min_size=1,
    max_size=2,
)
OPTIONS = objects(
    {},
    {
        "temperature": NUMBER,
        "top_p": NUMBER,
        "top_k": st.integers(0, 99),
        "min_p": NUMBER,
        "repeat_penalty": NUMBER,
        "presence_penalty": NUMBER,
        "frequency_penalty": NUMBER,
        "seed": st.integers(0, 99),
        "num_predict": st.integers(0, 99),
        "num_ctx": st.just(8192),
        "mirostat": st.integers(0, 2),
        "stop": st.lists(SOME_TEXT, min_size=1, max_size=5),
    },
).filter(bool)
REST: dict[str, Json] = {
    "format": st.just("json") | SCHEMA,
    "think": st.booleans() | st.sampled_from(["low", "medium", "high", "max"]),
    "options": OPTIONS,
    "keep_alive": st.sampled_from(["5m", 0, -1]),
    "truncate": st.booleans(),
    "shift": st.booleans(),
    "logprobs": st.booleans(),
    "top_logprobs": st.integers(0, 20),
}
REQUESTS = objects(
    {"model": MODEL, "messages": MESSAGES, "stream": st.booleans()}, {"tools": TOOLS, **REST}
)
PROMPTS = objects(
    {"model": MODEL, "prompt": SOME_TEXT, "stream": st.booleans()},
    {"system": SOME_TEXT, "images": IMAGES, **REST},
)

MOMENT = st.sampled_from(
    ["2025-02-02T22:23:51.958876Z", "2026-01-01T00:00:00.123456789+02:00", "1970-01-01T00:00:00Z"]
)
MEASURED: dict[str, Json] = {
    "done": st.just(value=True),
    "done_reason": st.sampled_from(["stop", "length", "reason_of_tomorrow"]),
    "prompt_eval_count": COUNTS,
    "eval_count": COUNTS,
    "total_duration": COUNTS,
    "load_duration": COUNTS,
    "prompt_eval_duration": COUNTS,
    "eval_duration": COUNTS,
}
SAID = st.tuples(
    objects(
        {"role": st.just("assistant"), "content": st.just("") | SOME_TEXT}, {"thinking": SOME_TEXT}
    ),
    st.just({})
    | st.lists(st.tuples(WORD, OBJECT), min_size=1, max_size=3).map(
        lambda calls: {
            "tool_calls": [
                {
                    "id": f"call_{at}",
                    "function": {"index": at, "name": name, "arguments": arguments},
                }
                for at, (name, arguments) in enumerate(calls)
            ]
        }
    ),
).map(lambda pair: pair[0] | pair[1])
REPLIES = objects({"model": MODEL, "created_at": MOMENT, "message": SAID, **MEASURED})


@st.composite
def streams(draw: st.DrawFn) -> list[StreamEvent]:
    """Streams as the model tells them, in an order that this dialect can tell too."""
    events: list[StreamEvent] = [Started("ollama-20250101000000", draw(MODEL), 1735689600)]
    calls = 0
    for kind in draw(st.lists(st.sampled_from(["text", "thought", "call"]), max_size=4)):
        match kind:
            case "text":
                events += map(TextDelta, draw(st.lists(SOME_TEXT, min_size=1, max_size=3)))
            case "thought":
                events += map(ReasoningDelta, draw(st.lists(SOME_TEXT, min_size=1, max_size=3)))
            case _:
                events.append(ToolCallStarted(calls, f"call_{calls}", draw(WORD)))
                events.append(ToolCallDelta(calls, draw(st.sampled_from(["{}", '{ "a" :1}']))))
                calls += 1
    stop = StopReason.TOOL if calls else StopReason.STOP
    usage = Usage(draw(COUNTS), output_tokens=draw(COUNTS))
    return [
        *events,
        UsageReported(usage, alone=False),
        Finished(Stop(stop, raw="stop")),
        Ended(),
    ]


EXAMPLE: list[StreamEvent] = [
    Started("ollama-20250101000000", "qwen3:14b", 1735689600),
    ReasoningDelta("thought"),
    TextDelta("é中\u2028"),
    TextDelta("b"),
    ToolCallStarted(0, "call_0", "f"),
    ToolCallDelta(0, '{"a": 1}'),
    ToolCallStarted(1, "call_1", "g"),
    ToolCallDelta(1, "{}"),
    UsageReported(Usage(3, output_tokens=9), alone=False),
    Finished(Stop(StopReason.TOOL, raw="stop")),
    Ended(),
]
