"""What several suites share: the nursery of gateways, and a place to say what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.kills.children import Nursery

_SAID: list[str] = []


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def say() -> Callable[[str], None]:
    """Puts a line under the results: how many kills, how much memory."""
    return _SAID.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _SAID:
        terminalreporter.section("measured")
    for line in _SAID:
        terminalreporter.write_line(line)
