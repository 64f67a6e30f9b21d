"""Everything that can go wrong at a provider, by name.

A fault is a function from the honest reply to the broken one, so any of them can befall any answer:
whole or streamed, text or tools, simulated or recorded.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from antiphon.simulator.faults.events import EVENT_FAULTS
from antiphon.simulator.faults.fault import Damage, Fault, Scene
from antiphon.simulator.faults.statuses import STATUS_FAULTS
from antiphon.simulator.faults.transfer import TRANSFER_FAULTS

__all__ = ["FAULTS", "Damage", "Fault", "Scene"]

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        **STATUS_FAULTS,
        **TRANSFER_FAULTS,
        **EVENT_FAULTS,
    }
)
"""All faults; `docs/guides/simulator.md` has the same table."""
