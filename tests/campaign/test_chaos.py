"""K-16 and the figures of chaos: 20,000 requests to four providers that fail in every way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.__main__ import table
from tests.chaos.figures import counted
from tests.chaos.run import Chaos, run

pytestmark = pytest.mark.campaign


async def test_true_answers_in_bad_weather(tmp_path: Path, say: Callable[[str], None]):
    chaos = Chaos()
    figures = counted(await run(chaos, tmp_path, say=lambda _: None))
    say(table(figures, chaos))
    assert not figures.missed, figures.examples
