"""`antiphon ledger prove`: every sum checked, with or without a server beside."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from antiphon.cli.output import fail, say, show_json
from antiphon.config.load import load
from antiphon.storage.database import open_to_read
from antiphon.usage.ledger.prove import Proof, prove
from antiphon.usage.ledger.tables import SCHEMA

_HEAD = re.compile(r"[0-9a-f]{64}")


def prove_command(head: str | None, *, config: Path | None, as_json: bool) -> None:
    """Prove the ledger; exits with 1 and the first difference where there is one."""
    head = (head or "").strip().lower()
    if head and (not _HEAD.fullmatch(head) or not head.strip("0")):
        fail("--head takes the 64 hexadecimal digits that an earlier proof told", 2)
    storage = load(config).settings.storage
    database = open_to_read(storage.database_url, [SCHEMA])
    try:
        proof = prove(database, storage.journal_dir, head=head)
    except OSError as error:
        fail(f"the journals in {storage.journal_dir} cannot be read: {error.strerror}")
    finally:
        database.close()
    if as_json:
        show_json({"ok": not proof.difference, **msgspec.structs.asdict(proof)})
    else:
        _tell(proof)
    if proof.difference:
        raise SystemExit(1)


def _tell(proof: Proof) -> None:
    say(f"{proof.rows:,} rows, {proof.manifests:,} manifests: {proof.difference or 'all is well'}")
    if proof.pending:
        say(f"{proof.pending:,} attempts are in journals only; they will be shipped")
    if proof.open:
        say(f"{proof.open:,} attempts are under way, or of processes that were not adopted yet")
    if proof.damage:
        say(f"{proof.damage:,} stretches of journals cannot be read")
    if not proof.head:
        say("no head yet: the first segment of a journal is not whole")
        return
    say(f"head: {proof.head}  (keep it elsewhere: --head proves that it is still in the chain)")
