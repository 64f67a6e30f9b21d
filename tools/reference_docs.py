# ruff: noqa: E501
"""Writes docs/cli.md, docs/errors.md and docs/metrics.md from the code that they describe.

python tools/reference_docs.py            write the pages
python tools/reference_docs.py --check    fail if one of them is not current
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec
import typer
from typer.core import TyperCommand, TyperGroup

from antiphon.cli.main import app
from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.dialects.openai_responses import OPENAI_RESPONSES
from antiphon.errors import AntiphonError, Kind
from antiphon.gateway.gateway import Antiphon

DOCS = Path(__file__).parents[1] / "docs"
MADE = "<!-- Made by tools/reference_docs.py: edit the code, not this page. -->"

CLI_HEAD = f"""# Commands

{MADE}

`antiphon COMMAND --help` says the same. Every command exits with 0 when it did what it was asked,
1 when it could not (the reason is on standard error), 2 when it was asked wrongly, and 130 when it
was interrupted. `serve` and `simulate` run until SIGINT or SIGTERM, and then exit with 0.
"""

ERRORS_HEAD = f"""# Errors

{MADE}

What a caller gets, by kind, in the words of the dialect that it asks in. Its own SDK raises its own
exception for each.

| Dialect | Body |
| --- | --- |
| OpenAI chat, OpenAI Responses | `{{"error": {{"message", "type", "param", "code"}}, "request_id"}}` |
| Anthropic Messages | `{{"type": "error", "error": {{"type", "message", "code", "param"}}, "request_id"}}`; `code` is our kind, for those who want to know more than the type says |

When every attempt failed, `error.attempts` lists each with its deployment and code. For the kinds
marked with a star, the `code` of OpenAI's dialects is the provider's own word where it sent one.
`retry-after` and `x-should-retry` are headers that the official clients obey; where `x-should-retry`
is not sent, the client's own rule for the status holds.

Paths that nobody answers on are told in the dialect that the caller is likely to read: Anthropic's
below `/anthropic/` and `/v1/messages` and for whoever sends `anthropic-version`, else OpenAI's. So
are `/v1/models` and `count_tokens`. Health and metrics speak OpenAI's envelope.

## The management API

Below `/api/v1`, and only there, errors are problem details (RFC 9457) with the media type
`application/problem+json`:

```json
{{
  "type": "urn:antiphon:error:bad_request",
  "title": "The request is wrong",
  "status": 400,
  "detail": "limit: Input should be greater than or equal to 1; teem: Extra inputs are not permitted",
  "instance": "urn:antiphon:request:req_a0e6de6981e6-00000002",
  "code": "bad_request",
  "param": "limit",
  "errors": [
    {{"detail": "Input should be greater than or equal to 1", "param": "limit"}},
    {{"detail": "Extra inputs are not permitted", "param": "teem"}}
  ]
}}
```

`type` is the kind of the table below, as a URI that never changes; it leads nowhere, since the
gateway asks nobody else for its documentation. `title` is the same for every problem of the kind,
`detail` says what happened, `instance` is the request's id, which `x-antiphon-request-id` has too.
`code` is the kind, or a finer word (`locked`, `full` and so on, where the database failed;
`answer_lost`). `param` is
the first parameter or member at fault. `errors` is there where parameters or the body are wrong, and
has all mistakes: those of parameters with `param`, those of the body with `pointer`, a JSON pointer as
a fragment (`#/owner/team`). The OpenAPI document lists the problems of each operation. `retry-after`
and `x-should-retry` are sent as everywhere.

What is not the caller's to see is told in the same words as what does not exist.

## Inside a stream

An error inside a stream ends it, and nothing follows:

| Dialect | Event |
| --- | --- |
| OpenAI chat | `data:` with the body; no `[DONE]` |
| OpenAI Responses | `error`, on which the official clients raise, then `response.failed`, for which Codex waits; the column "In a stream of Responses" has its code |
| Anthropic Messages | `error` with the body |

## Every kind

| Kind | Status | OpenAI: type | OpenAI: code | In a stream of Responses | Messages: status, type | Retry | When |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""

METRICS_HEAD = f"""# Metrics

{MADE}

`GET /metrics` with the admin key answers in Prometheus' text format. No label holds a key, a user
or a text; label values come from the configuration or from closed sets, and what lies beyond a
bound is counted under `other`: of names that pass through, the first 200 models have labels of their
own. `route` is the name in the configuration, `*` for names that pass through, empty where none was
found. `class` is `ok` or a [kind of error](errors.md); `code` is `ok`, `cancelled`, the transport's
word (`idle_timeout`, `reset`, ...) or, where the provider refused, the kind of its refusal. `team` is
the key's team in the configuration. `type` is `input`, `output`, `cached`, `cache_write`,
`reasoning`, `audio` or `image`; their sum is every token.

Tokens and cost are those of the ledger, attempt by attempt, also of attempts that were broken or
cancelled and are estimated. What they mean, and the same without a metrics server:
[telemetry](guides/telemetry.md).

| Metric | Type | Labels | |
| --- | --- | --- | --- |
"""

RETRY: Mapping[Kind, tuple[str, str]] = {
    Kind.BAD_REQUEST: ("no", "The body is malformed, or a member has a wrong type or value. *"),
    Kind.UNSUPPORTED_PARAMETER: (
        "no",
        "A member asks for what no deployment of the route can do, or what `on_loss: error` forbids to drop. *",
    ),
    Kind.CONTEXT_TOO_LONG: (
        "no",
        "The prompt is too long for every candidate, or for a limit of the caller's.",
    ),
    Kind.UNAUTHENTICATED: ("no", "A key is required, and there is none that is known here."),
    Kind.FORBIDDEN: (
        "no",
        "The key may not do this (`model_not_allowed`: not with this model), or a foreign `Host` or `Origin` asks a gateway without keys.",
    ),
    Kind.NOT_FOUND: ("no", "Nothing answers on that path, or no request goes by that id."),
    Kind.MODEL_NOT_FOUND: (
        "no",
        "No model goes by that name; the message offers the nearest. Where a provider says it with 400, so does the gateway.",
    ),
    Kind.MODEL_UNPRICED: (
        "no",
        "The model has no price, and `prices.unknown` denies such models.",
    ),
    Kind.BUDGET_EXCEEDED: (
        "no",
        "A budget is spent so far that the request might exceed it; the message says whom to ask.",
    ),
    Kind.METHOD_NOT_ALLOWED: (
        "no",
        "The path exists, but not for that method; `allow` lists those that do.",
    ),
    Kind.CONFLICT: (
        "after `retry-after` where sent",
        "What is asked for does not go with what is there, such as a name that is taken; or a request with the same `Idempotency-Key` is still under way.",
    ),
    Kind.KEY_REUSED: (
        "no",
        "The `Idempotency-Key` belongs to another request; see [asking again](guides/asking-again.md).",
    ),
    Kind.TOO_LARGE: ("no", "The body is over `server.max_body_bytes`."),
    Kind.CONTENT_FILTER: ("no", "The provider's filter refused the prompt. *"),
    Kind.RATE_LIMITED: (
        "after `retry-after`",
        "A limit of the caller's is reached, or all were rate limited; the smallest wait is told.",
    ),
    Kind.QUOTA_EXHAUSTED: (
        "not before somebody pays",
        "Every key of every candidate is out of money.",
    ),
    Kind.OVERLOADED: (
        "soon, after `retry-after` where sent",
        "More is under way than `limits` admits, the gateway is shutting down, no provider could be reached, or the ledger could not be read.",
    ),
    Kind.TIMEOUT: ("may help", "Every candidate ran out of time."),
    Kind.REQUEST_TIMEOUT: ("no", "The caller took too long to send its request."),
    Kind.UPSTREAM: ("may help", "Every candidate failed, or answered with what is no answer."),
    Kind.UPSTREAM_AUTH: (
        "not before the key is replaced",
        "The providers refuse the gateway's own keys.",
    ),
    Kind.CLIENT_CLOSED: ("", "The caller left; nobody reads this, but logs and metrics show it."),
    Kind.INTERNAL: (
        "may help",
        "A defect of the gateway; its log has the reason under the request's id.",
    ),
}


def cli() -> str:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    parts = [CLI_HEAD, _options(group, "antiphon")]
    parts += [_section(f"antiphon {name}", each) for name, each in _commands(group)]
    return "\n".join(part for part in parts if part)


def _commands(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def _section(title: str, command: TyperCommand) -> str:
    return f"## `{title}`\n\n{command.help}\n\n{_options(command, title)}"


def _options(command: TyperCommand | TyperGroup, title: str) -> str:
    context = typer.Context(command, info_name=title)
    rows: list[str] = []
    for parameter in command.params:
        record = parameter.get_help_record(context)
        if record is not None:
            name, about = (cell.strip().replace("|", "\\|") for cell in record)
            rows.append(f"| `{name}` | {about} |\n")
    head = f"| {'Option' if title == 'antiphon' else 'Argument or option'} | |\n| --- | --- |\n"
    return head + "".join(rows) if rows else ""


class _Sample(AntiphonError):
    """An error of any kind."""

    def __init__(self, kind: Kind) -> None:
        super().__init__("")
        self._own = kind

    @property
    def error_kind(self) -> Kind:
        return self._own


def errors() -> str:
    return ERRORS_HEAD + "".join(map(_error, Kind))


def _error(kind: Kind) -> str:
    sample = _Sample(kind)
    retry, when = RETRY[kind]
    chat, responses, messages = (
        msgspec.json.decode(dialect.encode_error(sample, request_id="x"))["error"]
        for dialect in (OPENAI_CHAT, OPENAI_RESPONSES, ANTHROPIC_MESSAGES)
    )
    assert chat["type"] == responses["type"]
    code = f"`{chat['code']}`" if chat.get("code") else ""
    if responses.get("code") != chat.get("code"):
        code += f", in Responses `{responses['code']}`"
    cells = (
        f"`{kind}`",
        f"{OPENAI_CHAT.status_of(sample)}",
        f"`{chat['type']}`",
        code + ("\\*" if when.endswith("*") else ""),
        f"`{_failure(sample)}`",
        f"{ANTHROPIC_MESSAGES.status_of(sample)} `{messages['type']}`",
        retry,
        when.removesuffix(" *"),
    )
    return f"| {' | '.join(cells)} |\n"


def _failure(error: AntiphonError) -> str:
    """The code of `response.failed`, the last event of a stream."""
    frames = OPENAI_RESPONSES.encode_stream_error(error, request_id="x").strip()
    data = frames.rpartition(b"data: ")[2]
    return msgspec.json.decode(data)["response"]["error"]["code"]


def metrics() -> str:
    settings = {
        "providers": {"lab": {"base_url": "http://127.0.0.1:9/v1", "api_key": "any"}},
        "models": {"fast": "lab/any"},
    }
    rows = ""
    for family in Antiphon.from_config(settings, environ={}).metrics.families:
        names = ", ".join(f"`{each}`" for each in family.labels)
        rows += f"| `{family.name}` | {family.kind} | {names} | {family.help} |\n"
    return METRICS_HEAD + rows


PAGES: Mapping[str, Callable[[], str]] = {"cli.md": cli, "errors.md": errors, "metrics.md": metrics}


def main(arguments: list[str]) -> int:
    stale = 0
    for name, make in PAGES.items():
        page, current = DOCS / name, make()
        if "--check" not in arguments:
            page.write_text(current, "utf-8")
        elif not page.exists() or page.read_text("utf-8") != current:
            print(f"{name} is not current: run python tools/reference_docs.py")
            stale += 1
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
