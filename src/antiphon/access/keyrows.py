"""The rows of keys, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Connection, RowMapping, select

from antiphon.access.facts import KeyFacts, SecretFacts
from antiphon.access.tables import key_secrets
from antiphon.errors import InvalidRequest

ACTIVE, EXPIRED, REVOKED = "active", "expired", "revoked"
_models = msgspec.json.Decoder(tuple[str, ...])


def key_facts(row: RowMapping, texts: Sequence[SecretFacts], now: int) -> KeyFacts:
    """What is told of a row of `virtual_keys`."""
    state = state_of(row, now)
    return KeyFacts(
        id=row["id"],
        name=row["name"],
        team=row["team"] or "",
        user=row["user"] or "",
        role=row["role"],
        models=models_in(row),
        secrets=tuple(texts) if state == ACTIVE else (),
        state=state,
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )


def state_of(row: RowMapping, now: int) -> str:
    """Whether a key opens."""
    if row["revoked_at"] is not None:
        return REVOKED
    expires_at: int | None = row["expires_at"]
    return EXPIRED if expires_at is not None and expires_at <= now else ACTIVE


def models_in(row: RowMapping) -> tuple[str, ...]:
    """The models of a row."""
    return _models.decode(row["models"])


def texts_of(
    connection: Connection, organisation: str, keys: Sequence[str], now: int
) -> Mapping[str, list[SecretFacts]]:
    """The texts that still open, by key; the newest first."""
    query = (
        select(key_secrets)
        .where(
            key_secrets.c.organisation == organisation,
            key_secrets.c.key.in_(keys),
            key_secrets.c.ends_at.is_(None) | (key_secrets.c.ends_at > now),
        )
        .order_by(key_secrets.c.created_at.desc(), key_secrets.c.ends_at.is_(None).desc())
    )
    found: dict[str, list[SecretFacts]] = {}
    for row in connection.execute(query).mappings():
        facts = SecretFacts(
            shown=row["shown"], created_at=row["created_at"], ends_at=row["ends_at"]
        )
        found.setdefault(row["key"], []).append(facts)
    return found


def span_of(seconds: object, what: str, most: float, *, zero: bool = False) -> int:
    """A stretch of time in microseconds.

    Args:
        seconds: As it was given.
        what: The member that it stands in, for the error.
        most: Seconds.
        zero: Whether it may be none at all.

    Raises:
        InvalidRequest: It is no number, not finite, not above zero, or over the most.
    """
    if (
        isinstance(seconds, (int, float))
        and not isinstance(seconds, bool)
        # Compared before it is multiplied: an integer has no bound, and a float may be no number.
        and 0 <= seconds <= most
        and (seconds or zero)
    ):
        return max(1, round(seconds * 1e6)) if seconds else 0
    least = "at least" if zero else "above"
    raise InvalidRequest(
        f"{what} must be a number of seconds {least} 0 and at most {most:.0f}.", param=what
    )


def check_end(expires_at: int, now: int, most: float) -> None:
    """Check when a key is to end, both times in microseconds.

    Raises:
        InvalidRequest: It has passed, or is more than so many seconds away.
    """
    if not now < expires_at <= now + most * 1e6:
        raise InvalidRequest(
            "expires_at must be a time to come, at most a hundred years away.", param="expires_at"
        )
