"""What is known of LiteLLM's names: three tables, as data.

`providers.toml` says what a provider of LiteLLM's is here, `bare.toml` whose a model is that is
named without one, `settings.toml` what to say of settings that no code reads.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources

import msgspec

from antiphon.cli.importing.report import Report, Verdict
from antiphon.yamlfile.places import Path

_FIELD = re.compile(r"\{(\w+)\}")


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One provider of LiteLLM's; `providers.toml` says what each member means."""

    rows: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    strip: tuple[str, ...] = ()
    base: str = ""
    base_env: tuple[str, ...] = ()
    key_env: tuple[str, ...] = ()
    only_host: tuple[str, ...] = ()
    only_models: tuple[str, ...] = ()
    template: str = ""
    rewrites: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    needs_base: bool = False
    note: str = ""
    refused: str = ""
    instead: str = ""

    @property
    def fields(self) -> frozenset[str]:
        """The members of an entry that its address is made of."""
        return frozenset(_FIELD.findall(self.template))


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to say of some settings."""

    names: tuple[str, ...]
    why: str
    verdict: Verdict = Verdict.DROPPED
    instead: str = ""


class Split(msgspec.Struct, frozen=True):
    """A model's name in two.

    Attributes:
        provider: The name that LiteLLM has for the provider; empty where nobody knows it.
        model: What the provider is asked for.
    """

    provider: str
    model: str


@cache
def providers() -> Mapping[str, Known]:
    """LiteLLM's providers by name."""
    return msgspec.convert(_table("providers.toml"), dict[str, Known])


def split(text: str, provider: str | None) -> Split:
    """Whose model this is, as LiteLLM reads it.

    Args:
        text: The member `model`.
        provider: The member `custom_llm_provider`, which beats what the name says.
    """
    first, slash, rest = text.partition("/")
    if provider is not None:
        return Split(provider, rest if slash and first == provider else text)
    if slash and first in providers():
        return Split(first, rest)
    maker = next((name for name, starts in _bare().items() if text.startswith(starts)), "")
    return Split(maker if not slash else "", text)


def tell(report: Report, table: str, path: Path) -> None:
    """Report a setting that no code reads."""
    said = _settings()[table].get(str(path[-1]))
    if said is None:
        report.unknown(path)
    else:
        report.add(said.verdict, path, said.why, said.instead)


def tell_callback(report: Report, name: str, path: Path) -> None:
    """Report a callback."""
    said = _settings()["callback"].get(name)
    if said is None:
        report.dropped(path, "no code of a configuration's is run, and this callback is not known")
    else:
        report.add(said.verdict, path, f"{name}: {said.why}", said.instead)


@cache
def _bare() -> Mapping[str, tuple[str, ...]]:
    return msgspec.convert(_table("bare.toml"), dict[str, tuple[str, ...]])


@cache
def _settings() -> Mapping[str, Mapping[str, Said]]:
    tables = msgspec.convert(_table("settings.toml"), dict[str, list[Said]])
    return {
        table: {name: each for each in some for name in each.names}
        for table, some in tables.items()
    }


def _table(file: str) -> dict[str, object]:
    return tomllib.loads(
        resources.files("antiphon.cli.importing").joinpath(file).read_text("utf-8")
    )
