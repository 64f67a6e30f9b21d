"""Arrays of objects, split wherever the network cut them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.wire.json_array import Splitter
from antiphon.wire.sse import FrameTooLong

TEXTS = st.text(st.sampled_from('a"\\{}[],\n\u2028é'), max_size=8)
VALUES = st.recursive(
    TEXTS | st.integers(0, 9),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
ARRAYS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=2), max_size=4)


def split(chunks: list[bytes]) -> list[bytes]:
    splitter = Splitter()
    frames = [frame for chunk in chunks for frame in splitter.feed(chunk)]
    return [*frames, splitter.flush()]


@given(ARRAYS, st.sampled_from([None, 2]), st.data())
def test_every_element_is_a_frame(array: list[object], indent: int | None, data: st.DataObject):
    raw = json.dumps(array, indent=indent, ensure_ascii=False).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=4)))
    chunks = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    frames = split(chunks)
    assert b"".join(frames) == raw
    elements = [json.loads(frame.strip().lstrip(b"[,")) for frame in frames[:-1]]
    assert elements == array
    assert split([raw[at : at + 1] for at in range(len(raw))]) == frames


def test_an_object_that_is_no_array_is_a_frame():
    assert split([b'{"error":', b"{}}\n"]) == [b'{"error":{}}', b"\n"]


def test_an_element_that_is_too_long():
    splitter = Splitter(bound=16)
    with pytest.raises(FrameTooLong):
        splitter.feed(b'[{"a":"0123456789abcdef')
