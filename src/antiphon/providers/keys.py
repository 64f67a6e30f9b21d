"""The keys of one provider: taken in turn, the dead ones set aside.

A key can stand in a file, which is looked at again while requests flow, at most once a second,
and at once when its key is refused. So a key is rotated by writing the file: what is under way
keeps the old key, what comes next takes the new one, and nothing is dropped.

A key that is refused stays set aside until it is replaced or somebody revives it; one whose account
has no money left is tried again after a while.

Hot path: `take` of a ring without files is an attribute and an index.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import msgspec
from typing_extensions import override

from antiphon.clock import NEVER, Clock
from antiphon.errors import ConfigurationError, Disposition, Kind, Mistake, UpstreamRefused
from antiphon.secret import Secret

LOOK_EVERY = 1.0
"""Seconds between two looks at the key files."""
DEAD_FOR = 300.0
"""Seconds after which a key without money is tried again: its account may have been topped up."""

_USABLE = re.compile(r"[\x21-\x7e]*")


class Key:
    """One key; equal only to itself, so that it can index what was rendered for it.

    Attributes:
        fingerprint: The start of its SHA-256.
        answered: When each deployment last answered with it, in monotonic time, by their names.
        refused_at: When one of them last refused it, and was not believed for the others.

    Raises:
        ValueError: On construction: the key cannot stand in a header.
    """

    __slots__ = ("answered", "fingerprint", "refused_at", "secret")

    def __init__(self, secret: Secret) -> None:
        if not _USABLE.fullmatch(secret.reveal()):
            raise ValueError("The key has a space, a line break or a character beyond ASCII.")
        self.secret = secret
        self.fingerprint = hashlib.sha256(secret.reveal().encode()).hexdigest()[:8]
        self.answered: dict[str, float] = {}
        self.refused_at = 0.0

    @override
    def __repr__(self) -> str:
        return f"Key({self.fingerprint})"


class KeyFile(msgspec.Struct, frozen=True):
    """A key that stands in a file and may change there."""

    path: Path


class KeyStatus(msgspec.Struct, frozen=True):
    """What may be shown of a key.

    Attributes:
        fingerprint: The start of its SHA-256.
        live: Whether it is being used.
        reason: Why it was set aside.
        since: When, in seconds since 1970.
        file: Where it is read from.
    """

    fingerprint: str
    live: bool
    reason: str = ""
    since: float = 0.0
    file: str = ""


class KeyRing:
    """Keys taken in turn.

    Raises:
        ConfigurationError: On construction: a key file cannot be read.
        ValueError: On construction: a key cannot be sent.
    """

    __slots__ = ("_clock", "_has_files", "_live", "_look_at", "_slots", "_turn")

    def __init__(self, keys: Sequence[Secret | KeyFile], *, clock: Clock) -> None:
        self._clock = clock
        self._slots = [_Slot(key) for key in keys or [Secret("")]]
        self._has_files = any(slot.file is not None for slot in self._slots)
        self._live: tuple[Key, ...] = ()
        self._turn = -1
        self._look_at = NEVER
        self._sort()

    def take(self) -> Key:
        """The next live key.

        Raises:
            UpstreamRefused: None is live (`code="no_live_key"`).
        """
        if self._look_at != NEVER and self._clock.monotonic() >= self._look_at:
            self._look()
        live = self._live
        if len(live) == 1:
            return live[0]
        if not live:
            raise _none_live()
        self._turn = (self._turn + 1) % len(live)
        return live[self._turn]

    def take_awake(self, resting: Mapping[str, float], now: float) -> Key:
        """The next live key that does not rest.

        Args:
            resting: Until when keys do, by their fingerprints; those of other keys do not matter.
            now: The monotonic time.

        Raises:
            UpstreamRefused: There is none (`no_live_key`; `keys_rest`, where it will come back).
        """
        soonest = NEVER
        for _ in self.live:
            key = self.take()
            until = resting.get(key.fingerprint, 0.0)
            if until <= now:
                return key
            soonest = min(soonest, until)
        if soonest == NEVER:
            raise _none_live()
        raise UpstreamRefused(
            "Every key of this provider rests, as it asked for.",
            kind=Kind.RATE_LIMITED,
            disposition=Disposition.TRANSIENT,
            code="keys_rest",
            retry_after=soonest - now,
        )

    def set_aside(self, key: Key, reason: str, *, by: str, for_good: bool = True) -> bool:
        """A deployment refused this key; gives whether that is believed for all of them.

        It is not where another has answered with the key since one was last refused: then the key
        is good, and may not ask for this model. The file of the key is read at once, so a rotation
        costs one refused attempt at most.

        Args:
            key: What was refused.
            reason: Why.
            by: The name of the deployment.
            for_good: Time alone will not change it, as it may where there is no money left.
        """
        now = self._clock.monotonic()
        elsewhere = max((at for name, at in key.answered.items() if name != by), default=0.0)
        if elsewhere > key.refused_at:
            key.refused_at = now
            return False
        for slot in self._slots:
            if slot.key is key and not slot.renewed():
                slot.reason = reason
                slot.since = self._clock.now()
                slot.until = NEVER if for_good else now + DEAD_FOR
        self._sort()
        return True

    @property
    def live(self) -> Sequence[Key]:
        """The keys that are in use; one whose time has come is among them again."""
        if self._look_at != NEVER and self._clock.monotonic() >= self._look_at:
            self._look()
        return self._live

    @property
    def alive(self) -> bool:
        """Whether any key is live."""
        return bool(self.live)

    def revive(self) -> None:
        """Take all keys into use again, as an operator may ask."""
        for slot in self._slots:
            slot.until = 0.0
        self._sort()

    def adopt(self, other: KeyRing) -> None:
        """Have the keys of another ring from now on, in its order.

        A key that was here already stays the same, and set aside if it was. Who has taken one that
        is gone keeps it.
        """
        known = {(slot.file, slot.key.secret): slot for slot in self._slots}
        self._slots = [known.get((each.file, each.key.secret), each) for each in other._slots]
        self._has_files = other._has_files
        self._turn = -1
        self._sort()

    def forget(self, deployments: Collection[str]) -> None:
        """Forget when these answered: they are no more."""
        for slot in self._slots:
            for name in deployments:
                slot.key.answered.pop(name, None)

    def status(self) -> tuple[KeyStatus, ...]:
        """Each key, as it may be shown."""
        return tuple(slot.status() for slot in self._slots)

    def _look(self) -> None:
        now = self._clock.monotonic()
        for slot in self._slots:
            slot.renewed()
            if slot.until <= now:
                slot.until = 0.0
        self._sort()

    def _sort(self) -> None:
        self._live = tuple(slot.key for slot in self._slots if not slot.until)
        revival = min((slot.until for slot in self._slots if slot.until), default=NEVER)
        next_look = self._clock.monotonic() + LOOK_EVERY if self._has_files else NEVER
        self._look_at = min(revival, next_look)


def _none_live() -> UpstreamRefused:
    return UpstreamRefused(
        "No key of this provider is accepted any more.",
        kind=Kind.UPSTREAM_AUTH,
        disposition=Disposition.DEAD_KEY,
        code="no_live_key",
    )


class _Slot:
    """One place of the ring, and the key that stands there now."""

    __slots__ = ("_seen", "file", "key", "reason", "since", "until")

    def __init__(self, source: Secret | KeyFile) -> None:
        self.file = source.path if isinstance(source, KeyFile) else None
        self._seen = None if self.file is None else _trace(self.file)
        self.key = _read(source.path) if isinstance(source, KeyFile) else Key(source)
        self.reason = ""
        self.since = 0.0
        self.until = 0.0

    def renewed(self) -> bool:
        """Whether the file held another key than before, which is then in use and not dead.

        A file that is gone, empty or unusable changes nothing: it may be half written.
        """
        if self.file is None:
            return False
        try:
            seen = _trace(self.file)
            if seen == self._seen:
                return False
            key = _read(self.file)
        except ConfigurationError:
            return False
        self._seen = seen
        if key.secret == self.key.secret:
            return False
        self.key = key
        self.until = 0.0
        return True

    def status(self) -> KeyStatus:
        file = "" if self.file is None else str(self.file)
        if not self.until:
            return KeyStatus(self.key.fingerprint, live=True, file=file)
        return KeyStatus(
            self.key.fingerprint, live=False, reason=self.reason, since=self.since, file=file
        )


def _trace(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError as error:
        raise _unreadable(path, error.strerror or "") from error
    return (found.st_mtime_ns, found.st_ino, found.st_size)


def _read(path: Path) -> Key:
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, type(error).__name__) from error
    if not text:
        raise _unreadable(path, "it is empty")
    try:
        return Key(Secret(text))
    except ValueError as error:
        raise _unreadable(path, str(error)) from error


def _unreadable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError([Mistake(str(path), "", f"no key could be read: {why}")])
