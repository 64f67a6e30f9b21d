"""What the configuration compiles to: one look-up per request, and nothing left to decide twice.

A `Snapshot` is the configuration in force. It is immutable and replaced whole, so an exchange
that started on one finishes on it.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from antiphon.access.keys import StaticKeys
from antiphon.cache.policy import CachePolicy
from antiphon.dialects.base import Dialect
from antiphon.errors import Forbidden, ModelNotFound
from antiphon.model.principal import Principal
from antiphon.pipeline.choosing import Chooser
from antiphon.pipeline.config import OnLoss, RouteSettings
from antiphon.pipeline.ladder import Degrade
from antiphon.pipeline.wishes import Bounds
from antiphon.providers.deployment import Deployment
from antiphon.resilience.retry import Retry
from antiphon.usage.captures.taking import Tap

_NEAREST = 3
"""Names offered for one that is not known."""


def check_scope(principal: Principal) -> None:
    """Let only those ask a provider who may.

    Raises:
        Forbidden: The key is for other things.
    """
    if "inference" not in principal.scopes:
        raise Forbidden("This key may not ask models: it lacks the scope 'inference'.")


class Plan:
    """A compiled route.

    Attributes:
        alias: The name that callers use; a label of metrics.
        chooser: Says who answers a request, and in which order they are tried.
        deadline: Seconds for the whole request.
        overrides: What callers may wish.
        decides: There is something to decide, and to be told of afterwards.
        retry: How often, and how soon, a deployment that failed is asked again.
        on_loss: What to do where a deployment cannot do all that is asked.
        checks_all: The form of an answer is checked also where its bytes go through.
        invalid_fails: A whole answer without the form that was asked for is none.
        tap: Takes what is said, where the route captures it; else None.
        cache: Knows which answers are given again; None where none are.
        degrade: What stands in where nobody answers; None where nothing does.
        continuation: Streams that break after content are gone on with, where that can be.
    """

    __slots__ = (
        "alias",
        "cache",
        "checks_all",
        "chooser",
        "continuation",
        "deadline",
        "decides",
        "degrade",
        "invalid_fails",
        "on_loss",
        "overrides",
        "retry",
        "tap",
    )

    def __init__(
        self,
        alias: str,
        chooser: Chooser,
        route: RouteSettings,
        tap: Tap | None = None,
        cache: CachePolicy | None = None,
        degrade: Degrade | None = None,
    ) -> None:
        self.alias = alias
        self.chooser = chooser
        self.deadline = route.deadline
        self.decides = len(chooser.deployments) > 1
        self.retry = Retry(route.retry, len(self.deployments))
        self.on_loss: OnLoss = route.on_loss
        overrides = route.overrides
        self.overrides = Bounds(
            overrides.models, overrides.provider, overrides.deadline or 0.0, overrides.tags
        )
        self.checks_all = route.structured.check == "always"
        self.invalid_fails = route.structured.on_invalid == "fail"
        self.continuation = route.continuation
        self.tap = tap
        self.cache = cache
        self.degrade = degrade

    @property
    def deployments(self) -> Sequence[Deployment]:
        """All that may answer, in the order of the configuration."""
        return self.chooser.deployments

    def road(self, heard: Dialect) -> str:
        """How a request of this dialect travels, for people.

        `passthrough` where every deployment speaks it, `translated` where none does, else `mixed`.
        """
        alike = [heard in each.faces for each in self.deployments]
        if all(alike):
            return "passthrough"
        return "mixed" if any(alike) else "translated"


class Shelf(NamedTuple):
    """What a provider keeps under its own key for whoever asks through this gateway.

    Attributes:
        speaks: Names of the dialects that are spoken there.
        plans: By what is kept, such as `files`; none where the configuration does not allow it.
    """

    speaks: frozenset[str]
    plans: Mapping[str, Plan]


class Life:
    """Ends with the snapshot that has it, which tells whoever watches it."""


class Snapshot:
    """The configuration in force, compiled.

    Args:
        plans: By the names that callers use.
        further: Makes the plan of a name that no route has, if there can be one.
        keys: Who may call.
        found: Further names that are known to pass through.
        shelves: What providers keep, by their names.
        generation: Grows with each replacement.
    """

    __slots__ = ("_further", "found", "generation", "keys", "life", "plans", "shelves")

    def __init__(
        self,
        plans: Mapping[str, Plan],
        *,
        further: Callable[[str], Plan | None] | None,
        keys: StaticKeys,
        found: Sequence[str] = (),
        shelves: Mapping[str, Shelf] | None = None,
        generation: int = 1,
    ) -> None:
        self.plans = plans
        self.found = tuple(found)
        self.keys = keys
        self.shelves = shelves or {}
        self.generation = generation
        self.life = Life()
        self._further = further

    def plan(self, model: str) -> Plan:
        """The plan of a name.

        Raises:
            ModelNotFound: No route has it; the nearest names are listed.
        """
        plan = self.plans.get(model)
        if plan is None and self._further is not None:
            plan = self._further(model)
        if plan is None:
            raise ModelNotFound(model, self.nearest(model))
        return plan

    def nearest(self, model: str) -> list[str]:
        """Names that may have been meant: the same behind a provider's name, else similar ones."""
        names = [*self.plans, *self.found]
        same = [name for name in names if name.endswith(f"/{model}")]
        return same[:_NEAREST] or difflib.get_close_matches(model[:200], names, n=_NEAREST)
