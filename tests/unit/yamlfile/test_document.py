import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import ConfigurationError
from antiphon.yamlfile.document import LARGEST, Document, content_of, parse
from antiphon.yamlfile.expand import Expansion, FileBacked
from antiphon.yamlfile.nodes import render


def document(text: str | bytes, environ: dict[str, str] | None = None) -> Document:
    content = text.encode() if isinstance(text, str) else text
    return parse(content, "f.yaml", Expansion(environ or {}, Path("/nowhere")))


def refusal(text: str | bytes, environ: dict[str, str] | None = None) -> list[str]:
    try:
        return [str(each) for each in document(text, environ).mistakes.values()]
    except ConfigurationError as error:
        return [str(each) for each in error.mistakes]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("", None),
        ("# nothing\n", None),
        ("\ufeffa: 1", {"a": 1}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
        ("[1, -2, +3, 010, 0o17, 0x1F]", [1, -2, 3, 10, 15, 31]),
        ("[1.5, -.5, 1e3, .inf, -.INF]", [1.5, -0.5, 1000.0, math.inf, -math.inf]),
        ("[true, False, null, ~, ]", [True, False, None, None]),
        (
            "[yes, no, on, off, 12:30, 1_000, 2026-01-01]",
            ["yes", "no", "on", "off", "12:30", "1_000", "2026-01-01"],
        ),
        ("['1', \"true\", !!str 5, 'null']", ["1", "true", "5", "null"]),
        ("1: a\ntrue: b\n4o: c\n~: d", {"1": "a", "true": "b", "4o": "c", "~": "d"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: &x {p: 1}\nb: *x", {"a": {"p": 1}, "b": {"p": 1}}),
        ("a: &x 1\nb: &x 2\nc: *x", {"a": 1, "b": 2, "c": 2}),
        ("a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}", {"a": {"p": 1, "q": 2}, "b": {"q": 3, "p": 1}}),
        ("a: {<<: [{p: 1}, {p: 2, q: 2}]}", {"a": {"p": 1, "q": 2}}),
        (
            "a: &x {p: 1}\nb: &y {<<: *x, q: 2}\nc: {<<: *y}",
            {"a": {"p": 1}, "b": {"q": 2, "p": 1}, "c": {"q": 2, "p": 1}},
        ),
    ],
)
def test_data(text: str, data: object):
    assert document(text).data == data


def test_nan_is_a_number():
    assert math.isnan(document(".nan").data)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            "a: [",
            "f.yaml:1:5: is not YAML: expected the node content, but found '<stream end>', while parsing a flow node",
        ),
        ("a:\n\t- b", "f.yaml:2:1: a tab cannot stand here; indent with spaces"),
        ("a: 1\nb: 2\na: 2", "f.yaml:3:1: a: is here twice; the first one is on line 1"),
        ("x:\n  - {p: 1, p: 2}", "f.yaml:2:12: x.0.p: is here twice; the first one is on line 2"),
        ("a: *x", "f.yaml:1:4: *x names an anchor that does not stand above"),
        ("--- a\n--- b", "f.yaml:2:1: is more than one YAML document; write one per file"),
        ("a: b: c", "f.yaml:1:5: is not YAML: mapping values are not allowed here"),
        ("a: !foo b", "f.yaml:1:4: a YAML tag is not known here; leave it out"),
        (
            "a: !!python/object:os.system {}",
            "f.yaml:1:4: a YAML tag is not known here; leave it out",
        ),
        ("? [a]\n: b", "f.yaml:1:3: a key must be a word"),
        ("y: {<<: 4}", "f.yaml:1:9: y.<<: must be a mapping, or a list of mappings"),
        ("é: \x01x", "f.yaml:1:4: is not YAML: a character is not allowed"),
        (b"a: 1\nb: \xff", "f.yaml:2: is not UTF-8"),
        ("[" * 500 + "]" * 500, "f.yaml: is nested more than 64 deep"),
        ("a: &x [*x]", "f.yaml: is nested more than 64 deep"),
        ("a: &x {<<: *x}", "f.yaml: is nested more than 64 deep"),
        (b"#" * (LARGEST + 1), "f.yaml: is larger than 1 MiB"),
    ],
)
def test_refusals(text: str | bytes, mistake: str):
    assert refusal(text) == [mistake]


def test_a_billion_laughs_are_not_laughed():
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 40)]
    assert refusal("\n".join(lines)) == ["f.yaml: unfolds to more than 100000 members"]


def test_a_billion_merges_neither():
    lines = ["a0: &a0 {x: 1}"] + [
        f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 30)
    ]
    assert refusal("\n".join(lines)) == ["f.yaml: unfolds to more than 100000 members"]


def test_places_are_those_of_keys_and_items():
    places = document("a:\n  b: 1\n  c: [x,\n    y]\n").places
    assert places.where(("a",)) == "f.yaml:1:1"
    assert places.where(("a", "b")) == "f.yaml:2:3"
    assert places.where(("a", "c", 1)) == "f.yaml:4:5"
    assert places.where(("a", "missing", "deeper")) == "f.yaml:1:1"


def test_what_is_missing_is_told_all_at_once_and_the_rest_is_read():
    text = "a: ${X}\nb: ${MISSING}\nc: {d: '${OTHER:?say which}'}\ne: 1\ne: 2"
    read_ = document(text, {"X": "value"})
    assert [str(each) for each in read_.mistakes.values()] == [
        "f.yaml:2:1: b: the environment variable MISSING is not set",
        "f.yaml:3:5: c.d: the environment variable OTHER is not set: say which",
        "f.yaml:5:1: e: is here twice; the first one is on line 4",
    ]
    assert read_.data == {"a": "value", "b": None, "c": {"d": None}, "e": 1}
    assert read_.expanded == {("a",)}


def test_a_file_is_read_with_what_stands_beside_it(tmp_path: Path):
    (tmp_path / "key").write_text("sk-1\n")
    (tmp_path / "f.yaml").write_text("k: ${file:key}\n")
    value = parse(content_of(tmp_path / "f.yaml"), "f.yaml", Expansion({}, tmp_path)).data["k"]
    assert value == "sk-1"
    assert isinstance(value, FileBacked)
    assert value.path == tmp_path / "key"


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(ConfigurationError) as caught:
        content_of(tmp_path / "f.yaml")
    assert (
        caught.value.message == f"{tmp_path / 'f.yaml'}: cannot be read: No such file or directory"
    )
    with pytest.raises(ConfigurationError, match="cannot be read: Is a directory"):
        content_of(tmp_path)


@given(st.one_of(st.binary(), st.text(), st.text("-:[]{}&*!<>|'\"%@`#?, \n\ta1$~.=")))
def test_garbage_is_data_or_a_mistake(garbage: str | bytes):
    content = garbage.encode("utf-8", "surrogatepass") if isinstance(garbage, str) else garbage
    refusal(content)


# The library reads the line breaks that only Unicode knows as spaces.
texts = st.text(st.characters(exclude_characters="\x85\u2028\u2029", exclude_categories=["Cs"]))
names = texts.filter(lambda name: "$" not in name and name != "<<")
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


@given(plain)
def test_what_is_rendered_is_read_again(data: object):
    text = render({"data": data}).replace("$", "$$")
    assert document(text).data == {"data": data}
