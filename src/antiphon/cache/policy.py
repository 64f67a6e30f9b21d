"""What a route does with answers, compiled; and the keys under which it keeps them.

Hot path: plain objects; a key is one hash over what was prepared.
"""

from __future__ import annotations

from hashlib import sha256

from antiphon.cache.canonical import canonical
from antiphon.cache.config import RouteCacheSettings
from antiphon.cache.statistics import Tally
from antiphon.cache.wall import Scope, Tenant, wall

_FORMAT = b"antiphon cache 1"
"""Stands in every key: a change of what an entry means changes it."""


class CachePolicy:
    """The compiled `cache` of a route.

    Args:
        alias: The name that callers use.
        plan: A digest of all that makes two plans of the same name answer differently:
            deployments, quirks, guards, prompts.
        stale_for: Seconds beyond its life for which an answer may stand in where nobody answers.
        tally: Counts of before, where the route was compiled anew.

    Attributes:
        ttl: Seconds for which an answer is fresh.
        stale_for: Seconds after that for which it may stand in where no provider answers.
        scope: Who shares answers.
        share: Whether equal requests share a call.
        tool_calls: Whether answers that ask for tools are stored.
        tally: What became of the route's requests.
    """

    __slots__ = (
        "_guarded",
        "_seed",
        "alias",
        "scope",
        "share",
        "stale_for",
        "tally",
        "tool_calls",
        "ttl",
    )

    def __init__(
        self,
        settings: RouteCacheSettings,
        *,
        alias: str,
        plan: bytes,
        stale_for: float = 0,
        tally: Tally | None = None,
    ) -> None:
        self.alias = alias
        self.ttl = settings.ttl
        self.stale_for = stale_for
        self.scope = Scope(settings.scope)
        self._guarded = self.scope.shared
        self.share = settings.share
        self.tool_calls = settings.tool_calls
        self.tally = tally or Tally()
        self._seed = sha256()
        for piece in (_FORMAT, alias.encode("utf-8", "surrogatepass"), plan):
            self._seed.update(b"%d:%b" % (len(piece), piece))

    @property
    def keeps(self) -> float:
        """Seconds after which an answer is of no use any more."""
        return self.ttl + self.stale_for

    def key(self, tenant: Tenant, dialect: str, body: bytes, headers: bytes = b"") -> bytes | None:
        """The key of a request; None where it can be answered by its own call only.

        Args:
            tenant: Who asks.
            dialect: In which he asks, and is answered.
            body: What he asks, as it goes to the first attempt.
            headers: Lines of his that go on to the provider, and may change its answer.
        """
        asked = canonical(body, guarded=self._guarded)
        if asked is None:
            self.tally.skipped += 1
            return None
        digest = self._seed.copy()
        bricks = wall(tenant, self.scope)
        about = f"{len(bricks)}:{bricks}{len(dialect)}:{dialect}{len(headers)}:"
        digest.update(about.encode("utf-8", "surrogatepass"))
        if headers:
            digest.update(headers)
        digest.update(asked)
        return digest.digest()
