"""What hypothesis draws: JSON as clients and servers of this dialect write it."""

import copy
from collections.abc import Mapping

from hypothesis import strategies as st

from antiphon.model.events import (
    SUMMARY,
    Ended,
    Finished,
    PartEnded,
    ReasoningDelta,
    ReasoningSealed,
    RefusalDelta,
    Started,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.parts import CallKind, Origin
from antiphon.model.reply import Stop, StopReason
from antiphon.model.usage import Usage

Json = st.SearchStrategy[object]

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", "a\u2028b", "data: x\n\n", "é中🌍", "antiphon1.", '"item_reference"']
)
SOME_TEXT = TEXT.filter(bool)
WORD = st.text("abcdefghjkl_-0123", min_size=1, max_size=6)
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


def typed(
    kind: str, required: Mapping[str, Json], optional: Mapping[str, Json] | None = None
) -> st.SearchStrategy[dict[str, object]]:
    return objects({"type": st.just(kind), **required}, optional)


MARK = objects({"mode": st.just("explicit")}, {"ttl": st.sampled_from(["30m", "12h"])}, news=False)
NAME = st.sampled_from(["a", "b", "read", "a__read", "b__a", "a__b"])
"""Names of tools that meet."""
URL = st.sampled_from(
    ["https://x/y.png", "data:image/png;base64,AAAA", "data:;base64,", "data:text/plain,x"]
)
INPUT_PARTS = st.one_of(
    typed("input_text", {"text": TEXT}, {"prompt_cache_breakpoint": MARK}),
    typed("input_image", {"image_url": URL, "detail": st.sampled_from(["low", "auto"])}),
    typed("input_image", {"file_id": WORD, "detail": st.just("high")}),
    typed("input_file", {"file_data": URL, "filename": WORD}),
    typed("input_file", {"file_url": URL}),
    typed("input_file", {"file_id": WORD}, {"filename": WORD}),
    typed("input_video", {"video_url": WORD}),
)
ANNOTATIONS = st.lists(typed("url_citation", {"url": URL, "title": TEXT}), max_size=2)
OUTPUT_PARTS = st.one_of(
    typed("output_text", {"text": TEXT, "annotations": ANNOTATIONS}, {"logprobs": st.just([{}])}),
    typed("refusal", {"refusal": TEXT}),
)
CONTENT = TEXT | st.lists(INPUT_PARTS, min_size=1, max_size=3)
STATUS = st.sampled_from(["completed", "incomplete", "in_progress"])
ID = st.builds("{}_{}".format, st.sampled_from(["msg", "fc", "rs"]), WORD)

MESSAGES = typed(
    "message",
    {"role": st.sampled_from(["user", "system", "developer"]), "content": CONTENT},
    {"id": ID, "status": STATUS},
)
SAID = typed(
    "message",
    {
        "role": st.just("assistant"),
        "id": ID,
        "content": st.lists(OUTPUT_PARTS, min_size=1, max_size=2),
    },
    {"status": STATUS, "phase": st.sampled_from(["commentary", "final_answer"])},
)
EASILY_SAID = typed("message", {"role": st.just("assistant"), "content": TEXT})
CALLS = st.one_of(
    typed(
        "function_call",
        {"call_id": WORD, "name": WORD, "arguments": TEXT},
        {"id": ID, "status": STATUS, "namespace": WORD},
    ),
    typed(
        "custom_tool_call",
        {"call_id": WORD.map("x{}".format), "name": WORD, "input": TEXT},
        {"id": ID, "namespace": WORD},
    ),
    typed(
        "function_call",
        {"call_id": WORD, "name": NAME, "arguments": TEXT, "namespace": st.sampled_from("ab")},
    ),
)
OUTPUTS = typed(
    "function_call_output", {"call_id": WORD, "output": CONTENT}, {"id": ID, "status": STATUS}
)
THOUGHTS = typed(
    "reasoning",
    {
        "summary": st.lists(
            objects({"type": st.just("summary_text"), "text": TEXT}, news=False), max_size=2
        )
    },
    {
        "id": ID,
        "encrypted_content": WORD.map("gAAA{}".format),
        "content": st.lists(
            objects({"type": st.just("reasoning_text"), "text": SOME_TEXT}, news=False),
            min_size=1,
            max_size=2,
        ),
    },
)
OTHERS = st.one_of(
    typed("web_search_call", {"id": ID, "status": STATUS, "action": JSON.map(lambda v: {"q": v})}),
    typed("shell_call_output", {"call_id": WORD, "output": st.just([])}),
    typed("compaction", {"id": ID, "encrypted_content": WORD}),
)


def conversation(items: list[dict[str, object]]) -> list[dict[str, object]]:
    """Numbered items, of which one at least is said by somebody."""
    said = any(item["type"] != "additional_tools" for item in items)
    return numbered(items if said else [*items, {"type": "message", "role": "user", "content": ""}])


def numbered(items: list[dict[str, object]]) -> list[dict[str, object]]:
    """No two items have the same id."""
    return [
        {**item, "id": f"{item['id']}_{at}"} if "id" in item else item
        for at, item in enumerate(items)
    ]


NAMED_TOOLS = st.one_of(
    typed(
        "function",
        {"name": WORD | NAME},
        {
            "description": TEXT,
            "parameters": st.just({"type": "object"}),
            "strict": st.booleans(),
            "defer_loading": st.booleans(),
        },
    ),
    typed(
        "custom",
        {"name": (WORD | NAME).map("c_{}".format)},
        {"description": TEXT, "format": st.just({"type": "text"}), "defer_loading": st.booleans()},
    ),
)
NAMESPACES = typed(
    "namespace",
    {
        "name": st.sampled_from(["a", "b", "a__b"]),
        "tools": st.lists(NAMED_TOOLS, max_size=3),
    },
    {"description": TEXT},
)
TOOLS = st.lists(
    st.one_of(
        NAMED_TOOLS,
        NAMESPACES,
        NAMESPACES,
        typed("web_search", {}, {"search_context_size": st.just("low")}),
    ),
    min_size=1,
    max_size=3,
)
ADDITIONAL = typed(
    "additional_tools", {"role": st.just("developer"), "tools": TOOLS | st.just([])}, {"id": ID}
)
ITEMS = st.one_of(MESSAGES, SAID, EASILY_SAID, CALLS, OUTPUTS, THOUGHTS, OTHERS, ADDITIONAL)
CHOICES = st.one_of(
    st.sampled_from(["auto", "none", "required"]),
    objects({"type": st.just("function"), "name": WORD}, news=False),
    objects({"type": st.just("function"), "name": NAME, "namespace": NAME}, news=False),
    objects({"type": st.just("custom"), "name": WORD}),
    objects({"type": st.just("mcp"), "server_label": WORD}),
    objects(
        {
            "type": st.just("allowed_tools"),
            "mode": st.sampled_from(["auto", "required"]),
            "tools": st.lists(
                objects({"type": st.just("function"), "name": WORD | NAME}, news=False), min_size=1
            )
            | st.just([{"type": "function", "name": "read", "namespace": "a"}]),
        }
    ),
)
FORMATS = st.one_of(
    objects({"type": st.sampled_from(["text", "json_object"])}),
    objects(
        {"type": st.just("json_schema"), "name": WORD, "schema": st.just({"type": "object"})},
        {"strict": st.booleans(), "description": TEXT},
    ),
    objects({"type": st.just("grammar"), "definition": TEXT}),
)
REQUESTS = objects(
    {"model": WORD, "input": TEXT | st.lists(ITEMS, min_size=1, max_size=5).map(conversation)},
    {
        "instructions": TEXT,
        "tools": TOOLS,
        "tool_choice": CHOICES,
        "parallel_tool_calls": st.booleans(),
        "reasoning": objects(
            {}, {"effort": st.sampled_from(["none", "low"]), "summary": st.just("auto")}
        ),
        "text": objects({}, {"format": FORMATS, "verbosity": st.sampled_from(["low", "high"])}),
        "include": st.lists(
            st.sampled_from(
                [
                    "reasoning.encrypted_content",
                    "message.output_text.logprobs",
                    "web_search_call.results",
                ]
            ),
            unique=True,
            min_size=1,
        ),
        "max_output_tokens": st.integers(16, 99),
        "max_tool_calls": st.integers(1, 9),
        "temperature": NUMBER,
        "top_p": NUMBER,
        "top_logprobs": st.integers(0, 9),
        "truncation": st.just("auto"),
        "metadata": st.dictionaries(WORD, TEXT, max_size=2),
        "user": TEXT,
        "safety_identifier": WORD,
        "prompt_cache_key": WORD,
        "service_tier": WORD,
        "store": st.booleans(),
        "stream": st.just(value=True),
        "stream_options": st.just({"include_obfuscation": False}),
        "prompt": objects({"id": WORD}),
    },
)

COUNTS = st.integers(0, 1000)
USAGES = st.tuples(COUNTS, COUNTS, COUNTS, COUNTS).map(
    lambda four: {
        "input_tokens": four[0] + four[1],
        "input_tokens_details": {"cached_tokens": four[0], "cache_write_tokens": 0},
        "output_tokens": four[2] + four[3],
        "output_tokens_details": {"reasoning_tokens": four[2]},
        "total_tokens": sum(four),
    }
)
REPLIES = objects(
    {
        "id": WORD,
        "object": st.just("response"),
        "created_at": COUNTS,
        "model": WORD,
        "status": st.just("completed"),
        "output": st.lists(st.one_of(SAID, CALLS, THOUGHTS, OTHERS), max_size=4).map(numbered),
    },
    {
        "usage": USAGES,
        "service_tier": WORD,
        "tools": TOOLS,
        "instructions": TEXT,
        "tool_choice": CHOICES,
    },
)


@st.composite
def streams(draw: st.DrawFn) -> list[StreamEvent]:
    """Streams as the model tells them, in an order that this dialect can tell too."""
    model = draw(WORD)
    events: list[StreamEvent] = [Started("resp_" + draw(WORD), model, draw(COUNTS))]
    refused = called = False
    calls = 0
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.sampled_from(["text", "refusal", "thought", "summary", "sealed", "call"]))
        pieces = draw(st.lists(SOME_TEXT, min_size=1, max_size=3))
        match kind:
            case "text":
                refused = False
                events += [TextDelta(piece) for piece in pieces]
            case "refusal":
                refused = True
                events += [RefusalDelta(piece) for piece in pieces]
            case "thought" | "summary":
                spelling = "reasoning_text" if kind == "thought" else SUMMARY
                events += [ReasoningDelta(piece, 0, spelling) for piece in pieces]
                if draw(st.booleans()):
                    events.append(ReasoningSealed(draw(WORD), Origin("openai_responses", model)))
            case "sealed":
                origin = Origin("anthropic_messages", "claude", "org")
                events.append(ReasoningSealed(draw(WORD), origin, sealed=draw(st.booleans())))
            case _:
                called = True
                how = draw(st.sampled_from([CallKind.FUNCTION, CallKind.CUSTOM]))
                events.append(ToolCallStarted(calls, f"call_{calls}", draw(WORD), kind=how))
                events += [ToolCallDelta(calls, piece) for piece in pieces]
                calls += 1
        events.append(PartEnded())
    if draw(st.booleans()) and not called:
        stop = draw(
            st.sampled_from(
                [
                    Stop(StopReason.LENGTH, raw="max_output_tokens"),
                    Stop(StopReason.FILTER, raw="content_filter"),
                ]
            )
        )
    else:
        reason = StopReason.REFUSAL if refused else StopReason.STOP
        stop = Stop(StopReason.TOOL if called else reason, raw="completed")
    usage = Usage(input_tokens=draw(COUNTS), output_tokens=draw(COUNTS))
    return [*events, UsageReported(usage, alone=False), Finished(stop), Ended()]


@st.composite
def _mangled(draw: st.DrawFn) -> object:
    """A request in which one thing, somewhere, is something else."""
    body = copy.deepcopy(draw(REQUESTS))
    path: list[str | int] = []
    value: object = body
    while isinstance(value, dict | list) and value and (not path or draw(st.booleans())):
        keys: list[str | int] = list(value) if isinstance(value, dict) else [*range(len(value))]
        path.append(draw(st.sampled_from(keys)))
        value = value[path[-1]]  # type: ignore[index]
    holder: object = body
    for key in path[:-1]:
        holder = holder[key]  # type: ignore[index]
    holder[path[-1]] = draw(JSON)  # type: ignore[index]
    return body


MANGLED = _mangled()
