"""What callers of Messages and Responses see of each fault, and callers of another dialect.

Only what differs from the table of Chat Completions is said here, in its words (`heard_in` says it
in those of the caller): another provider tells the same trouble with other codes, a fault strikes
elsewhere, and some faults have only one dialect.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from antiphon.simulator import FAULTS
from antiphon.simulator.wires import CHAT, MESSAGES, RESPONSES
from tests.server.fault_table import TABLE
from tests.server.fault_words import (
    ANSWER,
    FINE,
    Case,
    both,
    broken,
    cut_off,
    heard_in,
    late,
    overloaded,
    refused,
)

_INSIDE: Final = {
    # The thought came before the text in which it strikes.
    "invalid-utf8": Case(broken("bad_body"), cut_off()),
    "nul-bytes": Case(broken("bad_body"), cut_off()),
    # Without its last event the answer is none.
    "no-done": Case(ANSWER, cut_off()),
    "length-short": Case(broken("bad_body"), cut_off()),
}
_BLOCK_FAULTS: Final = {
    name: FINE for name, fault in FAULTS.items() if not fault.wires & {CHAT} and fault.wires
}
_LIMITED: Final = {
    name: case.plain._replace(why="rate_limit_error")
    for name, case in TABLE.items()
    if case.plain.why == "rate_limit_exceeded"
}

BY_PROVIDER: Final[Mapping[str, Mapping[str, Case]]] = MappingProxyType(
    {
        CHAT: {
            "invalid-utf8": Case(broken("no_choices"), cut_off()),
            "nul-bytes": Case(broken("bad_body"), cut_off()),
        },
        MESSAGES: {
            **_BLOCK_FAULTS,
            **{name: both(seen) for name, seen in _LIMITED.items()},
            "overloaded": both(overloaded("overloaded_error", "1")),
            "quota": both(broken("billing_error", hopeless=True)),
            "bad-key": both(broken("authentication_error", hopeless=True)),
            "key-echo": both(broken("authentication_error", hopeless=True)),
            "forbidden": both(broken("permission_error", hopeless=True)),
            "bad-request": both(refused("bad_request")),
            "content-filter": both(refused("bad_request")),
            "timeout": both(late("timeout_error")),
            "server-error": both(broken("api_error")),
            "error-200": both(overloaded("overloaded_error")),
            **_INSIDE,
            # Why it stopped is said, and its usage: only the last event is missing, which is ours.
            "no-done": FINE,
            "length-short": Case(broken("bad_body"), ANSWER),
            "error-event": Case(ANSWER, cut_off("overloaded")),
            "error-first": Case(ANSWER, overloaded("overloaded_error")),
            # The call in it has no name: what came before it is told, and no half call is.
            "block-unstarted": Case(ANSWER, cut_off()),
        },
        RESPONSES: {
            **_BLOCK_FAULTS,
            **_INSIDE,
            # It says that it is complete; nobody can say more.
            "preamble-only": FINE,
            "response-failed": Case(ANSWER, cut_off()),
        },
    }
)
"""By the provider's dialect: where its faults end otherwise than at one of Chat Completions."""

UNTOLD: Final[Mapping[str, Case]] = MappingProxyType(
    {
        "gzip-cut": both(broken("bad_encoding")),
        "invalid-utf8": both(broken("bad_body"))._replace(stream=broken("bad_event")),
        "nul-bytes": both(broken("bad_body"))._replace(stream=broken("bad_event")),
    }
)
"""Where a thought is not told, its frames are no beginning: another provider may still answer."""
_TRANSFER: Final = ("gzip-cut", "reset-inside", "cut", "truncated", "half-event", "half-character")


class Road(NamedTuple):
    """A caller of one dialect, and a provider of the same or of another one."""

    caller: str
    provider: str

    def __str__(self) -> str:
        return f"{self.caller}-on-{self.provider}"

    @property
    def is_translated(self) -> bool:
        return self.caller != self.provider

    @property
    def faults(self) -> list[str]:
        """Those that the provider can have; between dialects those of what is translated."""
        names = [name for name, fault in FAULTS.items() if self.provider in fault.wires]
        if not self.is_translated:
            return names
        first = list(FAULTS).index("crlf")
        return [*_TRANSFER, *(name for name in names if list(FAULTS).index(name) >= first)]

    def expected(self, fault: str) -> Case:
        """What the caller sees of a fault."""
        case = BY_PROVIDER[self.provider].get(fault) or TABLE[fault]
        if (self.caller, self.provider) == (CHAT, RESPONSES):
            case = UNTOLD.get(fault, case)
        return Case(*(heard_in(self.caller, seen) for seen in case))


EQUAL: Final = (Road(MESSAGES, MESSAGES), Road(RESPONSES, RESPONSES))
TRANSLATED: Final = (
    Road(MESSAGES, CHAT),
    Road(CHAT, MESSAGES),
    Road(RESPONSES, MESSAGES),
    Road(MESSAGES, RESPONSES),
    Road(RESPONSES, CHAT),
    Road(CHAT, RESPONSES),
)

SAID_OTHERWISE: Final = frozenset(
    {"line-separators", "tool-arguments-empty", "tool-arguments-snapshots", "input-twice"}
    | {"thought-untold", "preamble-only"}
)
"""Faults of answers that are passed on and say something else than the honest one."""
READ_OTHERWISE: Final = frozenset(
    {"tool-index-missing", "tool-index-zero", "block-unstarted", "input-in-start"}
    | {"arguments-on-done", "text-on-done"}
)
"""Faults whose bytes pass between equal dialects, and that not every reader understands there."""
