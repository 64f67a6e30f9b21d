"""JSON read one level deep."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import MalformedBody
from antiphon.wire.shallow import Members

NAMES = st.text(max_size=6) | st.sampled_from(["model", "messages", "stream", "é", '"', "\\", "\n"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
SPACE = st.text(alphabet=" \t\r\n", max_size=3)


@st.composite
def spaced_objects(draw: st.DrawFn) -> tuple[dict[str, object], bytes]:
    """An object, and one of the ways to write it."""
    value = draw(st.dictionaries(NAMES, VALUES, max_size=6))
    ascii_only = draw(st.booleans())

    def dumped(item: object) -> str:
        indent = draw(st.sampled_from([None, None, 1]))
        return json.dumps(item, ensure_ascii=ascii_only, indent=indent)

    def space() -> str:
        return draw(SPACE)

    members = [
        f"{space()}{json.dumps(name, ensure_ascii=ascii_only)}{space()}:{space()}{dumped(item)}{space()}"
        for name, item in value.items()
    ]
    text = f"{space()}{{{','.join(members) or space()}}}{space()}"
    return value, text.encode("utf-8", "surrogatepass")


@given(spaced_objects())
def test_what_is_not_touched_is_returned_byte_for_byte(
    case: tuple[dict[str, object], bytes],
) -> None:
    value, body = case
    try:
        body.decode()
    except UnicodeDecodeError:
        with pytest.raises(MalformedBody):
            Members.parse(body)
        return
    try:
        members = Members.parse(body)
    except MalformedBody:
        return  # a lone surrogate in a name
    assert json.loads(members.encode()) == value


@given(st.dictionaries(st.sampled_from("abcdef"), VALUES, max_size=5), VALUES, SPACE, SPACE, SPACE)
def test_replacing_one_member_keeps_every_other_byte(
    others: dict[str, object], was: object, before: str, after: str, around: str
) -> None:
    def written(model: str) -> bytes:
        pairs = [
            f"{before}{json.dumps(name)}{around}:{after}{json.dumps(item)}{before}"
            for name, item in others.items()
        ]
        pairs.insert(len(pairs) // 2, f'{before}"model"{around}:{after}{model}{after}')
        return (around + "{" + ",".join(pairs) + "}" + before).encode()

    members = Members.parse(written(json.dumps(was)))
    assert members.encode() == written(json.dumps(was))
    changed = members.replace({"model": b'"other"'})
    assert changed.encode() == written('"other"')
    again = changed.replace({"model": b"null"})
    assert again.encode() == written("null")
    assert members.encode() == written(json.dumps(was)), "a value: the first is as it was"


@given(spaced_objects())
def test_adding_and_removing_change_nothing_else(case: tuple[dict[str, object], bytes]) -> None:
    value, body = case
    try:
        members = Members.parse(body)
    except MalformedBody:
        return
    added = members.replace({"stream_options": b'{"include_usage":true}'})
    assert json.loads(added.encode()) == value | {"stream_options": {"include_usage": True}}
    for name in value:
        left = {other: item for other, item in value.items() if other != name}
        assert json.loads(members.without(name).encode()) == left
        assert json.loads(members.without(name).replace({"x": b"1"}).encode()) == left | {"x": 1}


def test_white_space_and_escapes_stay_where_they_were() -> None:
    body = (
        b'{ "model" : "a",\r\n\t"temperature":1.0e0, "messages" : [ {"content":"\\u00e9\\/"} ] }\n'
    )
    changed = Members.parse(body).replace({"model": b'"b"', "seed": b"7"})
    expected = b'{ "model" : "b",\r\n\t"temperature":1.0e0, "messages" : [ {"content":"\\u00e9\\/"} ],"seed":7 }\n'
    assert changed.encode().replace(b" ", b"") == expected.replace(b" ", b"")
    assert b'"messages" : [ {"content":"\\u00e9\\/"} ]' in changed.encode()


def test_of_a_name_that_stands_twice_only_the_last_is_read_and_sent() -> None:
    members = Members.parse(b'{"model":"a", "x":1, "model":"b"}')
    assert members.text("model") == "b"
    assert members.encode() == b'{"model":"b","x":1}'
    assert members.replace({"model": b'"c"'}).encode() == b'{"model":"c","x":1}'


def test_a_name_written_with_escapes_is_the_same_name() -> None:
    members = Members.parse(b'{"mod\\u0065l":"a", "x":1}')
    assert members.text("model") == "a"
    assert json.loads(members.replace({"model": b'"b"'}).encode()) == {"model": "b", "x": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"[]",
        b"null",
        b'"x"',
        b"{",
        b'{"a":}',
        b'{"a":1}x',
        b"{'a':1}",
        b"\xff",
        b'{"a":"\xff"}',
        b"<html>",
    ],
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        Members.parse(body)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "The body is empty"),
        (b" \n", "The body is empty"),
        (rb'{"a":"\ud83d"}', "half a surrogate pair"),
        (rb'{"a":["\uD83dx"]}', "half a surrogate pair"),
        (rb'{"a":"\\\ude00 and more"}', "half a surrogate pair"),
        (rb'{"a":"\ude00"}', "half a surrogate pair"),
        (rb'{"a":"\ud83d\ude00"', "not valid JSON"),
        (rb'{"a":"\\ud83d"', "not valid JSON"),
    ],
)
def test_it_is_said_why_a_body_cannot_be_read(body: bytes, told: str) -> None:
    with pytest.raises(MalformedBody, match=told):
        Members.parse(body)


def test_nesting_is_bounded() -> None:
    with pytest.raises(MalformedBody, match="deeply"):
        Members.parse(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


def test_members_are_read_by_type() -> None:
    members = Members.parse(b'{"text":"a","null":null,"flag":true,"number":1,"off":false}')
    assert (members.text("text"), members.text("null"), members.text("absent")) == ("a", None, None)
    assert (
        members.flag("flag"),
        members.flag("null"),
        members.flag("absent"),
        members.flag("off"),
    ) == (True, False, False, False)
    with pytest.raises(MalformedBody, match="'number' must be a string") as caught:
        members.text("number")
    assert caught.value.param == "number"
    with pytest.raises(MalformedBody, match="'text' must be true or false"):
        members.flag("text")
    assert members["number"] == b"1"
    assert "number" in members
    assert "absent" not in members
    assert list(members) == ["text", "null", "flag", "number", "off"]
    raw = members.raw("text")
    assert isinstance(raw, msgspec.Raw)
    assert bytes(raw) == b'"a"'
    assert members.raw("absent") is None
