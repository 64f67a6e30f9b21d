"""`antiphon audit verify`: the chain of acts, followed with or without a server beside."""

from __future__ import annotations

from pathlib import Path

from antiphon.access.audit import head_in
from antiphon.access.desk import verify_audit
from antiphon.access.verify import Verdict
from antiphon.cli.output import fail, remark, say, show_json
from antiphon.config.load import load
from antiphon.errors import InvalidRequest
from antiphon.gateway.books import SCHEMAS
from antiphon.storage.database import open_to_read


def verify_command(head: str | None, *, config: Path | None, as_json: bool) -> None:
    """Prove the audit; exits with 1 where it does not hold."""
    try:
        kept = None if head is None else head_in(head, "--head")
    except InvalidRequest as error:
        fail(error.message, 2)
    database = open_to_read(load(config).settings.storage.database_url, SCHEMAS)
    try:
        verdict = verify_audit(database, kept=kept)
    finally:
        database.close()
    if as_json:
        show_json(_object(verdict))
    else:
        _tell(verdict)
    if not verdict.holds:
        raise SystemExit(1)


def _tell(verdict: Verdict) -> None:
    said = "all is well" if verdict.holds else f"{len(verdict.findings)} things are not as entered"
    say(f"{verdict.entries:,} entries: {said}")
    for finding in verdict.findings:
        say(f"  {finding.kind}: {finding.message}")
    number, digest = verdict.head
    say(f"head: {number}:{digest}")
    remark("keep the head elsewhere: --head proves that it is still in the chain")


def _object(verdict: Verdict) -> dict[str, object]:
    """As the API tells it."""
    return {
        "holds": verdict.holds,
        "entries": verdict.entries,
        "head": verdict.head._asdict(),
        "findings": [finding._asdict() for finding in verdict.findings],
    }
