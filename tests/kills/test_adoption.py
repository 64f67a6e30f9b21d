"""Whoever adopts may die too, and two may adopt at once: each row still stands there once."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kills.audit import Audit
from tests.kills.children import KILLED, Die, Nursery, at
from tests.unit.usage.books import Office, opened, unanswered

POINTS = ("adopt", "adopted", "unlinked", "left")
CHOSEN = [("adopt", 1), ("adopted", 2), ("unlinked", 1), ("left", 1)]
JOURNALS, ATTEMPTS, LEFT_OPEN = 3, 90, 2
MOST = 100


def left_behind(folder: Path) -> None:
    """Journals of the dead: several segments, some in the ledger in part, attempts still open."""
    office = Office(folder)
    for number in range(JOURNALS):
        journal = office.journal(segment_bytes=16_384)
        begin = 1 + number * 1000
        office.work(journal, range(begin, begin + ATTEMPTS))
        for each in range(LEFT_OPEN):
            journal.open(opened(begin + ATTEMPTS + each))
        journal.unanswered(unanswered(begin))
        journal.dispose()
    office.database.close()


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dead")
    left_behind(folder)
    return folder


async def adopted(
    nursery: Nursery, template: Path, folder: Path, dies: list[Die | None]
) -> list[bool]:
    """Adopters at once, and then one who lives; which of them were killed."""
    shutil.copytree(template, folder)
    adopters = [nursery.start(folder, "adopt", folder=str(folder), die=die) for die in dies]
    ends = await asyncio.gather(*(each.ended() for each in adopters))
    audit = Audit(folder)
    try:
        audit.proves()
        audit.adopt()
        outcomes = audit.balances([], [])
        assert outcomes == {"ok": JOURNALS * ATTEMPTS, "lost": JOURNALS * LEFT_OPEN}
        assert len(audit.select("SELECT * FROM unanswered")) == JOURNALS
    finally:
        audit.close()
    return [end == KILLED for end in ends]


@pytest.mark.parametrize(("point", "number"), CHOSEN)
async def test_an_adopter_is_killed(
    nursery: Nursery, template: Path, tmp_path: Path, point: str, number: int
):
    assert await adopted(nursery, template, tmp_path / "it", [at(point, number)]) == [True]


@pytest.mark.campaign
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside-another"])
@pytest.mark.parametrize("point", POINTS)
async def test_every_kill(
    nursery: Nursery,
    template: Path,
    tmp_path: Path,
    say: Callable[[str], None],
    point: str,
    beside: bool,
):
    """Alone, and while another one adopts the same journals and goes on."""
    struck = missed = 0
    for number in range(1, MOST):
        dies = [at(point, number), None] if beside else [at(point, number)]
        was_struck = (await adopted(nursery, template, tmp_path / str(number), dies))[0]
        struck += was_struck
        # Beside another it depends on the moment who adopts what.
        missed += not was_struck
        if missed > (4 if beside else 0):
            break
    say(f"{struck} kills of adopters at {point}, {'two at once' if beside else 'alone'}")
    assert struck > (0 if beside else 2)


@pytest.mark.campaign
@pytest.mark.parametrize("number", range(1, 13))
async def test_two_adopters_are_killed_at_once(
    nursery: Nursery, template: Path, tmp_path: Path, number: int
):
    await adopted(nursery, template, tmp_path / "it", [at(None, number), at(None, number)])


@pytest.mark.campaign
@pytest.mark.parametrize("turn", range(10))
async def test_four_adopters_at_once(nursery: Nursery, template: Path, tmp_path: Path, turn: int):
    killed = await adopted(nursery, template, tmp_path / "it", [None] * 4)
    assert not any(killed)
