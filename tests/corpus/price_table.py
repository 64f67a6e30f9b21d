"""Writes what `prices.py` finds into docs/prices.md.

python -m tests.corpus.price_table FOLDER            write the section
python -m tests.corpus.price_table FOLDER --check    fail if the section is not current
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from antiphon.model.usage import Usage
from tests.corpus.prices import DIFFERS, EQUAL, UNREAD, Compared, compare, files_of, lines

PAGE = Path(__file__).parents[2] / "docs" / "prices.md"
BEGIN = "<!-- Made by python -m tests.corpus.price_table FOLDER -->"
END = "<!-- Until here -->"


def section(found: Iterable[Compared]) -> str:
    """The tables, from every exchange."""
    found = list(found)
    outcomes = Counter(each.outcome for each in found)
    equal = [each for each in found if each.outcome == EQUAL]
    wires = ", ".join(
        f"{count} `{wire}`"
        for wire, count in Counter(each.exchange["wire"] for each in equal).most_common()
    )
    words = ", ".join(f"{count} `{word}`" for word, count in _words(equal))
    parts = [
        f"{len(found)} recorded exchanges:\n",
        "| Outcome | Exchanges |\n| --- | --- |",
        *(f"| {outcome} | {count} |" for outcome, count in outcomes.most_common()),
        f"\nEqual, by wire: {wires}. Of these, how many used: {words}.\n",
        "| Provider | Wire | Model | Exchanges | Ours | Theirs | Reason |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *differences(found),
    ]
    return "\n".join(parts) + "\n"


def differences(found: Iterable[Compared]) -> Iterator[str]:
    """A row for each kind of difference; the sums are in dollars, of all its exchanges."""
    groups: dict[tuple[str, ...], list[Compared]] = {}
    for each in found:
        if each.outcome in {DIFFERS, UNREAD}:
            exchange = each.exchange
            key = (exchange["provider"], exchange["wire"], each.model or "any", each.reason)
            groups.setdefault(key, []).append(each)
    for (provider, wire, model, reason), group in sorted(groups.items()):
        ours, theirs = (
            ["", ""]
            if group[0].outcome == UNREAD
            else [f"{sum(side) / 1e9:.6f}" for side in zip(*_sums(group), strict=True)]
        )
        yield f"| {provider} | `{wire}` | `{model}` | {len(group)} | {ours} | {theirs} | {reason} |"


def _sums(group: Iterable[Compared]) -> Iterator[tuple[float, float]]:
    for each in group:
        yield float(each.ours), float(each.theirs)


def _words(equal: Iterable[Compared]) -> list[tuple[str, int]]:
    used = Counter(
        word
        for each in equal
        for word in Usage.__struct_fields__
        if each.usage and getattr(each.usage, word)
    )
    return used.most_common()


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0])
    current = section(compare(each) for each in lines(*files_of(folder)))
    page = PAGE.read_text("utf-8")
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    made = f"{before}{BEGIN}\n\n{current}\n{END}{after}"
    if "--check" in arguments:
        return int(made != page)
    PAGE.write_text(made, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
