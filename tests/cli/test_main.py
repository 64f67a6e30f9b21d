"""The command itself."""

from __future__ import annotations

from importlib.metadata import version


def test_version(antiphon):
    assert antiphon("--version").stdout == f"antiphon {version('antiphon')}\n"


def test_help(antiphon):
    page = antiphon("-h").stdout
    assert all(
        name in page for name in ("serve", "models", "chat", "simulate", "demo", "config", "doctor")
    )


def test_asked_wrongly(antiphon):
    for arguments in (["sevre"], ["serve", "--prot", "1"], ["serve", "--port", "x"]):
        assert antiphon(*arguments, status=2).stderr


def test_interrupted(configured):
    """Ctrl-C in a command that waits: 130, and no traceback."""
    from tests.cli.processes import ended, started

    with started(configured.home, "chat", "-m", "slow", "Hello") as process:
        assert process.stdout.read(1), "the answer has begun"
        assert ended(process) == 130
        assert "Traceback" not in process.stderr.read()
