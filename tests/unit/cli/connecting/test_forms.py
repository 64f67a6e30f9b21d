"""Merging into the files of others, and naming what differs between two of them."""

from __future__ import annotations

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.cli.connecting.forms import ENV, JSON, TEXT, TOML
from antiphon.cli.connecting.forms.base import differences, flat

NESTED = {"model": "new", "model_providers": {"antiphon": {"name": "A", "ws": False}}}

names = st.text("abcxyz_- é.", min_size=1, max_size=6)
plain = st.one_of(st.integers(-9, 9), st.booleans(), st.text("aé\"'\\ #", max_size=6))
trees = st.dictionaries(
    names,
    st.recursive(plain, lambda inside: st.dictionaries(names, inside, max_size=3), max_leaves=8),
    max_size=4,
)


def expected(before: dict, settings: dict) -> dict:
    after = dict(before)
    for name, value in settings.items():
        after[name] = expected(after.get(name, {}), value) if isinstance(value, dict) else value
    return after


@given(trees)
def test_all_that_stood_there_stands_there_still(tree):
    before = {name: value for name, value in tree.items() if name not in NESTED}
    assert json.loads(JSON.merged(json.dumps(before), NESTED)) == expected(before, NESTED)


@given(trees)
def test_toml_is_merged_or_refused(tree):
    import tomlkit

    text = tomlkit.dumps(tree)
    try:
        merged = TOML.merged(text, NESTED)
    except ValueError:
        assert "model_providers" in tree
        return
    assert tomllib.loads(merged) == expected(tomllib.loads(text), NESTED)


TOMLS = [
    "",
    "# only this\n",
    "a = 1",
    "a = 1 # no end of line",
    "[t]\nmodel = 'of a table'\n",
    "[[list]]\na = 1\n[[list]]\na = 2\n",
    "[model_providers.other]\nname = 'o'\n\n[z]\na = 1\n",
    "[model_providers]\n[model_providers.other]\nname = 'o'\n[z]\n",
    "[model_providers.antiphon]\nname = 'old' # why\nmore = 1\n\n[model_providers.antiphon.deep]\na = 1\n",
    "[z]\n[model_providers.antiphon]\nws = true\n[y]\n",
    "\ufeff# with a mark\n",
    "model = '''\nover\nlines'''\r\nb = 2\r\n[t]\r\nc = 3\r\n",
]


@pytest.mark.parametrize("text", TOMLS)
def test_toml_as_people_write_it(text):
    if text.startswith("\ufeff"):
        with pytest.raises(ValueError, match="TOML"):
            TOML.merged(text, NESTED)
        return
    merged = TOML.merged(text, NESTED)
    assert tomllib.loads(merged) == expected(tomllib.loads(text), NESTED)
    assert TOML.merged(merged, NESTED) == merged
    for comment in ("# only this", "# no end of line", "# why"):
        assert (comment in text) == (comment in merged)


@pytest.mark.parametrize(
    ("form", "text", "told"),
    [
        (JSON, "{", "JSON"),
        (JSON, "[]", "object"),
        (JSON, '{"model_providers": 3}', "model_providers is not a JSON object"),
        (JSON, '{"a": 1} // a comment', "JSON"),
        (JSON, "[" * 5000, "it is"),
        (TOML, "model = \n", "TOML"),
        (TOML, "model = 'a'\nmodel = 'b'\n", "TOML"),
        (TOML, "model_providers = 3\n", "cannot be changed safely"),
        (TOML, "model_providers = [1]\n", "cannot be changed safely"),
        (TOML, "model_providers = {o = {name = 'o'}}\n", "cannot be changed safely"),
        (TOML, "model_providers.o.name = 'o'\n[z]\n", "cannot be changed safely"),
    ],
)
def test_what_cannot_be_merged_into(form, text, told):
    with pytest.raises(ValueError, match=told):
        form.merged(text, NESTED)


def test_lines():
    settings = {"A": "1", "B": "2", "GONE": None}
    text = "#A=0\nexport A=0\nGONE=1\nMORE=x"
    merged = ENV.merged(text, settings)
    assert merged == "#A=0\nA=1\nMORE=x\nB=2\n"
    assert ENV.merged(merged, settings) == merged
    assert ENV.merged(None, settings) == "A=1\nB=2\n"


def test_a_name_that_stands_twice_is_not_left_with_its_old_value():
    assert ENV.merged("A=0\nB=1\nA=0\n", {"A": "1"}) == "A=1\nB=1\n"


@pytest.mark.parametrize(
    ("form", "ours", "now", "told"),
    [
        (JSON, '{"a": {"b": 1}}', '{"a": {"b": 2}}', ["a.b was changed"]),
        (JSON, '{"a": 1}', '{"b": 1}', ["b was added", "a was taken out"]),
        (JSON, '{"a": 1}', '{ "a": 1 }', ["its layout or its comments were changed"]),
        (TOML, "a = 1\n", "a = 1 # why\n", ["its layout or its comments were changed"]),
        (TOML, "a = 1\n", "a = 1\n[b]\nc = 2\n", ["b.c was added"]),
        (ENV, "A=secret\n", "A=other\n", ["A was changed"]),
        (TEXT, "one\ntwo\n", "one\n2\n3\n", ["line 3 was added", "line 2 was changed"]),
    ],
)
def test_differences_are_named_without_their_values(form, ours, now, told):
    assert differences(form, ours, now) == told


def test_what_can_no_longer_be_read():
    [told] = differences(JSON, "{}", "{")
    assert told.startswith("it can no longer be read")


def test_flat_names():
    assert dict(flat({"a": {"b": {}, "c": [1]}})) == {"a.b": {}, "a.c": [1]}
