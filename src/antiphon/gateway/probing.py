"""What a probe of a provider means for its deployments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from antiphon.clock import Clock
from antiphon.config.settings import Settings
from antiphon.gateway.health import Probe
from antiphon.providers.deployment import Deployment
from antiphon.resilience.breaker import hasten


class Weighed(Protocol):
    """A gateway, as far as it is known here."""

    settings: Settings
    clock: Clock

    def deployments(self) -> Sequence[Deployment]:
        """Everything that stands behind a name, once."""
        ...


def weighing(gateway: Weighed) -> Callable[[str, Probe], None]:
    """What is to be told of each probe: the provider's name, and what came of it."""

    def heard(provider: str, probe: Probe) -> None:
        weigh(
            [each for each in gateway.deployments() if each.provider == provider],
            probe,
            unwell_after=gateway.settings.health.unwell_after,
            now=gateway.clock.monotonic(),
        )

    return heard


def weigh(
    deployments: Iterable[Deployment], probe: Probe, *, unwell_after: int, now: float
) -> None:
    """Put them last where too many probes in a row were missed; else in their place.

    A provider that is there again may be probed by a request at once, where a breaker is open.

    Args:
        deployments: Of the provider.
        probe: What came of it.
        unwell_after: Probes in a row.
        now: The monotonic time.
    """
    for each in deployments:
        health = each.health
        if probe.error:
            health.missed += 1
            health.unwell = health.missed >= unwell_after
        elif health.missed:
            health.missed, health.unwell = 0, False
            hasten(health, now)
