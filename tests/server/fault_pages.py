"""The pages on faults: what a caller sees, and the table of all faults in the simulator's guide.

python -m tests.server.fault_pages

writes docs/guides/what-a-caller-sees.md, and the table of all faults into docs/guides/simulator.md.
"""

from __future__ import annotations

import re
from pathlib import Path

from antiphon.simulator import FAULTS
from antiphon.simulator.wires import CHAT, GEMINI, MESSAGES, OLLAMA, RESPONSES, WIRES
from tests.server.fault_roads import EQUAL, TRANSLATED, Road
from tests.server.fault_table import TABLE
from tests.server.fault_words import Case, cut_off, heard_in

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
PAGE = GUIDES / "what-a-caller-sees.md"
GUIDE = GUIDES / "simulator.md"
CODES = (
    "rate_limit_exceeded",
    "overloaded",
    "upstream_error",
    "timeout",
    "model_not_found",
    "context_length_exceeded",
)

HEAD = """# What a caller sees

<!-- Made by `python -m tests.server.fault_pages` from the tables that the tests run on. -->

Whatever a provider does, a caller gets an answer, or an error that the official client of its
dialect raises as an exception of its own; never a 500 of the gateway, never a wait over the configured deadlines, never
half an answer that looks like a whole one. The faults are those of the [simulator](simulator.md),
and every row is a test.

The first table is for callers of Chat Completions on a provider of the same dialect; below it stands
[what differs in others](#messages-and-responses), and what a caller sees whose provider
[speaks another dialect](#between-dialects).

The two columns hold for a name with **one deployment and one attempt**. With a second deployment,
the rows marked *yes* end in its answer, and the caller notices nothing: as long as no text has
been sent, another deployment may still give the whole answer. What cannot be helped is a stream
that breaks after text was sent, and a request that every provider would refuse.

In brackets stands what `error.attempts` says of the attempt. 502 becomes 503 where a provider was
overloaded or could not be reached, 504 where the time was over, and 429 where it limited the rate.
A deployment whose only key was refused (`quota`, `bad-key`, `key-echo`) is not asked
again for five minutes.

| Fault | The provider does | A good gateway | A plain request gets | A stream gets | A second deployment helps |
| --- | --- | --- | --- | --- | --- |
"""
OTHERS_HEAD = """
## Messages and Responses

Callers of the other dialects see the same, in their own words: the official clients of OpenAI and
Anthropic in Python raise these, and every error has the request's id where its client looks for it
(`x-request-id`, `request-id`).

| Chat Completions | Messages | Responses |
| --- | --- | --- |
"""
DIFFERING_HEAD = """
Where the provider speaks the caller's dialect, these are the faults whose ends differ from the
table above, or that Chat Completions do not have; that a provider has other codes for the same is
no difference, and its cell is empty.

| Fault | The provider does | A good gateway | Messages | Responses |
| --- | --- | --- | --- | --- |
"""
BETWEEN = """
## Between dialects

A stream that is translated ends as it does between equal dialects: whole, or with an error in the
caller's own dialect. The faults of what events say, and of connections that break inside a stream,
are met by six pairs; those that are left out give all of them the whole answer.

"""
FAULTS_HEAD = """\
| Fault | In | The provider does | A good gateway |
| --- | --- | --- | --- |
"""
SHORT = {CHAT: "Chat", MESSAGES: "Messages", RESPONSES: "Responses"}
NAMES = {**SHORT, GEMINI: "Gemini", OLLAMA: "Ollama"}
"""All that the simulator speaks."""


def _helps(case: Case) -> str:
    if case.plain.is_answer and case.stream.is_answer:
        return ""
    helped = [name for name, seen in zip(Case._fields, case, strict=True) if seen.falls_back]
    hurt = [name for name, seen in zip(Case._fields, case, strict=True) if not seen.is_answer]
    if not helped:
        return "no"
    return "yes" if helped == hurt else f"{' and '.join(helped)} only"


def page() -> str:
    rows = [
        f"| `{name}` {_told(name)} {case.plain} | "
        f"{case.stream if case.stream != case.plain else 'the same'} | {_helps(case)} |\n"
        for name, case in TABLE.items()
    ]
    return HEAD + "".join(rows) + OTHERS_HEAD + _words() + _differing() + BETWEEN + _between()


def _words() -> str:
    """A row for each code: what each client raises, as a status and inside a stream."""
    rows: list[str] = []
    for code in CODES:
        told = next(
            seen for case in TABLE.values() for seen in case if seen.code == code and not seen.begun
        )
        cells = [heard_in(wire, told) for wire in SHORT]
        shown = (f"{seen.status} `{seen.code}`: `{seen.exception}`" for seen in cells)
        rows.append(f"| {' | '.join(shown)} |\n")
    begun = (heard_in(wire, cut_off()) for wire in SHORT)
    inside = (f"inside a stream `{seen.code}`: `{seen.exception}`" for seen in begun)
    return "".join(rows) + f"| {' | '.join(inside)} |\n"


def _differing() -> str:
    """Where the table of Chat Completions does not hold, or has no row."""
    rows: list[str] = []
    for name in FAULTS:
        cases = [_differs(road, name) for road in EQUAL]
        if set(cases) - {"", "-"}:
            rows.append(f"| `{name}` {_told(name)} {' | '.join(cases)} |\n")
    return DIFFERING_HEAD + "".join(rows)


def _differs(road: Road, name: str) -> str:
    if road.provider not in FAULTS[name].wires:
        return "-" if CHAT not in FAULTS[name].wires else ""
    case, told = road.expected(name), TABLE.get(name)
    usual = told and Case(*(heard_in(road.caller, seen) for seen in told))
    return "" if usual and _unexplained(case) == _unexplained(usual) else _both(case)


def _unexplained(case: Case) -> Case:
    """What the caller sees, without the provider's own code."""
    return Case(*(seen._replace(why="") for seen in case))


def _both(case: Case) -> str:
    return str(case.plain) if case.plain == case.stream else f"{case.plain}; stream: {case.stream}"


def _between() -> str:
    """The streams of all pairs, in a word each."""
    names = [name for name in FAULTS if any(name in road.faults for road in TRANSLATED)]
    rows: list[str] = []
    for name in names:
        cells = [_briefly(road, name) for road in TRANSLATED]
        if set(cells) - {"whole", "-"}:
            rows.append(f"| `{name}` | {' | '.join(cells)} |\n")
    heads = (f"{SHORT[road.caller]} on {SHORT[road.provider]}" for road in TRANSLATED)
    head = f"| Fault | {' | '.join(heads)} |\n|{' --- |' * (len(TRANSLATED) + 1)}\n"
    return head + "".join(rows)


def _briefly(road: Road, name: str) -> str:
    if name not in road.faults:
        return "-"
    seen = road.expected(name).stream
    if seen.is_answer:
        return "whole"
    return "cut off, with an error" if seen.begun else f"{seen.status}"


def guide() -> str:
    """The simulator's guide with the faults as they are."""
    rows = (f"| `{name}` | {_wires(name)} {_told(name)}\n" for name in FAULTS)
    table = FAULTS_HEAD + "".join(rows)
    old = re.compile(re.escape(FAULTS_HEAD) + r"(?:\|.*\n)*")
    return old.sub(lambda _: table, GUIDE.read_text("utf-8"))


def _told(name: str) -> str:
    fault = FAULTS[name]
    return f"| {fault.description} | {fault.expected} |"


def _wires(name: str) -> str:
    wires = FAULTS[name].wires
    return "all" if wires == WIRES else ", ".join(NAMES[wire] for wire in NAMES if wire in wires)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    GUIDE.write_text(guide(), "utf-8")
