"""From a key to its principal.

Keys are looked up by their SHA-256, so the table holds nothing that opens a door, and how long
a look-up takes says nothing about how much of a key was right. A fast hash is enough: keys are
random, so there is no dictionary to try (passwords are another matter).

Hot path: `find` is one digest and one dict look-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType

from antiphon.access.config import KeySettings
from antiphon.model.principal import HOME, Principal

NO_SUBJECTS: Mapping[str, str] = MappingProxyType({})
_SHOWN = 4
"""Bytes of the digest that name a key in logs."""


def digest_of(key: bytes | str) -> bytes:
    """The SHA-256 of a key, by which it is known."""
    return sha256(key if isinstance(key, bytes) else key.encode()).digest()


class StaticKeys:
    """The keys of the configuration, and the admin key.

    Args:
        keys: As configured; their texts are not kept.
        admin: The digest of the admin key, which may do everything.
        subjects: The ids under which the ledger knows the users.
    """

    __slots__ = ("_principals",)

    def __init__(
        self,
        keys: Sequence[KeySettings] = (),
        *,
        admin: bytes | None = None,
        subjects: Mapping[str, str] = NO_SUBJECTS,
    ) -> None:
        self._principals = {
            digest_of(each.key.reveal()): _principal(each, subjects.get(each.user, ""))
            for each in keys
        }
        if admin is not None:
            self._principals[admin] = Principal(
                key_id="admin", scopes=frozenset({"inference", "admin"})
            )

    def find(self, key: bytes | str) -> Principal | None:
        """Whose key this is, or None."""
        if isinstance(key, str):
            key = key.encode("utf-8", "surrogatepass")
        return self._principals.get(sha256(key).digest())

    def named(self, key_id: str) -> Principal | None:
        """Whom a key opens to, by its id; None where there is none."""
        found = (each for each in self._principals.values() if each.key_id == key_id)
        return next(found, None)

    def __len__(self) -> int:
        return len(self._principals)


def static_id(settings: KeySettings) -> str:
    """What logs and usage call a key of the configuration."""
    return f"static-{digest_of(settings.key.reveal())[:_SHOWN].hex()}"


def _principal(settings: KeySettings, subject: str) -> Principal:
    return Principal(
        key_id=static_id(settings),
        team=settings.team,
        department=settings.department,
        user=settings.user,
        subject=subject,
        scopes=frozenset(settings.scopes),
        models=settings.models,
        # Whoever may do everything stands above all tenants.
        organisation="" if "admin" in settings.scopes else HOME,
    )
