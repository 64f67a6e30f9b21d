"""What is known of a client: how it asks, where its settings stand, what has to stand there."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import msgspec
from typing_extensions import override

from antiphon.cli.connecting.facts import Facts
from antiphon.cli.connecting.forms import TEXT, Form, Settings
from antiphon.cli.connecting.forms.lines import WHOLE
from antiphon.cli.connecting.probing import CHAT, Wire

HELLO = "Hello"


class Client(ABC):
    """A client.

    Attributes:
        name: On the command line.
        title: For people.
        language: Of what is printed.
        wire: How it asks.
        form: Of the file that it reads; None where it has none that can be written.
        prefers: Words in the names of models that it is best used with, the best first.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    language: ClassVar[str]
    wire: ClassVar[Wire] = CHAT
    form: ClassVar[Form | None] = None
    prefers: ClassVar[Sequence[str]] = ()

    @abstractmethod
    def text(self, facts: Facts) -> str:
        """What is printed: all that the client needs, and no key that was not typed."""

    def settings(self, facts: Facts, key: str) -> Settings:
        """What is written into its file, with the key as it has to stand there."""
        del facts, key
        return {}

    def place(self, environ: Mapping[str, str], home: Path) -> Path | None:
        """Where the client looks for its file; None where people choose."""
        del environ, home
        return None

    def written_key(self, facts: Facts) -> str:
        """The key as it stands in the file."""
        return facts.key.written

    def notes(self, facts: Facts) -> Sequence[str]:
        """What else is worth knowing, a sentence each."""
        del facts
        return ()

    def clashes(self, members: Mapping[str, object]) -> Sequence[str]:
        """What in its file stands in the way, a sentence each."""
        del members
        return ()


class Program(Client):
    """A client that is a program of one's own: what is printed is what is written."""

    form = TEXT

    @override
    def settings(self, facts: Facts, key: str) -> Settings:
        return {WHOLE: self.text(facts)}

    @override
    def written_key(self, facts: Facts) -> str:
        return ""


def quoted(text: str) -> str:
    """A text as JSON, Python, JavaScript and TOML all read it."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")
