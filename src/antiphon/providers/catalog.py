"""Who can be asked: a provider is a row of `catalog.toml`.

Rows are data. What varies in behaviour is a named quirk (`quirks.py`) or a dialect; no code asks
which provider it is talking to.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from typing import Literal

import msgspec
from typing_extensions import override

from antiphon.errors import ConfigurationError, Mistake
from antiphon.model.needs import Need
from antiphon.providers.begun import Begun
from antiphon.providers.models import ModelTable
from antiphon.providers.pricebook import PriceBook
from antiphon.providers.quirks import QUIRKS

MOST_QUIRKS = 3
GENERIC = "openai_compatible"
"""The row of an entry that names none."""


Lacked = Literal["json_mode", "json_schema"]


class AuthTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The header that carries a key; `{key}` in `value` is replaced by it."""

    header: str = "Authorization"
    value: str = "Bearer {key}"


class Also(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A further dialect that a provider speaks.

    Attributes:
        path: Base path on the same host, where that is another.
        quirks: As those of the row, for this dialect.
        lacks: As that of the row, for this dialect.
        auth: How the key is sent, where that is another way.
    """

    path: str | None = None
    quirks: tuple[str, ...] = ()
    lacks: tuple[Lacked, ...] = ()
    auth: AuthTemplate | None = None


class ProviderRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One row of the catalog.

    Attributes:
        name: Its table name, by which configuration and `provider/model` call it.
        aliases: Other names for it.
        dialect: The wire format that it speaks.
        counts: The dialects in which it counts the tokens of a prompt without answering it.
        original: Its maker made the dialects that it speaks, and takes all that they have.
        takes: Needs (`model.needs`) that it takes although it is only like the dialect.
        lacks: Forms of an answer that it does not take in its dialect: they are told in words.
        also: Further ones, by name: callers who speak one of them are answered in it.
        base_url: Where it answers; None where every installation has its own address.
        base_path: Put behind a given base URL that has no path of its own.
        base_url_env: Environment names that hold a base URL, first one wins.
        base_url_form: `host` where such a name may hold no more than `host:port`.
        key_env: Environment names that hold a key, first one wins.
        key_optional: It may be asked without a key.
        models_env: Environment names that hold the model to ask for.
        auth: How the key is sent.
        quirks: Names in `quirks.QUIRKS`, applied in this order.
        prices: Providers of the price book to look in, in this order.
        self_hosted: It runs on the user's own machines: nothing is charged, text stays there.
        begun: How it goes on with an answer that was begun, by dialects.
        lists_models: It can be asked which models it has.
        models: What to show where the list cannot be asked for.
        wrong_hosts: Hosts that are mistaken for this provider's, and the address that was meant.
        vendor: Its name in OpenTelemetry's words, where that is another.
        docs: Where its API is described.
        tier: `verified` where its replies are known from recorded traffic, else `community`.
    """

    name: str
    dialect: str
    docs: str
    tier: Literal["verified", "community"]
    aliases: tuple[str, ...] = ()
    original: bool = False
    takes: tuple[Need, ...] = ()
    lacks: tuple[Lacked, ...] = ()
    counts: tuple[str, ...] = ()
    also: Mapping[str, Also] = msgspec.field(default_factory=dict[str, Also])
    base_url: str | None = None
    base_path: str = ""
    base_url_env: tuple[str, ...] = ()
    base_url_form: Literal["url", "host"] = "url"
    key_env: tuple[str, ...] = ()
    key_optional: bool = False
    models_env: tuple[str, ...] = ()
    auth: AuthTemplate = AuthTemplate()
    quirks: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    self_hosted: bool = False
    begun: Mapping[str, Begun] = msgspec.field(default_factory=dict[str, Begun])
    lists_models: bool = True
    models: tuple[str, ...] = ()
    vendor: str = ""
    wrong_hosts: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])

    def __post_init__(self) -> None:
        for quirks in (self.quirks, *(also.quirks for also in self.also.values())):
            if len(quirks) > MOST_QUIRKS:
                raise ValueError(f"more than {MOST_QUIRKS} quirks: write a dialect")
            unknown = [name for name in quirks if name not in QUIRKS]
            if unknown:
                raise ValueError(f"no such quirk: {', '.join(unknown)}")
        if self.base_url is None and not self.base_url_env:
            raise ValueError("neither base_url nor base_url_env")


class Catalog(Mapping[str, ProviderRow]):
    """Every row by its name, with what is known of models and prices.

    Iteration yields row names only; look-up also takes aliases.
    """

    __slots__ = ("_aliases", "_rows", "models", "prices")

    def __init__(
        self, rows: Mapping[str, ProviderRow], *, models: ModelTable, prices: PriceBook
    ) -> None:
        self._rows = rows
        self._aliases = {alias: row for row in rows.values() for alias in row.aliases}
        self.models = models
        self.prices = prices

    @override
    def __getitem__(self, name: str) -> ProviderRow:
        return self._rows[name] if name in self._rows else self._aliases[name]

    @override
    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    @override
    def __len__(self) -> int:
        return len(self._rows)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name and alias, for hints."""
        return (*self._rows, *self._aliases)


def load_catalog() -> Catalog:
    """Read the catalog that ships with the package.

    Models and prices are read when first asked for.
    """
    text = resources.files("antiphon.providers").joinpath("catalog.toml").read_text("utf-8")
    return Catalog(parse_catalog(text), models=ModelTable(), prices=PriceBook())


def parse_catalog(text: str) -> Mapping[str, ProviderRow]:
    """The rows of a catalog file.

    Raises:
        ConfigurationError: It is not TOML, or a row is not right; all mistakes at once.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError([Mistake("catalog.toml", "", str(error))]) from error
    rows: dict[str, ProviderRow] = {}
    mistakes: list[Mistake] = []
    for name, table in tables.items():
        try:
            rows[name] = msgspec.convert({**table, "name": name}, ProviderRow)
        except msgspec.ValidationError as error:
            mistakes.append(Mistake("catalog.toml", name, str(error)))
    if mistakes:
        raise ConfigurationError(mistakes)
    return rows
