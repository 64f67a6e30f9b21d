"""Who answers when a name's own deployments cannot, in LiteLLM's forms."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from antiphon.cli.importing.report import Report
from antiphon.cli.importing.sections import Said, Sections
from antiphon.config.tree import is_list, is_mapping
from antiphon.yamlfile.places import Path

EACH = "*"
"""The name under which LiteLLM lists what stands behind every other."""


class Fallback(NamedTuple):
    """One name that answers for another.

    Attributes:
        name: Whose deployments failed; `*` is any that has no fallback of its own.
        target: Who is asked then.
        path: Where that stands.
        why: What is to be told of it; empty where it means the same here.
    """

    name: str
    target: str
    path: Path
    why: str = ""


_LONGER = (
    "is asked whatever the reason is that the ones before it failed, not only when a prompt is too "
    "long for them"
)


def fallbacks_of(sections: Sections, report: Report) -> list[Fallback]:
    """All fallbacks, those for every error first."""
    found: list[Fallback] = []
    for setting, why in (("fallbacks", ""), ("context_window_fallbacks", _LONGER)):
        said = sections.take(setting, "router_settings", "litellm_settings")
        if said is not None:
            found += _named(said, why, report)
    said = sections.take("default_fallbacks", "router_settings", "litellm_settings")
    if said is not None:
        found += _targets(EACH, said, "", report)
    return found


def _named(said: Said, why: str, report: Report) -> Iterator[Fallback]:
    """A list of mappings of one name each; one mapping of them all is taken too."""
    entries = said.value if is_list(said.value) else [said.value]
    for index, entry in enumerate(entries):
        path: Path = (*said.path, index) if is_list(said.value) else said.path
        if not is_mapping(entry):
            report.dropped(path, "must be a mapping of a name to a list of names")
            continue
        for name, targets in entry.items():
            yield from _targets(name, Said((*path, name), targets), why, report)


def _targets(name: str, said: Said, why: str, report: Report) -> Iterator[Fallback]:
    for index, target in enumerate(said.value if is_list(said.value) else [said.value]):
        path: Path = (*said.path, index) if is_list(said.value) else said.path
        if isinstance(target, str) and target:
            yield Fallback("-".join(name.split()), "-".join(target.split()), path, why)
        else:
            told = "a request goes to each deployment as the caller sent it"
            report.dropped(path, "must be a name; no prompt of its own can be given", told)
