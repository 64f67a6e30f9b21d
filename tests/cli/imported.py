"""Importing one of the files in `data/litellm`, as a user does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from ruamel.yaml import YAML

from tests.cli.processes import Antiphon

DATA = Path(__file__).parent / "data" / "litellm"
FILES = sorted(
    path.relative_to(DATA).as_posix() for path in DATA.rglob("*.yaml") if path.name != "models.yaml"
)
ADDRESSES = ("http://127.0.0.1:9100", "http://127.0.0.1:9101")
"""Where the files say that their providers are."""
KEY = "any-key-0123456789abcdef"


class Imported:
    """What the command wrote.

    Attributes:
        text: The configuration as it was printed.
        data: Its content.
        report: The report.
    """

    def __init__(self, text: str, report: Mapping[str, object]) -> None:
        self.text = text
        self.data = YAML(typ="safe", pure=True).load(text)
        self.report = report

    @property
    def variables(self) -> dict[str, str]:
        """Something for each variable that has to be set."""
        return {
            each["name"]: "https://llm.example.com" if "base_url" in each["member"] else KEY
            for each in self.report["variables"]
        }

    def told(self, verdict: str) -> dict[str, str]:
        """Members with a verdict: the line, and why."""
        return {
            each["member"]: f"{each['where'].split(':')[1]}: {each['why']}"
            for each in self.report["items"]
            if each["verdict"] == verdict and ":" in each["where"]
        }


def given(antiphon: Antiphon, name: str, providers: Sequence[str] = ()) -> str:
    """Put a file, and what it includes, into the home; with the addresses of real providers."""
    folder = (DATA / name).parent
    for path in [DATA / name, *folder.glob("models.yaml")]:
        text = path.read_text("utf-8")
        for there, here in zip(ADDRESSES, providers, strict=False):
            text = text.replace(there, here.removesuffix("/v1"))
        (antiphon.home / path.name).write_text(text, "utf-8")
    return Path(name).name


def imported(antiphon: Antiphon, name: str, providers: Sequence[str] = ()) -> Imported:
    """Import it; the configuration stands in `antiphon.yaml` then."""
    done = antiphon("import", "litellm", given(antiphon, name, providers), "--json")
    antiphon.write(done.stdout)
    return Imported(done.stdout, json.loads(done.stderr))
