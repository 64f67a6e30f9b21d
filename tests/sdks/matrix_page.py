"""The tables of docs/clients.md: what the tests of this folder run.

python -m tests.sdks.matrix_page            write them
python -m tests.sdks.matrix_page --check    fail if they are not current
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.sdks.clients import CLIENTS, Client
from tests.sdks.jobs import CASES
from tests.sdks.limits import refused, unasked

PAGE: Final = Path(__file__).parents[2] / "docs" / "clients.md"
TITLES: Final = {
    "openai_chat": "OpenAI chat",
    "openai_responses": "OpenAI Responses",
    "anthropic_messages": "Anthropic Messages",
    "gemini": "Gemini",
    "ollama": "Ollama",
}
STATUSES: Final = (400, 401, 404, 429, 502)
MEANINGS: Final = {
    "plain": "an answer in one piece",
    "stream": "a stream",
    "long": "a stream of hundreds of events",
    "cut": "the most tokens, and the client's own word for an answer that is cut",
    "tools": "two tools called at once, and their results given back",
    "tools_stream": "the same in streams",
    "image": "a picture",
    "pdf": "a document",
    "stops": "stop sequences",
    "stops_stream": "the same in a stream",
    "schema": "an answer that fits a schema",
    "thinking": "thought that is shown",
    "thinking_stream": "the same in a stream",
}


def page(text: str) -> str:
    """The page with its tables as they are."""
    tables = {"cases": _cases(), "matrix": _matrix(), "errors": _errors()}
    for name, lines in tables.items():
        begin, end = f"<!-- {name}: made by tests/sdks -->", f"<!-- end of {name} -->"
        between = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        made = "\n".join([begin, "", *lines, "", end])
        text, found = between.subn(lambda _, made=made: made, text)
        assert found == 1, f"{name} must stand once"
    return text


def _cases() -> Iterator[str]:
    yield "| Case | What is asked |"
    yield "| --- | --- |"
    for case in CASES:
        yield f"| `{case}` | {MEANINGS[case]} |"


def _matrix() -> Iterator[str]:
    yield f"| Client | speaks | {' | '.join(TITLES.values())} |"
    yield f"| --- | --- |{' ---: |' * len(TITLES)}"
    reasons: dict[str, int] = {}
    for client in CLIENTS:
        cells = [_cell(client, provider, reasons) for provider in TITLES]
        yield f"| {_name(client)} | {TITLES[client.dialect]} | {' | '.join(cells)} |"
    yield ""
    for reason, number in reasons.items():
        yield f"{number}. {reason}"


def _cell(client: Client, provider: str, reasons: dict[str, int]) -> str:
    """How many cases are equal, and the numbers of why the others are none."""
    told = {case: unasked(client.sdk, case) or refused(provider, case) for case in CASES}
    notes = {
        f"`{case.removesuffix('_stream')}`: {reason}." for case, reason in told.items() if reason
    }
    numbers = [str(reasons.setdefault(note, len(reasons) + 1)) for note in sorted(notes)]
    equal = sum(reason is None for reason in told.values())
    return f"{equal}" + (f" ({', '.join(numbers)})" if numbers else "")


def _errors() -> Iterator[str]:
    yield f"| Client | {' | '.join(map(str, STATUSES))} |"
    yield f"| --- |{' --- |' * len(STATUSES)}"
    for client in CLIENTS:
        names = (client.raises(status) for status in STATUSES)
        yield f"| {_name(client)} | {' | '.join(map(_spelt, names))} |"


def _spelt(pattern: str) -> str:
    """A pattern as the names that it stands for: `A(B|C)D` is `ABD` or `ACD`."""
    begun, _, rest = pattern.partition("(")
    middle, _, end = rest.partition(")")
    return ", ".join(f"`{begun}{each}{end}`" for each in middle.split("|"))


def _name(client: Client) -> str:
    return f"{'Python' if client.language == 'python' else 'JavaScript'} `{client.sdk}`"


if __name__ == "__main__":
    current = PAGE.read_text("utf-8")
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if page(current) == current else "docs/clients.md is not current")
    PAGE.write_text(page(current), "utf-8")
