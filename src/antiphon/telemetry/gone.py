"""What a gateway had and has no more: its series are dropped with it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple


class Gone(NamedTuple):
    """What is in no configuration any more that anybody goes by.

    Attributes:
        routes: Names of routes.
        deployments: As `provider/model`.
        providers: Names, all models of which are gone.
    """

    routes: AbstractSet[str]
    deployments: AbstractSet[str]
    providers: AbstractSet[str]

    def has_deployment(self, provider: str, model: str) -> bool:
        """Whether a deployment is gone."""
        return provider in self.providers or f"{provider}/{model}" in self.deployments

    def has(self, labels: Mapping[str, str]) -> bool:
        """Whether a series tells of something that is gone."""
        if labels.get("route") in self.routes:
            return True
        provider = labels.get("provider")
        if provider is not None and self.has_deployment(provider, labels.get("model", "")):
            return True
        ends = (labels[name] for name in ("from", "to") if "/" in labels.get(name, ""))
        return any(self.has_deployment(*each.split("/", 1)) for each in ends)
