"""What each provider takes and says: one file a row of the catalog, in `fixtures/`.

A file says how the canonical question must arrive there (`sent`), and what is answered: whole, as
a stream, as an error, and as a list of models. An answer is one that was recorded (`recorded`
names it in the corpus) or one that was written after the provider's documentation (`docs`).

    model = "MODEL"
    docs = "https://..."
    row = "ROW"                          # where the file has another name, since the row speaks
    dialect = "openai_chat"              # this dialect too

    [sent]
    path = "/v1/chat/completions"        # and `stream_path` where a stream has another
    key = "authorization: Bearer {key}"
    differs = ["max_tokens", "system"]   # from the question, by `DIFFERENCES`; or the whole `body`
    quiet = '{"thinking": {...}}'        # what asks for no thought, where it is asked for otherwise

    [whole]                              # and `stream`
    body = '...'                         # or `recorded`
    text = "Blue."                       # what a caller of Chat Completions reads of it
    calls = '[["weather", {"city": "Oslo"}]]'
    usage = [30, 3]
    dollars = "0.000123"                 # as it is charged, where there is a price

    [error]
    status = 401
    body = '...'
    means = "dead_key"                   # what is made of it, by `MEANINGS`

    [models]                             # left out where it cannot be asked for a list
    path = "/v1/models"
    body = '...'
    names = ["MODEL"]
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

FOLDER = Path(__file__).parent / "fixtures"
CORPUS = Path(__file__).parent.parent / "corpus/data"
KEY = "sk-upstream-0123456789"
WIRES = {
    "openai_chat": "openai-chat",
    "anthropic_messages": "anthropic-messages",
    "gemini": "gemini",
    "ollama": "ollama",
}
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
QUESTION: Mapping[str, Any] = {
    "messages": [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": "Name a colour."},
    ],
    "max_completion_tokens": 64,
    "tools": [TOOL],
    "tool_choice": "required",
}
"""What every provider is asked, in OpenAI's words of today."""


class Sent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the question must arrive."""

    path: str
    key: str
    stream_path: str = ""
    differs: tuple[str, ...] = ()
    body: str = ""
    stream_body: str = ""
    quiet: str = ""

    def members(self, model: str, *, stream: bool) -> dict[str, Any]:
        """The members that must arrive."""
        if self.body:
            return json.loads(self.stream_body if stream and self.stream_body else self.body)
        wanted = json.loads(json.dumps({"model": model, **QUESTION}))
        if stream:
            wanted |= {"stream": True, "stream_options": {"include_usage": True}}
        for name in self.differs:
            DIFFERENCES[name](wanted)
        return wanted


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One that succeeds, and what a caller reads of it.

    Its usage is left out where the provider told none.
    """

    usage: tuple[int, int] | None = None
    recorded: str = ""
    body: str = ""
    type: str = ""
    text: str = ""
    calls: str = "[]"
    dollars: str = ""


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One that does not."""

    means: str
    recorded: str = ""
    status: int = 0
    headers: Mapping[str, str] = {}
    body: str = ""


class Models(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list of models."""

    path: str
    body: str
    names: tuple[str, ...]


class Fixture(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A provider as it is known."""

    model: str
    docs: str
    sent: Sent
    row: str = ""
    dialect: str = ""
    whole: Answer
    stream: Answer
    error: Refusal
    models: Models | None = None

    @property
    def is_recorded(self) -> bool:
        """Whether an answer of it is known from traffic."""
        return bool(self.whole.recorded or self.stream.recorded)

    def lines(self, row: str, dialect: str) -> Iterator[dict[str, object]]:
        """What is not recorded, as the simulator replays it: `ROW.whole` and so on."""
        wire = WIRES[dialect]
        for name, answer in (("whole", self.whole), ("stream", self.stream)):
            if not answer.recorded:
                kind = answer.type or ("text/event-stream" if name == "stream" else _JSON)
                yield _line(f"{row}.{name}", row, wire, 200, {"content-type": kind}, answer.body)
        if not self.error.recorded:
            kind = _JSON if self.error.body.lstrip()[:1] in {"{", "[", '"'} else "text/html"
            headers = {"content-type": kind, **self.error.headers}
            yield _line(f"{row}.error", row, wire, self.error.status, headers, self.error.body)
        if self.models is not None:
            kind = {"content-type": _JSON}
            yield _line(f"{row}.models", row, "models", 200, kind, self.models.body)

    def replays(self, row: str) -> Mapping[str, str]:
        """The ids of its answers."""
        known = {"whole": self.whole, "stream": self.stream, "error": self.error}
        return {
            "models": f"{row}.models",
            **{name: each.recorded or f"{row}.{name}" for name, each in known.items()},
        }


def load_fixtures() -> Mapping[str, Fixture]:
    """All of them, by row."""
    return {
        file.stem: msgspec.convert({"row": file.stem, **_read(file)}, Fixture)
        for file in sorted(FOLDER.glob("*.toml"))
    }


def _read(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text("utf-8"))


def write_recordings(
    fixtures: Mapping[str, Fixture], dialects: Mapping[str, str], folder: Path
) -> None:
    """A folder that the simulator can replay: the corpus, and what is simulated."""
    for file in CORPUS.glob("*.jsonl"):
        if not file.name.endswith(".truth.jsonl"):
            (folder / file.name).write_bytes(file.read_bytes())
    lines = [
        json.dumps(line)
        for row, fixture in fixtures.items()
        for line in fixture.lines(row, dialects[row])
    ]
    (folder / "fixtures.jsonl").write_text("\n".join(lines), "utf-8")


def _line(
    name: str, row: str, wire: str, status: int, headers: Mapping[str, str], body: str
) -> dict[str, object]:
    response = {"status": status, "headers": headers, "body": body}
    return {"id": name, "wire": wire, "provider": row, "response": response}


_JSON = "application/json"


def _rename_bound(members: dict[str, Any]) -> None:
    members["max_tokens"] = members.pop("max_completion_tokens")


def _say_system(members: dict[str, Any]) -> None:
    members["messages"][0]["role"] = "system"


def _leave_choice(members: dict[str, Any]) -> None:
    members["tool_choice"] = "auto"


def _drop_strict(members: dict[str, Any]) -> None:
    del members["tools"][0]["function"]["strict"]


def _ask_pieces(members: dict[str, Any]) -> None:
    if members.get("stream"):
        members["tool_stream"] = True


def _drop_stream_options(members: dict[str, Any]) -> None:
    members.pop("stream_options", None)


MEANINGS: Mapping[str, tuple[int, bool]] = {
    "bad_request": (400, True),
    "context_too_long": (400, True),
    "no_such_model": (404, True),
    "rate_limited": (429, True),
    "not_allowed": (502, True),
    "dead_key": (502, False),
    "broken": (502, True),
}
"""The status that a caller gets of each kind of error, and whether the key is still used."""
DIFFERENCES: Mapping[str, Callable[[dict[str, Any]], None]] = {
    "max_tokens": _rename_bound,
    "system": _say_system,
    "auto": _leave_choice,
    "no_strict": _drop_strict,
    "tool_stream": _ask_pieces,
    "no_stream_options": _drop_stream_options,
}
"""How the question of one provider differs from what was asked."""
