"""Newline-delimited JSON, split on bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.wire.ndjson import Splitter, escaped
from antiphon.wire.sse import FrameTooLong

STREAMS = [
    b'{"a":1}\n{"a":2}\n',
    b'{"a":1}\r\n{"a":2}\r\n',
    b'{"a":1}\n\n\r\n{"a":2}',
    b'{"a":"\r"}\r{"a":2}\n',
    '{"a":"\u2028\u0085\x0b\x0c\x1c"}\n{"é":"中🌍"}\n'.encode(),
    b"\n",
    b"\r",
    b"",
]


def lines_of(*chunks: bytes) -> list[bytes]:
    splitter = Splitter()
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    left = splitter.flush()
    assert splitter.flush() == b""
    return [*lines, left] if left else lines


@pytest.mark.parametrize("stream", STREAMS)
def test_a_cut_anywhere_gives_the_same_lines(stream: bytes) -> None:
    whole = lines_of(stream)
    assert b"".join(whole) == stream
    assert all(line.endswith(b"\n") for line in whole[:-1])
    assert all(line.count(b"\n") <= 1 for line in whole)
    assert lines_of(*[stream[at : at + 1] for at in range(len(stream))]) == whole
    for cut in range(len(stream) + 1):
        assert lines_of(stream[:cut], stream[cut:]) == whole


@given(
    st.lists(st.sampled_from([b"\n", b"\r", b"\r\n", b"{}", b'"a"', b"\xe2\x80\xa8"])), st.data()
)
def test_cuts(pieces: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=4)))
    bounds = zip([0, *cuts], [*cuts, len(stream)], strict=True)
    assert lines_of(*[stream[start:end] for start, end in bounds]) == lines_of(stream)


def test_a_line_over_the_bound() -> None:
    assert Splitter(bound=8).feed(b"1234567\n") == [b"1234567\n"]
    with pytest.raises(FrameTooLong):
        Splitter(bound=8).feed(b"12345678\n")
    with pytest.raises(FrameTooLong):
        Splitter(bound=8).feed(b"123456789")
    splitter = Splitter(bound=8)
    assert splitter.feed(b"12345678") == []
    with pytest.raises(FrameTooLong):
        splitter.feed(b"9")


def test_a_line_in_many_pieces_is_joined_once() -> None:
    splitter = Splitter()
    for _ in range(1000):
        assert splitter.feed(b"x" * 100) == []
    assert splitter.feed(b"\n{}\n{") == [b"x" * 100_000 + b"\n", b"{}\n"]
    assert splitter.flush() == b"{"


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text("\u0085\u2028\u2029é\x1c中"))
def test_a_line_is_one_to_a_splitter_of_text(text: str) -> None:
    line = escaped(json.dumps({text: text}, ensure_ascii=False).encode())
    assert json.loads(line) == {text: text}
    assert len(line.decode().splitlines()) == 1


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
def test_a_mark_of_the_byte_order_is_no_part_of_the_first_line(size: int) -> None:
    stream, splitter = b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}\n", Splitter()
    chunks = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [line for chunk in chunks for line in splitter.feed(chunk)] == [
        b"{}\n",
        b"\xef\xbb\xbf{}\n",
    ]
    alone = Splitter()
    assert alone.feed(b"\xef\xbb\xbf{}") == []
    assert alone.flush() == b"{}"
