"""Usage: the provider's sums to our disjoint words, and back.

`promptTokenCount` includes what was read from a cache; the prompts of tools that the provider ran
are counted beside it; `candidatesTokenCount` excludes thought. Sound and pictures of the prompt
are told by kind, those of the cache apart. A negative or absurd sum makes the whole unreadable; a
detail may move tokens, never make or unmake them.
"""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon.dialects.fields import UNREADABLE, Written
from antiphon.model.usage import Usage

_ABSURD: Final = 10**10
_IMAGE: Final = frozenset({"IMAGE", 2})
_AUDIO: Final = frozenset({"AUDIO", 4})

_Count = int | float | None


class Share(msgspec.Struct, gc=False, rename="camel"):
    """Tokens of one kind of content."""

    modality: str | int = ""
    token_count: _Count = None


class Counts(msgspec.Struct, rename="camel"):
    """What a provider states; None is what it does not say."""

    prompt_token_count: _Count = None
    cached_content_token_count: _Count = None
    candidates_token_count: _Count = None
    thoughts_token_count: _Count = None
    tool_use_prompt_token_count: _Count = None
    total_token_count: _Count = None
    prompt_tokens_details: list[Share] | None = None
    cache_tokens_details: list[Share] | None = None
    candidates_tokens_details: list[Share] | None = None


STATED: Final = frozenset(Counts.__struct_encode_fields__)
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
    if counts is None:
        return None
    told, every = counts.prompt_token_count, counts.total_token_count
    answered, mused = counts.candidates_token_count, counts.thoughts_token_count
    if told is None and every is None and answered is None and mused is None:
        return None
    prompt, total = int(told or 0), int(every or 0)
    tools = int(counts.tool_use_prompt_token_count or 0)
    said, thought = int(answered or 0), int(mused or 0)
    if prompt < 0 or tools < 0 or said < 0 or thought < 0 or total < 0:
        return None
    if prompt + tools + said + thought > _ABSURD or total > _ABSURD:
        return None
    # What is in the total and nowhere else is thought that was not told apart.
    thought += max(total - prompt - tools - said - thought, 0)
    cached, rest = _part(counts.cached_content_token_count, prompt)
    asked, inside = counts.prompt_tokens_details, counts.cache_tokens_details
    audio, rest = _part(_of(asked, _AUDIO) - _of(inside, _AUDIO), rest)
    image, rest = _part(_of(asked, _IMAGE) - _of(inside, _IMAGE), rest)
    spoken, said = _part(_of(counts.candidates_tokens_details, _AUDIO), said)
    return Usage(
        input_tokens=rest + tools,
        cache_read_tokens=cached,
        output_tokens=said,
        reasoning_tokens=thought,
        audio_input_tokens=audio,
        audio_output_tokens=spoken,
        image_tokens=image,
    )


def write_usage(usage: Usage) -> Written:
    """Usage as Gemini writes it: noughts are left out, but for the prompt and the total."""
    out: Written = {"promptTokenCount": usage.input_total}
    cached, said = usage.cache_read_tokens, usage.output_tokens + usage.audio_output_tokens
    if cached:
        out["cachedContentTokenCount"] = cached
    if said:
        out["candidatesTokenCount"] = said
    if usage.reasoning_tokens:
        out["thoughtsTokenCount"] = usage.reasoning_tokens
    out["totalTokenCount"] = usage.total
    if usage.audio_input_tokens or usage.image_tokens:
        plain = usage.input_total - usage.audio_input_tokens - usage.image_tokens
        asked = (
            ("TEXT", plain),
            ("IMAGE", usage.image_tokens),
            ("AUDIO", usage.audio_input_tokens),
        )
        out["promptTokensDetails"] = _shares(*asked)
    if usage.audio_output_tokens:
        out["candidatesTokensDetails"] = _shares(
            ("TEXT", usage.output_tokens), ("AUDIO", usage.audio_output_tokens)
        )
    return out


def _shares(*counted: tuple[str, int]) -> list[Written]:
    return [{"modality": kind, "tokenCount": count} for kind, count in counted if count]


def _of(shares: list[Share] | None, kinds: frozenset[str | int]) -> int:
    count = 0
    for each in shares or ():
        if each.modality in kinds and each.token_count and each.token_count > 0:
            count += int(each.token_count)
    return count


def _part(wanted: _Count, whole: int) -> tuple[int, int]:
    """A part of a whole, and what is left of it."""
    if not wanted or wanted < 0:
        return 0, whole
    part = min(int(wanted), whole)
    return part, whole - part
