"""The command line in this very process: for what takes many commands, each of which would load
all of the server again. What a process of its own is for is tried in processes of their own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon.cli.main import main
from tests.cli.processes import environment


class Inside:
    """As `processes.Antiphon`, without the process."""

    def __init__(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.home = home
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def write(self, text: str, name: str = "antiphon.yaml") -> None:
        (self.home / name).write_text(text)

    def __call__(
        self, *arguments: str, status: int = 0, **env: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end; it must exit with this status."""
        variables = environment(self.home, env)
        with self._monkeypatch.context() as patch:
            patch.chdir(self.home)
            patch.setattr(sys, "argv", ["antiphon", *arguments])
            for name in [*os.environ]:
                patch.delenv(name)
            for name, value in variables.items():
                patch.setenv(name, value)
            self._capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = self._capsys.readouterr()
        code = ended.value.code or 0
        assert code == status, f"{code}\n{out}\n{err}"
        return subprocess.CompletedProcess(arguments, status, out, err)
