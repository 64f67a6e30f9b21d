"""Budgets and limits that administrators keep, between their rows and the road.

What somebody writes becomes a row, and rows become what the road has. Both go by the models of the
configuration, so they say the same and refuse the same. A row keeps all that was meant, defaults
included: what is in force does not change with a release.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec
from msgspec import structs
from pydantic import BaseModel, ValidationError

from antiphon.access.allowances import Draft
from antiphon.access.facts import AllowanceFacts
from antiphon.access.keys import static_id
from antiphon.access.walls import WIDE
from antiphon.config.settings import Settings
from antiphon.errors import InvalidRequest
from antiphon.limits.config import LimitSettings
from antiphon.limits.config import compiled as compiled_limit
from antiphon.limits.limit import CALLERS, Limit, Scope
from antiphon.model.principal import ANONYMOUS
from antiphon.usage.budgets.budget import Budget
from antiphon.usage.budgets.config import BudgetSettings, BudgetsSettings

_WHOSE = frozenset({"scope", "name", "organisation"})
_UNTOLD = frozenset({"ask"})
"""May name a person, which the audit never does."""
_log = logging.getLogger("antiphon.allowances")
_encoder = msgspec.json.Encoder(order="deterministic")
_members = msgspec.json.Decoder(dict[str, object])
_Model = TypeVar("_Model", bound=BaseModel)


class Allowed:
    """What a configuration makes of budgets and limits that are kept beside it.

    Args:
        settings: The configuration.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def budget_draft(self, said: BudgetSettings) -> Draft:
        """What is to be kept of a budget."""
        return self._draft(said, said.scope, said.name, frozenset({said.per}))

    def limit_draft(self, said: LimitSettings) -> Draft:
        """The same of a limit.

        Raises:
            InvalidRequest: It may not have one like that.
        """
        if said.scope is Scope.ORGANISATION and said.name:
            raise InvalidRequest("The organisation has no name here: leave it out.", param="name")
        limits = compiled_limit(said, queue=self._settings.limits.queue)
        return self._draft(said, said.scope, said.name, frozenset(map(_facet, limits)))

    def budgets(self, rows: Iterable[AllowanceFacts]) -> list[Budget]:
        """What the road has of rows; those that this release does not understand are told of."""
        return [self.budget(said) for _, said in _understood(rows, budget_of)]

    def budget(self, said: BudgetSettings) -> Budget:
        """One budget of the database as the road has it."""
        section = self._settings.budgets
        alone = BudgetsSettings(time_zone=section.time_zone, ask=section.ask, limits=(said,))
        return structs.replace(alone.compiled()[0], kept=True)

    def limits(self, rows: Iterable[AllowanceFacts]) -> list[Limit]:
        """The same of limits."""
        return [
            limit
            for row, said in _understood(rows, limit_of)
            for limit in self.limit(said, row.organisation)
        ]

    def limit(self, said: LimitSettings, organisation: str) -> tuple[Limit, ...]:
        """One limit as the road has it, one for each measure.

        Args:
            said: The limit.
            organisation: The id of the tenant that keeps it.
        """
        layer = organisation if said.scope in CALLERS else ""
        return compiled_limit(said, queue=self._settings.limits.queue, layer=layer)

    def configured_budgets(self) -> list[Budget]:
        """The budgets of the configuration as the road has them."""
        return self._settings.budgets.compiled()

    def configured_limits(self) -> list[LimitSettings]:
        """What the configuration says, that of its entries of providers included."""
        found = [*self._settings.limits.rules]
        for name, entry in self._settings.providers.items():
            said = entry.limits
            if said is None:
                continue
            amounts = {
                "requests": said.requests_per_minute,
                "tokens": said.tokens_per_minute,
                "concurrency": said.concurrency,
            }
            if any(amount is not None for amount in amounts.values()):
                members = {"scope": Scope.PROVIDER, "name": name, "when_full": said.when_full}
                found.append(LimitSettings.model_validate({**members, **amounts}))
        return found

    def configured_limit(self, said: LimitSettings) -> tuple[Limit, ...]:
        """One limit of the configuration as the road has it, one for each measure."""
        return compiled_limit(said, queue=self._settings.limits.queue)

    def knows(self, scope: str, name: str) -> bool:
        """Whether the configuration knows somebody or something of a name."""
        settings = self._settings
        keys = settings.auth.keys
        match scope:
            case "department" | "team" | "user":
                return any(getattr(each, scope) == name for each in keys)
            case "key":
                return name in {*map(static_id, keys), ANONYMOUS.key_id, "admin"}
            case "alias":
                return name in settings.models or name.partition("/")[0] in settings.providers
            case "provider" | "deployment":
                return name.partition("/")[0] in settings.providers
            case _:
                # A fingerprint of a provider's key, which may be read later than this.
                return scope in WIDE

    def _draft(self, said: BaseModel, scope: str, name: str, facets: frozenset[str]) -> Draft:
        terms = said.model_dump(mode="json", exclude=set(_WHOSE))
        told = {key: value for key, value in terms.items() if key not in _UNTOLD}
        return Draft(
            scope=scope,
            name=name,
            facets=facets,
            terms=_encoder.encode(terms).decode(),
            told=told,
            configured=self.knows(scope, name),
        )


def read(model: type[_Model], members: Mapping[str, object]) -> _Model:
    """What somebody wrote, by a model of the configuration.

    Raises:
        InvalidRequest: It cannot be that; the message says why.
    """
    try:
        return model.model_validate(members)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise InvalidRequest(
            f"{where}: {message}" if where else f"{message}.", param=where or None
        ) from error


def budget_of(row: AllowanceFacts) -> BudgetSettings:
    """A budget as it stands in a row.

    Raises:
        InvalidRequest: This release does not understand it.
    """
    return read(BudgetSettings, {**_members_of(row), "organisation": row.organisation})


def limit_of(row: AllowanceFacts) -> LimitSettings:
    """A limit as it stands in a row.

    Raises:
        InvalidRequest: This release does not understand it.
    """
    return read(LimitSettings, _members_of(row))


def _members_of(row: AllowanceFacts) -> dict[str, object]:
    # Who has a name is told by it, as in the configuration; an organisation has its id alone.
    return {**_members.decode(row.terms), "scope": row.scope, "name": row.name}


def _understood(
    rows: Iterable[AllowanceFacts], read_one: Callable[[AllowanceFacts], _Model]
) -> Iterator[tuple[AllowanceFacts, _Model]]:
    for row in rows:
        try:
            yield row, read_one(row)
        except InvalidRequest as error:
            _log.error("The %s %s is not in force: %s", row.kind, row.id, error.message)


def _facet(limit: Limit) -> str:
    share = "total" if limit.total else "each"
    mode = "shadow" if limit.shadow else "enforce"
    return f"{limit.measure.name.lower()}/{limit.seconds:g}/{share}/{mode}"
