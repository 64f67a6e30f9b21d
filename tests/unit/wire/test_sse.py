"""Server-sent events, split on bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.wire.sse import FrameTooLong, Splitter, data_of, frame_of, name_of

STREAMS = [
    b"data: 1\n\ndata: 2\n\n",
    b"data: 1\r\n\r\ndata: 2\r\n\r\n",
    b"data: 1\r\rdata: 2\r\r",
    b"data: 1\r\n\ndata: 2\n\r\n",
    b"\xef\xbb\xbfdata: 1\n\n: comment\n\n\n\ndata: 2\n\n",
    b"event: error\r\ndata: {\r\ndata: }\r\nid: 4\r\n\r\n",
    "data: a\u2028b\u0085c\x0b\x0c\x1c\n\ndata: é中\n\n".encode(),
    b"data: 1\n\ndata: [DONE]",
    b"\xef\xbb",
    b"",
]


def frames_of(*chunks: bytes) -> list[bytes]:
    splitter = Splitter()
    frames = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    left = splitter.flush()
    assert splitter.flush() == b""
    return [*frames, left] if left else frames


@pytest.mark.parametrize("stream", STREAMS)
def test_a_cut_anywhere_gives_the_same_frames(stream: bytes) -> None:
    whole = frames_of(stream)
    assert b"".join(whole) == stream.removeprefix(b"\xef\xbb\xbf")
    assert frames_of(*[stream[at : at + 1] for at in range(len(stream))]) == whole
    for cut in range(len(stream) + 1):
        assert frames_of(stream[:cut], stream[cut:]) == whole


@given(
    st.lists(
        st.sampled_from([b"\r", b"\n", b"\r\n", b"data: x", b"\xef\xbb\xbf", b":", b"event: e"]),
        max_size=20,
    ),
    st.data(),
)
def test_no_byte_is_lost_however_lines_end(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    chunks = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    frames = frames_of(*chunks)
    assert b"".join(frames) == stream.removeprefix(b"\xef\xbb\xbf")
    assert [data_of(f) for f in frames if data_of(f)] == [
        data_of(f) for f in frames_of(stream) if data_of(f)
    ]


def test_a_frame_is_complete_as_soon_as_its_blank_line_is() -> None:
    splitter = Splitter()
    assert splitter.feed(b"data: 1\r\r") == [b"data: 1\r\r"]
    assert splitter.feed(b"data: 2\n") == []
    assert splitter.feed(b"\n") == [b"data: 2\n\n"]
    assert splitter.feed(b"data: 3\r\n\r") == []
    assert splitter.feed(b"\n") == [b"data: 3\r\n\r\n"]


def test_a_frame_has_a_bound() -> None:
    for end in (b"", b"\r"):
        splitter = Splitter(bound=10)
        assert splitter.feed(b"data: 1\n\n")
        splitter.feed(b"data: 2345")
        with pytest.raises(FrameTooLong):
            splitter.feed(b"6" + end)


@pytest.mark.parametrize(
    ("frame", "data"),
    [
        (b"data: 1\n\n", b"1"),
        (b"data:1\n\n", b"1"),
        (b"data:  1\n\n", b" 1"),
        (b"data: 1\r\n\r\n", b"1"),
        (b"data: 1\r\r", b"1"),
        (b"data: 1", b"1"),
        (b"data: 1\n", b"1"),
        (b"data\n\n", b""),
        (b"data:\n\n", b""),
        (b"data: {\ndata: }\n\n", b"{\n}"),
        (b"id: 1\nevent: x\ndata: 1\nretry: 5\n\n", b"1"),
        (b": comment\n\n", None),
        (b"\n\n", None),
        (b"event: ping\n\n", None),
        (b"database: 1\n\n", None),
        ("data: a\u2028b\n\n".encode(), "a\u2028b".encode()),
    ],
)
def test_data(frame: bytes, data: bytes | None) -> None:
    assert data_of(frame) == data


@given(st.binary(max_size=30).filter(lambda data: b"\r" not in data))
def test_data_that_is_framed_is_read_back(data: bytes) -> None:
    frame = frame_of(data)
    assert data_of(frame) == data
    assert frames_of(frame) == [frame]


def test_the_name_of_an_event() -> None:
    assert name_of(b"event: error\ndata: 1\n\n") == b"error"
    assert name_of(b"data: 1\r\nevent:error\r\n\r\n") == b"error"
    assert name_of(b'data: {"event: x":1}\n\n') == b""
