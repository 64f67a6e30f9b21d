"""A model at a provider: everything that an attempt needs, rendered once.

Hot path: `head` costs the key ring's turn and one look-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from antiphon.clock import NEVER
from antiphon.dialects.base import Dialect
from antiphon.dialects.embeddings import EmbedDialect, EmbedPayload
from antiphon.dialects.registry import EMBEDDING_AT
from antiphon.errors import Kind, UpstreamError
from antiphon.model.ask import Sensitivity
from antiphon.providers.auth import HeaderAuth, Signer
from antiphon.providers.breaking import USUAL, Breaking
from antiphon.providers.catalog import ProviderRow
from antiphon.providers.estimate import Calibration
from antiphon.providers.face import Endpoint, Face
from antiphon.providers.health import Health
from antiphon.providers.keys import DEAD_FOR, Key, KeyRing
from antiphon.providers.models import ModelFacts
from antiphon.providers.pace import Pace
from antiphon.providers.pricing import Charge
from antiphon.providers.transport.call import Origin, Timeouts

LONGEST_REST = 3600.0
"""Seconds for which a provider may ask to be left alone."""


class Door:
    """What all deployments of one provider share.

    Attributes:
        provider: The entry's name.
        row: The row of the catalog that it goes by.
        origin: Where connections go.
        timeouts: The deadlines of each call.
        keys: Shared, so that a dead key is dead for every model.
        auth: How a key is shown.
        signer: Signs each request, where the provider wants that.
        headers: Header lines that every request carries, the key's not among them.
        breaking: When the breakers of its deployments open, unless a route says so.
        region: Where it is; empty if nobody says.
    """

    __slots__ = (
        "auth",
        "breaking",
        "headers",
        "keys",
        "origin",
        "provider",
        "region",
        "row",
        "signer",
        "timeouts",
    )

    def __init__(  # noqa: PLR0913  a record, built in one place
        self,
        provider: str,
        row: ProviderRow,
        *,
        origin: Origin,
        timeouts: Timeouts,
        keys: KeyRing,
        auth: HeaderAuth,
        headers: bytes,
        signer: Signer | None = None,
        breaking: Breaking = USUAL,
        region: str = "",
    ) -> None:
        self.region = region
        self.provider = provider
        self.row = row
        self.origin = origin
        self.timeouts = timeouts
        self.keys = keys
        self.auth = auth
        self.headers = headers
        self.signer = signer
        self.breaking = breaking

    def render(
        self,
        key: Key,
        *,
        request: str,
        accept: str,
        content_type: str = "application/json",
        auth: HeaderAuth | None = None,
    ) -> bytes:
        """Request line and header lines, without `content-length` and the blank line.

        An empty `content_type` is left out. A key is shown as `auth` says, else as usual here.
        """
        return b"".join(
            (
                f"{request} HTTP/1.1\r\nhost: {self.origin.authority}\r\n".encode("ascii"),
                self.headers,
                f"content-type: {content_type}\r\n".encode("ascii") if content_type else b"",
                f"accept: {accept}\r\n".encode("ascii"),
                (auth or self.auth).headers(key),
            )
        )


class Past(NamedTuple):
    """What is known of a deployment that another one may take the place of.

    Attributes:
        origin: Where it was.
        dialect: In which it was asked.
        facts: What it could do.
        health: Goes on.
        pace: Goes on.
        calibration: Goes on.
    """

    origin: Origin
    dialect: Dialect
    facts: ModelFacts
    health: Health
    pace: Pace
    calibration: Calibration


class Deployment:
    """A model at a provider.

    Attributes:
        name: `provider/model`, as it is shown and logged.
        provider: The entry's name.
        model: The model's name there.
        row: The row of the catalog.
        face: The dialect in which it is asked by whoever speaks none of the others.
        faces: All dialects in which it can be asked.
        origin: Where connections go.
        timeouts: The deadlines of each call.
        keys: The provider's.
        signer: Signs each request, where the provider wants that.
        facts: What the model can do.
        clearance: How far requests may go that it is sent.
        calibration: How many tokens a prompt is to it.
        rates: What is charged for it.
        priced: How that is known: `known`, `own`, `self-hosted`, `ceiling` or `free`.
        unpriced: Why it has no price, where it is charged at the ceiling or free; else empty.
        breaking: When its breaker opens: as a route says, else as its provider's entry does.
        health: What attempts have shown.
        pace: How busy and how fast it is.
        region: Where it is, as the configuration says; empty if it does not.
    """

    __slots__ = (
        "_beside",
        "breaking",
        "calibration",
        "clearance",
        "face",
        "faces",
        "facts",
        "health",
        "keys",
        "model",
        "name",
        "origin",
        "pace",
        "priced",
        "provider",
        "rates",
        "region",
        "row",
        "signer",
        "timeouts",
        "unpriced",
    )

    def __init__(
        self,
        door: Door,
        model: str,
        *,
        faces: Sequence[Face],
        facts: ModelFacts,
        charge: Charge,
        clearance: Sensitivity = Sensitivity.INTERNAL,
    ) -> None:
        self.name = f"{door.provider}/{model}"
        self.provider = door.provider
        self.model = model
        self.row = door.row
        self.face = faces[0]
        self.faces = {face.dialect: face for face in faces}
        self.origin = door.origin
        self.timeouts = door.timeouts
        self.keys = door.keys
        self.signer = door.signer
        self.facts = facts
        self.clearance = clearance
        self.calibration = Calibration(facts)
        self.rates = charge.card
        self.priced = charge.how
        self.unpriced = charge.reason
        self.breaking = door.breaking
        self.health = Health()
        self.pace = Pace()
        self.region = door.region
        self._beside: dict[Endpoint | EmbedDialect, Face] = {}

    @property
    def past(self) -> Past:
        """What is known of it; it is shared with whoever goes on with it."""
        spoken = self.face.dialect
        return Past(self.origin, spoken, self.facts, self.health, self.pace, self.calibration)

    def go_on_with(self, past: Past) -> None:
        """Go on with what is known of one of the same name, as far as it tells of this one.

        Not where it is somewhere else now, or speaks otherwise: it is another one then.
        """
        if (past.origin, past.dialect) != (self.origin, self.face.dialect):
            return
        self.health, self.pace = past.health, past.pace
        if past.facts == self.facts:
            self.calibration = past.calibration

    def is_well(self, now: float) -> bool:
        """Whether it deserves its place in the order: it answers, and has a key to ask with."""
        return self.health.is_well(now) and self.keys.alive

    def reset(self) -> None:
        """Take it and its provider's keys into use again, as an operator may ask."""
        self.health.reset()
        self.keys.revive()

    def wakes_at(self, now: float) -> float:
        """When a key may be shown to it; 0 where one may now, or where none is live at all."""
        resting = self.health.resting
        soonest = NEVER
        for key in self.keys.live:
            until = resting.get(key.fingerprint, 0.0)
            if until <= now:
                return 0.0
            soonest = min(soonest, until)
        return 0.0 if soonest == NEVER else soonest

    def resting(self, now: float) -> float:
        """Share of its live keys that it asked not to be shown for a while, 0 to 1."""
        if not self.health.resting:
            return 0.0
        live = self.keys.live
        return sum(not self._takes(each, now) for each in live) / len(live) if live else 0.0

    def take_key(self, now: float) -> Key:
        """The next key that is live and does not rest here.

        Raises:
            UpstreamRefused: There is none (`no_live_key`, `keys_rest`).
        """
        resting = self.health.resting
        return self.keys.take_awake(resting, now) if resting else self.keys.take()

    def set_aside(self, key: Key, error: UpstreamError, now: float) -> bool:
        """A provider refused this key here; gives whether another may be shown.

        Where other models take it, it is set aside for this one alone.
        """
        for_good = error.error_kind is not Kind.QUOTA_EXHAUSTED
        if not self.keys.set_aside(key, error.code, by=self.name, for_good=for_good):
            self.health.rest(key.fingerprint, NEVER if for_good else now + DEAD_FOR)
        return any(self._takes(each, now) for each in self.keys.live)

    def _takes(self, key: Key, now: float) -> bool:
        return self.health.resting.get(key.fingerprint, 0.0) <= now

    def rest(self, key: Key | None, seconds: float, now: float) -> None:
        """The provider asks for rest: of this key, or of all of them."""
        until = now + min(seconds, LONGEST_REST)
        for each in self.keys.live if key is None else (key,):
            self.health.rest(each.fingerprint, until)

    def face_for(self, heard: Dialect, now: float) -> Face:
        """The caller's own dialect where it is spoken there, else the deployment's first."""
        face = self.faces.get(heard)
        return face if face is not None and face.is_there(now) else self.face

    def face_to_go_on(self, heard: Dialect, now: float) -> Face | None:
        """Where it goes on with an answer that was begun; None where it cannot.

        Args:
            heard: The caller's dialect, which is taken first.
            now: Monotonic time.
        """
        near = self.faces.get(heard)
        for face in (near, *self.faces.values()):
            if face is not None and face.going_on is not None and face.going_on.is_there(now):
                return face.going_on
        return None

    @property
    def goes_on(self) -> bool:
        """Whether it can go on with an answer that was begun."""
        return any(face.going_on is not None for face in self.faces.values())

    def face_at(self, endpoint: Endpoint) -> Face | None:
        """The face of an endpoint that is passed on; None where no such dialect is spoken."""
        face = self._beside.get(endpoint)
        if face is None:
            spoken = {face.dialect.name: face for face in self.faces.values()}
            near = next((spoken[name] for name in endpoint.spoken if name in spoken), None)
            if near is None:
                return None
            face = near.beside(endpoint)
            if endpoint.kept:
                self._beside[endpoint] = face
        return face

    def embedding_face(self, asked: EmbedPayload, now: float) -> Face | None:
        """Where vectors are made: in the caller's own shape where it is spoken, else in another.

        None where no dialect is spoken that has an endpoint for them.

        Raises:
            MalformedBody, InvalidRequest: No such shape is spoken, and it cannot be read.
        """
        heard, first = asked.embeds, None
        # The caller's own shape goes first: its bytes go through there.
        for near in sorted(self.faces.values(), key=lambda face: not _has(face, heard)):
            shape = heard
            if not _has(near, heard):
                shape = EMBEDDING_AT.get(near.dialect.name)
                if shape is None:
                    continue
                shape = shape.shape_for(len(asked.asked.inputs))
            face = self._embedding(shape, near)
            if face.is_there(now):
                return face
            first = first or face
        return first

    def _embedding(self, shape: EmbedDialect, near: Face) -> Face:
        face = self._beside.get(shape)
        if face is None:
            face = self._beside[shape] = near.embedding(shape)
        return face


def _has(face: Face, shape: EmbedDialect) -> bool:
    return face.dialect.name in shape.beside
