"""`--write` keeps what is not its own, `--restore` brings back every byte."""

from __future__ import annotations

import json
import os
import stat
import tomllib

import pytest

from tests.cli.connect.conftest import KEY

CLAUDE, CODEX, WEBUI = ".claude/settings.json", ".codex/config.toml", "open-webui.env"
MINE = {
    "claude": (
        CLAUDE,
        b"""{ "permissions": {"allow": ["Bash(ls:*)"], "x": 1.50},\r\n\t"env":{"MINE":"\\u00e9",
        "ANTHROPIC_MODEL":"old"}, "big": 12345678901234567890123 }""",
    ),
    "codex": (
        CODEX,
        '# mine, with ü\nmodel = "old"  # the old one\napproval_policy = "on-request"\n\n'
        '[projects."/home/me/a shop"]\ntrust_level = "trusted"\n\n[mcp_servers.notes]\n'
        'command = "notes" # keep\n'.encode(),
    ),
    "open-webui": (WEBUI, b"# mine\r\nWEBUI_NAME=Choir\nexport OPENAI_API_KEYS=old"),
}


@pytest.mark.parametrize("client", MINE)
def test_there_and_back(connect, client):
    name, mine = MINE[client]
    path = connect.file(name, mine, mode=0o640)
    before = connect.everything()
    done = connect(client, "--write", "-m", "fast")
    written = path.read_bytes()
    assert written != mine
    assert f"{path.name}.antiphon-backup" in done.stdout
    assert path.with_name(f"{path.name}.antiphon-backup").read_bytes() == mine
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    connect(client, "--restore")
    assert connect.everything() == before


@pytest.mark.parametrize("client", ["claude", "open-webui"])
def test_there_was_no_file(connect, client):
    before = connect.everything()
    path = connect.home / MINE[client][0]
    connect(client, "--write", "-m", "fast")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "gone, as before" in connect(client, "--restore").stdout
    assert connect.everything() == before
    assert "nothing to restore" in connect(client, "--restore", status=1).stderr


@pytest.mark.parametrize("client", ["codex"])
def test_twice_is_once(connect, client):
    path = connect.file(*MINE[client])
    connect(client, "--write", "-m", "fast")
    once = connect.everything()
    assert connect(client, "--write", "-m", "fast").stdout.startswith("unchanged: ")
    assert connect.everything() == once
    connect(client, "--write", "-m", "claude-big")
    assert b"claude-big" in path.read_bytes()
    connect(client, "--restore")
    assert path.read_bytes() == MINE[client][1]
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_what_is_kept_of_json(connect):
    path = connect.file(*MINE["claude"])
    connect("claude", "--write", "-m", "fast")
    text = path.read_text()
    settings = json.loads(text)
    assert settings["permissions"] == {"allow": ["Bash(ls:*)"], "x": 1.5}
    assert settings["env"]["MINE"] == "é"
    assert settings["env"]["ANTHROPIC_MODEL"] == "fast"
    assert "12345678901234567890123" in text
    assert "1.50" in text


def test_what_is_kept_of_toml(connect):
    path = connect.file(*MINE["codex"])
    connect("codex", "--write", "-m", "fast")
    text = path.read_text()
    assert text.startswith('# mine, with ü\nmodel = "fast"  # the old one\n')
    assert 'command = "notes" # keep\n' in text
    settings = tomllib.loads(text)
    assert settings["approval_policy"] == "on-request"
    assert settings["projects"] == {"/home/me/a shop": {"trust_level": "trusted"}}
    assert settings["model_provider"] == "antiphon"


def test_what_is_kept_of_lines(connect):
    path = connect.file(*MINE["open-webui"])
    connect("open-webui", "--write", "-m", "fast")
    lines = path.read_bytes().split(b"\n")
    assert lines[:3] == [b"# mine\r", b"WEBUI_NAME=Choir", f"OPENAI_API_KEYS={KEY}".encode()]


def test_a_key_that_is_no_longer_needed_is_taken_out(connect):
    path = connect.file(CODEX, '[model_providers.antiphon]\nenv_key = "OLD"\nquery = "mine"\n')
    arguments = ("--write", "--no-probe", "-m", "fast")
    connect("codex", *arguments, ANTIPHON_KEY="")
    provider = tomllib.loads(path.read_text())["model_providers"]["antiphon"]
    assert "env_key" not in provider
    assert provider["query"] == "mine"


@pytest.mark.parametrize(
    ("client", "change", "told"),
    [
        ("claude", ('"fast"', '"other"'), "env.ANTHROPIC_MODEL was changed"),
        ("codex", ('wire_api = "responses"\n', ""), "model_providers.antiphon.wire_api was taken"),
        ("open-webui", ("DEFAULT_MODELS=fast", "X=1"), "DEFAULT_MODELS was taken out"),
    ],
)
def test_what_somebody_else_changed_is_not_lost(connect, client, change, told):
    name, mine = MINE[client]
    path = connect.file(name, mine)
    connect(client, "--write", "-m", "fast")
    theirs = path.read_text().replace(*change)
    path.write_text(theirs)
    done = connect(client, "--restore", status=1)
    assert told in done.stderr
    assert "--force" in done.stderr
    assert KEY not in done.stderr
    assert path.read_text() == theirs
    connect(client, "--restore", "--force")
    assert path.read_bytes() == mine


def test_a_write_over_what_somebody_else_changed_goes_back_step_by_step(connect):
    name, mine = MINE["codex"]
    path = connect.file(name, mine)
    connect("codex", "--write", "-m", "fast")
    theirs = path.read_text() + '\n[projects."/tmp"]\ntrust_level = "trusted"\n'
    path.write_text(theirs)
    connect("codex", "--write", "-m", "claude-big")
    assert "/tmp" in path.read_text()
    connect("codex", "--restore")
    assert path.read_text() == theirs
    assert "projects./tmp.trust_level was added" in connect("codex", "--restore", status=1).stderr
    connect("codex", "--restore", "--force")
    assert path.read_bytes() == mine
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_file_that_was_deleted(connect):
    path = connect.file(*MINE["claude"])
    connect("claude", "--write")
    path.unlink()
    assert "it was deleted" in connect("claude", "--restore", status=1).stderr
    connect("claude", "--restore", "--force")
    assert path.read_bytes() == MINE["claude"][1]


def test_a_file_that_somebody_put_back_by_hand(connect):
    path = connect.file(*MINE["claude"])
    connect("claude", "--write")
    path.write_bytes(MINE["claude"][1])
    connect("claude", "--restore")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_backup_that_was_changed_is_not_used(connect):
    path = connect.file(*MINE["claude"])
    connect("claude", "--write")
    path.with_name("settings.json.antiphon-backup").write_text("{}")
    before = connect.everything()
    assert "was changed" in connect("claude", "--restore", "--force", status=1).stderr
    assert connect.everything() == before


BROKEN = [
    ("claude", CLAUDE, "{", "JSON"),
    ("claude", CLAUDE, b'{"a": "\xff"}', "UTF-8"),
    ("codex", CODEX, "model_providers = 3\n", "cannot be changed safely"),
    ("codex", CODEX, 'model_providers = { mine = { name = "M" } }\n', "cannot be changed safely"),
    ("codex", CODEX, 'model_providers.mine.name = "M"\n', "cannot be changed safely"),
]


@pytest.mark.parametrize(("client", "name", "text", "told"), BROKEN)
def test_a_broken_file_is_left_as_it_is(connect, client, name, text, told):
    path = connect.file(name, text)
    before = connect.everything()
    done = connect(client, "--write", "-m", "fast", status=1)
    assert told in done.stderr
    assert str(path.name) in done.stderr
    assert connect.everything() == before


@pytest.mark.parametrize(
    "mine",
    [
        '[model_providers]\nmine = { name = "Mine", base_url = "http://a" }  # inline\n',
        '[model_providers]\nmine.name = "Mine"\nmine.base_url = "http://a"\n',
    ],
)
def test_inline_tables_and_dotted_keys_below_the_providers_stay(connect, mine):
    path = connect.file(CODEX, mine)
    connect("codex", "--write", "-m", "fast")
    written = tomllib.loads(path.read_text())["model_providers"]
    assert written["mine"] == {"name": "Mine", "base_url": "http://a"}
    assert written["antiphon"]["base_url"].startswith(connect.address)
    connect("codex", "--restore")
    assert path.read_text() == mine


def test_folders_that_are_missing_are_made_and_taken_away(connect):
    path = connect.home / "new/folder/config.toml"
    connect("codex", "--write", "-m", "fast", "--file", str(path))
    assert path.exists()
    assert path.parent.stat().st_mode & 0o777 == 0o700
    connect("codex", "--restore", "--file", str(path))
    assert not (connect.home / "new").exists()


def test_an_empty_file_is_none_with_a_way_back(connect):
    path = connect.file(CLAUDE, b"")
    connect("claude", "--write", "-m", "fast")
    assert json.loads(path.read_bytes())["env"]
    connect("claude", "--restore")
    assert path.read_bytes() == b""


def test_links_folders_and_files_that_may_not_be_written(connect):
    real = connect.file("dotfiles/settings.json", "{}")
    link = connect.file(CLAUDE)
    link.symlink_to(real)
    assert "symbolic link" in connect("claude", "--write", status=1).stderr
    assert real.read_text() == "{}"
    connect("claude", "--write", "--file", str(real))
    assert link.is_symlink()
    assert "ANTHROPIC_MODEL" in link.read_text()
    connect("claude", "--restore", "--file", str(real))
    assert real.read_text() == "{}"
    link.unlink()
    link.symlink_to(connect.home / "nowhere")
    assert "symbolic link" in connect("claude", "--write", status=1).stderr
    link.unlink()
    link.mkdir()
    assert "is no file" in connect("claude", "--write", status=1).stderr
    link.rmdir()
    connect.file(CLAUDE, "{}", mode=0o400)
    assert "read-only" in connect("claude", "--write", status=1).stderr
    connect.file("a-file", "")
    done = connect("claude", "--write", "--file", str(connect.home / "a-file/x.json"), status=1)
    assert "cannot be" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_file_of_somebody_else(connect):
    path = connect.file(CLAUDE, "{}")
    os.chown(path, 12345, 12345)
    assert "belongs to somebody else" in connect("claude", "--write", status=1).stderr


def test_a_file_that_others_can_read_and_that_holds_a_key(connect):
    connect.file(CLAUDE, '{"env": {"ANTHROPIC_API_KEY": "mine"}, "model": "opus"}', mode=0o644)
    told = connect.told("claude", "--write", "-m", "fast")
    assert any("can read the file" in each for each in told["warnings"])
    assert any("ANTHROPIC_API_KEY" in each for each in told["warnings"])
    assert any("`model`" in each for each in told["warnings"])
    connect.file(CODEX, 'profile = "mine"\n', mode=0o644)
    [warning] = connect.told("codex", "--write", "-m", "fast")["warnings"]
    assert "profile" in warning


def test_the_places_that_the_clients_take_from_their_environment(connect):
    connect("claude", "--write", CLAUDE_CONFIG_DIR=str(connect.home / "c"))
    connect("codex", "--write", CODEX_HOME=str(connect.home / "x"))
    assert (connect.home / "c/settings.json").exists()
    assert (connect.home / "x/config.toml").exists()
    connect("codex", "--restore", CODEX_HOME=str(connect.home / "x"))
    assert not (connect.home / "x").exists()


def test_a_program_is_written_where_nothing_else_stands(connect):
    assert "--file" in connect("python", "--write", status=2).stderr
    path = connect.home / "ask.py"
    arguments = ("python", "--write", "--file", str(path))
    connect(*arguments, "-m", "fast")
    assert path.read_text() == connect.text("python", "-m", "fast")
    connect(*arguments, "-m", "claude-big")
    assert "claude-big" in path.read_text()
    path.write_text("print(1)\n")
    assert "something else" in connect(*arguments, "-m", "fast", status=1).stderr
    assert path.read_text() == "print(1)\n"
    connect("python", "--restore", "--force", "--file", str(path))
    assert not path.exists()
    path.write_text("print(1)\n")
    assert "something else" in connect(*arguments, "-m", "fast", status=1).stderr


def test_nothing_is_written_where_a_client_would_get_no_answer(connect):
    before = connect.everything()
    done = connect("claude", "--write", "-m", "broken", status=1)
    assert "nothing was written" in done.stderr
    assert connect.everything() == before
    connect("claude", "--write", "-m", "broken", "--no-probe")
    assert connect.everything() != before
