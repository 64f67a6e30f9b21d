"""A dialect in which a deployment can be asked.

Many providers speak several: their own, and the one that some popular client needs. A caller who
speaks one of them is answered in it, so that its bytes go through.

Hot path: `head` is one look-up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import msgspec

from antiphon.dialects.base import Dialect
from antiphon.dialects.contract import Quirk, Target
from antiphon.dialects.embeddings import EmbedDialect
from antiphon.model.needs import FORMS, IN_WORDS, Loss, Need
from antiphon.model.omission import OMISSIBLE
from antiphon.providers.abilities import refused_by, told_in_words
from antiphon.providers.auth import header_line
from antiphon.providers.keys import Key
from antiphon.providers.models import ModelFacts

_MOST_HEADS = 64
_NOTHING: Mapping[Need, Loss] = MappingProxyType({})
_NO_FACTS = ModelFacts()
ABSENT_FOR = 600.0
"""Seconds for which a face that was not there is not asked again."""


class Render(Protocol):
    """Writes request line and header lines (`Door.render`)."""

    def __call__(
        self, key: Key, *, request: str, accept: str, content_type: str = "application/json"
    ) -> bytes: ...


class Endpoint(msgspec.Struct, frozen=True):
    """One that is passed on as it is, beside those of a dialect.

    Attributes:
        dialect: Reads what comes back.
        spoken: Names of the dialects beside which it stands.
        method: Of the request.
        path: Behind the dialect's base path; may hold ids and a query.
        kept: The same for many requests.
    """

    dialect: Dialect
    spoken: tuple[str, ...]
    method: str
    path: str
    kept: bool = False


class Face:
    """One of the dialects of one deployment.

    Args:
        paths: Path and query of the endpoint: for a whole answer, and for a stream.
        unlike: What this server does not take, being only like the dialect.
        counting: Path and query of the endpoint that counts tokens; empty where there is none.

    Attributes:
        dialect: What is spoken.
        method: Of its requests.
        target: What is known of the model, for whoever writes a request.
        quirks: The row's, the model's and the configuration's, in this order.
        lines: Header lines of the dialect, for requests that bring none of the caller's.
        refused: What the model refuses of a request in this very dialect.
        in_words: The forms of an answer that are asked for in words here.
        in_words_alike: Of these, what a request of this very dialect can ask for.
        lost: What a request of another dialect loses here, the model's refusals included.
        lost_alike: What a request of this very dialect loses here where it is read.
        refusable: Of `refused`, what can be left out, also of a request that is passed on unread.
        omitted: What is left out of requests of other dialects.
        traits: What a request of another dialect is fitted to.
        going_on: Where an answer that was begun is gone on with; None where it cannot be.
    """

    __slots__ = (
        "_absent_until",
        "_base",
        "_counting",
        "_heads",
        "_render",
        "dialect",
        "going_on",
        "in_words",
        "in_words_alike",
        "lines",
        "lost",
        "lost_alike",
        "method",
        "omitted",
        "paths",
        "quirks",
        "refusable",
        "refused",
        "target",
        "traits",
    )

    def __init__(  # noqa: PLR0913  a record, built in two places
        self,
        dialect: Dialect,
        render: Render,
        *,
        base: str,
        paths: tuple[str, str],
        target: Target,
        quirks: Sequence[Quirk],
        facts: ModelFacts,
        unlike: Mapping[Need, Loss] = _NOTHING,
        method: str = "POST",
        counting: str = "",
    ) -> None:
        self.dialect = dialect
        self.method = method
        self.paths = paths
        self._base = base
        self.target = target
        self.quirks = tuple(quirks)
        self.lines = lines_of(dialect)
        self.refused: Mapping[Need, Loss] = refused_by(facts)
        self.in_words_alike = told_in_words(facts, unlike)
        self.in_words = self.in_words_alike.union(
            need for need in FORMS.values() if need in dialect.losses
        )
        words = dict.fromkeys(self.in_words_alike, IN_WORDS)
        lost = {**dialect.losses, **unlike, **self.refused, **words}
        self.lost_alike: Mapping[Need, Loss] = {**self.refused, **words}
        self.refusable = OMISSIBLE & self.refused.keys()
        self.omitted = self.refusable | (OMISSIBLE & unlike.keys())
        self.traits = dialect.traits
        if Need.CUSTOM_TOOLS in unlike:
            self.traits = msgspec.structs.replace(self.traits, custom_tools=False)
        if facts.later_system and lost.pop(Need.LATER_SYSTEM, None):
            self.traits = msgspec.structs.replace(self.traits, later_system=True)
        self.lost: Mapping[Need, Loss] = lost
        self._render = render
        self._counting = counting
        self._heads: dict[Key, tuple[bytes, bytes]] = {}
        self._absent_until = 0.0
        self.going_on: Face | None = None

    def head(self, key: Key, stream: bool) -> bytes:  # noqa: FBT001  an index, on the hot path
        """Request line and headers for `Call.head`, with this key."""
        heads = self._heads.get(key)
        if heads is None:
            heads = self._rendered(key)
        return heads[stream]

    def beside(self, endpoint: Endpoint, render: Render | None = None) -> Face:
        """The face of another endpoint at the same place.

        Requests go there as they are, unless `render` writes other heads for them.
        """
        path, _, query = f"{self._base}{endpoint.path}".partition("?")
        version = self.paths[0].partition("?")[2]
        queries = "&".join(each for each in (query, version) if each)
        return Face(
            endpoint.dialect,
            render or self._render_passed,
            base=self._base,
            paths=(where := f"{path}?{queries}" if queries else path, where),
            target=self.target,
            quirks=(),
            facts=_NO_FACTS,
            method=endpoint.method,
        )

    def embedding(self, dialect: EmbedDialect) -> Face:
        """The face at the same place where vectors are made, in this shape."""
        path = dialect.target_path(self.target.model, stream=False)
        return self.beside(Endpoint(dialect, dialect.beside, "POST", path), self._render)

    @property
    def counts(self) -> bool:
        """Whether the provider counts the tokens of a prompt without answering it."""
        return bool(self._counting)

    def counting_head(self, key: Key) -> bytes:
        """Request line and headers for a prompt to be counted."""
        return self._render(key, request=f"POST {self._counting}", accept="application/json")

    def is_there(self, now: float) -> bool:
        """Whether it may be asked at this monotonic time."""
        return now >= self._absent_until

    def was_absent(self, now: float) -> None:
        """The provider has no such endpoint: for a while the deployment's own is asked."""
        self._absent_until = now + ABSENT_FOR

    def _rendered(self, key: Key) -> tuple[bytes, bytes]:
        if len(self._heads) >= _MOST_HEADS:  # keys that were rotated away
            self._heads.clear()
        accepts = ("application/json", self.dialect.stream_type.partition(";")[0])
        whole, stream = (
            self._render(key, request=f"{self.method} {path}", accept=accept)
            for path, accept in zip(self.paths, accepts, strict=True)
        )
        heads = (whole, stream)
        self._heads[key] = heads
        return heads

    def _render_passed(
        self, key: Key, *, request: str, accept: str, content_type: str = ""
    ) -> bytes:
        # What is sent, and what may come back, is the caller's to say.
        del accept, content_type
        return self._render(key, request=request, accept="*/*", content_type="")


def lines_of(dialect: Dialect) -> bytes:
    """The header lines of a request in this dialect that brings none of a caller's."""
    return b"".join(
        header_line(name.decode(), value.decode()) for name, value in dialect.headers.items()
    )
