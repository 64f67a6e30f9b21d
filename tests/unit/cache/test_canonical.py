"""What counts in a body, and what does not."""

from __future__ import annotations

import json
from random import Random

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from antiphon.cache.canonical import canonical

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=20,
)
STATE = {"stream", "stream_options", "conversation", "container", "background", "prompt"}
BODIES = st.dictionaries(NAMES, VALUES, max_size=6).filter(lambda body: not STATE & body.keys())


def shuffled(value: object, random: Random) -> object:
    if isinstance(value, dict):
        items = [(name, shuffled(each, random)) for name, each in value.items()]
        random.shuffle(items)
        return dict(items)
    return [shuffled(each, random) for each in value] if isinstance(value, list) else value


@given(
    body=BODIES,
    random=st.randoms(use_true_random=False),
    escaped=st.booleans(),
    indent=st.sampled_from([None, 0, 3]),
)
def test_order_spaces_and_escapes_do_not_count(body, random, escaped, indent):
    plain = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    other = json.dumps(shuffled(body, random), ensure_ascii=escaped, indent=indent).encode()
    found = canonical(plain)
    assert found is not None
    assert found == canonical(other)


def typed(value: object) -> object:
    """The value so that Python's equality is JSON's: 1, 1.0 and True differ."""
    if isinstance(value, dict):
        return {name: typed(each) for name, each in value.items()}
    if isinstance(value, list):
        return [typed(each) for each in value]
    return (type(value).__name__, repr(value))


@given(one=BODIES, other=BODIES)
def test_what_differs_has_another_form(one, other):
    assume(typed(one) != typed(other))
    assert canonical(json.dumps(one).encode()) != canonical(json.dumps(other).encode())


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ('{"a":1}', '{"a":1.0}', False),
        ('{"a":0.7}', '{"a":0.70}', True),
        ('{"a":100.0}', '{"a":1E2}', True),
        ('{"a":0.0}', '{"a":-0.0}', False),
        ('{"a":123456789012345678901234567890}', '{"a":123456789012345678901234567891}', False),
        ('{"a":"\u00e9"}', '{"a":"e\u0301"}', False),
        ('{"a":"\u00e9"}', r'{"a":"\u00e9"}', True),
        ('{"a":"\U0001f600"}', r'{"a":"\ud83d\ude00"}', True),
        ('{"a":null}', "{}", False),
        ('{"a":[1,2]}', '{"a":[2,1]}', False),
        ('{"a":true}', '{"a":1}', False),
        ('{"invented_yesterday":1}', "{}", False),
        ('{"user":"a"}', '{"user":"b"}', False),
        ('{"stream":true}', "{}", True),
        ('{"stream":false}', '{"stream":true}', True),
        ('{"stream_options":{"include_usage":true}}', "{}", True),
        ('{"stream_options":null}', "{}", True),
        ('{"stream_options":{}}', "{}", True),
        ('{"stream_options":{"include_obfuscation":true}}', "{}", False),
        ('{"stream_options":{"include_usage":true,"x":1}}', '{"stream_options":{"x":1}}', True),
        ('{"prompt":"a"}', '{"prompt":"b"}', False),
        ('{"a":{"stream":true}}', '{"a":{}}', False),
        ('{"conversation":null,"background":false}', '{"background":false,"conversation":null}', True),
    ],
)  # fmt: skip
def test_what_counts(one: str, other: str, equal: bool):
    first, second = canonical(one.encode()), canonical(other.encode())
    assert first is not None
    assert (first == second) is equal


@pytest.mark.parametrize(
    "body",
    [
        b'{"conversation":"conv_1","input":"next"}',
        b'{"container":{"id":"c"}}',
        b'{"background":true}',
        b'{"prompt":{"id":"p"}}',
        b'{"a":1e999}',
        b"[1]",
        b"{",
        b"",
        b'{"a":"\xff"}',
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
    ids=lambda body: body[:20].decode(errors="replace"),
)
def test_what_has_no_form(body: bytes):
    assert canonical(body) is None


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ('{"a":{"x":1,"y":2}}', '{ "a": {"y": 2, "x": 1}, "stream": true}', True),
        ('{"a":{"x":1,"x":2}}', '{"a":{"x":2}}', False),
        ('{"a":{"x":1,"x":2}}', '{"a":{"x":3,"x":2}}', False),
        ('{"a":{"x":1,"x":2}}', '{"stream":true,"a": {"x": 1, "x":2 }}', True),
        ('{"a":[{"x":1,"x":2}]}', '{"a":[{"x":2,"x":1}]}', False),
        (r'{"a":"\u00e9"}', '{"a":"\u00e9"}', False),
        (r'{"a":"\u00e9","b":1}', r'{"b": 1, "stream": false, "a": "\u00e9"}', True),
        (r'{"a":"\u00e9"}', r'{"a":"\u00e9","stream_options":{"include_usage":true}}', True),
        (r'{"a":"\u00e9"}', r'{"a":"\u00e9","stream_options":{"x":1}}', False),
        ('{"a":0.70}', '{"a":0.7}', False),
        ('{"a":1,"a":2}', '{"a":1,"a":2}', True),
        (r'{"a":{"x":1,"\u0078":2}}', '{"a":{"x":2}}', False),
    ],
)
def test_what_counts_where_answers_are_shared(one: str, other: str, equal: bool):
    first, second = canonical(one.encode(), guarded=True), canonical(other.encode(), guarded=True)
    assert first is not None
    assert (first == second) is equal


@given(body=BODIES, random=st.randoms(use_true_random=False), indent=st.sampled_from([None, 0, 3]))
def test_a_guarded_form_has_the_same_equals_where_nothing_is_escaped(body, random, indent):
    plain = msgspec.json.encode(body)
    other = json.dumps(shuffled(json.loads(plain), random), ensure_ascii=False, indent=indent)
    spelled = msgspec.json.encode(msgspec.json.decode(other)) == msgspec.json.format(
        other.encode(), indent=-1
    )
    assert (canonical(plain, guarded=True) == canonical(other.encode(), guarded=True)) or (
        not spelled
    )


def test_a_form_is_never_both_a_value_and_a_spelling():
    twice = canonical(b'{"a":{"x":1,"x":2}}', guarded=True)
    assert twice is not None
    assert twice.startswith(b"=")
    assert canonical(b'{"a":{"x":2}}', guarded=True) == canonical(b'{"a":{"x":2}}')


def test_a_very_long_body_has_no_form():
    assert canonical(b'{"a":"%b"}' % (b"x" * (1 << 20))) is None
    assert canonical(b'{"a":"%b"}' % (b"x" * (1 << 19))) is not None
