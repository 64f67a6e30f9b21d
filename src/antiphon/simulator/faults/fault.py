"""What a fault is."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct

from antiphon.simulator.dialect import Dialect
from antiphon.simulator.received import Received
from antiphon.simulator.reply import Reply
from antiphon.simulator.wires import WIRES


class Scene(Struct, frozen=True):
    """Where a fault happens: what a broken reply may have to know."""

    dialect: Dialect
    received: Received


Damage: TypeAlias = Callable[[Reply, Scene], Reply]


class Fault(Struct, frozen=True):
    """One thing that goes wrong."""

    description: str
    """What the provider does."""
    damage: Damage
    expected: str = ""
    """What a good gateway does about it, in a sentence."""
    wires: frozenset[str] = WIRES
    """Where it makes sense."""


def by_wire(damages: Mapping[str, Damage]) -> Damage:
    """A damage that differs between dialects."""

    def damage(reply: Reply, scene: Scene) -> Reply:
        return damages[scene.dialect.wire](reply, scene)

    return damage
