"""`antiphon explain`: what would become of a request, without making it.

A gateway that serves is asked, since it knows how busy, how spent and how well everything is. Where
none does, the configuration alone says what it would do.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from antiphon.cli.finding import find_gateway
from antiphon.cli.office import Office
from antiphon.cli.output import fail, looping, remark, say, show_json
from antiphon.cli.reach import Reach
from antiphon.cli.table import printable, table
from antiphon.cli.waterfall import money
from antiphon.config.load import Loaded, load
from antiphon.gateway.asking import IN_PROCESS
from antiphon.gateway.explaining import Asked, explain
from antiphon.gateway.gateway import Antiphon
from antiphon.server.api_explain import PATH, view_of

_members = msgspec.json.Decoder(dict[str, object])
_SPACE = "  "


class Question(NamedTuple):
    """What is to be explained, as it was said on the command line."""

    prompt: Sequence[str]
    model: str | None
    file: Path | None
    dialect: str
    headers: Sequence[str]
    key: str

    @property
    def request(self) -> dict[str, object]:
        """The body; what is wrong ends the command."""
        members: dict[str, object] = {}
        if self.file is not None:
            members = _read(self.file)
        if self.prompt:
            said = " ".join(self.prompt).encode(errors="replace").decode()
            members["messages"] = [{"role": "user", "content": said}]
        if self.model is not None:
            members["model"] = self.model
        if "model" not in members:
            fail("say which model: --model, or a --file that names one", 2)
        if not self.prompt and self.file is None:
            fail("say what would be asked, or give a --file with the request", 2)
        return members

    @property
    def named(self) -> dict[str, str]:
        """The headers by their names."""
        found: dict[str, str] = {}
        for each in self.headers:
            name, colon, value = each.partition(":")
            if not colon or not name.strip():
                fail(f"--header is 'name: value', not {printable(each)!r}", 2)
            found[name.strip().lower()] = value.strip()
        return found


def explain_command(reach: Reach, question: Question) -> None:
    """Print what would become of it."""
    request, headers = question.request, question.named
    loaded = load(reach.config)
    with looping() as runner, find_gateway(reach, loaded, runner) as found:
        if found is not None:
            client, where = found
            body: dict[str, object] = {
                "dialect": question.dialect,
                "request": request,
                "headers": headers,
            }
            if question.key:
                body["as"] = {"key": question.key}
            told = msgspec.json.encode(Office(client, runner, where=where).post(PATH, body))
        else:
            told = _by_configuration(loaded, question, request, headers)
    if reach.as_json:
        show_json(_members.decode(told))
        return
    for line in _lines(msgspec.json.decode(told, type=_Told)):
        say(printable(line))


def _by_configuration(
    loaded: Loaded, question: Question, request: dict[str, object], headers: dict[str, str]
) -> bytes:
    if question.key:
        fail("--as: no gateway serves here that knows keys")
    remark("no gateway serves here: this is what the configuration alone says")
    asked = Asked(dialect=question.dialect, request=msgspec.json.encode(request), headers=headers)
    gateway = Antiphon(loaded)
    found = asyncio.run(explain(gateway, asked, IN_PROCESS))
    return view_of(found, full=True).model_dump_json().encode()


def _read(file: Path) -> dict[str, object]:
    try:
        body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}", 2)
    try:
        return _members.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        fail(f"{file}: it is no JSON object: {error}", 2)


class _Rule(msgspec.Struct):
    rule: str
    matched: bool
    reason: str


class _Decision(msgspec.Struct):
    generation: int
    sensitivity: str
    facts: dict[str, str]
    rules: list[_Rule]
    strategies: list[str]
    active: str


class _Room(msgspec.Struct):
    scope: str
    name: str
    measure: str
    per: str
    bound: str
    used: str
    needs: str
    room: bool
    waits: bool
    shadow: bool


class _Prospect(msgspec.Struct):
    deployment: str
    state: str
    reason: str
    scores: list[float]
    tokens: int
    loses: list[str]
    limits: list[_Room]
    likely_usd: str
    most_usd: str


class _Refusal(msgspec.Struct):
    status: int
    kind: str
    message: str


class _Told(msgspec.Struct):
    model: str
    dialect: str
    stream: bool
    key_id: str
    choice: str
    decision: _Decision | None
    candidates: list[_Prospect]
    limits: list[_Room]
    budgets: list[_Room]
    deadline_seconds: float
    calls: int
    then: list[str]
    steps: list[str]
    cached: bool
    refusal: _Refusal | None


def _lines(told: _Told) -> Iterator[str]:
    """What the answer says, for people."""
    form = "a stream" if told.stream else "whole"
    yield f"{told.model} -> {told.choice or 'nobody'} ({told.dialect}, {form})"
    if told.refusal is not None:
        refusal = told.refusal
        yield f"{_SPACE}refused with {refusal.status} {refusal.kind}: {refusal.message}"
    if told.key_id:
        yield f"{_SPACE}as {told.key_id}"
    if told.decision is not None:
        yield from _decision(told.decision)
    if told.calls:
        yield f"{_SPACE}at most {told.calls} calls, in {told.deadline_seconds:g} s"
    if told.steps:
        yield f"{_SPACE}where all fail: {', '.join(told.steps)}"
    if told.cached:
        yield f"{_SPACE}a stored answer may be given in their place"
    if told.candidates:
        yield ""
        rows = [("", "candidate", "", "why", "scores", "tokens", "likely", "most")]
        rows += [_row(number, each) for number, each in enumerate(told.candidates, 1)]
        yield from (f"{_SPACE}{line}" for line in table(rows, names=5))
        for each in told.candidates:
            yield from (f"{_SPACE}{each.deployment} loses {lost}" for lost in each.loses)
    rooms = [
        *(("limit", "", room) for room in told.limits),
        *(("limit", each.deployment, room) for each in told.candidates for room in each.limits),
        *(("budget", "", room) for room in told.budgets),
    ]
    if rooms:
        yield ""
        cells = [_room(*each) for each in rooms]
        yield from (f"{_SPACE}{line}" for line in table(cells, names=6))


def _decision(decision: _Decision) -> Iterator[str]:
    facts = [f"configuration {decision.generation}", f"sensitivity {decision.sensitivity}"]
    if decision.strategies:
        facts.append(f"strategy {', '.join(decision.strategies)}")
    if decision.active:
        facts.append(f"active {decision.active}")
    facts += [f"{name} {text}" for name, text in decision.facts.items()]
    yield f"{_SPACE}{'; '.join(facts)}"
    for each in decision.rules:
        why = f": {each.reason}" if each.reason else ""
        yield f"{_SPACE}rule {each.rule} {'matches' if each.matched else 'does not match'}{why}"


def _row(number: int, each: _Prospect) -> tuple[str, ...]:
    return (
        str(number),
        each.deployment,
        each.state.replace("_", " "),
        each.reason,
        " ".join(f"{score:.3g}" for score in each.scores),
        str(each.tokens),
        money(each.likely_usd),
        money(each.most_usd),
    )


def _room(kind: str, where: str, room: _Room) -> tuple[str, ...]:
    verdict = "room" if room.room else "told only" if room.shadow else "waits" if room.waits else ""
    per = f" in {room.per}" if room.per else ""
    return (
        kind,
        where or room.scope,
        room.name or "-",
        f"{_short(room.used)} of {_short(room.bound)} {room.measure}{per}",
        f"needs {_short(room.needs)}",
        verdict or "no room",
    )


def _short(figure: str) -> str:
    return figure.rstrip("0").removesuffix(".") if "." in figure else figure
