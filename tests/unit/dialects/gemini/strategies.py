"""What hypothesis draws: JSON as clients and servers of this dialect write it."""

import itertools
from collections.abc import Mapping

from hypothesis import strategies as st

from antiphon.dialects.gemini.fields import DIALECT
from antiphon.model.events import (
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
) | st.sampled_from(["a\u2028b", "data: x\n\n", "é中🌍", '{"a":1}', "}]"])
WORD = st.text("abcdefghijklABC0123", min_size=1, max_size=6)
NUMBER = st.floats(-2, 2).map(lambda number: round(number, 3))
JSON: Json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | NUMBER | SOME_TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORD, inner, max_size=2),
    max_leaves=3,
)
OBJECT = st.dictionaries(WORD, JSON, max_size=2)
FULL = st.dictionaries(WORD, JSON, min_size=1, max_size=2)
NEWS = st.dictionaries(
    WORD.map("xNews{}".format), JSON.filter(lambda value: value is not None), max_size=1
)
"""Members that nobody has heard of."""
COUNTS = st.integers(0, 1000)
SEAL = st.sampled_from(["c2VhbA==", "c2VhbHM-", "AAAA"])


def objects(
    required: Mapping[str, Json], optional: Mapping[str, Json] | None = None, *, news: bool = True
) -> st.SearchStrategy[dict[str, object]]:
    """Objects with these members, and perhaps with news."""
    known = st.fixed_dictionaries(dict(required), optional=dict(optional or {}))
    return st.tuples(known, NEWS).map(lambda pair: pair[0] | pair[1]) if news else known


KINDS = st.sampled_from(["image/png", "audio/wav", "application/pdf", "video/mp4", "text/plain"])
INLINE = objects({"mimeType": KINDS, "data": st.just("AAAA")}, {"displayName": WORD})
URIS = st.sampled_from(
    ["https://x/y.png", "gs://bucket/z", "https://youtu.be/q", "https://x/doc.pdf"]
)
FILED = objects({"fileUri": URIS, "mimeType": KINDS}, {"displayName": WORD})
SEALED = {"thoughtSignature": SEAL}
TEXT = objects({"text": SOME_TEXT}, SEALED)
MEDIUM = objects({"inlineData": INLINE}) | objects({"fileData": FILED})
FILMED = objects(
    {"inlineData": INLINE, "videoMetadata": objects({"fps": st.integers(1, 9)}, news=False)}
)
NEW = objects({"partOfTomorrow": OBJECT}, SEALED)
CODE = objects({"executableCode": objects({"code": SOME_TEXT})}, SEALED)
CALL = objects({"functionCall": objects({"name": WORD, "args": OBJECT}, {"id": WORD})}, SEALED)
THOUGHT = objects({"text": SOME_TEXT, "thought": st.just(value=True)}, news=False)
ALONE = objects({"text": st.just(""), "thoughtSignature": SEAL}, news=False)
RESULT = objects(
    {
        "functionResponse": objects(
            {
                "name": WORD,
                "response": objects({"output": SOME_TEXT}, news=False)
                | objects({"error": SOME_TEXT}, news=False)
                | st.dictionaries(WORD, JSON, min_size=2, max_size=3)
                | st.just({}),
            },
            {"id": WORD, "parts": st.lists(MEDIUM, min_size=1, max_size=2)},
        )
    }
)
ASKED = objects(
    {
        "role": st.just("user"),
        "parts": st.lists(TEXT | MEDIUM | FILMED | NEW, min_size=1, max_size=3),
    }
)
RESULTS = objects(
    {
        "role": st.just("user"),
        "parts": st.tuples(
            st.lists(RESULT, min_size=1, max_size=2), st.lists(TEXT | MEDIUM, max_size=1)
        ).map(lambda pair: [*pair[0], *pair[1]]),
    }
)
SAID = st.lists(TEXT | CALL | CODE | MEDIUM, min_size=1, max_size=3)
THOUGHTS = st.lists(THOUGHT, max_size=2)
ANSWERED = objects(
    {
        "role": st.just("model"),
        "parts": st.tuples(THOUGHTS, SAID, st.lists(ALONE, max_size=1)).map(
            lambda three: [*three[0], *three[1], *three[2]]
        ),
    }
)


def results_apart(contents: list[dict[str, object]]) -> bool:
    """No two contents of results, or of a model, follow each other: they are written in one."""
    marks = [
        "results" if "functionResponse" in str(content) else content["role"] for content in contents
    ]
    return not any(mark == after != "user" for mark, after in itertools.pairwise(marks))


CONTENTS = st.lists(ASKED | RESULTS | ANSWERED, min_size=1, max_size=4).filter(results_apart)
SCHEMA = objects({"type": st.just("OBJECT")}, {"properties": OBJECT}, news=False)
FUNCTION = objects(
    {"name": WORD},
    {"description": SOME_TEXT, "parametersJsonSchema": SCHEMA, "response": SCHEMA},
) | objects({"name": WORD, "parameters": SCHEMA}, {"behavior": st.just("BLOCKING")})
TOOLS = st.tuples(
    st.lists(FUNCTION, min_size=1, max_size=2),
    st.lists(objects({"googleSearch": OBJECT}, news=False), max_size=1),
).map(lambda pair: [{"functionDeclarations": pair[0]}, *pair[1]])
CHOICES = objects(
    {
        "functionCallingConfig": objects({"mode": st.sampled_from(["AUTO", "ANY", "NONE"])})
        | objects(
            {
                "mode": st.sampled_from(["ANY", "VALIDATED"]),
                "allowedFunctionNames": st.lists(WORD, min_size=1, max_size=2),
            }
        )
        | objects({"mode": st.just("VALIDATED")})
    },
    {"retrievalConfig": FULL},
)
OFFERED = objects({"tools": TOOLS}, {"toolConfig": CHOICES}, news=False)
THINKING = objects(
    {"includeThoughts": st.booleans()},
    {
        "thinkingBudget": st.integers(-1, 9),
        "thinkingLevel": st.sampled_from(["MINIMAL", "LOW", "HIGH", "XHIGH", "LEVEL_OF_TOMORROW"]),
    },
)
FORMS = (
    st.just({})
    | st.just({"responseMimeType": "application/json"})
    | st.just({"responseMimeType": "text/plain"})
    | st.just({"responseMimeType": "text/x.enum", "responseSchema": {"enum": ["a"]}})
    | SCHEMA.map(lambda drawn: {"responseMimeType": "application/json", "responseSchema": drawn})
    | SCHEMA.map(
        lambda drawn: {"responseMimeType": "application/json", "responseJsonSchema": drawn}
    )
)
CONFIG = st.tuples(
    objects(
        {"temperature": st.floats(0, 2).map(lambda number: round(number, 3))},
        {
            "topP": st.floats(0, 1).map(lambda number: round(number, 3)),
            "topK": st.integers(1, 40),
            "candidateCount": st.integers(1, 4),
            "maxOutputTokens": st.integers(0, 99),
            "stopSequences": st.lists(SOME_TEXT, min_size=1, max_size=3),
            "seed": st.integers(0, 9),
            "presencePenalty": NUMBER,
            "frequencyPenalty": NUMBER,
            "responseLogprobs": st.booleans(),
            "logprobs": st.integers(0, 5),
            "responseModalities": st.just(["TEXT", "IMAGE"]),
            "thinkingConfig": THINKING,
            "mediaResolution": st.just("MEDIA_RESOLUTION_LOW"),
        },
    ),
    FORMS,
).map(lambda pair: pair[0] | pair[1])
REQUESTS = st.tuples(
    objects(
        {"model": WORD, "contents": CONTENTS},
        {
            "systemInstruction": objects({"parts": st.lists(TEXT, min_size=1, max_size=2)}),
            "generationConfig": CONFIG,
            "safetySettings": st.lists(OBJECT, min_size=1, max_size=1),
            "cachedContent": WORD,
            "labels": FULL,
            "serviceTier": st.sampled_from(["flex", "standard", "priority", "tierOfTomorrow"]),
            "store": st.booleans(),
            "stream": st.just(value=True),
        },
    ),
    st.just({}) | OFFERED,
).map(lambda pair: pair[0] | pair[1])

USAGES = st.tuples(COUNTS, COUNTS, st.integers(1, 1000), st.integers(1, 1000)).map(
    lambda drawn: {
        "promptTokenCount": drawn[0] + drawn[2],
        "cachedContentTokenCount": drawn[2],
        "candidatesTokenCount": drawn[3],
        "totalTokenCount": drawn[0] + drawn[2] + drawn[3],
    }
)
CANDIDATE = objects(
    {
        "content": objects({"role": st.just("model"), "parts": SAID}),
        "finishReason": st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY"]),
        "index": st.just(0),
    },
    {"groundingMetadata": FULL, "logprobsResult": FULL},
)
REPLIES = objects(
    {
        "candidates": CANDIDATE.map(lambda drawn: [drawn]),
        "modelVersion": WORD,
        "responseId": WORD,
        "usageMetadata": st.tuples(USAGES, NEWS).map(lambda pair: pair[0] | pair[1]),
    },
    {"createTime": WORD},
)


@st.composite
def streams(draw: st.DrawFn) -> list[StreamEvent]:
    """Streams as the model tells them, in an order that this dialect can tell too."""
    model = draw(WORD)
    origin = Origin(DIALECT, model)
    events: list[StreamEvent] = [Started(draw(WORD), model)]
    calls = 0
    for kind in draw(st.lists(st.sampled_from(["text", "thought", "seal", "call"]), max_size=4)):
        match kind:
            case "text":
                events += map(TextDelta, draw(st.lists(SOME_TEXT, min_size=1, max_size=3)))
            case "thought":
                events += map(ReasoningDelta, draw(st.lists(SOME_TEXT, min_size=1, max_size=3)))
            case "seal":
                events += (ReasoningSealed(draw(SEAL), origin), PartEnded())
            case _:
                events.append(ToolCallStarted(calls, draw(WORD.map("c{}".format)), draw(WORD)))
                pieces = draw(st.sampled_from([("{}",), ("{", '"a"', ":1}"), ("{ ", "}")]))
                events += [ToolCallDelta(calls, piece) for piece in pieces]
                events.append(PartEnded())
                calls += 1
    stop = StopReason.TOOL if calls else StopReason.STOP
    usage = Usage(draw(COUNTS), output_tokens=draw(COUNTS), reasoning_tokens=draw(COUNTS))
    events += [UsageReported(usage, alone=False), Finished(Stop(stop, raw="STOP"))]
    return events


ORIGIN = Origin(DIALECT, "m")
EXAMPLE: list[StreamEvent] = [
    Started("r1", "m"),
    ReasoningDelta("thought"),
    TextDelta('é中\u2028 \\" ]}{'),
    TextDelta("b"),
    ReasoningSealed("c2VhbA==", ORIGIN),
    PartEnded(),
    ToolCallStarted(0, "call_1", "f"),
    ToolCallDelta(0, '{"a"'),
    ToolCallDelta(0, ":1}"),
    PartEnded(),
    ToolCallStarted(1, "call_2", "g"),
    ToolCallDelta(1, "{}"),
    PartEnded(),
    UsageReported(Usage(3, output_tokens=4, reasoning_tokens=5), alone=False),
    Finished(Stop(StopReason.TOOL, raw="STOP")),
]
