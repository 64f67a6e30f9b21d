"""A recording: whoever comes while it fits hears all of it; what is held back is bounded."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from antiphon.idempotency.recording import Recording

MOST = 50
STEPS = st.lists(
    st.one_of(
        st.binary(max_size=20).map(lambda piece: ("put", piece)),
        st.tuples(st.just("join"), st.none()),
        st.tuples(st.just("read"), st.integers(0, 5)),
        st.tuples(st.just("leave"), st.integers(0, 5)),
    ),
    max_size=40,
)


@given(STEPS)
def test_everybody_hears_all_of_it(steps):
    asyncio.run(_heard(steps))


async def _heard(steps) -> None:
    recording = Recording(b"", MOST)
    recording.begin(200, b"", sized=False)
    said, heard = b"", {}
    for what, value in steps:
        readers = list(heard)
        if what == "put":
            said += value
            recording.put(value, more=True)
        elif what == "join" and not recording.trimmed:
            heard[recording.reader()] = b""
        elif what == "read" and readers:
            reader = readers[value % len(readers)]
            if recording.pieces(reader.at):
                heard[reader] += await reader.next()
        elif what == "leave" and readers:
            reader = readers[value % len(readers)]
            reader.leave()
            del heard[reader]
        assert recording.trimmed == (recording.size > MOST) or recording.trimmed
        if not heard and recording.trimmed:
            assert recording.size == 0
    recording.put(b"", more=False)
    for reader, so_far in heard.items():
        rest = so_far
        while (piece := await reader.next()) is not None:
            rest += piece
        assert rest == said
        reader.leave()
    assert recording.is_kept is False, "nobody said that it is whole"


async def test_the_writer_waits_for_the_slowest():
    recording = Recording(b"", MOST)
    recording.begin(200, b"", sized=False)
    fast, slow = recording.reader(), recording.reader()
    recording.put(b"x" * 60, more=True)
    assert await fast.next() == b"x" * 60
    waiting = asyncio.ensure_future(recording.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await slow.next() == b"x" * 60
    await waiting
    assert recording.size == 0
    recording.put(b"y" * 60, more=True)
    waiting = asyncio.ensure_future(recording.room())
    await asyncio.sleep(0)
    fast.leave()
    slow.leave()
    await waiting
    assert not recording.readers
