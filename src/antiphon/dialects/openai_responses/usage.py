"""Usage: the provider's inclusive sums to our disjoint words, and back.

A provider counts what was read from a cache and written to it *inside* `input_tokens`, and
thought *inside* `output_tokens`. Here every token is counted in one word, and the words add up to
the provider's total:

* Its total is `input_tokens` + `output_tokens`; where it states a larger `total_tokens`, the rest
  is thought. A smaller one is not believed.
* A detail larger than its sum is cut to it: a detail may move tokens, never make or unmake them.
* A negative or absurd sum makes the whole unreadable, and unread usage is charged at its bound. A
  negative detail is nought.
"""

from __future__ import annotations

import msgspec

from antiphon.dialects.fields import UNREADABLE
from antiphon.model.usage import Usage

_ABSURD = 10**10

_Count = int | float | None


class _WriteDetails(msgspec.Struct, gc=False):
    ttl_12h_tokens: _Count = 0


class _InputDetails(msgspec.Struct, gc=False):
    cached_tokens: _Count = 0
    cache_write_tokens: _Count = 0
    audio_tokens: _Count = 0
    image_tokens: _Count = 0
    cache_write_tokens_details: _WriteDetails | None = None


class _OutputDetails(msgspec.Struct, gc=False):
    reasoning_tokens: _Count = 0
    audio_tokens: _Count = 0


class _Counts(msgspec.Struct, gc=False):
    input_tokens: _Count = None
    output_tokens: _Count = None
    total_tokens: _Count = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


_COUNTS = msgspec.json.Decoder(_Counts | None)
_NO_INPUT_DETAILS = _InputDetails()
_NO_OUTPUT_DETAILS = _OutputDetails()


def read_usage(raw: bytes | msgspec.Raw) -> Usage | None:
    """The usage of a reply; None where there is none, or none that can be read."""
    try:
        counts = _COUNTS.decode(raw)
    except UNREADABLE:
        return None
    totals = _totals(counts) if counts is not None else None
    if counts is None or totals is None or sum(totals) > _ABSURD:
        return None
    asked = counts.input_tokens_details or _NO_INPUT_DETAILS
    answered = counts.output_tokens_details or _NO_OUTPUT_DETAILS
    prompt, completion, apart = totals
    cache_read, prompt = _part(asked.cached_tokens, prompt)
    cache_write, prompt = _part(asked.cache_write_tokens, prompt)
    lasting = asked.cache_write_tokens_details
    cache_write_long, cache_write = _part(lasting.ttl_12h_tokens if lasting else 0, cache_write)
    audio_input, prompt = _part(asked.audio_tokens, prompt)
    image, prompt = _part(asked.image_tokens, prompt)
    reasoning, completion = _part((answered.reasoning_tokens or 0) - apart, completion)
    audio_output, completion = _part(answered.audio_tokens, completion)
    return Usage(
        input_tokens=prompt,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
        cache_write_1h_tokens=cache_write_long,
        output_tokens=completion,
        reasoning_tokens=reasoning + apart,
        audio_input_tokens=audio_input,
        audio_output_tokens=audio_output,
        image_tokens=image,
    )


def write_usage(usage: Usage) -> dict[str, object]:
    """Usage as OpenAI writes it, details complete: strict clients want every member."""
    asked: dict[str, object] = {
        "cached_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens + usage.cache_write_1h_tokens,
    }
    answered: dict[str, object] = {"reasoning_tokens": usage.reasoning_tokens}
    if usage.cache_write_1h_tokens:
        asked["cache_write_tokens_details"] = {
            "ttl_30m_tokens": usage.cache_write_tokens,
            "ttl_12h_tokens": usage.cache_write_1h_tokens,
        }
    if usage.audio_input_tokens:
        asked["audio_tokens"] = usage.audio_input_tokens
    if usage.image_tokens:
        asked["image_tokens"] = usage.image_tokens
    if usage.audio_output_tokens:
        answered["audio_tokens"] = usage.audio_output_tokens
    return {
        "input_tokens": usage.input_total,
        "input_tokens_details": asked,
        "output_tokens": usage.output_total,
        "output_tokens_details": answered,
        "total_tokens": usage.total,
    }


def _totals(counts: _Counts) -> tuple[int, int, int] | None:
    """Tokens of the prompt, of the answer, and of thought beside both."""
    sums = (counts.input_tokens, counts.output_tokens, counts.total_tokens)
    prompt, completion, total = (int(each or 0) for each in sums)
    if min(prompt, completion, total) < 0:
        return None
    apart = max(total - prompt - completion, 0)
    if counts.output_tokens is None:
        # The dearer word, where a provider states a sum alone.
        return (prompt, apart, 0) if prompt or apart else None
    if counts.input_tokens is None:
        return apart, completion, 0
    return prompt, completion, apart


def _part(wanted: _Count, whole: int) -> tuple[int, int]:
    """A part of a whole, and what is left of it."""
    if not wanted or wanted < 0:
        return 0, whole
    part = min(int(wanted), whole)
    return part, whole - part
