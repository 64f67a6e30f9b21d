"""A caller's request for vectors: its bytes, and a typed view for whoever must translate it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from typing_extensions import override

from antiphon.dialects.base import Dialect
from antiphon.dialects.contract import Quirk, ReplyFacts, Target
from antiphon.dialects.embeddings.dialect import EmbedDialect
from antiphon.dialects.embeddings.vectors import check_count
from antiphon.dialects.passed import UntranslatedPayload
from antiphon.errors import MalformedBody
from antiphon.model.embedding import EmbedNeed, EmbedRequest, embed_needs_of
from antiphon.model.needs import Need
from antiphon.wire.shallow import Members


class EmbedPayload(UntranslatedPayload):
    """A request for vectors.

    Args:
        dialect: The caller's.
        members: The body.
        model: Of the path; empty where the body names it.

    Raises:
        MalformedBody: On construction, where no model is named.
    """

    __slots__ = ("_asked", "_wants", "embeds")

    def __init__(self, dialect: EmbedDialect, members: Members, model: str = "") -> None:
        named = model or members.text("model")
        if not named:
            raise MalformedBody("'model' must be a non-empty string.", param="model")
        super().__init__(dialect, named)
        self.embeds = dialect
        self._members = members
        self._asked: EmbedRequest | None = None
        self._wants: frozenset[EmbedNeed] | None = None

    @property
    def asked(self) -> EmbedRequest:
        """The typed request; decoded on first use."""
        if self._asked is None:
            assert self._members is not None
            self._asked = self.embeds.read_request(self._members, self.model)
        return self._asked

    @property
    def wants(self) -> frozenset[EmbedNeed]:
        """What it needs beyond texts; found on first use."""
        if self._wants is None:
            self._wants = embed_needs_of(self.asked)
        return self._wants

    @property
    @override
    def size(self) -> int:
        return len(self.body)

    @override
    def countable(self, size: int) -> int:
        return size

    def names_of(self, need: EmbedNeed) -> tuple[str, ...]:
        """The members in which a caller of this shape asks for a need."""
        return self.embeds.asked_in.get(need, ())

    @override
    def passes(self, dialect: Dialect) -> bool:
        return dialect is self.dialect

    @override
    def encode(
        self,
        target: Target,
        *,
        quirks: Sequence[Quirk] = (),
        dropped: Collection[Need] = (),
        cap: int = 0,
    ) -> bytes:
        assert self._members is not None
        return self.embeds.aimed(self._members, target.model).encode()

    def accepted(self, body: bytes, facts: ReplyFacts) -> bytes:
        """An answer of a provider that got the caller's own bytes, as the caller gets it.

        Raises:
            NotAnAnswer: It has more or fewer vectors than were asked for, or some that are none.
        """
        members = self._members
        assert members is not None
        inputs = self.embeds.inputs_of(members)
        if inputs is not None and facts.vectors is not None:
            check_count(facts.vectors, inputs)
        return self.embeds.as_asked(body, members)
