"""What a caller sees of each fault of a provider: the table that tests and documentation share.

python -m tests.server.fault_table

writes docs/guides/what-a-caller-sees.md, and the table of all faults into docs/guides/simulator.md.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from antiphon.simulator import FAULTS
from antiphon.simulator.wires import CHAT, MESSAGES, RESPONSES, WIRES

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
PAGE = GUIDES / "what-a-caller-sees.md"
GUIDE = GUIDES / "simulator.md"


class Seen(NamedTuple):
    """What the caller of one request sees.

    Attributes:
        exception: The class that OpenAI's client raises; empty for an answer.
        status: The HTTP status.
        code: `error.code`.
        why: The code of the attempt in `error.attempts`; empty where the error is the provider's.
        retry_after: The header, in seconds.
        hopeless: `x-should-retry: false` stands in the answer.
        begun: Text had come, so the status is 200 and the error an event of the stream.
    """

    exception: str = ""
    status: int = 200
    code: str = ""
    why: str = ""
    retry_after: str = ""
    hopeless: bool = False
    begun: bool = False

    @property
    def is_answer(self) -> bool:
        return not self.exception

    @property
    def falls_back(self) -> bool:
        """Whether a second deployment gives the answer instead."""
        return not self.is_answer and not self.begun and self.code not in CALLERS_FAULT

    def __str__(self) -> str:
        if self.is_answer:
            return "the answer"
        if self.begun:
            return f"what came, then an error event `{self.code}`: `{self.exception}`"
        why = f" ({self.why})" if self.why else ""
        hints = f", `retry-after: {self.retry_after}`" if self.retry_after else ""
        hints += ", `x-should-retry: false`" if self.hopeless else ""
        return f"{self.status} `{self.code}`{why}{hints}: `{self.exception}`"


class Case(NamedTuple):
    """One fault, met by a plain request and by a streamed one."""

    plain: Seen
    stream: Seen


CALLERS_FAULT = {"unsupported_parameter", "content_filter"}
ANSWER = Seen()


def limited(retry_after: str = "") -> Seen:
    return Seen("RateLimitError", 429, "rate_limit_exceeded", "rate_limit_exceeded", retry_after)


def broken(why: str, *, hopeless: bool = False) -> Seen:
    return Seen("InternalServerError", 502, "upstream_error", why, hopeless=hopeless)


def overloaded(why: str, retry_after: str = "") -> Seen:
    return Seen("InternalServerError", 503, "overloaded", why, retry_after)


def late(why: str) -> Seen:
    return Seen("InternalServerError", 504, "timeout", why)


def refused(code: str) -> Seen:
    return Seen("BadRequestError", 400, code)


def cut_off(code: str = "upstream_error") -> Seen:
    return Seen("APIError", 200, code, begun=True)


def both(seen: Seen) -> Case:
    return Case(seen, seen)


FINE = both(ANSWER)

TABLE: dict[str, Case] = {
    # limits
    "rate-limited": both(limited("1")),
    "rate-limited-ms": both(limited("1")),
    "rate-limited-long": both(limited("60")),
    "rate-limited-date": both(limited()),
    "rate-limited-later": both(limited("30")),
    "rate-limited-year": both(limited("60")),
    "rate-limited-negative": both(limited()),
    "rate-limited-garbage": both(limited()),
    "rate-limited-ms-huge": both(limited("60")),
    "rate-limited-bare": both(limited()),
    "no-retry": both(limited()._replace(hopeless=True)),
    "overloaded": both(overloaded("server_is_overloaded", "1")),
    "overloaded-529": both(overloaded("overloaded_error")),
    # statuses
    "quota": both(broken("insufficient_quota", hopeless=True)),
    "bad-key": both(broken("invalid_api_key", hopeless=True)),
    "key-echo": both(broken("invalid_api_key", hopeless=True)),
    "forbidden": both(broken("invalid_request_error", hopeless=True)),
    "no-model": both(Seen("NotFoundError", 404, "model_not_found")),
    "bad-request": both(refused("unsupported_parameter")),
    "context-length": both(refused("context_length_exceeded")),
    "content-filter": both(refused("content_filter")),
    "timeout": both(late("invalid_request_error")),
    "server-error": both(broken("server_error")),
    "server-error-text": both(broken("http_500")),
    "bad-gateway": both(broken("http_502")),
    "unavailable": both(overloaded("http_503")),
    "redirect": both(broken("unexpected_status")),
    "redirect-away": both(broken("unexpected_status")),
    # the body
    "html": both(broken("html_body")),
    "error-200": both(overloaded("overloaded")),
    "empty-200": both(broken("empty_body")),
    "empty-object": both(broken("bad_body")),
    "no-content": Case(broken("empty_body"), broken("truncated")),
    "type-text": FINE,
    "type-json": Case(ANSWER, broken("bad_body")),
    "type-stream": Case(ANSWER, broken("truncated")),
    "not-streamed": Case(ANSWER, broken("not_a_stream")),
    "no-length": FINE,
    "gzip": FINE,
    "gzip-cut": Case(broken("bad_encoding"), cut_off()),
    "gzip-garbage": both(broken("bad_encoding")),
    "unknown-encoding": both(broken("bad_encoding")),
    "bomb": both(broken("body_too_large")),
    # the transfer
    "refused": both(overloaded("connect_refused")),
    "tls-slow": both(late("connect_timeout")),
    "tls-closed": both(broken("tls_error")),
    "reset": both(broken("reset")),
    "hangup": both(broken("closed")),
    "stall": Case(late("total_timeout"), late("first_byte_timeout")),
    "reset-inside": Case(broken("reset"), cut_off()),
    "stall-inside": Case(late("idle_timeout"), cut_off("timeout")),
    "cut": Case(broken("truncated"), cut_off()),
    "truncated": Case(broken("bad_body"), cut_off()),
    "half-event": Case(broken("truncated"), cut_off()),
    "half-character": Case(broken("bad_body"), cut_off()),
    "endless": Case(broken("body_too_large"), cut_off("timeout")),
    "heartbeats": both(late("total_timeout")),
    "drip": both(late("total_timeout")),
    # HTTP
    "garbage": both(broken("bad_http")),
    "bad-chunk": both(broken("bad_http")),
    "length-long": Case(broken("truncated"), ANSWER),
    "length-short": Case(broken("bad_body"), ANSWER),
    "two-lengths": both(broken("bad_http")),
    "length-and-chunks": both(broken("bad_http")),
    "huge-headers": both(broken("headers_too_large")),
    "header-flood": both(broken("headers_too_large")),
    "endless-header": both(broken("headers_too_large")),
    "interim": FINE,
    "trailers": FINE,
    "second-answer": FINE,
    # the framing of events, and bytes
    "crlf": FINE,
    "comments": FINE,
    "event-fields": FINE,
    "data-lines": FINE,
    "byte-chunks": FINE,
    "one-read": FINE,
    "bom": FINE,
    "line-separators": FINE,
    "invalid-utf8": Case(broken("no_choices"), broken("bad_event")),
    "nul-bytes": Case(broken("bad_body"), broken("bad_event")),
    "huge-event": FINE,
    "deep-event": Case(ANSWER, cut_off()),
    "garbage-data": Case(ANSWER, cut_off()),
    # what events say
    "error-event": Case(ANSWER, cut_off()),
    "error-first": Case(ANSWER, broken("server_error")),
    "preamble-only": Case(ANSWER, broken("empty_stream")),
    "empty-choices": FINE,
    "choices-missing": FINE,
    "nulls": FINE,
    "repeated-members": FINE,
    "huge-number": FINE,
    "no-done": FINE,
    "no-finish": FINE,
    "late-content": FINE,
    "done-twice": FINE,
    "after-done": FINE,
    # usage
    "usage-on-choice": FINE,
    "usage-everywhere": FINE,
    "usage-growing": FINE,
    "no-usage": FINE,
    "negative-usage": FINE,
    "huge-usage": FINE,
    "text-usage": FINE,
    "float-usage": FINE,
    "null-usage": FINE,
    # tool calls
    "tool-index-missing": FINE,
    "tool-index-zero": FINE,
    "tool-id-twice": FINE,
    "tool-id-empty": FINE,
    "tool-arguments-empty": FINE,
    "tool-arguments-snapshots": FINE,
    "tool-finish-stop": FINE,
}

HEAD = """# What a caller sees

<!-- Made by `python -m tests.server.fault_table` from the table that the tests run on. -->

Whatever a provider does, a caller gets an answer, or an error that OpenAI's client raises as an
exception of its own; never a 500 of the gateway, never a wait over the configured deadlines, never
half an answer that looks like a whole one. The faults are those of the [simulator](simulator.md),
and every row is a test.

The table is of callers and providers of OpenAI chat. Callers of the other dialects get the same kinds
of error in their own words, with the status that their clients expect ([errors](../errors.md): an
overload is 529 in Messages), whichever dialect the provider speaks; a fault that only one dialect can
have is in the [simulator's list](simulator.md). What was left out of a request that *is* answered
stands in `x-antiphon-warnings` ([losses](../dialects.md#needs-and-losses)).

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
FAULTS_HEAD = """\
| Fault | In | The provider does | A good gateway |
| --- | --- | --- | --- |
"""
SHORT = {CHAT: "Chat", MESSAGES: "Messages", RESPONSES: "Responses"}


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
    return HEAD + "".join(rows)


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
    return "all" if wires == WIRES else ", ".join(SHORT[wire] for wire in SHORT if wire in wires)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    GUIDE.write_text(guide(), "utf-8")
