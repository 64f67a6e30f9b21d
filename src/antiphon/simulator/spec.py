"""A pretend provider on paper."""

from pathlib import Path

from msgspec import Struct

from antiphon.simulator.begun import Way
from antiphon.simulator.latency import Latency
from antiphon.simulator.rules import FaultRule


class SimulatorSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that makes one simulator differ from another."""

    name: str = "simulator"
    """Stands in every answer, as the header `x-antiphon-simulator`."""
    port: int = 0
    """0 takes any free one."""
    seed: int = 0
    """Other seeds give other answers, waits and chances."""
    latency: Latency | str = "instant"
    """A profile's name or figures."""
    models: tuple[str, ...] = ("sim-small", "sim-large", "sim-reason")
    """What `/v1/models` lists; any other name is answered too."""
    keys: frozenset[str] | None = None
    """The keys that are accepted; `None` accepts all, and none at all."""
    strict: bool = False
    """Refuses what real providers refuse of a conversation, and not only of its shape."""
    prefill: Way = "trailing"
    """How it is asked to go on with an answer that was begun; `never` where it does not."""
    replay: Path | None = None
    """A file or folder of recordings."""
    replay_pause: float = 0.001
    """Seconds between the cuts of a recording, so that each is received on its own."""
    faults: tuple[FaultRule, ...] = ()
    """Armed from the start."""
    refuse_for: float = 1.0
    """Seconds for which the faults `refused`, `tls-slow` and `tls-closed` last."""
    keep: int = 1_000
    """How many received requests are kept."""
