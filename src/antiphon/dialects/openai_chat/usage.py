"""Usage: the provider's inclusive sums to our disjoint words, and back.

A provider counts what was read from a cache, written to it, heard or seen *inside*
`prompt_tokens`, and thought and speech *inside* `completion_tokens`. Here every token is counted
in one word, so that a price can be put on each, and the words add up to the provider's total:

* Its total is `prompt_tokens` + `completion_tokens`. Where it states a larger `total_tokens`,
  the rest was spent on thought that it did not count as completion (xAI, Gemini). A smaller one
  is not believed.
* A detail larger than its sum is cut to it: a detail may move tokens, never make or unmake them.
* A negative number is nought. An absurd one makes the whole unreadable, and unread usage is
  charged at its bound: no number that a provider sends can lower a bill below what it states.
"""

from __future__ import annotations

import msgspec

from antiphon.model.usage import Usage

_ABSURD = 10**10

_Count = int | float | None


class _PromptDetails(msgspec.Struct, gc=False):
    cached_tokens: _Count = None
    cache_write_tokens: _Count = None
    audio_tokens: _Count = None
    image_tokens: _Count = None


class _CompletionDetails(msgspec.Struct, gc=False):
    reasoning_tokens: _Count = None
    audio_tokens: _Count = None


class _Counts(msgspec.Struct):
    """What providers of this dialect state; cached tokens have four names."""

    prompt_tokens: _Count = None
    completion_tokens: _Count = None
    total_tokens: _Count = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    cached_tokens: _Count = None
    prompt_cache_hit_tokens: _Count = None
    num_cached_tokens: _Count = None


_COUNTS = msgspec.json.Decoder(_Counts | None)


def read_usage(raw: bytes | msgspec.Raw) -> Usage | None:
    """The usage of a reply or a chunk; None where there is none, or none that can be read."""
    try:
        counts = _COUNTS.decode(raw)
    except msgspec.DecodeError:
        return None
    if counts is None:
        return None
    totals = _totals(counts)
    if totals is None:
        return None
    prompt, completion, thought_apart = totals
    asked = counts.prompt_tokens_details or _PromptDetails()
    answered = counts.completion_tokens_details or _CompletionDetails()
    if prompt + completion + thought_apart > _ABSURD:
        return None
    cached = max(
        _count(asked.cached_tokens),
        _count(counts.cached_tokens),
        _count(counts.prompt_cache_hit_tokens),
        _count(counts.num_cached_tokens),
    )
    cache_read, prompt = _part(cached, prompt)
    cache_write, prompt = _part(_count(asked.cache_write_tokens), prompt)
    audio_input, prompt = _part(_count(asked.audio_tokens), prompt)
    image, prompt = _part(_count(asked.image_tokens), prompt)
    reasoning = _count(answered.reasoning_tokens)
    if thought_apart:
        reasoning = max(reasoning - thought_apart, 0)
    reasoning, completion = _part(reasoning, completion)
    audio_output, completion = _part(_count(answered.audio_tokens), completion)
    return Usage(
        input_tokens=prompt,
        cache_read_tokens=cache_read,
        cache_write_tokens=cache_write,
        output_tokens=completion,
        reasoning_tokens=reasoning + thought_apart,
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


def _totals(counts: _Counts) -> tuple[int, int, int] | None:
    """Tokens of the prompt, of the completion, and of thought beside both."""
    prompt, completion = _count(counts.prompt_tokens), _count(counts.completion_tokens)
    total = _count(counts.total_tokens)
    apart = max(total - prompt - completion, 0)
    if counts.completion_tokens is None:
        # The dearer word, where a provider states a sum alone.
        return (prompt, apart, 0) if prompt or apart else None
    if counts.prompt_tokens is None:
        return apart, completion, 0
    return prompt, completion, apart


def _count(value: _Count) -> int:
    return 0 if value is None or value < 0 else int(value)


def _part(wanted: int, whole: int) -> tuple[int, int]:
    """A part of a whole, and what is left of it."""
    part = min(wanted, whole)
    return part, whole - part
