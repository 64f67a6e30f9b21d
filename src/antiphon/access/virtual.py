"""The virtual keys of one tenant: made, listed, rotated, revoked.

The text of a key is given once, by `create` and `rotate`; the database has its SHA-256 and its
last letters. A rotation makes another text for the same key, and lets the old ones live on for a
while, so that nobody is refused while a deployment takes up the new one.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from hashlib import sha256

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, delete, insert, select, update

from antiphon.access.audit import Act, enter
from antiphon.access.facts import KeyFacts, NewKey
from antiphon.access.keyrows import (
    ACTIVE,
    check_end,
    key_facts,
    models_in,
    span_of,
    state_of,
    texts_of,
)
from antiphon.access.keytext import new_key, shown
from antiphon.access.names import label_of, model_names
from antiphon.access.pages import FIRST, Ask, Page, is_id, rows_of
from antiphon.access.refusals import Conflict
from antiphon.access.revoking import forget_keys, revoke_where
from antiphon.access.roles import Role, Scope, role_of, scopes_of
from antiphon.access.rows import lasting, seen
from antiphon.access.tables import key_secrets, teams, users, virtual_keys
from antiphon.access.walls import Realm
from antiphon.clock import Clock
from antiphon.errors import InvalidRequest
from antiphon.secret import Secret
from antiphon.storage.database import Database

DAY = 86_400.0
LONGEST_OVERLAP = 30 * DAY
LONGEST_LIFE = 100 * 365 * DAY
MOST_SECRETS = 5
"""Texts of one key that may open at once."""


class VirtualKeys:
    """The keys of one tenant, as one actor may see and change them."""

    def __init__(self, database: Database, realm: Realm, *, clock: Clock) -> None:
        self._database = database
        self._realm = realm
        self._clock = clock

    def create(
        self,
        *,
        name: str = "",
        team: str = "",
        user: str = "",
        role: str = Role.MEMBER,
        models: Collection[str] = (),
        expires_in: float | None = None,
        expires_at: int | None = None,
    ) -> NewKey:
        """Make a key.

        Args:
            name: For people; need not be unique.
            team: The id of the team that it is charged to; without one, that of the user.
            user: The id of who holds it.
            role: The most it may do.
            models: The names that it may ask for; empty means all.
            expires_in: Seconds that it lives; None for ever.
            expires_at: When it ends, in microseconds since 1970, in place of that.

        Raises:
            InvalidRequest: Something of it cannot be.
            PathNotFound: There is no such team or user.
            Forbidden: The actor may not, or may do less than the key would.
            StorageFailed: Nothing was done.
        """
        realm = self._realm
        realm.need(Scope.OPERATE)
        name, word, names = label_of(name), role_of(role), sorted(model_names(models))
        life = None if expires_in is None else span_of(expires_in, "expires_in", LONGEST_LIFE)
        realm.need_all(scopes_of(word))
        realm.need_models(names)
        if not (team or user or realm.may(Scope.MANAGE)):
            # Nobody slips out of what bounds themselves by a key of nobody's.
            user, team = realm.actor.user, realm.actor.team
        with self._database.writing() as connection:
            team = self._team(connection, team, user)
            at, key = self._now(), f"key_{secrets.token_hex(8)}"
            if life is not None:
                expires_at = at + life
            elif expires_at is not None:
                check_end(expires_at, at, LONGEST_LIFE)
            details: dict[str, object] = {"role": word.value, "models": names, "user": user}
            details["expires_at"] = expires_at
            entry = self._enter(connection, "key.create", key, team, details, at=at)
            connection.execute(
                insert(virtual_keys).values(
                    id=key,
                    organisation=realm.organisation,
                    team=team or None,
                    user=user or None,
                    name=name,
                    role=word.value,
                    models=msgspec.json.encode(names).decode(),
                    created_at=at,
                    expires_at=expires_at,
                    entry=entry,
                )
            )
            secret = self._add_secret(connection, key, at)
            return NewKey(self._own(connection, key), secret)

    def list(self, ask: Ask = FIRST, *, team: str = "", user: str = "") -> Page[KeyFacts]:
        """A page of them.

        Args:
            ask: Which page.
            team: Only those of this team.
            user: Only those of this user.

        Raises:
            InvalidRequest: There is no such page, or what it is bounded to is no id.
        """
        query = select(virtual_keys)
        if not ask.gone:
            query = query.where(virtual_keys.c.revoked_at.is_(None))
        for name, wanted in (("team", team), ("user", user)):
            if wanted and not is_id(wanted):
                raise InvalidRequest(f"{name} must be an id.", param=name)
            if wanted:
                query = query.where(virtual_keys.c[name] == wanted)
        with self._database.reading() as connection:
            rows, cursor = rows_of(connection, query, virtual_keys, self._realm.keys(), ask)
            now, keys = self._now(), [row["id"] for row in rows]
            texts = texts_of(connection, self._realm.organisation, keys, now)
        found = tuple(key_facts(row, texts.get(row["id"], ()), now) for row in rows)
        return Page(found, cursor)

    def show(self, key: str) -> KeyFacts:
        """One of them.

        Raises:
            PathNotFound: There is none.
        """
        with self._database.reading() as connection:
            return self._facts(connection, self._seen(connection, key))

    def rotate(self, key: str, *, overlap: float = DAY) -> NewKey:
        """Give a key another text.

        Args:
            key: The id.
            overlap: Seconds for which its texts until now still open; 0 ends them at once.

        Raises:
            InvalidRequest: The overlap cannot be.
            PathNotFound: There is no such key.
            Forbidden: The actor may not, or may do less than the key.
            Conflict: It is revoked or expired, or has too many texts that still open.
        """
        lasts = span_of(overlap, "overlap", LONGEST_OVERLAP, zero=True)
        realm = self._realm
        with self._database.writing() as connection:
            row = self._seen(connection, key)
            if key != realm.actor.id:
                # Whoever gets the text can do what the key can.
                realm.need(Scope.OPERATE)
                realm.need_all(scopes_of(row["role"]))
                realm.need_models(models_in(row))
            at = self._now()
            if state_of(row, at) != ACTIVE:
                raise Conflict("The key is revoked or expired; make another.")
            mine = realm.of(key_secrets) & (key_secrets.c.key == key)
            ended = key_secrets.c.ends_at <= at
            connection.execute(delete(key_secrets).where(mine, ended))
            ends = at + lasts
            longer = key_secrets.c.ends_at.is_(None) | (key_secrets.c.ends_at > ends)
            connection.execute(update(key_secrets).where(mine, longer).values(ends_at=ends))
            forget_keys(connection, self._own_condition(key))
            connection.execute(delete(key_secrets).where(mine, ended))
            texts = texts_of(connection, realm.organisation, [key], at)
            if len(texts.get(key, ())) >= MOST_SECRETS:
                raise Conflict(f"The key has {MOST_SECRETS} texts that still open; wait for one.")
            entry = self._enter(
                connection, "key.rotate", key, row["team"] or "", {"ends_at": ends}, at=at
            )
            connection.execute(
                update(virtual_keys).where(self._own_condition(key)).values(entry=entry)
            )
            secret = self._add_secret(connection, key, at)
            return NewKey(self._own(connection, key), secret)

    def revoke(self, key: str) -> KeyFacts:
        """End a key, within a second in every process; one that is revoked stays so.

        Raises:
            PathNotFound: There is none.
            Forbidden: The actor may not, or may do less than the key.
        """
        realm = self._realm
        with self._database.writing() as connection:
            row = self._seen(connection, key)
            if key != realm.actor.id and not self._holds(row):
                realm.need(Scope.OPERATE)
                realm.need_all(scopes_of(row["role"]))
            if row["revoked_at"] is None:
                at = self._now()
                entry = self._enter(connection, "key.revoke", key, row["team"] or "", {}, at=at)
                revoke_where(connection, self._own_condition(key), at=at, entry=entry)
            return self._own(connection, key)

    def _team(self, connection: Connection, team: str, user: str) -> str:
        """The team of a new key; the same as its user's, where that one has a team."""
        realm = self._realm
        if user:
            holder = lasting(connection, users, realm.users(), user)
            own: str = holder["team"] or ""
            if own and team and team != own:
                raise InvalidRequest("The user belongs to another team.", param="team")
            team = team or own
        team = team or realm.team
        if team:
            lasting(connection, teams, realm.teams(), team)
        return team

    def _holds(self, row: RowMapping) -> bool:
        """Whether the key is one of the actor's own."""
        return bool(self._realm.actor.user) and row["user"] == self._realm.actor.user

    def _enter(
        self,
        connection: Connection,
        act: str,
        key: str,
        team: str,
        details: Mapping[str, object],
        *,
        at: int,
    ) -> int:
        entered = Act(act, key, self._realm.organisation, team, details)
        return enter(connection, self._realm.actor, entered, at=at)

    def _add_secret(self, connection: Connection, key: str, at: int) -> Secret:
        secret = new_key()
        row = {
            "digest": sha256(secret.reveal().encode()).digest(),
            "organisation": self._realm.organisation,
            "key": key,
            "shown": shown(secret),
            "created_at": at,
        }
        connection.execute(insert(key_secrets).values(row))
        return secret

    def _seen(self, connection: Connection, key: str) -> RowMapping:
        return seen(connection, virtual_keys, self._realm.keys(), key, "key")

    def _own(self, connection: Connection, key: str) -> KeyFacts:
        """The key as it stands now, for whoever just changed it."""
        own = [self._realm.of(virtual_keys)]
        return self._facts(connection, seen(connection, virtual_keys, own, key, "key"))

    def _own_condition(self, key: str) -> ColumnElement[bool]:
        return self._realm.of(virtual_keys) & (virtual_keys.c.id == key)

    def _facts(self, connection: Connection, row: RowMapping) -> KeyFacts:
        now = self._now()
        texts = texts_of(connection, self._realm.organisation, [row["id"]], now)
        return key_facts(row, texts.get(row["id"], ()), now)

    def _now(self) -> int:
        return int(self._clock.now() * 1e6)
