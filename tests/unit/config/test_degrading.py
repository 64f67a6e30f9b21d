"""Ladders that cannot stand are refused at load, with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.config.conftest import Load, Refusal

HEAD = """
providers: {openai: {api_key: sk-1}}
models:
"""
OTHER = "  other: openai/gpt-5-mini\n"


def route(degrade: str, name: str = "fast") -> str:
    return f"  {name}:\n    deployments: [openai/gpt-5-mini]\n    degrade: {degrade}\n"


def test_every_step_and_every_short_form(load_text: Load, tmp_path: Path):
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "sorry.md").write_text("Sorry.\n")
    text = HEAD + OTHER
    text += route("{wait: 5, pool: other, stale_for: 60, covers: [budgets, limits]}")
    text += route("{canned: Sorry.}", "text")
    text += route("{canned: prompts/sorry.md}", "path")
    text += route("{canned: {file: prompts/sorry.md}}", "one")
    text += route("{canned: [{when: {language: zh}, text: a}, {file: prompts/sorry.md}]}", "cases")
    models = load_text(text).settings.models
    assert models["fast"].degrade.pool == "other"
    file = tmp_path / "prompts" / "sorry.md"
    assert [each.file for each in models["path"].degrade.canned] == [file]
    assert [each.text for each in models["text"].degrade.canned] == ["Sorry."]
    assert [each.file for each in models["one"].degrade.canned] == [file]
    assert [each.file for each in models["cases"].degrade.canned] == [None, file]


@pytest.mark.parametrize(
    ("degrade", "told"),
    [
        (
            "{pool: othre}",
            ("models.fast.degrade.pool: no model is called 'othre'; did you mean 'other'?"),
        ),
        (
            "{pool: fast}",
            "models.fast.degrade.pool: goes round in a circle: fast -> fast",
        ),
        (
            '{canned: "Sorry, {{ modle }}"}',
            (
                "models.fast.degrade.canned: line 1 of the text: no value is called "
                "'modle'; there is department, help_lines, language, metadata, model, reason, region, "
                "request_id, retry_after, team"
            ),
        ),
        (
            '{canned: "{% set x = 1 %}"}',
            ("models.fast.degrade.canned: line 1 of the text: `set` is not for templates here"),
        ),
        (
            '{canned: "{{ help_lines }}"}',
            (
                "models.fast.degrade.canned: line 1 of the text: names help_lines, "
                "and help_lines.region of the configuration names none"
            ),
        ),
        (
            '{canned: "{{ metadata }}"}',
            (
                "models.fast.degrade.canned: line 1 of the text: cannot be filled "
                "in: a list or a mapping has no text of its own; name a member, or join it"
            ),
        ),
        (
            "{canned: gone.md}",
            ("models.fast.degrade.canned: gone.md: cannot be read: No such file or directory"),
        ),
        (
            '{canned: [{text: "a"}, {text: "b"}]}',
            (
                "models.fast.degrade.canned.1: is never given: one before it has no "
                "`when`, and is always given"
            ),
        ),
        (
            "{canned: {}}",
            "models.fast.degrade.canned: needs either text or file",
        ),
        ("{canned: \"{{ team if False else '' }}\"}", "says nothing"),
        ("{covers: [money]}", "covers"),
        ("{stale_for: -1}", "stale_for"),
        ("{wait: .inf}", "wait"),
        ("{pull: other}", "pool"),
    ],
    ids=lambda each: each[:24],
)
def test_what_a_route_may_not_say(refusal: Refusal, degrade: str, told: str):
    mistakes = refusal(HEAD + OTHER + route(degrade))
    assert len(mistakes) == 1
    assert mistakes[0].startswith("antiphon.yaml:7:")
    assert told in mistakes[0]


def test_circles_are_told_wherever_they_begin(refusal: Refusal):
    text = HEAD + route("{pool: b}", "a") + route("{pool: c}", "b") + route("{pool: a}", "c")
    text += route("{pool: a}", "outside")
    mistakes = refusal(text)
    assert [each.rpartition(": ")[2] for each in mistakes] == [
        "a -> b -> c -> a",
        "b -> c -> a -> b",
        "c -> a -> b -> c",
    ]


def test_a_template_of_a_file_is_told_by_its_own_line(refusal: Refusal, tmp_path: Path):
    (tmp_path / "sorry.md").write_text("Sorry.\n\n{{ modle }}\n")
    [mistake] = refusal(HEAD + route("{canned: sorry.md}"))
    assert "sorry.md:3: no value is called 'modle'" in mistake


def test_a_file_may_not_be_anything(refusal: Refusal, tmp_path: Path):
    (tmp_path / "sorry.md").write_bytes(b"\xff\xfe")
    assert "is not UTF-8" in refusal(HEAD + route("{canned: sorry.md}"))[0]
    (tmp_path / "sorry.md").write_bytes(b"x" * 70_000)
    assert "is larger than 64 KiB" in refusal(HEAD + route("{canned: sorry.md}"))[0]
    (tmp_path / "sorry.md").unlink()
    (tmp_path / "sorry.md").mkdir()
    assert "cannot be read" in refusal(HEAD + route("{canned: sorry.md}"))[0]


def test_help_lines_are_lines_that_help(refusal: Refusal):
    text = HEAD + OTHER
    lines = "help_lines:\n  region: DE\n  regions:\n    AT: [{name: Rat auf Draht, phone: '147'}]\n"
    assert "the region DE has no lines" in refusal(text + lines)[0]
    lines = "help_lines: {regions: {AT: [{name: Rat auf Draht}]}}\n"
    assert "needs phone or url" in refusal(text + lines)[0]
    assert "region AT has no lines" in refusal(text + "help_lines: {regions: {AT: []}}\n")[0]


def test_a_cache_that_does_nothing_is_one_for_a_bad_day(load_text: Load, refusal: Refusal):
    nothing = "  fast: {deployments: [openai/gpt-5-mini], cache: {ttl: 0, share: false}}\n"
    assert "does nothing" in refusal(HEAD + nothing)[0]
    kept = nothing.replace("}}", "}, degrade: {stale_for: 60}}")
    assert load_text(HEAD + kept).settings.models["fast"].keeps is not None
