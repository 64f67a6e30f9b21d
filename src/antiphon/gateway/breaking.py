"""The figures of breakers: a route's count for its deployments, and routes must agree."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon.errors import ConfigurationError, Mistake
from antiphon.pipeline.config import WILD, RouteSettings
from antiphon.providers.deployment import Deployment


class Breakers:
    """Whose figures each deployment has, while routes are made."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def set(self, name: str, route: RouteSettings, deployments: Sequence[Deployment]) -> None:
        """Give deployments the figures of a route, where it has any.

        A name with a star takes what other routes leave it: what callers name must not be an error
        of the configuration.

        Raises:
            ConfigurationError: Another route has others for one of them.
        """
        if route.breaker is None:
            return
        figures = route.breaker.figures
        if WILD in name:
            for each in deployments:
                if each.name not in self._said:
                    each.breaking = figures
            return
        for each in deployments:
            other = self._said.setdefault(each.name, name)
            if other != name and each.breaking != figures:
                raise ConfigurationError(
                    [
                        Mistake(
                            "models",
                            f"{name}.breaker",
                            f"differs from that of {other!r}, which has the deployment "
                            f"{each.name} too: a deployment has one breaker",
                        )
                    ]
                )
            each.breaking = figures
