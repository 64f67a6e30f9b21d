"""What a large answer of vectors costs, looked at and translated: setups as in `hot_cases`."""

from __future__ import annotations

import math
from collections.abc import Callable

import msgspec

from antiphon.dialects.embeddings import OPENAI_EMBEDDINGS, EmbedPayload
from antiphon.dialects.gemini.embedder import GEMINI_BATCH_EMBED
from antiphon.model.embedding import EmbedReply, EmbedRequest
from antiphon.wire.shallow import Members

Timed = Callable[[], object]
Setup = Callable[[], Timed]

_INPUTS, _DIMENSIONS = 100, 1536
_ASKED = EmbedRequest("m", ("text",) * _INPUTS, encoding="base64")


def _reply() -> EmbedReply:
    vector = tuple(math.sin(at) for at in range(_DIMENSIONS))
    return EmbedReply((vector,) * _INPUTS, "m")


def _looked_at() -> Timed:
    """`dialects.embeddings`: 3 MB of numbers that pass as bytes."""
    floats = EmbedRequest("m", _ASKED.inputs)
    body = OPENAI_EMBEDDINGS.write_reply(_reply(), floats)
    asked = msgspec.json.encode({"model": "m", "input": _ASKED.inputs, "encoding_format": "float"})
    payload = EmbedPayload(OPENAI_EMBEDDINGS, Members.parse(asked))
    return lambda: payload.accepted(body, OPENAI_EMBEDDINGS.inspect_reply(body))


def _translated() -> Timed:
    """`dialects.embeddings`: as many of Gemini's, for a caller who wants base64."""
    body = GEMINI_BATCH_EMBED.write_reply(_reply(), _ASKED)

    def run() -> object:
        return OPENAI_EMBEDDINGS.write_reply(GEMINI_BATCH_EMBED.read_reply(body), _ASKED)

    return run


def embedding_cases() -> dict[str, Setup]:
    """All of them, by name."""
    return {
        "dialects.embeddings_passed_100": _looked_at,
        "dialects.embeddings_translated_100": _translated,
    }
