from pathlib import Path

import pytest

from antiphon.yamlfile.expand import CannotExpand, Expansion, FileBacked

ENVIRON = {"NAME": "value", "EMPTY": "", "TRICKY": "${NAME} $$ }", "FOLDER": "sub"}


def expand(text: str, folder: Path = Path("/nowhere")) -> str:
    return Expansion(ENVIRON, folder).expand(text)


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("", ""),
        ("plain", "plain"),
        ("${NAME}", "value"),
        ("a ${NAME} b ${NAME}", "a value b value"),
        ("${EMPTY}", ""),
        ("${EMPTY:-text}", "text"),
        ("${EMPTY-text}", ""),
        ("${NONE:-text}", "text"),
        ("${NONE-text}", "text"),
        ("${NONE:-}", ""),
        ("${NONE:-a:-b}", "a:-b"),
        ("${NAME:?message}", "value"),
        ("${NONE:-${NAME}!}", "value!"),
        ("${NONE:-${ALSO:-${NAME}}}", "value"),
        ("${NONE:-$${x}", "${x"),
        ("$${NAME}", "${NAME}"),
        ("$$", "$"),
        ("$", "$"),
        ("$5 for $NAME and 100%", "$5 for $NAME and 100%"),
        ("${TRICKY}", "${NAME} $$ }"),
        ("{} } {", "{} } {"),
    ],
)
def test_expansions(text: str, expanded: str):
    assert expand(text) == expanded


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("${NONE}", "the environment variable NONE is not set"),
        ("${NONE:?}", "the environment variable NONE is not set"),
        ("${NONE:?set it}", "the environment variable NONE is not set: set it"),
        ("${EMPTY:?set it}", "the environment variable EMPTY is empty: set it"),
        ("${NONE:?${NAME}}", "the environment variable NONE is not set: ${NAME}"),
        ("${NAME", "${ is not closed; write $${ for the characters themselves"),
        (
            "${}",
            "${...} must hold NAME, NAME:-text, NAME:?message or file:PATH; write $${ for the characters themselves",
        ),
        (
            "${1A}",
            "${...} must hold NAME, NAME:-text, NAME:?message or file:PATH; write $${ for the characters themselves",
        ),
        (
            "${NAME:+x}",
            "${...} must hold NAME, NAME:-text, NAME:?message or file:PATH; write $${ for the characters themselves",
        ),
        ("${file:missing}", "the file /nowhere/missing cannot be read: No such file or directory"),
        ("${A:-" * 20 + "}" * 20, "${...} is nested more than 8 deep"),
    ],
)
def test_refusals(text: str, why: str):
    with pytest.raises(CannotExpand) as caught:
        expand(text)
    assert str(caught.value) == why


def test_a_file_alone_stays_known_as_a_file(tmp_path: Path):
    (tmp_path / "key").write_text("sk-1\r\n")
    alone = expand("${file:key}", tmp_path)
    assert alone == "sk-1"
    assert isinstance(alone, FileBacked)
    assert alone.path == tmp_path / "key"
    fallback = expand(f"${{NONE:-${{file:{tmp_path}/key}}}}", tmp_path)
    assert isinstance(fallback, FileBacked)


def test_a_file_inside_a_text_is_text(tmp_path: Path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "key").write_text("sk-1\n")
    inside = expand("Bearer ${file:${FOLDER}/key}", tmp_path)
    assert inside == "Bearer sk-1"
    assert not isinstance(inside, FileBacked)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\xfe", "is not UTF-8"),
        (b"\n\n", "is empty"),
        (b"x" * (1 << 20) + b"x", "is larger than 1 MiB"),
    ],
)
def test_a_file_that_is_no_text_is_refused_unquoted(tmp_path: Path, content: bytes, why: str):
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(CannotExpand, match=why):
        expand("${file:key}", tmp_path)
