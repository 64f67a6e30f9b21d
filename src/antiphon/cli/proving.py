"""`antiphon ledger prove` and `write-off`: every sum checked, with or without a server beside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from antiphon.access.audit import Act, enter
from antiphon.access.walls import operator_here
from antiphon.cli.output import fail, say, show_json
from antiphon.clock import SystemClock
from antiphon.config.load import load
from antiphon.errors import PathNotFound
from antiphon.gateway.books import SCHEMAS
from antiphon.leases.estates import Estates
from antiphon.leases.store import LeaseStore
from antiphon.leases.terms import Orphan
from antiphon.storage.database import Database, open_to_read
from antiphon.usage.budgets.prove import LeaseProof, prove_leases
from antiphon.usage.ledger.prove import Proof, prove
from antiphon.usage.ledger.shown import dollars
from antiphon.usage.ledger.tables import SCHEMA

_HEAD = re.compile(r"[0-9a-f]{64}")


def prove_command(head: str | None, *, config: Path | None, as_json: bool) -> None:
    """Prove the ledger; exits with 1 and the first difference where there is one."""
    head = (head or "").strip().lower()
    if head and (not _HEAD.fullmatch(head) or not head.strip("0")):
        fail("--head takes the 64 hexadecimal digits that an earlier proof told", 2)
    storage = load(config).settings.storage
    database = open_to_read(storage.database_url, [SCHEMA])
    leases: LeaseProof | None = None
    try:
        if storage.leases_file.exists():
            store = LeaseStore(storage.leases_file, clock=SystemClock())
            try:
                estates = Estates(store)
                given_up = estates.given_up()
                proof = prove(database, storage.journal_dir, head=head, given_up=given_up)
                leases = prove_leases(estates, database, storage.journal_dir)
            finally:
                store.close()
        else:
            proof = prove(database, storage.journal_dir, head=head)
    except OSError as error:
        fail(f"the journals in {storage.journal_dir} cannot be read: {error.strerror}")
    finally:
        database.close()
    if as_json:
        show_json(
            {
                "ok": not (proof.difference or (leases and leases.difference)),
                **msgspec.structs.asdict(proof),
                "leases": None if leases is None else _leases_object(leases),
            }
        )
    else:
        _tell(proof)
        if leases is not None:
            _tell_leases(leases)
    if proof.difference or (leases and leases.difference):
        raise SystemExit(1)


def write_off_command(orphan: str, *, unspent: bool, config: Path | None, as_json: bool) -> None:
    """Decide about the money of an orphan; the act is entered in the audit."""
    storage = load(config).settings.storage
    if not storage.leases_file.exists():
        raise PathNotFound(f"No orphan goes by the name {orphan[:100]!r}: nothing was ever leased.")
    clock = SystemClock()
    database = Database(storage.database_url, SCHEMAS)
    store = LeaseStore(storage.leases_file, clock=clock)
    try:
        pots = [each for each in Estates(store).orphans() if each.owner == orphan]
        # Entered only if it is done; done without an entry never.
        with database.writing() as connection:
            for act in _acts(orphan, pots, unspent=unspent):
                enter(connection, operator_here(), act, at=store.now())
            Estates(store).write_off(orphan, by="local", release=unspent)
    finally:
        store.close()
        database.close()
    if as_json:
        show_json({"owner": orphan, "unspent": unspent, "pots": [_orphan_object(p) for p in pots]})
        return
    for each in pots:
        becomes = "is free again" if unspent else "counts as spent"
        say(f"{dollars(each.amount)} USD of {_named(each)} {becomes}")


def _acts(owner: str, pots: Sequence[Orphan], *, unspent: bool) -> Iterator[Act]:
    """What is entered: one act for each organisation whose money it is."""
    amounts: dict[str, dict[str, int]] = {}
    for each in pots:
        organisation = each.pot.name.partition("/")[0]
        amounts.setdefault(organisation, {})[_named(each)] = each.amount
    for organisation, of_pots in amounts.items():
        details = {"unspent": unspent, "amounts": of_pots}
        yield Act("leases.write_off", owner, organisation, details=details)


def _leases_object(proof: LeaseProof) -> dict[str, object]:
    return {
        "difference": proof.difference,
        "pots": proof.pots,
        "orphans": [_orphan_object(each) for each in proof.orphans],
    }


def _orphan_object(orphan: Orphan) -> dict[str, object]:
    pot = orphan.pot
    return {
        "owner": orphan.owner,
        "scope": pot.scope,
        "name": pot.name,
        "period": pot.period,
        "amount_usd": dollars(orphan.amount),
        "reason": orphan.reason,
    }


def _named(orphan: Orphan) -> str:
    pot = orphan.pot
    return f"{pot.scope} {pot.name} for {pot.period}"


def _tell_leases(proof: LeaseProof) -> None:
    say(f"{proof.pots:,} budgets in their periods: {proof.difference or 'all is well'}")
    for each in proof.orphans:
        say(
            f"orphan {each.owner}: {dollars(each.amount)} USD of {_named(each)}, of which nobody "
            f"can say whether it was spent ({each.reason})"
        )
    if proof.orphans:
        say("they count as spent; `antiphon ledger write-off ORPHAN` decides about them")


def _tell(proof: Proof) -> None:
    say(f"{proof.rows:,} rows, {proof.manifests:,} manifests: {proof.difference or 'all is well'}")
    if proof.pending:
        say(f"{proof.pending:,} attempts are in journals only; they will be shipped")
    if proof.open:
        say(f"{proof.open:,} attempts are under way, or of processes that were not adopted yet")
    if proof.damage:
        say(f"{proof.damage:,} stretches of journals cannot be read")
    if proof.lost:
        say(f"{proof.lost:,} segments are gone, of journals whose money was written off")
    if not proof.head:
        say("no head yet: the first segment of a journal is not whole")
        return
    say(f"head: {proof.head}  (keep it elsewhere: --head proves that it is still in the chain)")
