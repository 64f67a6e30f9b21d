"""The form of the pages, and that what they point to is there."""

from __future__ import annotations

import re

import pytest
from typer.main import get_command

from antiphon.cli.main import app
from tests.docs.pages import ROOT, anchors, blocks, links, name_of, pages

README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = get_command(app)


def test_the_readme_is_short_and_names_both_commands():
    assert README.count("\n") < 150
    assert re.search(r"^make demo\b", README, re.MULTILINE)
    assert re.search(r"^make test\b", README, re.MULTILINE)


@pytest.mark.parametrize("page", pages(), ids=name_of)
def test_links_resolve(page):
    broken = []
    for link in links(page):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def test_the_map_lists_every_page():
    index = ROOT / "docs" / "index.md"
    listed = {(index.parent / link).resolve() for link in links(index)}
    decisions = ROOT / "docs" / "decisions"
    listed |= {(decisions / link).resolve() for link in links(decisions / "index.md")}
    missing = {name_of(page) for page in (ROOT / "docs").rglob("*.md") if page not in listed}
    assert missing <= {"docs/index.md"}


def test_targets_of_make_exist():
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        word
        for page in pages()
        for word in re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", page.read_text(), re.MULTILINE)
        for word in word
        if word
    }
    assert named <= targets


def test_commands_and_their_options_exist():
    named = {
        tuple(words.split())
        for page in pages()
        for words in re.findall(r"`antiphon ((?:[a-z]+(?:-[a-z]+)* ?){1,2})", page.read_text())
    }
    lines = [line for block in blocks("sh") for line in block.text.splitlines()]
    for line in lines:
        found = re.search(r"(?:^|\| |=\S* )antiphon ([^#|]*)", line)
        if found:
            named.add(tuple(found[1].split()))
    assert named
    for words in named:
        assert _problem(words) is None, f"antiphon {' '.join(words)}"


def _problem(words: tuple[str, ...]) -> str | None:
    command = COMMANDS
    for word in words:
        if word.startswith("-"):
            known = {option for each in command.params for option in each.opts}
            if word not in known | {"--help"}:
                return word
        elif hasattr(command, "commands"):
            if word not in command.commands:
                return word
            command = command.commands[word]
    return None


def test_nothing_of_our_own_machines_is_told():
    paths = re.compile(r"/(?:home|root|wor[k]|Users)/|\.shared/")
    told = {name_of(page) for page in pages() if paths.search(page.read_text("utf-8"))}
    assert not told
