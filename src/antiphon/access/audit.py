"""The chain of administrative acts: each entry holds the hash of the one before.

An entry is written in the transaction of what it tells, so one is never there without the other.
It names ids, never people: a chain cannot forget, and people may be erased. Every entry's number
and hash go to the log `antiphon.audit` as well: a copy of one line, kept elsewhere, tells later
whether anything up to there was changed (`verify`'s `kept`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update

from antiphon.access.tables import audit, audit_head
from antiphon.access.walls import Actor
from antiphon.errors import InvalidRequest

FIRST_HASH = "0" * 64
_HEAD = 1
_HEAD_FORM = re.compile(r"([0-9]{1,18}):([0-9a-fA-F]{64})", re.ASCII)
_log = logging.getLogger("antiphon.audit")
_encoder = msgspec.json.Encoder(order="deterministic")


class Head(NamedTuple):
    """The last link of the chain.

    Attributes:
        number: Of its entry; 0 where there is none.
        hash: Of its entry.
    """

    number: int
    hash: str


def head_in(text: str, what: str = "head") -> Head:
    """A link as it was kept elsewhere: `NUMBER:HASH`.

    Raises:
        InvalidRequest: It is none.
    """
    found = _HEAD_FORM.fullmatch(text.strip())
    if found is None:
        raise InvalidRequest(
            f"{what} must be the number of an entry, a colon, and the 64 hexadecimal digits of its "
            "hash.",
            param=what,
        )
    return Head(int(found[1]), found[2].lower())


class Entry(NamedTuple):
    """One act.

    Attributes:
        number: From 1 on, without a gap.
        at: Microseconds since 1970.
        organisation: The id of the tenant; empty where the act was of none.
        team: The id of the team whose matter it was, or empty.
        actor: Who did it.
        via: How they came.
        request: The id of the request, where one is.
        act: What was done, such as `key.create`.
        target: The id of what it was done to.
        details: As JSON with sorted members.
        previous: The hash of the entry before.
    """

    number: int
    at: int
    organisation: str
    team: str
    actor: str
    via: str
    request: str
    act: str
    target: str
    details: str
    previous: str

    @property
    def hash(self) -> str:
        """The hash of this entry."""
        return sha256(msgspec.msgpack.encode(tuple(self))).hexdigest()


class Act(NamedTuple):
    """What is to be entered.

    Attributes:
        name: Such as `key.create`.
        target: The id of what it was done to.
        organisation: The id of the tenant.
        team: The id of the team whose matter it was, or empty.
        details: Ids, words and numbers; never the name of a person.
    """

    name: str
    target: str
    organisation: str = ""
    team: str = ""
    details: Mapping[str, object] = {}


def enter(connection: Connection, actor: Actor, act: Act, *, at: int) -> int:
    """Enter an act, in the transaction that does it; gives the number of the entry."""
    if actor.rider is not None:
        actor.rider(connection)
    head = head_of(connection)
    entry = Entry(
        head.number + 1,
        at,
        act.organisation,
        act.team,
        actor.id,
        actor.via,
        actor.request,
        act.name,
        act.target,
        _encoder.encode(act.details).decode(),
        head.hash,
    )
    connection.execute(insert(audit).values(**entry._asdict(), hash=entry.hash))
    values = {"number": entry.number, "hash": entry.hash}
    if not connection.execute(update(audit_head).values(values)).rowcount:
        connection.execute(insert(audit_head).values(id=_HEAD, **values))
    # Told before it is sure: of an act that is undone with its transaction the log holds a line
    # too many, and never one too few. The number is then taken by the next act.
    _log.info("entry %d %s", entry.number, entry.hash)
    return entry.number


def head_of(connection: Connection) -> Head:
    """The last link, as the database remembers it."""
    row = connection.execute(select(audit_head.c.number, audit_head.c.hash)).first()
    return Head(row.number, row.hash) if row else Head(0, FIRST_HASH)


def entry_of(row: RowMapping) -> Entry:
    """An entry as it stands in the table."""
    return Entry(*(row[name] for name in Entry._fields))
