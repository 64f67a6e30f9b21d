"""The one command: `dialect`, `provider`, `record`, `schema`, `list`.

Exit status: 0 where nothing failed, 1 where a check did, 2 where what was asked cannot be done.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final

from antiphon.testing.compliance.cases import record
from antiphon.testing.compliance.dialect.suite import CHECKS, dialect_checks, proven
from antiphon.testing.compliance.findings import Result
from antiphon.testing.compliance.provider import suite
from antiphon.testing.compliance.provider.live import BEARER, Place
from antiphon.testing.compliance.report import Report
from antiphon.testing.compliance.schema import canonical_schema
from antiphon.testing.compliance.subject import SHIPPED, NoSuchDialect, Subject, find
from antiphon.version import VERSION
from antiphon.yamlfile.environment import process_environment

OK: Final = 0
FAILED: Final = 1
UNUSABLE: Final = 2


class _Unusable(Exception):
    """What was asked cannot be done; the message says why."""


class _Asked(argparse.Namespace):
    """What stands in the command line."""

    suite: str = ""
    dialect: str = ""
    cases: Path | None = None
    callers_only: bool = False
    only: Sequence[str] = ()
    json: bool = False
    url: str = ""
    model: str = ""
    key_env: str = ""
    auth_header: str = ""
    embedding_model: str = ""
    legacy_max_tokens: bool = False
    timeout: float = 120.0
    dry_run: bool = False


def main(arguments: Sequence[str]) -> int:
    """Run the command; gives its exit status."""
    asked = _parser().parse_args(arguments, namespace=_Asked())
    try:
        return _RUNS[asked.suite](asked)
    except (_Unusable, NoSuchDialect, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return UNUSABLE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m antiphon.testing.compliance",
        description="Checks a wire format or a provider of language models.",
    )
    suites = parser.add_subparsers(dest="suite", required=True, metavar="SUITE")
    dialect = suites.add_parser("dialect", help="check a dialect")
    provider = suites.add_parser("provider", help="check a provider at an address")
    anew = suites.add_parser("record", help="write the results of golden cases anew")
    for each in (dialect, anew):
        each.add_argument("dialect", metavar="NAME", help=f"{', '.join(SHIPPED)}, or MODULE:OBJECT")
        each.add_argument("--cases", type=Path, help="folder of golden cases; ours by default")
    dialect.add_argument("--callers-only", action="store_true", help="no provider is asked in it")
    provider.add_argument("--url", required=True, help="base URL, as https://host/v1")
    provider.add_argument("--dialect", required=True, metavar="NAME", help="as for `dialect`")
    provider.add_argument("--model", required=True, help="the model that is asked")
    provider.add_argument("--key-env", default="", metavar="ENV", help="variable with the key")
    provider.add_argument("--auth-header", default="", help=f"header with the key, as '{BEARER}'")
    provider.add_argument("--embedding-model", default="", help="the model that makes vectors")
    provider.add_argument("--legacy-max-tokens", action="store_true", help="say max_tokens")
    provider.add_argument("--timeout", type=float, default=120.0, help="seconds for a call")
    provider.add_argument("--dry-run", action="store_true", help="say what it costs, ask nothing")
    for each in (dialect, provider):
        each.add_argument("--only", nargs="+", default=[], metavar="CHECK", help="these, or groups")
        each.add_argument("--json", action="store_true", help="a report for programs")
    suites.add_parser("list", help="every check, and what it proves")
    suites.add_parser("schema", help="JSON Schema of canonical.json")
    return parser


def _dialect(asked: _Asked) -> int:
    dialect = find(asked.dialect)
    if asked.cases is not None and not asked.cases.is_dir():
        raise _Unusable(f"{asked.cases} is no folder.")
    checks = dialect_checks(dialect, asked.cases, callers_only=asked.callers_only)
    names = _chosen(asked.only, CHECKS)
    results = [check.run() for check in checks if check.name in names]
    return _told(asked, "dialect", dialect.name, results)


def _provider(asked: _Asked) -> int:
    key = ""
    if asked.key_env:
        key = process_environment().get(asked.key_env, "").strip()
        if not key:
            raise _Unusable(f"{asked.key_env} is not set.")
    place = Place(
        asked.url,
        find(asked.dialect),
        asked.model,
        key,
        auth=asked.auth_header,
        embedding_model=asked.embedding_model,
        legacy_max_tokens=asked.legacy_max_tokens,
        seconds=asked.timeout,
    )
    checks = suite.provider_checks(place, _chosen(asked.only, suite.CHECKS))
    cost = suite.cost_of(checks)
    sys.stderr.write(
        f"{len(checks)} checks of {asked.url}: at most {cost.requests} requests, about "
        f"{cost.prompt} tokens of prompts, at most {cost.answer} tokens of answers.\n"
    )
    if asked.dry_run:
        return OK
    return _told(asked, "provider", asked.url, asyncio.run(_run(checks)))


async def _run(checks: Iterable[suite.ProviderCheck]) -> list[Result]:
    return [await check.run() for check in checks]


def _record(asked: _Asked) -> int:
    subject = Subject(find(asked.dialect), asked.cases)
    if not subject.cases:
        raise _Unusable(f"{subject.folder} holds no cases.")
    for path in record(subject.cases, subject.dialect):
        sys.stdout.write(f"{path}\n")
    return OK


def _list(_asked: _Asked) -> int:
    for name, run in CHECKS.items():
        sys.stdout.write(f"dialect   {name:<20} {proven(run)}\n")
    for name, (run, cost) in suite.CHECKS.items():
        told = f"{cost.requests} requests, {cost.answer} tokens"
        sys.stdout.write(f"provider  {name:<20} {proven(run)} ({told})\n")
    return OK


def _schema(_asked: _Asked) -> int:
    sys.stdout.write(canonical_schema().decode())
    return OK


def _chosen(only: Sequence[str], known: Collection[str]) -> list[str]:
    """The names that are meant: checks, or groups of them."""
    if not only:
        return list(known)
    meant = [name for name in known if name in only or name.partition(".")[0] in only]
    groups = {name.partition(".")[0] for name in known}
    unknown = [name for name in only if name not in known and name not in groups]
    if unknown:
        raise _Unusable(f"No check {', '.join(unknown)}; `list` shows them all.")
    return meant


def _told(asked: _Asked, kind: str, tested: str, results: Sequence[Result]) -> int:
    report = Report(kind, tested, VERSION, tuple(results))
    sys.stdout.write((report.as_json() if asked.json else report.as_text()) + "\n")
    return FAILED if report.failed else OK


_RUNS: Final = {
    "dialect": _dialect,
    "provider": _provider,
    "record": _record,
    "list": _list,
    "schema": _schema,
}
