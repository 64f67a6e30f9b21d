from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon.errors import ConfigurationError
from antiphon.yamlfile.environment import environment, parse_dotenv, process_environment

TEXT = r"""
# a comment
PLAIN=value
  export EXPORTED = spaced value   # and a comment
HASH=a#b
SINGLE='$literal # "kept" \n'   # comment
DOUBLE="two\nlines \"quoted\" \$5 # kept"
EMPTY=
EQUALS=a=b
LAST=one
LAST=two
"""


def test_lines():
    assert parse_dotenv(TEXT, ".env") == {
        "PLAIN": "value",
        "EXPORTED": "spaced value",
        "HASH": "a#b",
        "SINGLE": '$literal # "kept" \\n',
        "DOUBLE": 'two\nlines "quoted" $5 # kept',
        "EMPTY": "",
        "EQUALS": "a=b",
        "LAST": "two",
    }


def test_mistakes_come_all_at_once_and_show_no_value():
    with pytest.raises(ConfigurationError) as caught:
        parse_dotenv('A=1\nsk-secret\n  B=\'open\nC="x" sk-secret\n1D=2\n', ".env")
    assert caught.value.message.split("\n") == [
        ".env:2:1: must be NAME=value",
        ".env:3:3: B: the quote is not closed on this line, or text follows it",
        ".env:4:1: C: the quote is not closed on this line, or text follows it",
        ".env:5:1: must be NAME=value",
    ]


def test_the_process_beats_the_file(tmp_path: Path):
    (tmp_path / ".env").write_text("A=file\nB=file\n")
    assert environment(tmp_path, {"A": "process"}) == {"A": "process", "B": "file"}


def test_no_file_is_fine_and_a_broken_one_is_not(tmp_path: Path):
    assert environment(tmp_path, {"A": "1"}) == {"A": "1"}
    (tmp_path / ".env").write_bytes(b"A=\xff")
    with pytest.raises(ConfigurationError, match="cannot be read: it is not UTF-8"):
        environment(tmp_path, {})


def test_the_process_environment_is_a_copy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ANTIPHON_TEST_ONLY", "1")
    before = process_environment()
    monkeypatch.delenv("ANTIPHON_TEST_ONLY")
    assert before["ANTIPHON_TEST_ONLY"] == "1"


@given(st.text())
def test_garbage_is_variables_or_mistakes(text: str):
    with suppress(ConfigurationError):
        parse_dotenv(text, ".env")


@given(st.text(st.characters(exclude_characters="\n\r'", exclude_categories=["Cs"])))
def test_single_quotes_keep_everything(value: str):
    assert parse_dotenv(f"A='{value}'", ".env") == {"A": value}
