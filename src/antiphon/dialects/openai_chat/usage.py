"""Usage: the provider's inclusive sums to our disjoint words, and back.

A provider counts what was read from a cache, written to it, heard or seen *inside*
`prompt_tokens`, and thought and speech *inside* `completion_tokens`. Here every token is counted
in one word, so that a price can be put on each, and the words add up to the provider's total:

* Its total is `prompt_tokens` + `completion_tokens`. Where it states a larger `total_tokens`,
  the rest was spent on thought that it did not count as completion (xAI, Gemini). A smaller one
  is not believed.
* A detail larger than its sum is cut to it: a detail may move tokens, never make or unmake them.
* A negative or absurd sum makes the whole unreadable, and unread usage is charged at its bound:
  no number that a provider sends can lower a bill below what it states. A negative detail is
  nought.
"""

from __future__ import annotations

import msgspec

from antiphon.dialects.fields import UNREADABLE
from antiphon.model.usage import Usage

_ABSURD = 10**10

_Count = int | float | None


class _PromptDetails(msgspec.Struct, gc=False):
    cached_tokens: _Count = 0
    cache_write_tokens: _Count = 0
    audio_tokens: _Count = 0
    image_tokens: _Count = 0


class _CompletionDetails(msgspec.Struct, gc=False):
    reasoning_tokens: _Count = 0
    audio_tokens: _Count = 0


class _Counts(msgspec.Struct):
    """What providers of this dialect state; cached tokens have four names."""

    prompt_tokens: _Count = None
    completion_tokens: _Count = None
    total_tokens: _Count = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    cached_tokens: _Count = 0
    prompt_cache_hit_tokens: _Count = 0
    num_cached_tokens: _Count = 0


_COUNTS = msgspec.json.Decoder(_Counts | None)
_NO_PROMPT_DETAILS = _PromptDetails()
_NO_COMPLETION_DETAILS = _CompletionDetails()
_PLAIN_PROMPT = (None, _NO_PROMPT_DETAILS)
_PLAIN_COMPLETION = (None, _NO_COMPLETION_DETAILS)


def read_usage(raw: bytes | msgspec.Raw) -> Usage | None:
    """The usage of a reply or a chunk; None where there is none, or none that can be read."""
    try:
        counts = _COUNTS.decode(raw)
    except UNREADABLE:
        return None
    if counts is None:
        return None
    plain = _read_plain(counts)
    if plain is not None:
        return plain
    totals = _totals(counts)
    if totals is None or sum(totals) > _ABSURD:
        return None
    asked = counts.prompt_tokens_details or _NO_PROMPT_DETAILS
    answered = counts.completion_tokens_details or _NO_COMPLETION_DETAILS
    cached = max(
        asked.cached_tokens or 0,
        counts.cached_tokens or 0,
        counts.prompt_cache_hit_tokens or 0,
        counts.num_cached_tokens or 0,
    )
    prompt, completion, apart = totals
    cache_read, prompt = _part(cached, prompt)
    cache_write, prompt = _part(asked.cache_write_tokens, prompt)
    audio_input, prompt = _part(asked.audio_tokens, prompt)
    image, prompt = _part(asked.image_tokens, prompt)
    reasoning, completion = _part((answered.reasoning_tokens or 0) - apart, completion)
    audio_output, completion = _part(answered.audio_tokens, completion)
    return Usage(
        input_tokens=prompt,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
        output_tokens=completion,
        reasoning_tokens=reasoning + apart,
        audio_input_tokens=audio_input,
        audio_output_tokens=audio_output,
        image_tokens=image,
    )


def write_usage(usage: Usage) -> dict[str, object]:
    """Usage as OpenAI writes it, details complete: strict clients want every member."""
    return {
        "prompt_tokens": usage.input_total,
        "completion_tokens": usage.output_total,
        "total_tokens": usage.total,
        "prompt_tokens_details": {
            "cached_tokens": usage.cache_read_tokens,
            "cache_write_tokens": usage.cache_write_tokens + usage.cache_write_1h_tokens,
            "audio_tokens": usage.audio_input_tokens,
            "image_tokens": usage.image_tokens,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "audio_tokens": usage.audio_output_tokens,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _read_plain(counts: _Counts) -> Usage | None:
    """Two whole numbers that add up, and nothing apart: what most answers state."""
    prompt, completion = counts.prompt_tokens, counts.completion_tokens
    if (
        isinstance(prompt, int)
        and isinstance(completion, int)
        and prompt >= 0 <= completion
        and counts.total_tokens == prompt + completion <= _ABSURD
        and counts.prompt_tokens_details in _PLAIN_PROMPT
        and counts.completion_tokens_details in _PLAIN_COMPLETION
        and not (counts.cached_tokens or counts.prompt_cache_hit_tokens or counts.num_cached_tokens)
    ):
        return Usage(prompt, output_tokens=completion)
    return None


def _totals(counts: _Counts) -> tuple[int, int, int] | None:
    """Tokens of the prompt, of the completion, and of thought beside both."""
    sums = (counts.prompt_tokens, counts.completion_tokens, counts.total_tokens)
    prompt, completion, total = (int(each or 0) for each in sums)
    if min(prompt, completion, total) < 0:
        return None
    apart = max(total - prompt - completion, 0)
    if counts.completion_tokens is None:
        # The dearer word, where a provider states a sum alone.
        return (prompt, apart, 0) if prompt or apart else None
    if counts.prompt_tokens is None:
        return apart, completion, 0
    return prompt, completion, apart


def _part(wanted: _Count, whole: int) -> tuple[int, int]:
    """A part of a whole, and what is left of it."""
    if not wanted or wanted < 0:
        return 0, whole
    part = min(int(wanted), whole)
    return part, whole - part
