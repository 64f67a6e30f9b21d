"""From an entry of the configuration to deployments.

`mistakes` says what is wrong with an entry before anything is built, so that a file's mistakes
come all at once; `Provider` is built from an entry that has none.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from antiphon.clock import Clock
from antiphon.dialects.base import Dialect
from antiphon.dialects.contract import Quirk, Target
from antiphon.errors import ConfigurationError, Mistake
from antiphon.providers.abilities import unlike_of
from antiphon.providers.address import Address, parse_address
from antiphon.providers.auth import HeaderAuth, usual_headers
from antiphon.providers.begun import WAYS, known
from antiphon.providers.catalog import GENERIC, Also, AuthTemplate, Catalog, ProviderRow
from antiphon.providers.clearance import clearance
from antiphon.providers.config import ModelSettings, PricingSettings, ProviderSettings
from antiphon.providers.deployment import Deployment, Door
from antiphon.providers.face import Face, lines_of
from antiphon.providers.keys import Key, KeyRing
from antiphon.providers.model_names import is_model_name
from antiphon.providers.models import ModelFacts
from antiphon.providers.pricing import Charge, Pricing
from antiphon.providers.quirks import QUIRKS
from antiphon.providers.transport.call import Timeouts

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DEFAULT_PRICING = PricingSettings()
_NEAR = 0.7
"""How like a name must be to be meant: short ones are like many."""


class Provider:
    """An entry of the configuration, ready to make deployments that share its keys.

    Attributes:
        name: The entry's name.
        row: The row of the catalog that it goes by.
        settings: What the entry said.
        address: Where it answers.
        dialect: The wire format that is spoken there.
        keys: Its keys.
    """

    __slots__ = (
        "_catalog",
        "_clock",
        "_door",
        "_new_keys",
        "_pricing",
        "_spoken",
        "address",
        "dialect",
        "keys",
        "name",
        "row",
        "settings",
    )

    def __init__(
        self,
        name: str,
        settings: ProviderSettings,
        *,
        catalog: Catalog,
        dialects: Mapping[str, Dialect],
        clock: Clock,
        prices: PricingSettings = _DEFAULT_PRICING,
        before: Provider | None = None,
    ) -> None:
        """Build it.

        Where it is to take the place of one `before` at the same address, that one's key ring goes
        on; it has the keys of these settings once `take_place` is called.

        Raises:
            ConfigurationError: The entry has mistakes, or a key file cannot be read.
        """
        found = mistakes(name, settings, catalog=catalog, dialects=dialects)
        if found:
            raise ConfigurationError([Mistake("providers", path, why) for path, why in found])
        self.name = name
        self.settings = settings
        self.row = row_of(name, settings, catalog)
        self.address = _address(settings, self.row)
        self._new_keys = self.keys = KeyRing(settings.keys, clock=clock)
        if before is not None and before.address.origin == self.address.origin:
            self.keys = before.keys
        self._catalog = catalog
        self._clock = clock
        self._spoken = _spoken(settings, self.row, self.address, dialects)
        self.dialect = self._spoken[0].dialect
        self._pricing = Pricing(
            name,
            self.row,
            settings,
            is_private=self.is_private,
            defaults=prices,
            book=catalog.prices,
        )
        self._door = Door(
            name,
            self.row,
            origin=self.address.origin,
            timeouts=Timeouts(**settings.timeouts.model_dump()),
            keys=self.keys,
            auth=HeaderAuth(self.row.auth.header, self.row.auth.value),
            headers=usual_headers(settings.headers),
            breaking=settings.breaker.figures,
            region=settings.region,
        )

    def take_place(self) -> None:
        """Take the place of the one before: from now on its key ring has the keys of this one."""
        if self.keys is not self._new_keys:
            self.keys.adopt(self._new_keys)
            self._new_keys = self.keys

    @property
    def models(self) -> tuple[str, ...]:
        """The models that configuration names, else those that the row shows."""
        return tuple(self.settings.models) or self.row.models

    @property
    def is_private(self) -> bool:
        """Whether what is sent there stays on the user's own machines and networks."""
        return self.address.is_private

    def deployment(self, model: str) -> Deployment:
        """A model of this provider, listed or not.

        Raises:
            ConfigurationError: The name can be no model's.
            ModelUnpriced: It has no price, and such models are denied.
        """
        if not is_model_name(model):
            raise ConfigurationError([Mistake("providers", self.name, "this is no model name")])
        entry = self._catalog.models.row(model)
        own = self.settings.models.get(model, _NOTHING)
        charge = self._pricing.charge(model, now=self._clock.now())
        facts = _facts(entry, own, charge)
        of_model = entry.quirks if self.row.name in entry.at else ()
        return Deployment(
            self._door,
            model,
            faces=self._faces(model, of_model, facts),
            facts=facts,
            charge=charge,
            clearance=clearance(self.settings, self.row, model, is_private=self.is_private),
        )

    def store(self, objects: str) -> Deployment:
        """The place of objects that are kept there under its keys, such as files.

        It stands in journal and ledger as a model of that name, at the price that the
        configuration gives such a model, else for nothing.
        """
        return Deployment(
            self._door,
            objects,
            faces=self._faces(objects, (), _NO_FACTS),
            facts=_NO_FACTS,
            charge=self._pricing.fee(objects),
            clearance=clearance(self.settings, self.row, objects, is_private=self.is_private),
        )

    @property
    def speaks(self) -> frozenset[str]:
        """The names of all dialects that are spoken there."""
        return frozenset(spoken.dialect.name for spoken in self._spoken)

    def _faces(self, model: str, quirks: Sequence[str], facts: ModelFacts) -> Sequence[Face]:
        """One for each dialect, the entry's own first."""
        first = self._spoken[0]
        own = (*first.quirks, *quirks, *self.settings.quirks)
        named = [(each, own if each is first else each.quirks) for each in self._spoken]
        return [self._face_that_goes_on(each, model, quirks, facts) for each, quirks in named]

    def _face_that_goes_on(
        self, spoken: _Spoken, model: str, quirks: Sequence[str], facts: ModelFacts
    ) -> Face:
        """A face, and beside it the one where begun answers are gone on with."""
        face, dialect = self._face(spoken, model, quirks, facts), spoken.dialect
        begun = known(self.row.begun.get(dialect.name), facts, dialect, own=dialect is self.dialect)
        if begun is not None:
            spoken = spoken._replace(path=spoken.path if begun.path is None else begun.path)
            face.going_on = self._face(spoken, model, quirks, facts, way=WAYS[begun.way])
        return face

    def _face(
        self,
        spoken: _Spoken,
        model: str,
        quirks: Sequence[str],
        facts: ModelFacts,
        *,
        way: Quirk | None = None,
    ) -> Face:
        dialect = spoken.dialect
        base = dialect.based(spoken.path)
        whole, stream = (
            self._versioned(base + dialect.target_path(model, stream=each))
            for each in (False, True)
        )
        return Face(
            dialect,
            functools.partial(self._door.render, auth=spoken.auth),
            base=base,
            paths=(whole, stream),
            target=Target(
                model,
                max_output=facts.max_output,
                scope=f"{self.name}/{model}",
                adaptive=facts.adaptive,
                json_mode=bool(facts.json_mode),
                original=self.row.original,
            ),
            quirks=[*(QUIRKS[each] for each in dict.fromkeys(quirks)), *([way] if way else ())],
            facts=facts,
            unlike=unlike_of(self.row, dialect, facts, own=dialect is self.dialect),
            counting=self._counting(dialect, base, model),
        )

    def _counting(self, dialect: Dialect, base: str, model: str) -> str:
        """Where prompts of a dialect are counted; empty where they are not."""
        path = dialect.counting_path(model) if dialect.name in self.row.counts else ""
        return self._versioned(base + path) if path else ""

    def models_head(self) -> tuple[bytes, Key] | None:
        """The head of a request for the list of models; None where there is no such list."""
        if not self.row.lists_models or not self.settings.discover:
            return None
        spoken, key = self._spoken[0], self.keys.take()
        return self._asking(spoken, self.dialect.listing, key) + lines_of(self.dialect), key

    def loaded_head(self) -> bytes | None:
        """The head of a request for the models in its memory; None where nobody tells of them."""
        spoken = next((each for each in self._spoken if each.dialect.loaded), None)
        return spoken and self._asking(spoken, spoken.dialect.loaded, self.keys.take())

    def _asking(self, spoken: _Spoken, listing: str, key: Key) -> bytes:
        asked = f"GET {self._versioned(spoken.dialect.based(spoken.path) + listing)}"
        return self._door.render(key, request=asked, accept="application/json", auth=spoken.auth)

    @property
    def key_header(self) -> str:
        """The header that carries a key in the entry's own dialect."""
        return self._spoken[0].auth.header

    def _versioned(self, path: str) -> str:
        version = self.settings.api_version
        if not version:
            return path
        return f"{path}{'&' if '?' in path else '?'}api-version={version}"


class _Spoken(NamedTuple):
    """A dialect of an entry: its base path, its quirks, and how the key is shown."""

    dialect: Dialect
    path: str
    quirks: Sequence[str]
    auth: HeaderAuth


def row_of(name: str, settings: ProviderSettings, catalog: Catalog) -> ProviderRow:
    """The row that an entry goes by.

    Raises:
        KeyError: It names a row that is not there.
    """
    if settings.catalog is not None:
        return catalog[settings.catalog]
    return catalog[name] if name in catalog else catalog[GENERIC]


def pricing_of(
    name: str, settings: ProviderSettings, *, catalog: Catalog, prices: PricingSettings
) -> Pricing | None:
    """The prices of an entry's models; None where the entry itself has mistakes about its row."""
    try:
        row = row_of(name, settings, catalog)
        address = _address(settings, row)
    except (KeyError, ValueError):
        return None
    return Pricing(
        name,
        row,
        settings,
        is_private=address.is_private,
        defaults=prices,
        book=catalog.prices,
    )


def mistakes(
    name: str, settings: ProviderSettings, *, catalog: Catalog, dialects: Mapping[str, Dialect]
) -> Sequence[tuple[str, str]]:
    """What is wrong with an entry beyond its form: path of the member, and what is wrong."""
    if not _NAME.fullmatch(name):
        return [(name, "a provider's name has letters, digits, '.', '_' and '-' only")]
    try:
        row = row_of(name, settings, catalog)
    except KeyError:
        return [(f"{name}.catalog", f"no such row{_nearest(settings.catalog or '', catalog)}")]
    found: list[tuple[str, str]] = []
    dialect = settings.dialect or row.dialect
    if dialect not in dialects:
        found.append((f"{name}.dialect", f"{dialect!r} is not one of {', '.join(dialects)}"))
    if settings.base_url is None and row.base_url is None:
        found.append((f"{name}.base_url", _no_address(name, row, catalog)))
    else:
        try:
            _address(settings, row)
        except ValueError as error:
            found.append((f"{name}.base_url", str(error)))
    if not settings.keys and not row.key_optional:
        found.append((f"{name}.api_key", f"no key: give one, or set {' or '.join(row.key_env)}"))
    found += [
        (f"{name}.models.{model}", "this is no model name")
        for model in settings.models
        if not is_model_name(model)
    ]
    return found


_NOTHING, _NO_FACTS = ModelSettings(), ModelFacts()


def _address(settings: ProviderSettings, row: ProviderRow) -> Address:
    return parse_address(
        settings.base_url or row.base_url or "",
        row,
        ca_file=None if settings.ca_file is None else str(settings.ca_file),
        allow_host=settings.allow_host,
    )


def _spoken(
    settings: ProviderSettings,
    row: ProviderRow,
    address: Address,
    dialects: Mapping[str, Dialect],
) -> Sequence[_Spoken]:
    """The dialects of an entry, its own first.

    An entry that names its dialect speaks that one only. A path of the row's own holds where the
    entry's address has the row's shape.
    """
    usual = parse_address(row.base_url, row).path if row.base_url else row.base_path

    def fits(also: Also) -> bool:
        return address.path in {usual, also.path}

    def further(name: str, also: Also) -> _Spoken:
        path = also.path if also.path is not None and fits(also) else address.path
        return _Spoken(dialects[name], path, also.quirks, _shown_by(also.auth or row.auth))

    own = settings.dialect or row.dialect
    if own in row.also:
        return [further(own, row.also[own])]
    spoken = [_Spoken(dialects[own], address.path, row.quirks, _shown_by(row.auth))]
    if settings.dialect is None:
        spoken += [
            further(name, also)
            for name, also in row.also.items()
            if name in dialects and (also.path is None or fits(also))
        ]
    return spoken


def _shown_by(auth: AuthTemplate) -> HeaderAuth:
    return HeaderAuth(auth.header, auth.value)


def _facts(entry: ModelFacts, own: ModelSettings, charge: Charge) -> ModelFacts:
    known = {name: getattr(entry, name) for name in ModelFacts.__struct_fields__}
    if known["context"] is None:
        known["context"] = charge.context
    return ModelFacts(**{**known, **own.model_dump(exclude_none=True, exclude={"prices"})})


def _no_address(name: str, row: ProviderRow, catalog: Catalog) -> str:
    hint = _nearest(name, catalog) if row.name == GENERIC else ""
    return f"no address: give one, or set {' or '.join(row.base_url_env)}{hint}"


def _nearest(name: str, catalog: Catalog) -> str:
    near = difflib.get_close_matches(name, catalog.names, n=2, cutoff=_NEAR)
    return f" (did you mean {' or '.join(near)}?)" if near else ""
