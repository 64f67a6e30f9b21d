"""Names in every script, and what is no name."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.access.names import LONGEST, folded, label_of, model_names, name_of
from antiphon.errors import InvalidRequest

GOOD = {
    "ascii": "Web & Shop (EU-1) #3",
    "german": "Rückerstattung",
    "chinese": "亚太研究部",
    "japanese": "マーケティング部",
    "korean": "연구개발",
    "arabic": "المبيعات",
    "hebrew": "מכירות",
    "hindi": "बिक्री विभाग",
    "persian with a joiner": "می\u200cشود",
    "bengali with a joiner": "র\u200d্যাব",
    "thai": "ฝ่ายขาย",
    "emoji of a family": "👨\u200d👩\u200d👧 team",
    "emoji with its variation": "❤\ufe0f",
    "flag": "🇩🇪",
    "flag of tags": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "supplementary": "𠮷野家",
    "vietnamese": "Tiếng Việt",
    "as long as may be": "x" * LONGEST,
}
BAD = {
    "empty": "",
    "one space": " ",
    "space before": " a",
    "space behind": "a ",
    "two spaces": "a  b",
    "too long": "x" * (LONGEST + 1),
    "huge": "x" * 1_000_000,
    "huge when composed": "e\u0301" * LONGEST + "x",
    "line": "a\nb",
    "carriage return": "a\rb",
    "tabulator": "a\tb",
    "nul": "a\x00b",
    "escape": "\x1b[31mred",
    "delete": "a\x7f",
    "C1": "a\x85b",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "no-break space": "a\u00a0b",
    "ideographic space": "a\u3000b",
    "right to left override": "a\u202egpj.exe",
    "isolate": "a\u2066b",
    "zero width space": "a\u200bb",
    "byte order mark": "\ufeffa",
    "soft hyphen": "a\u00adb",
    "lone joiner": "\u200d",
    "joiner behind": "a\u200d",
    "lone surrogate": "a\ud800",
    "private use": "a\ue000",
    "not a character": "a\uffff",
    "not assigned": "a\u0378",
    "filler alone": "\u3164",
    "variation alone": "\ufe0f",
    "hidden tags": "a\U000e0061\U000e0062",
    "zalgo": "a" + "\u0337\u0330" * 4,
}


@pytest.mark.parametrize("kind", GOOD)
def test_a_name(kind):
    name = name_of(GOOD[kind])
    assert name == unicodedata.normalize("NFC", GOOD[kind])
    assert folded(name)


@pytest.mark.parametrize("kind", BAD)
def test_no_name(kind):
    with pytest.raises(InvalidRequest) as caught:
        name_of(BAD[kind], "team")
    assert caught.value.param == "team"
    assert caught.value.message.startswith("team ")
    assert caught.value.message.isascii()
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("other", [None, 1, b"x", ["x"], True])
def test_no_text(other):
    with pytest.raises(InvalidRequest):
        name_of(other)


@given(st.text(st.characters(), max_size=120))
def test_every_text_is_a_name_or_told_why(text):
    try:
        name = name_of(text)
    except InvalidRequest:
        return
    assert name_of(name) == name
    assert name.isprintable() or any(letter in name for letter in "\u200c\u200d\U000e007f")
    assert name.encode()
    assert folded(folded(name)) == folded(name)


SAME = [
    ("Sales", "sALES"),
    ("Straße", "STRASSE"),
    ("\uff33\uff41\uff4c\uff45\uff53", "sales"),
    ("\ufb01nance", "finance"),
    ("Café", "Cafe\u0301"),
    ("می\u200cشود", "میشود"),
    ("❤\ufe0f", "❤"),
    ("①", "1"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_nobody_can_tell_apart_is_the_same(one, other):
    assert folded(name_of(one)) == folded(name_of(other))


def test_what_differs():
    assert folded("Müller") != folded("Muller")
    assert folded("web") != folded("web2")


def test_a_label_may_be_empty():
    assert label_of("") == ""
    assert label_of("ci") == "ci"


@pytest.mark.parametrize(
    "names",
    ["gpt", None, 7, [""], ["a\nb"], ["x" * 201], [1], ["x"] * 1001, [None], {"a": 1}],
    ids=lambda names: str(names)[:20],
)
def test_no_models(names):
    with pytest.raises(InvalidRequest) as caught:
        model_names(names)
    assert caught.value.param == "models"


def test_models():
    assert model_names(["fast", "lab/tiny:7b", "fast"]) == {"fast", "lab/tiny:7b"}
