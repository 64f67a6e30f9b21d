"""What Google's API has beside content: counts, vectors and the list of models."""

from collections.abc import Sequence
from itertools import cycle, islice
from typing import Final

from antiphon.simulator.dialect import Rejected
from antiphon.simulator.gemini.paths import COUNT, EMBED, asked_of, query_of
from antiphon.simulator.gemini.reading import members_of, refused, shaped, text_of
from antiphon.simulator.gemini.request import counted
from antiphon.simulator.gemini.shapes import Batch, Embedded
from antiphon.simulator.gemini.wire import JSON_TYPE
from antiphon.simulator.received import Received
from antiphon.simulator.reply import Reply, json
from antiphon.simulator.tokens import count_tokens

_VECTOR: Final = (0.25, -0.5, 0.125, 1.0)
_PAGE: Final = 50


def answered(received: Received) -> Reply:
    """A count, a vector or several.

    Raises:
        Rejected: the request is none.
    """
    asked = asked_of(received.path)
    if asked is None:
        raise refused(f"Invalid URL ({received.method} {received.path})")
    if asked.method == COUNT:
        return _counted(counted(received))
    if asked.method == EMBED:
        one = shaped(members_of(received.body, "EmbedContentRequest").members, Embedded)
        return _told({"embedding": _vector(one), "usageMetadata": _usage([one])})
    batch = shaped(members_of(received.body, "BatchEmbedContentsRequest").members, Batch)
    if not batch.requests:
        raise refused("* BatchEmbedContentsRequest.requests: requests is not specified\n")
    vectors = [_vector(each) for each in batch.requests]
    return _told({"embeddings": vectors, "usageMetadata": _usage(batch.requests)})


def _counted(tokens: int) -> Reply:
    details = [{"modality": "TEXT", "tokenCount": tokens}]
    return _told({"totalTokens": tokens, "promptTokensDetails": details})


def _vector(asked: Embedded) -> dict[str, object]:
    length = asked.output_dimensionality or len(_VECTOR)
    return {"values": list(islice(cycle(_VECTOR), length))}


def _usage(asked: Sequence[Embedded]) -> dict[str, object]:
    tokens = sum(count_tokens(text_of(each.content)) for each in asked)
    details = [{"modality": "TEXT", "tokenCount": tokens}]
    return {"promptTokenCount": tokens, "promptTokenDetails": details}


def listed(names: Sequence[str], received: Received) -> Reply:
    """A page of the models; `pageToken` is where the next one begins.

    Raises:
        Rejected: the size or the token of a page is no number.
    """
    query = query_of(received)
    size, start = _number(query, "pageSize", _PAGE), _number(query, "pageToken", 0)
    page = [_model(name) for name in names[start : start + size]]
    more = {"nextPageToken": str(start + size)} if start + size < len(names) else {}
    return _told({"models": page, **more})


def shown(name: str) -> Reply:
    """One model; any name is one."""
    return _told(_model(name))


def _number(query: dict[str, str], name: str, default: int) -> int:
    told = query.get(name) or str(default)
    if not told.isdigit():
        raise _no_number(name, told)
    return int(told) or default


def _no_number(name: str, told: str) -> Rejected:
    return refused(f"Invalid value at '{name}' (TYPE_INT32), \"{told}\"", name)


def _model(name: str) -> dict[str, object]:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name,
        "description": "A pretend model of antiphon-simulator.",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": [
            "generateContent",
            "countTokens",
            "embedContent",
            "batchEmbedContents",
        ],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": "reason" in name,
    }


def _told(value: object) -> Reply:
    return json(value).with_headers(JSON_TYPE)
