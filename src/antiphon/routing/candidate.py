"""A deployment as a route has it."""

from __future__ import annotations

from antiphon.providers.deployment import Deployment


class Candidate:
    """One who may answer.

    Attributes:
        deployment: Who.
        weight: Its share of the work, against the others' weights; more than 0.
    """

    __slots__ = ("deployment", "weight")

    def __init__(self, deployment: Deployment, weight: float = 1.0) -> None:
        self.deployment = deployment
        self.weight = weight
