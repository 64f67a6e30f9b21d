"""A deployment as a route has it."""

from __future__ import annotations

from hashlib import blake2b

from antiphon.providers.address import is_private
from antiphon.providers.deployment import Deployment


class Candidate:
    """One who may answer.

    Attributes:
        deployment: Who.
        weight: Its share of the work, against the others' weights; more than 0.
        local: It runs on one's own machines.
        salt: A number of its name: the same in every process, as different as names are.
    """

    __slots__ = ("deployment", "local", "salt", "weight")

    def __init__(self, deployment: Deployment, weight: float = 1.0) -> None:
        self.deployment = deployment
        self.weight = weight
        self.local = deployment.row.self_hosted or is_private(deployment.origin.host)
        self.salt = number_of(deployment.name.encode())


def number_of(text: bytes) -> int:
    """A number of 60 bits that a text has in every process."""
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 4
