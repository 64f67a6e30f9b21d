"""W3C's `traceparent`: what is believed, and what is made."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.telemetry.trace import Tracer

ID, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
GOOD = f"00-{ID}-{SPAN}-01"
HEADER = re.compile(rb"traceparent: 00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]\r\n")


def tracer(sample: float = 1.0) -> Tracer:
    return Tracer(sample=sample, random=Random(7))


def begin(*values: str, state: str = ""):
    headers = [(b"traceparent", value.encode("latin-1")) for value in values]
    if state:
        headers.append((b"tracestate", state.encode("latin-1")))
    return tracer().begin(headers)


@pytest.mark.parametrize(
    ("value", "sampled"),
    [
        (GOOD, True),
        (f"00-{ID}-{SPAN}-00", False),
        (f"00-{ID}-{SPAN}-03", True),
        (f"01-{ID}-{SPAN}-01-more", True),
        (f" {GOOD} ", True),
    ],
)
def test_a_caller_s_trace_goes_on(value, sampled):
    trace = begin(value)
    assert (trace.id, trace.parent, trace.sampled) == (ID, SPAN, sampled)
    assert SPAN not in {trace.span(0), trace.span(1), trace.span(2)}
    flag = b"01" if sampled else b"00"
    assert trace.header(1) == b"traceparent: 00-%b-%b-%b\r\n" % (
        ID.encode(),
        trace.span(2).encode(),
        flag,
    )


@pytest.mark.parametrize(
    "values",
    [
        [],
        [""],
        ["00"],
        [f"00-{'0' * 32}-{SPAN}-01"],
        [f"00-{ID}-{'0' * 16}-01"],
        [f"ff-{ID}-{SPAN}-01"],
        [f"00-{ID}-{SPAN}-01-more"],
        [f"00-{ID.upper()}-{SPAN}-01"],
        [f"00-{ID}-{SPAN}"],
        [f"00-{ID}-{SPAN}-1"],
        [f"00-{ID}-{SPAN}-01\r\nx: y"],
        [GOOD, GOOD],
        [f"00-{ID[:-1]}\xb2-{SPAN}-01"],
    ],
)
def test_anything_else_begins_a_new_one(values):
    trace = begin(*values, state="a=b")
    assert trace.id != ID
    assert (trace.parent, trace.state, trace.sampled) == ("", "", True)
    assert HEADER.fullmatch(trace.header(1))


@pytest.mark.parametrize(("state", "kept"), [("a=b", "a=b"), ("x" * 513, ""), ("a=\xe9", "")])
def test_the_state(state, kept):
    assert begin(GOOD, state=state).state == kept


@given(
    st.lists(st.tuples(st.sampled_from([b"traceparent", b"tracestate"]), st.binary(max_size=70)))
)
def test_whatever_comes_a_header_goes_out(headers):
    trace = tracer().begin(headers)
    for attempt in (1, 2, 3):
        assert HEADER.fullmatch(trace.header(attempt))


def test_the_share_that_is_kept():
    made = tracer(0.25)
    kept = sum(made.begin().sampled for _ in range(2000))
    assert 400 < kept < 600
    assert not tracer(0.0).begin().sampled


def test_ids_do_not_repeat():
    made = tracer()
    traces = [made.begin() for _ in range(1000)]
    assert len({each.id for each in traces}) == 1000
    assert len({each.span(number) for each in traces for number in range(4)}) == 4000
