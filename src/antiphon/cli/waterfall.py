"""One request on paper: its attempts on a common axis of time, and its figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from antiphon.cli.paper import Paper, Strokes, clean
from antiphon.model.usage import Usage
from antiphon.usage.ledger.facts import AttemptFacts, RequestFacts

_LEAST_BAR, _MOST_BAR = 10, 100
_MOST_NAME, _MOST_CODE = 40, 28
_SECOND, _MINUTE = 1000.0, 60_000.0
"""In milliseconds."""
_EXACT = 100.0
_LABEL = 10


def waterfall(facts: RequestFacts, paper: Paper) -> Iterator[str]:
    """The lines."""
    yield facts.id
    yield f"  {_summary(facts)}"
    yield f"  {_route(facts)}"
    yield f"  {_owner(facts)}"
    if facts.attempts:
        yield ""
        yield from _bars(facts, paper)
    yield ""
    for name, text in _figures(facts):
        yield f"  {name:<{_LABEL}}{text}".rstrip()


def duration(millis: float) -> str:
    """A time span, as exact as it is worth."""
    if millis < _EXACT:
        return f"{millis:.1f} ms"
    if millis < _SECOND:
        return f"{millis:.0f} ms"
    if millis < 2 * _MINUTE:
        return f"{millis / _SECOND:.2f} s"
    return f"{millis / _MINUTE:.1f} min"


def local(moment: str, timespec: str = "seconds") -> str:
    """A moment in the time zone of whoever reads."""
    return datetime.fromisoformat(moment).astimezone().replace(tzinfo=None).isoformat(" ", timespec)


def verdict(facts: RequestFacts) -> str:
    """How it ended, in a word or two."""
    if facts.outcome in {"ok", "running"}:
        return facts.outcome
    code = facts.error.code if facts.error else ""
    words = [str(facts.status or ""), code or facts.outcome or facts.state]
    return clean(" ".join(word for word in words if word))


def money(dollars: str) -> str:
    """An amount without the places that it does not need."""
    return f"${dollars.rstrip('0').removesuffix('.')}"


def tokens(facts: RequestFacts) -> tuple[int, int]:
    """All tokens of the prompts, and all of the answers."""
    usage = Usage(**facts.usage)
    return usage.input_total, usage.output_total


def _summary(facts: RequestFacts) -> str:
    told = [verdict(facts)]
    match facts.state:
        case "running":
            told.append(f"for {duration(facts.duration_ms)} by now")
        case "unfinished":
            told.append("it is not written how it ended")
        case _:
            told.append(f"after {duration(facts.duration_ms)}")
    if facts.first_token_ms is not None:
        told.append(f"first token after {duration(facts.first_token_ms)}")
    told.append(f"no provider was waited for during {duration(facts.overhead_ms)}")
    return ", ".join(told)


def _route(facts: RequestFacts) -> str:
    form = "a stream" if facts.stream else "whole"
    spoken = [each for each in facts.dialects if each != facts.dialect]
    dialects = f"{facts.dialect} to {' and '.join(spoken)}" if spoken else facts.dialect
    return f"route {clean(facts.route)}, {dialects}, {form}, {local(facts.started, 'milliseconds')}"


def _owner(facts: RequestFacts) -> str:
    named = (
        ("key", facts.key_id),
        ("team", facts.team),
        ("department", facts.department),
        ("user", facts.user),
    )
    return ", ".join(f"{name} {clean(text)}" for name, text in named if text)


def _bars(facts: RequestFacts, paper: Paper) -> Iterator[str]:
    names = [_named(each, paper) for each in facts.attempts]
    codes = [paper.cut(clean(each.code or each.outcome), _MOST_CODE) for each in facts.attempts]
    times = [duration(each.duration_ms) for each in facts.attempts]
    name, code, time = (max(map(len, each)) for each in (names, codes, times))
    number = len(str(len(facts.attempts)))
    left = 2 + number + 2 + name + 2
    width = paper.columns - left - 2 - code - 2 - time
    width = max(_LEAST_BAR, min(width, _MOST_BAR))
    ends = [each.offset_ms + each.duration_ms for each in facts.attempts]
    whole = max([facts.duration_ms, *ends, 0.001])
    before = 0.0
    for index, each in enumerate(facts.attempts):
        bar = _bar(each, before, whole, width, paper.strokes)
        yield (
            f"  {each.number:>{number}}  {names[index]:<{name}}  {bar:<{width}}"
            f"  {codes[index]:<{code}}  {times[index]:>{time}}"
        )
        before = ends[index]
    end = duration(whole)
    yield f"{'':<{left}}0{end:>{width - 1}}"
    yield f"{'':<{left}}{_legend(facts.attempts, paper.strokes)}"


def _bar(attempt: AttemptFacts, before: float, whole: float, width: int, strokes: Strokes) -> str:
    """One attempt on the axis; the pause since the one before it is drawn too."""

    def cell(millis: float) -> int:
        return min(int(millis / whole * width), width - 1)

    begin = cell(attempt.offset_ms)
    end = max(cell(attempt.offset_ms + attempt.duration_ms), begin)
    cells = [" "] * width
    if attempt.number > 1:
        for place in range(min(cell(before) + 1, begin), begin):
            cells[place] = strokes.pause
    first = attempt.first_byte_ms
    mark = width if first is None else min(max(cell(attempt.offset_ms + first), begin), end)
    for place in range(begin, end + 1):
        cells[place] = strokes.waiting if place < mark else strokes.answering
    if first is not None:
        cells[mark] = strokes.first
    return "".join(cells).rstrip()


def _legend(attempts: Sequence[AttemptFacts], strokes: Strokes) -> str:
    told = [(strokes.waiting, "waiting"), (strokes.first, "first byte")]
    told.append((strokes.answering, "answering"))
    if len(attempts) > 1:
        told.append((strokes.pause, "pause"))
    return "  ".join(f"{stroke} {word}" for stroke, word in told)


def _named(attempt: AttemptFacts, paper: Paper) -> str:
    return paper.cut(clean(f"{attempt.provider}/{attempt.model}"), _MOST_NAME)


def _figures(facts: RequestFacts) -> Iterator[tuple[str, str]]:
    asked, said = tokens(facts)
    usage = facts.usage
    apart = [
        f"{usage[word]} {told}"
        for word, told in (
            ("cache_read_tokens", "read from the cache"),
            ("cache_write_tokens", "written to it"),
            ("cache_write_1h_tokens", "written to it for an hour"),
            ("reasoning_tokens", "of thought"),
            ("audio_input_tokens", "of sound in"),
            ("audio_output_tokens", "of sound out"),
            ("image_tokens", "of pictures"),
        )
        if usage[word]
    ]
    more = f" ({', '.join(apart)})" if apart else ""
    yield "tokens", f"{asked} in, {said} out{more}"
    charge = "" if facts.charge == "nothing" else f", {facts.charge}"
    yield "cost", f"{money(facts.cost_usd)}{charge}"
    yield "cache", facts.cache
    if facts.degraded:
        yield "degraded", facts.degraded
    stop = facts.attempts[-1].stop if facts.attempts else ""
    if stop:
        yield "stop", stop
    for warning in facts.warnings:
        yield "warning", clean(warning)
    if facts.error is not None:
        yield "error", clean(f"{facts.error.code}: {facts.error.message}")
