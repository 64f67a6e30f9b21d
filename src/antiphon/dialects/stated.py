"""Usage as endpoints state it that nobody translates: in the words of whichever API it is.

The rules are those of the dialects: every token in one word, the words add up to the provider's
total, a detail is cut to its sum, and no negative or absurd number is believed. A total that
stands alone is the prompt's: who states no more makes vectors or ranks, and writes nothing.
"""

from __future__ import annotations

import msgspec

from antiphon.dialects.fields import UNREADABLE
from antiphon.model.parts import ABSENT
from antiphon.model.usage import Usage

_ABSURD = 10**10
_Count = int | float | None


class _Details(msgspec.Struct, gc=False):
    cached_tokens: _Count = None
    audio_tokens: _Count = None
    image_tokens: _Count = None
    reasoning_tokens: _Count = None


class _Counts(msgspec.Struct):
    """OpenAI's older words, its newer ones, which Anthropic and most rerankers have too."""

    prompt_tokens: _Count = None
    completion_tokens: _Count = None
    input_tokens: _Count = None
    output_tokens: _Count = None
    total_tokens: _Count = None
    cache_read_input_tokens: _Count = None
    cache_creation_input_tokens: _Count = None
    prompt_tokens_details: _Details | None = None
    completion_tokens_details: _Details | None = None
    input_tokens_details: _Details | None = None
    input_token_details: _Details | None = None
    output_tokens_details: _Details | None = None


class _Meta(msgspec.Struct):
    """Cohere's and its kin's: what is billed, and what was counted."""

    billed_units: msgspec.Raw = ABSENT
    tokens: msgspec.Raw = ABSENT


_COUNTS = msgspec.json.Decoder(_Counts | None)
_META = msgspec.json.Decoder(_Meta | None)
_NO_DETAILS = _Details()


def read_stated(usage: msgspec.Raw, meta: msgspec.Raw = ABSENT) -> Usage | None:
    """The usage of an answer; None where there is none, or none that can be believed.

    Args:
        usage: Its member `usage`.
        meta: Its member `meta`, looked at where the other says nothing.
    """
    found = _read(usage)
    if found is not None or not meta:
        return found
    try:
        told = _META.decode(meta)
    except UNREADABLE:
        return None
    return None if told is None else _read(told.billed_units) or _read(told.tokens)


def _read(raw: msgspec.Raw) -> Usage | None:
    if not raw:
        return None
    try:
        counts = _COUNTS.decode(raw)
    except UNREADABLE:
        return None
    return None if counts is None else _usage(counts)


def _usage(counts: _Counts) -> Usage | None:
    asked = _first(counts.prompt_tokens, counts.input_tokens)
    answered = _first(counts.completion_tokens, counts.output_tokens)
    read, written = counts.cache_read_input_tokens, counts.cache_creation_input_tokens
    if asked is None and answered is None and counts.total_tokens is None:
        return None
    sums = (asked, answered, counts.total_tokens, read, written)
    prompt, completion, total, cache_read, cache_write = (int(each or 0) for each in sums)
    if min(prompt, completion, total, cache_read, cache_write) < 0:
        return None
    if prompt + completion + total + cache_read + cache_write > _ABSURD:
        return None
    apart = max(total - prompt - completion - cache_read - cache_write, 0)
    if answered is None:
        prompt, apart = prompt + apart, 0
    inside = counts.prompt_tokens_details or counts.input_tokens_details
    inside = inside or counts.input_token_details or _NO_DETAILS
    outside = counts.completion_tokens_details or counts.output_tokens_details or _NO_DETAILS
    cached, prompt = _part(inside.cached_tokens, prompt)
    audio, prompt = _part(inside.audio_tokens, prompt)
    image, prompt = _part(inside.image_tokens, prompt)
    reasoning, completion = _part((outside.reasoning_tokens or 0) - apart, completion)
    audio_output, completion = _part(outside.audio_tokens, completion)
    return Usage(
        input_tokens=prompt,
        cache_read_tokens=cache_read + cached,
        cache_write_tokens=cache_write,
        output_tokens=completion,
        reasoning_tokens=reasoning + apart,
        audio_input_tokens=audio,
        audio_output_tokens=audio_output,
        image_tokens=image,
    )


def _first(older: _Count, newer: _Count) -> _Count:
    return newer if older is None else older


def _part(wanted: _Count, whole: int) -> tuple[int, int]:
    """A part of a whole, and what is left of it."""
    if not wanted or wanted < 0:
        return 0, whole
    part = min(int(wanted), whole)
    return part, whole - part
