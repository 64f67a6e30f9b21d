"""`antiphon chat`: once, through a pipe, and in a terminal."""

from __future__ import annotations

import json

from tests.cli.terminal import CTRL_C, CTRL_D, terminal


def test_once(configured):
    done = configured("chat", "-m", "fast", "Hello", "there")
    assert done.stdout.startswith("This is a simulated answer.")
    assert done.stdout.endswith("\n")
    assert not configured.admin_key_file.exists()


def test_the_first_model_is_asked_where_none_is_named(configured):
    assert configured("chat", "Hello").stdout == configured("chat", "-m", "fast", "Hello").stdout


def test_through_a_pipe(configured):
    asked = configured("chat", "Hello").stdout
    assert configured("chat", stdin="Hello\n").stdout == asked
    assert configured("chat", "-s", "Be brief.", stdin="Hello").stdout.strip()
    assert configured("chat", stdin=b"\xff\xfe not UTF-8").stdout.strip()


def test_as_json(configured):
    reply = json.loads(configured("chat", "--json", "Hello").stdout)
    assert reply["choices"][0]["turn"]
    assert reply["usage"]["output_tokens"] > 0


def test_thoughts_go_beside_the_answer(configured):
    configured.write((configured.home / "antiphon.yaml").read_text() + "  deep: one/sim-reason\n")
    done = configured("chat", "-m", "deep", "Hello")
    assert done.stdout.strip()
    assert done.stderr.strip()
    assert done.stderr.strip() not in done.stdout


def test_nothing_to_ask(configured):
    assert "nothing to ask" in configured("chat", status=2).stderr


def test_failures(configured, antiphon):
    assert "Did you mean 'fast'?" in configured("chat", "-m", "fats", "Hello", status=1).stderr
    assert configured("chat", "-m", "broken", "Hello", status=1).stderr.startswith("antiphon: ")
    assert configured("chat", "-m", "broken", "--json", "Hello", status=1).stdout == ""


def test_nothing_to_reach(antiphon):
    assert "antiphon demo" in antiphon("chat", "Hello", status=1).stderr


def test_a_conversation(configured):
    with terminal(configured, "chat", "-m", "fast") as person:
        person.expect("Talking to fast.*\r\n> ")
        person.type(b"Hello\n")
        assert "This is a simulated answer." in person.expect(r"tokens\]\r\n> ")
        person.type(b"\n")
        person.expect("> ")
        person.type(b"And then?\n")
        person.expect(r"tokens\]\r\n> ")
        assert person.status(CTRL_D) == 0


def test_ctrl_c_stops_an_answer_and_then_the_conversation(configured):
    with terminal(configured, "chat", "-m", "slow") as person:
        person.expect("> ")
        person.type(b"Hello\n")
        person.expect(r"This is")
        person.type(CTRL_C)
        person.expect(r"\[stopped\]\r\n> ")
        assert person.status(CTRL_C) == 0
        assert "Traceback" not in person.seen


def test_a_failure_does_not_end_the_conversation(configured):
    with terminal(configured, "chat", "-m", "broken") as person:
        person.expect("> ")
        person.type(b"Hello\n")
        person.expect("antiphon: .*\r\n")
        person.expect("> ")
        assert person.status(CTRL_D) == 0
