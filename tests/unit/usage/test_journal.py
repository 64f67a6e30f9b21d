"""The journal: what is written is there, whatever dies, and a full disk refuses only what is new."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon.errors import AccountingUnavailable
from antiphon.usage.journal import segment as segment_module
from antiphon.usage.journal.journal import Entry, Journal
from antiphon.usage.journal.record import (
    CLOSE_ROOM,
    HEAD,
    OPEN_ROOM,
    Closed,
    Kind,
    Opened,
    read,
    written,
)
from antiphon.usage.journal.scan import scan, scan_file
from antiphon.usage.journal.segment import FIRST, NotASegment
from tests.unit.usage.books import Office, StillClock, closed, opened, unanswered


def records(journal: Journal) -> list[object]:
    return [record for each in journal.segments for _, record in scan_file(each.path).records]


def test_what_is_written_can_be_read(office: Office):
    journal = office.journal()
    entry = journal.open(opened(1))
    other = journal.open(opened(2))
    journal.close(other, closed(other, 2))
    journal.unanswered(unanswered(1))
    found = scan_file(journal.segments[0].path)
    assert [record for _, record in found.records] == [
        opened(1),
        opened(2),
        closed(other, 2),
        unanswered(1),
    ]
    assert found.open == {entry[1]: opened(1)}
    assert found.damage == []
    assert found.torn == 0
    assert journal.open_attempts == 1


def test_an_end_always_has_room(office: Office):
    """Attempts are opened until the segment is full, and each of them can be closed in it."""
    journal = office.journal()
    entries = [journal.open(opened(1))]
    while len(journal.segments) == 1:
        entries.append(journal.open(opened(len(entries) + 1)))
    first = [entry for entry in entries if entry[0] is journal.segments[0]]
    assert len(first) > 3
    for number, entry in enumerate(first, 1):
        warnings = tuple("w" * 300 for _ in range(50))
        journal.close(entry, closed(entry, number, code="c" * 10_000, warnings=warnings))
    assert scan_file(journal.segments[0].path).open == {}
    assert journal.segments[0].at <= journal.segments[0].size


@pytest.mark.parametrize("text", ["x" * 100_000, "\N{PILE OF POO}" * 50_000, "", "\0" * 5000])
def test_names_of_any_length_fit(text: str):
    """Callers choose the names of passthrough models."""
    begun = written(Kind.OPENED, opened(1, model=text, alias=text, team=text), OPEN_ROOM, 1)
    assert len(begun) <= OPEN_ROOM
    record, after = read(begun, 0, salt=1)
    assert isinstance(record, Opened)
    assert text.startswith(record.model)
    assert after == len(begun)
    entry = (None, 2**31)
    ended = closed(entry, 1, code=text, stop=text, model=text, provider=text, key_id=text)
    ended = written(Kind.CLOSED, ended, CLOSE_ROOM, 1)
    assert len(ended) <= CLOSE_ROOM
    assert isinstance(read(ended, 0, salt=1)[0], Closed)


def test_the_largest_end_fits():
    """Every number as large as it can be, every text cut."""
    entry = (None, 2**32 - 1)
    big = 2**63 - 1
    numbers = dict.fromkeys(
        ("attempt", "ended_at", "cost", "first_byte", "total", "first_token", "request_total"), big
    )
    texts = dict.fromkeys(("request", "key_id", "provider", "model", "code", "stop"), "é" * 999)
    ended = closed(entry, 1, usage=(big,) * 9, overhead=big, **numbers, **texts)
    assert len(written(Kind.CLOSED, ended, CLOSE_ROOM, 1)) <= CLOSE_ROOM


def test_every_torn_write_is_found(office: Office):
    """Cut at every byte of the last record: what stands before it is read, and nothing of it."""
    journal = office.journal()
    entry = journal.open(opened(1))
    before = journal.segments[0].at
    journal.close(entry, closed(entry, 1))
    after = journal.segments[0].at
    data = journal.segments[0].path.read_bytes()
    whole = scan(data)
    assert whole.open == {}
    last = len(data[:after].rstrip(b"\0"))
    for cut in range(before + 1, last):
        found = scan(data[:cut] + b"\0" * (len(data) - cut))
        assert [record for _, record in found.records] == [opened(1)], cut
        assert found.open
        assert found.damage == []
        assert found.torn == len(data[before:cut].rstrip(b"\0"))


def test_every_changed_byte_is_found(office: Office):
    """One byte of the middle record is changed: its neighbours are read, and the damage is told."""
    journal = office.journal()
    for number in (1, 2, 3):
        journal.unanswered(unanswered(number))
    path = journal.segments[0].path
    data = bytearray(path.read_bytes())
    places = [at for at, _ in scan(bytes(data)).records]
    content = len(written(Kind.UNANSWERED, unanswered(2), OPEN_ROOM, 0).rstrip(b"\0"))
    for at in range(places[1], places[1] + content):
        if at in range(places[1] + 3, places[1] + 4):
            continue  # the byte after the kind means nothing yet
        changed = data[:]
        changed[at] ^= 0x55
        found = scan(bytes(changed))
        assert [record for _, record in found.records] == [unanswered(1), unanswered(3)], at
        assert found.damage == [(places[1], places[2] - places[1])]


def test_pages_that_were_lost_do_not_hide_what_follows(office: Office):
    journal = office.journal(segment_bytes=1 << 16)
    for number in range(1, 101):
        journal.unanswered(unanswered(number))
    data = bytearray(journal.segments[0].path.read_bytes())
    data[4096:8192] = bytes(4096)
    found = scan(bytes(data))
    assert found.records[0][1] == unanswered(1)
    assert found.records[-1][1] == unanswered(100)
    assert len(found.damage) == 1
    assert found.damage[0].length >= 4096


def test_no_text_can_pass_for_a_record(office: Office):
    """A caller who knows the format cannot know the number that begins every checksum."""
    forged = written(Kind.UNANSWERED, unanswered(666), OPEN_ROOM, 12345).decode("latin-1")
    journal = office.journal(segment_bytes=1 << 16)
    journal.open(opened(1, model=forged))
    data = bytearray(journal.segments[0].path.read_bytes())
    data[FIRST + HEAD] ^= 1
    assert scan(bytes(data)).records == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda data: data[:50], "too short"),
        (lambda data: b"x" + data[1:], "does not begin"),
        (lambda data: data[:8] + b"\x02" + data[9:], "version 2"),
        (lambda data: data[:16] + b"z" + data[17:], "head is damaged"),
    ],
)
def test_what_is_no_segment(office: Office, change, reason: str):
    journal = office.journal()
    data = journal.segments[0].path.read_bytes()
    with pytest.raises(NotASegment, match=reason):
        scan(change(data[:-FIRST]))


def test_a_folder_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AccountingUnavailable, match="cannot be kept in"):
        Journal(tmp_path / "file" / "journal", ledger="x", clock=StillClock())


def fills(monkeypatch: pytest.MonkeyPatch, number: int) -> list[bool]:
    """From now on the disk is full while the list says so."""
    full = [True]

    def allocate(fd: int, begin: int, size: int) -> None:
        if full[0]:
            raise OSError(number, os.strerror(number))
        os.ftruncate(fd, begin + size)

    monkeypatch.setattr(segment_module.os, "posix_fallocate", allocate)
    return full


def fill(journal: Journal, entries: list[Entry]) -> None:
    """Open attempts until one is refused."""
    while True:
        try:
            entries.append(journal.open(opened(len(entries) + 1)))
        except AccountingUnavailable:
            return


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_refuses_what_is_new_and_nothing_else(
    office: Office, monkeypatch: pytest.MonkeyPatch, number: int
):
    journal = office.journal()
    full = fills(monkeypatch, number)
    entries = []
    fill(journal, entries)
    assert "no room for the journal" in journal.trouble
    assert not journal.takes_new
    for place, entry in enumerate(entries, 1):
        journal.close(entry, closed(entry, place))
    assert journal.open_attempts == 0
    full[0] = False
    fill(journal, [])  # the disk is asked once a second, not at every request
    assert len(journal.segments) == 1
    office.clock.time += 1.0
    assert journal.open(opened(1))
    assert journal.trouble == ""
    assert journal.takes_new
    assert [each.head.number for each in journal.segments] == [1, 2]


def test_a_disk_that_is_full_at_the_start(office: Office, monkeypatch: pytest.MonkeyPatch):
    """What dead processes have left there may be what fills it: shipping it makes room."""
    full = fills(monkeypatch, errno.ENOSPC)
    journal = office.journal()
    assert "no room for the journal" in journal.trouble
    with pytest.raises(AccountingUnavailable):
        journal.open(opened(1))
    assert not journal.unanswered(unanswered(1))
    full[0] = False
    office.clock.time += 1.0
    assert journal.open(opened(1))


@pytest.mark.parametrize("begun", [False, True])
def test_a_disk_that_has_room_again_is_found_though_nobody_calls(
    office: Office, monkeypatch: pytest.MonkeyPatch, begun: bool
):
    """Or else: unready since it is full, never called since it is unready, full for ever."""
    full = fills(monkeypatch, errno.ENOSPC)
    full[0] = not begun
    journal = office.journal()
    full[0] = True
    journal.prepare()
    assert "no room for the journal" in journal.trouble
    assert journal.takes_new is begun, "what is left of a segment is used"
    full[0] = False
    journal.prepare()
    assert journal.trouble == ""
    assert journal.takes_new
    assert journal.open(opened(1))


def test_a_limit_on_the_size_of_files():
    """The kernel's own limit, in a process of its own."""
    code = """
import resource, tempfile, pathlib
resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))
from antiphon.errors import AccountingUnavailable
from antiphon.usage.journal.journal import Journal
from tests.unit.usage.books import StillClock, opened
journal = Journal(pathlib.Path(tempfile.mkdtemp()), ledger="x", clock=StillClock(), segment_bytes=32768)
try:
    journal.open(opened(1))
except AccountingUnavailable as error:
    print(error.message, journal.trouble)
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "no room for the journal" in found.stdout
    assert "File too large" in found.stdout
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 16384


def test_the_next_segment_is_made_ahead(office: Office):
    journal = office.journal()
    journal.prepare()
    assert len(list(journal.segments[0].path.parent.glob("*.segment"))) == 2
    while len(journal.segments) == 1:
        journal.open(opened(1))
    assert journal.wanted.is_set()
    journal.prepare()
    assert [each.head.number for each in journal.segments] == [1, 2]


def test_a_segment_can_be_ended_before_it_is_full(office: Office):
    journal = office.journal()
    journal.wear()
    journal.open(opened(1))
    assert len(journal.segments) == 1, "an empty one need not be ended"
    journal.wear()
    journal.open(opened(2))
    assert [each.sealed for each in journal.segments] == [True, False]


def test_after_the_end_nothing_opens(office: Office):
    journal = office.journal()
    entry = journal.open(opened(1))
    journal.seal()
    assert not journal.takes_new
    with pytest.raises(AccountingUnavailable):
        journal.open(opened(2))
    journal.dispose()
    journal.close(entry, closed(entry, 1))  # too late: it is charged its bound by who adopts it
    assert len(scan_file(journal.segments[0].path).open) == 1


def test_a_forked_child_does_not_write(office: Office):
    journal = office.journal()
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        try:
            journal.open(opened(1))
        except AccountingUnavailable:
            os.write(write_end, b"refused")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert os.read(read_end, 100) == b"refused"
    os.close(read_end)
    os.close(write_end)
    assert records(journal) == []
    journal.open(opened(2))
    assert records(journal) == [opened(2)]


async def test_power_waits_for_the_disk_in_groups(office: Office, monkeypatch: pytest.MonkeyPatch):
    import asyncio

    synced: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(segment_module.os, "fdatasync", lambda fd: (synced.append(fd), real(fd))[1])
    journal = office.journal(durability="power")
    assert journal.waits
    entries = [journal.open(opened(number)) for number in range(20)]
    await asyncio.gather(*(journal.settled() for _ in entries))
    assert 1 <= len(synced) <= 2 * len(journal.segments)
    journal.dispose()


async def test_a_disk_that_does_not_take_it(office: Office, monkeypatch: pytest.MonkeyPatch):
    journal = office.journal(durability="power")
    journal.open(opened(1))

    def fails(_fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(segment_module.os, "fdatasync", fails)
        with pytest.raises(AccountingUnavailable):
            await journal.settled()
    assert "does not take the journal" in journal.trouble
    assert not journal.takes_new
    journal.open(opened(2))
    assert len(journal.segments) == 2, "what the disk did not take once is not written to again"


async def test_a_disk_that_takes_it_again(office: Office, monkeypatch: pytest.MonkeyPatch):
    journal = office.journal(durability="power")
    journal.prepare()
    journal.open(opened(1))

    def fails(_fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(segment_module.os, "fdatasync", fails)
        with pytest.raises(AccountingUnavailable):
            await journal.settled()
        journal.prepare()
        assert "does not take the journal" in journal.trouble
        assert not journal.takes_new
    journal.prepare()
    assert journal.trouble == ""
    assert journal.takes_new
    journal.dispose()
