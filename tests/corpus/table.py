"""What becomes of recorded traffic: read, written again, translated, per provider and wire.

python -m tests.corpus.table [FOLDER]     prints it, of the folder, else of ANTIPHON_CORPUS,
                                          else of what is committed
python -m tests.corpus.table --write      writes docs/corpus.md, of what is committed
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from antiphon.dialects.base import Dialect, Payload
from antiphon.dialects.registry import DIALECTS
from antiphon.errors import InvalidRequest
from antiphon.model.needs import Need, Severity
from antiphon.model.parts import Refusal, Text
from antiphon.model.reply import ChatReply, StopReason
from antiphon.wire.shallow import Members
from tests.corpus import beside, exchanges, gemini, messages, ollama, responses
from tests.corpus.answers import Answered, answered, read, recorded
from tests.corpus.asking import heard_of, request_of
from tests.corpus.exchanges import DATA, Exchange
from tests.corpus.relaying import KNOWN, SPOKEN, WIRES

PAGE: Final = Path(__file__).parents[2] / "docs" / "corpus.md"
NAMES: Final = {
    "openai_chat": "Chat",
    "openai_responses": "Responses",
    "anthropic_messages": "Messages",
    "gemini": "Gemini",
    "ollama": "Ollama",
}
SHAPES: Final = ("whole", "streams", "errors")
HEAD: Final = """\
# Recorded traffic

<!-- Made by `python -m tests.corpus.table --write` from tests/corpus/data: do not edit. -->

What becomes of the committed recordings of real providers (`tests/corpus/data`). `make corpus`
prints the same of any folder of such files that `ANTIPHON_CORPUS` names.

*Read*: request and answer are decoded, wherever the network cut a stream. *Again*: written in
the same dialect they mean what they meant. The columns behind them are the answers that keep their
meaning in another dialect, of all that are no errors: text, calls and their arguments, total usage
and class of stop. Of the requests some arrive in another dialect without a word to be said, some
with a warning (*warned*), and some are *refused*, because the answer would be another. `tests/corpus/test_across.py` and `test_asked_across.py` do
the same over real sockets, with the official clients and with strict providers.
"""


class Seen(Struct, frozen=True):
    """One exchange.

    Attributes:
        shape: The answer is whole, a stream or an error.
        arrived: By the other dialects, whether the answer means the same; empty for an error.
        lost: By the other dialects, the needs of the request that a caller is told of.
        asked: The request is recorded.
    """

    wire: str
    provider: str
    shape: str
    is_read: bool
    is_same: bool
    arrived: dict[str, bool]
    lost: dict[str, tuple[Need, ...]]
    asked: bool


def look(exchange: Exchange) -> Seen:
    """Read it, write it again, translate it."""
    wire = exchange["wire"]
    spoken = DIALECTS[WIRES[wire]]
    others = [DIALECTS[name] for name in SPOKEN if name != spoken.name]
    body = request_of(exchange)
    payload = None
    answer = None
    try:
        answer = answered(exchange)
        payload = None if body is None else _asked(exchange, body)
    except Exception:  # noqa: BLE001 - whatever it is, it was not read
        is_read = False
    else:
        is_read = True
    return Seen(
        wire=wire,
        provider=exchange["provider"],
        shape=_shape(answer),
        is_read=is_read,
        is_same=is_read and _is_same(exchange),
        arrived={one.name: arrives(answer, one) for one in others} if answer else {},
        lost={one.name: tuple(_lost(payload, one)) for one in others} if payload else {},
        asked=body is not None,
    )


def _asked(exchange: Exchange, body: dict[str, Any]) -> Payload | None:
    """The request, read; None where it is none, as its provider said as well."""
    try:
        payload = _payload(DIALECTS[heard_of(exchange)], {"model": "m"} | body)
        assert payload.request
    except InvalidRequest:
        if exchange["response"]["status"] != 400:
            raise
        return None
    return payload


def _shape(answer: Answered | None) -> str:
    if answer is None:
        return "errors"
    return "whole" if answer.events is None else "streams"


_CHECKS: Final[dict[str, Callable[[Exchange], object]]] = {
    "openai-chat": exchanges.check,
    "openai-responses": responses.check,
    "anthropic-messages": messages.check,
    "gemini": gemini.check,
    "ollama": ollama.check,
}


def _is_same(exchange: Exchange) -> bool:
    try:
        _CHECKS[exchange["wire"]](exchange)
    except Exception:  # noqa: BLE001 - whatever it is, something changed
        return False
    return True


def _payload(dialect: Dialect, body: dict[str, Any]) -> Payload:
    return Payload(dialect, Members.parse(json.dumps(body).encode()))


def _lost(payload: Payload, target: Dialect) -> Iterator[Need]:
    for need in sorted(payload.needs & target.losses.keys()):
        if target.losses[need].severity is not Severity.SAFE:
            yield need


def arrives(answer: Answered, target: Dialect) -> bool:
    """Whether an answer, told in a dialect, is read there as what it was."""
    streams = answer.events is not None
    try:
        heard = read(target, answer.written(target), streams=streams)
    except Exception:  # noqa: BLE001 - whatever it is, it did not arrive
        return False
    return heard is not None and _means_the_same(answer.reply, heard.reply)


def _means_the_same(said: ChatReply, heard: ChatReply) -> bool:
    if said.usage is not None:
        if heard.usage is None:
            return False
        sums = [(usage.input_total, usage.output_total) for usage in (said.usage, heard.usage)]
        if sums[0] != sums[1]:
            return False
    stops = [_class(reply) for reply in (said, heard)]
    return _words(said) == _words(heard) and (stops[0] is None or stops[0] == stops[1])


def _words(reply: ChatReply) -> object:
    turn = reply.choices[0].turn
    text = "".join(part.text for part in turn.parts if isinstance(part, Text | Refusal))
    return text, [(call.name, json.loads(call.arguments or "{}")) for call in turn.tool_calls]


_CLASSES: Final = {
    # Not every dialect has a word for the difference.
    StopReason.FILTER: StopReason.REFUSAL,
    StopReason.CONTEXT: StopReason.LENGTH,
    StopReason.PAUSE: StopReason.LENGTH,
}


def _class(reply: ChatReply) -> StopReason | None:
    choice = reply.choices[0]
    if choice.stop is None:
        return None
    reason = _CLASSES.get(choice.stop.reason, choice.stop.reason)
    refused = any(isinstance(part, Refusal) for part in choice.turn.parts)
    return StopReason.REFUSAL if refused and reason is StopReason.STOP else reason


# ------------------------------------------------------------------ writing


def tables(seen: Sequence[Seen]) -> str:
    """A table for each wire, and one of the losses."""
    return "\n".join(line for wire in WIRES for line in _of_wire(wire, seen))


def _of_wire(wire: str, seen: Sequence[Seen]) -> Iterator[str]:
    ours = [one for one in seen if one.wire == wire]
    spoken = WIRES[wire]
    others = [name for name in SPOKEN if name != spoken]
    providers = sorted({one.provider for one in ours})
    yield f"\n## {NAMES[spoken]}\n"
    named = [f"to {NAMES[name]}" for name in others]
    yield _row("Provider", "exchanges", *SHAPES, "read", "again", *named)
    yield _row(*["---"] * (7 + len(others)))
    for provider in providers:
        yield _answers(provider, [one for one in ours if one.provider == provider], others)
    yield _answers("**all**", ours, others)
    yield "\nThe requests:\n"
    yield _row("Provider", "requests", *named)
    yield _row(*["---"] * (2 + len(others)))
    for provider in providers:
        yield _requests(provider, [one for one in ours if one.provider == provider], others)
    yield _requests("**all**", ours, others)
    yield "\nWhat they lose:\n"
    yield _row("Asked for", "in", "requests", "becomes")
    yield _row(*["---"] * 4)
    for name in others:
        for need, count in sorted(
            Counter(n for one in ours for n in one.lost.get(name, ())).items()
        ):
            loss = DIALECTS[name].losses[need]
            how = f"refused: {loss.how}" if loss.severity is Severity.REFUSE else loss.how
            yield _row(f"`{need.value}`", NAMES[name], count, how)


def _answers(provider: str, ours: Sequence[Seen], others: Sequence[str]) -> str:
    cells: list[object] = [
        provider,
        len(ours),
        *(sum(one.shape == shape for one in ours) for shape in SHAPES),
        sum(one.is_read for one in ours),
        sum(one.is_same for one in ours),
    ]
    for name in others:
        arrived = [one.arrived[name] for one in ours if one.arrived]
        cells.append(f"{sum(arrived)} of {len(arrived)}" if arrived else "")
    return _row(*cells)


def _requests(provider: str, ours: Sequence[Seen], others: Sequence[str]) -> str:
    cells: list[object] = [provider, sum(one.asked for one in ours)]
    for name in others:
        asked = [one.lost[name] for one in ours if one.lost]
        refused = sum(any(_refuses(name, need) for need in lost) for lost in asked)
        warned = sum(bool(lost) for lost in asked) - refused
        told = [f"{warned} warned"] * bool(warned) + [f"{refused} refused"] * bool(refused)
        cells.append(f"{len(asked)}" + (f" ({', '.join(told)})" if told else "") if asked else "")
    return _row(*cells)


def _refuses(dialect: str, need: Need) -> bool:
    return DIALECTS[dialect].losses[need].severity is Severity.REFUSE


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def page() -> str:
    """The page, of what is committed."""
    return HEAD + _all_of(DATA) + "\n" + _differences()


def _all_of(folder: Path) -> str:
    chats = tables([look(one) for one in recorded(folder)])
    return "\n".join([chats, *beside.lines(beside.seen_in(folder), _row)])


def _differences() -> str:
    reasons: dict[str, dict[str, Sequence[str]]] = json.loads(KNOWN.read_text("utf-8"))
    rows = [
        _row(reason, len(found), ", ".join(f"`{name}`" for name in found))
        for reason, found in reasons.items()
    ]
    head = [_row("Reason", "exchanges", "recordings"), _row(*["---"] * 3)]
    told = """
## Known differences

Where an official client reads something else through the gateway than directly, in the whole corpus:
"""
    return "\n".join([told, *head, *rows]) + "\n"


def main(arguments: list[str]) -> None:
    if "--write" in arguments:
        PAGE.write_text(page(), "utf-8")
        return
    folder = Path(arguments[0] if arguments else os.environ.get("ANTIPHON_CORPUS") or DATA)
    print(_all_of(folder))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
