"""From data to settings, with every mistake that can be seen at once.

Pydantic stops before what depends on a wrong member. So a wrong member is taken out, one whose
name is misspelt is read as what was meant, and what is left is checked as a whole: whoever fixes
what is reported should not meet a second list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from pydantic import ValidationError

from antiphon.config.checks import Finding, findings
from antiphon.config.fields import names_at
from antiphon.config.settings import Settings
from antiphon.config.tree import Rest, in_data, touches
from antiphon.config.words import Fault, did_you_mean, nearest, reworded
from antiphon.dialects.base import Dialect
from antiphon.providers.catalog import Catalog
from antiphon.yamlfile.places import Path, dotted


class Verdict(NamedTuple):
    """What became of the data.

    Attributes:
        settings: As far as they could be read; None if nothing could.
        findings: What is wrong, by the paths of the data. None means that settings can be used.
    """

    settings: Settings | None
    findings: Sequence[Finding]


def validate(
    data: Mapping[str, object],
    *,
    spoiled: AbstractSet[Path],
    hidden: AbstractSet[Path],
    catalog: Catalog,
    dialects: Mapping[str, Dialect],
    complete: Callable[[Settings], Settings],
) -> Verdict:
    """Read and check the settings.

    Args:
        data: As it was read.
        spoiled: Members already reported; nothing more is said of them.
        hidden: Members whose value is never shown.
        catalog: The providers that are known.
        dialects: The wire formats that are known.
        complete: Adds what the data leaves to the environment.
    """
    faults, renames = _Faults(data, hidden), dict[Path, str]()
    settings = faults.read(data)
    rest = Rest(data, frozenset(spoiled), {})
    if settings is None:
        lost = frozenset(spoiled) | faults.lost
        renames = {path: name for path, name in faults.renames.items() if path not in spoiled}
        for meant in (renames, {}):
            rest = Rest(data, lost, meant)
            settings = _Faults(rest.data, hidden).read(rest.data)
            if settings is not None:
                break
    found = [each for each in faults.found if not touches(each.path, spoiled)]
    if settings is not None:
        settings = complete(settings)
        found += _original(rest, findings(settings, catalog=catalog, dialects=dialects))
    return Verdict(settings, found)


class _Faults:
    """What pydantic says of the data, in our words and by the paths of the data."""

    def __init__(self, data: object, hidden: AbstractSet[Path]) -> None:
        self._data = data
        self._hidden = hidden
        self.found: list[Finding] = []
        self.lost: frozenset[Path] = frozenset()
        self.renames: dict[Path, str] = {}

    def read(self, data: object) -> Settings | None:
        """The settings, or None and what is wrong."""
        try:
            return Settings.model_validate(data)
        except ValidationError as error:
            said: dict[Path, list[str]] = {}
            for each in error.errors(include_url=False):
                path = self._note(each["loc"], each["type"])
                value = each["input"]
                shown = isinstance(value, str) and path not in self._hidden
                fault = Fault(
                    each["type"], each["msg"], each.get("ctx", {}), value if shown else None
                )
                words = said.setdefault(path, [])
                message = self._unknown(path) if fault.kind == _EXTRA else reworded(fault)
                if message not in words:
                    words.append(message)
        self.found = [Finding(path, ", or ".join(words)) for path, words in said.items()]
        return None

    def _note(self, location: Path, kind: str) -> Path:
        if kind == _MISSING:
            holder = in_data(self._data, location[:-1])
            self.lost |= {holder}
            return (*holder, location[-1])
        path = in_data(self._data, location)
        self.lost |= {path}
        return path

    def _unknown(self, path: Path) -> str:
        names = names_at(Settings, path[:-1])
        meant = nearest(str(path[-1]), names)
        if meant is not None:
            self.renames[path] = meant
        hint = did_you_mean(str(path[-1]), names) or f"; there is {', '.join(names)}"
        return f"is not a setting{hint}"


_MISSING = "missing"
_EXTRA = "extra_forbidden"


def _original(rest: Rest, found: Iterable[Finding]) -> Iterator[Finding]:
    """What was found in the rest, by the paths of the data; but not what the loss caused."""
    for finding in found:
        paths = [rest.original(path) for path in (finding.path, *finding.depends)]
        if any(touches(path, rest.gone) for path in paths):
            continue
        rival = "" if finding.rival is None else f" {dotted(rest.original(finding.rival))}"
        yield Finding(paths[0], finding.message + rival)
