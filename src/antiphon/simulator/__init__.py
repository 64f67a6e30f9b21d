"""Providers to practise on: real sockets, real wire formats, the same answers every time.

Used by the demo, the tests, the benchmarks and whoever wants to try the gateway without a key. It
shares no code with the gateway's dialects, so that a mistake there cannot hide behind the same
mistake here.
"""

from antiphon.simulator.dialect import Problem
from antiphon.simulator.faults import FAULTS, Fault, Scene
from antiphon.simulator.fleet import Fleet, fleet_specs
from antiphon.simulator.latency import PROFILES, Latency
from antiphon.simulator.received import Outcome, Received
from antiphon.simulator.replay import Recording, Recordings
from antiphon.simulator.rules import FaultRule, Match
from antiphon.simulator.simulator import Simulator
from antiphon.simulator.spec import SimulatorSpec

__all__ = [
    "FAULTS",
    "PROFILES",
    "Fault",
    "FaultRule",
    "Fleet",
    "Latency",
    "Match",
    "Outcome",
    "Problem",
    "Received",
    "Recording",
    "Recordings",
    "Scene",
    "Simulator",
    "SimulatorSpec",
    "fleet_specs",
]
