"""A segment that was damaged in any way: what is read was written, and nothing is raised."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.usage.journal.record import Record
from antiphon.usage.journal.scan import scan
from antiphon.usage.journal.segment import FIRST, NotASegment
from tests.unit.usage.books import Office, opened, unanswered

SIZE = 8192
bounded = settings(max_examples=200, deadline=None)
campaign = settings(bounded, max_examples=10_000)


@cache
def written() -> tuple[bytes, dict[int, Record]]:
    """A real segment, and the records in it by their places."""
    with tempfile.TemporaryDirectory() as folder:
        office = Office(Path(folder))
        journal = office.journal(segment_bytes=SIZE)
        office.work(journal, range(1, 9))
        journal.open(opened(9, alias="\x1f\xa7" * 40))
        journal.unanswered(unanswered(1))
        office.work(journal, range(10, 12))
        data = journal.segments[0].path.read_bytes()
        journal.dispose()
        office.database.close()
    return data, dict(scan(data).records)


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("byte"), st.integers(0, SIZE - 1), st.integers(0, 255)),
        st.tuples(st.just("zeros"), st.integers(0, SIZE - 1), st.integers(1, 2048)),
        st.tuples(st.just("cut"), st.integers(0, SIZE - 1), st.just(0)),
        st.tuples(st.just("copy"), st.integers(0, SIZE - 1), st.integers(0, SIZE - 1)),
        st.tuples(st.just("shift"), st.integers(FIRST, SIZE - 1), st.integers(1, 64)),
        st.tuples(st.just("noise"), st.integers(0, SIZE - 1), st.integers(0, 1 << 62)),
    ),
    min_size=1,
    max_size=6,
)
Edit = tuple[str, int, int]


def damaged(data: bytes, edits: list[Edit]) -> bytes:
    changed = bytearray(data)
    for how, place, value in edits:
        if not changed:
            break
        at = place % len(changed)
        match how:
            case "byte":
                changed[at] = value
            case "zeros":
                changed[at : at + value] = bytes(len(changed[at : at + value]))
            case "cut":
                del changed[at:]
            case "copy":
                changed[at : at + 512] = data[value : value + 512]
            case "shift":
                changed[at:at] = bytes(value)
            case _:
                changed[at : at + 8] = value.to_bytes(8, "little")
    return bytes(changed)


def check(edits: list[Edit]) -> None:
    data, records = written()
    try:
        found = scan(damaged(data, edits))
    except NotASegment:
        return
    known = {repr(record) for record in records.values()}
    assert all(repr(record) in known for _, record in found.records), "a record was invented"
    assert all(each.at in (0, *range(FIRST, SIZE)) and each.length > 0 for each in found.damage)
    assert set(found.open) <= {at for at, _ in found.records}


@bounded
@given(EDITS)
def test_damage(edits: list[Edit]):
    check(edits)


@pytest.mark.campaign
@campaign
@given(EDITS)
def test_damage_at_length(edits: list[Edit]):
    check(edits)


@bounded
@given(st.binary(max_size=600))
def test_noise_behind_a_head(noise: bytes):
    data, _ = written()
    assert scan(data[:FIRST] + noise).records == []


@bounded
@given(st.binary(max_size=300))
def test_noise(noise: bytes):
    with pytest.raises(NotASegment):
        scan(noise)


@bounded
@given(st.integers(0, SIZE))
def test_what_is_whole_before_a_tear_is_read(end: int):
    """A process dies in the middle of a copy: all that came before is there."""
    data, records = written()
    torn = data[:end] + bytes(len(data) - end)
    if end < FIRST:
        return
    found = dict(scan(torn).records)
    places = sorted(records)
    for at, behind in zip(places, [*places[1:], SIZE], strict=True):
        if behind <= end:
            assert found[at] == records[at]
