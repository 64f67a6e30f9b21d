"""Usage: the provider's sums to our disjoint words, and back.

`input_tokens` excludes what was read from a cache or written to it, so all three are added up;
`output_tokens` includes thought. Written tokens are split by how long the cache lives. Passes of
a compaction are counted beside the sums, and are added to them. A negative or absurd sum makes
the whole unreadable, and unread usage is charged at its bound; a detail may move tokens, never
make or unmake them.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE, Written
from antiphon.model.usage import Usage

_ABSURD: Final = 10**10

_Count = int | float | None


class CacheCreation(msgspec.Struct, gc=False):
    """What was written to a cache, by its life."""

    ephemeral_5m_input_tokens: _Count = None
    ephemeral_1h_input_tokens: _Count = None


class OutputDetails(msgspec.Struct, gc=False):
    """What is in the output."""

    thinking_tokens: _Count = None


class Iteration(msgspec.Struct, gc=False):
    """One pass of the model; those of a compaction are not in the sums."""

    type: str = ""
    input_tokens: _Count = None
    output_tokens: _Count = None
    cache_creation_input_tokens: _Count = None
    cache_read_input_tokens: _Count = None


class Counts(msgspec.Struct):
    """What a provider states; None is what it does not say."""

    input_tokens: _Count = None
    output_tokens: _Count = None
    cache_creation_input_tokens: _Count = None
    cache_read_input_tokens: _Count = None
    cache_creation: CacheCreation | None = None
    output_tokens_details: OutputDetails | None = None
    iterations: list[Iteration] | None = None


STATED: Final = frozenset(Counts.__struct_fields__) - {"iterations"}
"""The members that our words hold."""


_COUNTS: Final = msgspec.json.Decoder(Counts | None)


def counts_of(raw: bytes | msgspec.Raw) -> Counts | None:
    """What is stated; None where there is nothing, or nothing that can be read."""
    try:
        return _COUNTS.decode(raw) if raw else None
    except UNREADABLE:
        return None


def read_usage(counts: Counts | None) -> Usage | None:
    """The usage of a reply; None where there is none, or none that can be believed."""
    if counts is None or (counts.input_tokens is None and counts.output_tokens is None):
        return None
    sums = (
        counts.input_tokens,
        counts.cache_read_input_tokens,
        counts.cache_creation_input_tokens,
        counts.output_tokens,
    )
    asked, read, created, answered = (int(each or 0) for each in sums)
    if min(asked, read, created, answered) < 0:
        return None
    split = counts.cache_creation
    hour, short = (0, 0) if split is None else _split(split)
    created = created or hour + short
    hour = min(hour, created)
    for each in counts.iterations or ():
        if each.type == "compaction":
            asked += _natural(each.input_tokens)
            read += _natural(each.cache_read_input_tokens)
            created += _natural(each.cache_creation_input_tokens)
            answered += _natural(each.output_tokens)
    if asked + read + created + answered > _ABSURD:
        return None
    details = counts.output_tokens_details
    thought = min(_natural(details.thinking_tokens), answered) if details is not None else 0
    return Usage(
        input_tokens=asked,
        cache_read_tokens=read,
        cache_write_tokens=created - hour,
        cache_write_1h_tokens=hour,
        output_tokens=answered - thought,
        reasoning_tokens=thought,
    )


def write_usage(usage: Usage) -> Written:
    """Usage as Anthropic writes it, with noughts and no nulls."""
    out: Written = {
        "input_tokens": usage.input_tokens + usage.audio_input_tokens + usage.image_tokens,
        "cache_creation_input_tokens": usage.cache_write_tokens + usage.cache_write_1h_tokens,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_tokens,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens,
        },
        "output_tokens": usage.output_total,
    }
    if usage.reasoning_tokens:
        out["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return out


def _split(split: CacheCreation) -> tuple[int, int]:
    return _natural(split.ephemeral_1h_input_tokens), _natural(split.ephemeral_5m_input_tokens)


def _natural(count: _Count) -> int:
    return max(int(count or 0), 0)
