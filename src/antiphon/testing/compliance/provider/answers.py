"""Answers: whole, streamed, in every alphabet, ended as they should be."""

from __future__ import annotations

from msgspec.structs import replace

from antiphon.dialects.base import Dialect
from antiphon.errors import UpstreamError
from antiphon.model.events import USEFUL, Ended, Finished, Started, StreamEvent
from antiphon.model.fold import fold
from antiphon.model.needs import Need
from antiphon.model.reply import ChatReply, StopReason
from antiphon.testing.compliance.cases import events_of, write
from antiphon.testing.compliance.dialect import samples
from antiphon.testing.compliance.findings import Findings, NotSupported, holds
from antiphon.testing.compliance.provider import questions
from antiphon.testing.compliance.provider.live import Live, not_supported

_PROPER = (StopReason.STOP, StopReason.LENGTH)
_REPLACED = "\ufffd"
_LONG = 3
"""Letters of a word that is taken for a stop sequence: one that is said anyway."""


async def whole(live: Live, found: Findings) -> None:
    """A whole answer has text, a stop, the name of its model and a usage."""
    with found.trying("a short question"):
        reply = await live.whole(questions.ask(live.place.model, "Answer with the word pong."))
        _is_said(reply)
        holds(reply.model, "the name of the model", reply.model)


async def conversation(live: Live, found: Findings) -> None:
    """A conversation of several turns with instructions is answered."""
    with found.trying("four turns"):
        _is_said(await live.whole(questions.conversation(live.place.model)))


async def streamed(live: Live, found: Findings) -> None:
    """A stream begins once, has text, says why it stopped and what was used, and ends."""
    with found.trying("a short question"):
        asked = questions.ask(live.place.model, "Answer with the word pong.")
        head, events = await live.stream(asked)
        told = (head.get(b"content-type") or b"").decode("latin-1").partition(";")[0].strip()
        meant = live.dialect.stream_type.partition(";")[0]
        holds(told == meant, f"content-type {meant}", told)
        starts = sum(isinstance(event, Started) for event in events)
        holds(starts == 1, "one beginning", starts)
        stops = sum(isinstance(event, Finished) for event in events)
        holds(stops == 1, "one stop", stops)
        whole = isinstance(events[-1], Ended) or not _has_an_end(live.dialect)
        holds(whole, "the terminal event at the end", events[-1])
        _is_said(fold(events))


async def characters(live: Live, found: Findings) -> None:
    """No character of the answer is broken, whole or in a stream."""
    asked = questions.ask(live.place.model, f"Repeat exactly: {questions.CHARACTERS}")
    with found.trying("whole"):
        _has_characters(await live.whole(asked))
    with found.trying("streamed"):
        _has_characters(fold((await live.stream(asked))[1]))


async def large(live: Live, found: Findings) -> None:
    """A prompt of 20 KB is answered, and counted."""
    with found.trying("20 KB"):
        reply = await live.whole(questions.large(live.place.model))
        _is_said(reply)
        usage = reply.usage
        holds(usage and usage.input_total > 1000, "over 1000 tokens of prompt", usage)  # noqa: PLR2004


async def stop(live: Live, found: Findings) -> None:
    """A stop sequence ends the answer, and is not part of it."""
    with found.trying("a stop sequence"):
        if Need.STOP in live.dialect.losses:
            raise NotSupported("the dialect has no stop sequences")
        asked = questions.ask(live.place.model, "Count from one to nine in English words.")
        words = [word for word in (await live.whole(asked)).text.split() if len(word) >= _LONG]
        if not words:
            raise NotSupported("the model said nothing to stop at")
        word = words[len(words) // 2]
        try:
            reply = await live.whole(replace(asked, stop=(word,)))
        except UpstreamError as error:
            raise not_supported(error) from error
        holds(word not in reply.text, f"no text from {word!r} on", reply.text)
        holds(_reason(reply) is StopReason.STOP, "stop", _reason(reply))


async def length(live: Live, found: Findings) -> None:
    """An answer that meets its bound is cut there, and says so."""
    with found.trying(f"{questions.FEW} tokens"):
        text = "Write a story of a thousand words about a lighthouse."
        asked = questions.ask(live.place.model, text, most=questions.FEW)
        reply = await live.whole(asked)
        holds(_reason(reply) is StopReason.LENGTH, "length", _reason(reply))
        used = None if reply.usage is None else reply.usage.output_total
        holds(used is None or used <= 2 * questions.FEW, f"about {questions.FEW} tokens", used)


async def usage(live: Live, found: Findings) -> None:
    """The same prompt is counted alike, whole and in a stream, and nothing is below 0."""
    asked = questions.ask(live.place.model, "Answer with the word pong.")
    with found.trying("whole and streamed"):
        one = (await live.whole(asked)).usage
        two = fold((await live.stream(asked))[1]).usage
        holds(one is not None, "usage of the whole answer", one)
        holds(two is not None, "usage of the stream", two)
        assert one is not None
        assert two is not None
        near = abs(one.input_total - two.input_total) <= max(8, one.input_total // 20)
        holds(near, f"{one.input_total} tokens of prompt in the stream", two.input_total)
        for each in (one, two):
            holds(each.input_total > 0 and each.output_total > 0, "tokens on both sides", each)
            least = min(getattr(each, name) for name in each.__struct_fields__)
            holds(least >= 0, "no count below 0", each)


async def cancelled(live: Live, found: Findings) -> None:
    """Whoever hangs up in the middle of a stream finds the server answering."""
    with found.trying("hung up after the first word"):
        text = "Write a story of a thousand words about a lighthouse."
        asked = questions.ask(live.place.model, text)
        _, events = await live.stream(asked, until=_is_useful)
        holds(any(map(_is_useful, events)), "a first word", events)
        reply = await live.whole(questions.ask(live.place.model, "Answer with the word pong."))
        _is_said(reply)


def _has_an_end(dialect: Dialect) -> bool:
    """Whether a stream of the dialect ends with an event; where not, its body just ends."""
    return Ended() in events_of(dialect, [write(dialect, samples.events())])


def _has_characters(reply: ChatReply) -> None:
    holds(reply.choices and reply.choices[0].turn.parts, "an answer", reply)
    holds(_REPLACED not in reply.text, "whole characters", reply.text)


def _is_useful(event: StreamEvent) -> bool:
    return isinstance(event, USEFUL)


def _is_said(reply: ChatReply) -> None:
    holds(reply.choices, "an answer", reply)
    turn = reply.choices[0].turn
    holds(turn.parts, "text, or thought", turn)
    holds(_reason(reply) in _PROPER, "stop or length", _reason(reply))
    usage = reply.usage
    used = usage is not None and usage.input_total > 0 and usage.output_total > 0
    holds(used, "usage of prompt and answer", usage)


def _reason(reply: ChatReply) -> StopReason | None:
    stop = reply.choices[0].stop if reply.choices else None
    return None if stop is None else stop.reason
