"""The text of `input`, read while it is being written."""

import json
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from antiphon.dialects.fitting.arguments import InputReader, Unescaper

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def cut(text: str, places: list[int]) -> list[str]:
    """The text in pieces, cut at these places."""
    bounds = [0, *sorted(place % (len(text) + 1) for place in places), len(text)]
    return [text[one:two] for one, two in pairwise(bounds)]


def read(pieces: list[str]) -> str:
    reader = InputReader()
    return "".join([*(reader.feed(piece) for piece in pieces), reader.end()])


PLACES = st.lists(st.integers(0, 200), max_size=12)
OTHERS = st.dictionaries(
    TEXT.filter(lambda name: name != "input"),
    st.recursive(
        TEXT | st.integers() | st.none() | st.booleans(),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
        max_leaves=4,
    ),
    max_size=3,
)


@given(
    TEXT,
    OTHERS,
    OTHERS,
    PLACES,
    st.booleans(),
    st.sampled_from([None, 1]),
    st.sampled_from(["", " \n"]),
)
@example("🌍" * 3, {}, {}, [*range(60)], True, None, "")
@example('"\\\\', {"a": '}"{'}, {}, [*range(60)], True, None, " ")
def test_the_input_is_found_however_it_is_cut(
    text: str,
    before: dict[str, object],
    behind: dict[str, object],
    places: list[int],
    ascii_only: bool,
    indent: int | None,
    blank: str,
) -> None:
    whole = (
        before
        | {"input": text}
        | {name: value for name, value in behind.items() if name not in before}
    )
    written = blank + json.dumps(whole, ensure_ascii=ascii_only, indent=indent) + blank
    assert read(cut(written, places)) == text


@given(st.text(st.sampled_from('{}[]",: \\u0dD8cinput'), max_size=40), PLACES)
@example('{"input":"\\ud83d', [])
@example('{"input":"\\ud83d\\ud83d\\ude00"}', [15, 16, 17, 18])
def test_cuts_never_matter(text: str, places: list[int]) -> None:
    assert read(cut(text, places)) == read([text])
    begun = '{"input":"' + text
    assert read(cut(begun, places)) == read([begun])


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "*** Begin Patch",
        "{}",
        "{ foo }",
        '"input"',
        "[1]",
        '{"input":5}',
        '{"input":null}',
        '{"other":{"input":"no"}}',
        '{"other":[1,"}"]}',
        '{"inp',
        '{"other":',
        '{"other":,"input":"a"}',
        '{"input" "a"}',
        "  ",
    ],
)
def test_what_is_no_such_object_is_passed_on_as_it_is(raw: str) -> None:
    assert read([raw]) == raw
    assert read([*raw]) == raw


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('{"input":"a', "a"),
        ('{"input":"a\\', "a"),
        ('{"input":"a\\u12', "a"),
        ('{"input":"a"} and more', "a"),
        ('{"input":"a","input":"b"}', "a"),
        ('{"\\u0069nput":"a"}', "a"),
        ('{"input":"two\nlines"}', "two\nlines"),
        ('{"input":"\\d+\\u12x"}', "\\d+\\u12x"),
        ('{"input":"\\ude00\\ud83d!\\ud83d\\n"}', "\ufffd\ufffd!\ufffd\n"),
        ('{"input":"\\ud83d\\u0041"}', "\ufffdA"),
    ],
)
def test_strings_that_are_broken_or_cut_short(written: str, text: str) -> None:
    assert read([written]) == text
    assert read([*written]) == text


def test_text_goes_out_as_it_comes() -> None:
    reader = InputReader()
    assert reader.feed('{"inp') == ""
    assert reader.feed('ut": "ab') == "ab"
    assert reader.feed("cd\\") == "cd"
    assert reader.feed("ud83d") == ""
    assert reader.feed("\\ude0") == ""
    assert reader.feed('0e"') == "😀e"
    assert reader.feed("}") == ""
    assert reader.end() == ""


def test_what_stands_behind_a_string() -> None:
    string = Unescaper()
    assert string.feed('a\\"b"c"') == ('a"b', 'c"')
    assert string.closed
