"""Everything that can go wrong at a provider, by name.

A fault is a function from the honest reply to the broken one, so any of them can befall any answer:
whole or streamed, text or tools, simulated or recorded.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from antiphon.simulator.faults.blocks import BLOCK_FAULTS
from antiphon.simulator.faults.bodies import BODY_FAULTS
from antiphon.simulator.faults.calls import CALL_FAULTS
from antiphon.simulator.faults.candidates import CANDIDATE_FAULTS
from antiphon.simulator.faults.continued import CONTINUED_FAULTS
from antiphon.simulator.faults.events import EVENT_FAULTS
from antiphon.simulator.faults.fault import Damage, Fault, Scene
from antiphon.simulator.faults.fragments import FRAGMENT_FAULTS
from antiphon.simulator.faults.framing import FRAMING_FAULTS
from antiphon.simulator.faults.heads import HEAD_FAULTS
from antiphon.simulator.faults.limits import LIMIT_FAULTS
from antiphon.simulator.faults.statuses import STATUS_FAULTS
from antiphon.simulator.faults.transfer import TRANSFER_FAULTS
from antiphon.simulator.faults.usage import USAGE_FAULTS

__all__ = ["CONTINUED_FAULTS", "FAULTS", "Damage", "Fault", "Scene"]

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        **LIMIT_FAULTS,
        **STATUS_FAULTS,
        **BODY_FAULTS,
        **TRANSFER_FAULTS,
        **HEAD_FAULTS,
        **FRAMING_FAULTS,
        **EVENT_FAULTS,
        **USAGE_FAULTS,
        **CALL_FAULTS,
        **BLOCK_FAULTS,
        **FRAGMENT_FAULTS,
        **CANDIDATE_FAULTS,
    }
)
"""All faults; `docs/guides/simulator.md` has the same table."""
