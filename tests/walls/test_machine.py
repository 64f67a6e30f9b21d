"""Neighbours for a while; for longer in the campaign."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.walls.machine import Neighbours
from tests.walls.tenants import Gateway

SHARE = settings(
    max_examples=5,
    stateful_step_count=30,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def live(gateway: Gateway, bound: settings) -> None:
    here = type("Here", (Neighbours,), {"gateway": gateway, "elder": gateway.tenant()})
    run_state_machine_as_test(here, settings=bound)


def test_neighbours(gateway):
    live(gateway, SHARE)


@pytest.mark.campaign
def test_neighbours_for_long(gateway):
    live(
        gateway,
        settings(SHARE, max_examples=150, stateful_step_count=60, derandomize=False),
    )
