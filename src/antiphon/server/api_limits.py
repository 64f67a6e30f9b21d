"""`/api/v1/limits`: how much callers may ask for, changed while the gateway runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Literal, Self

from fastapi import Depends, Request
from pydantic import Field, model_validator
from pydantic.config import ConfigDict, JsonDict
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import override

from antiphon.access.allowances import Draft, Kind
from antiphon.access.facts import AllowanceFacts
from antiphon.access.walls import WIDE
from antiphon.gateway.allowances import limit_of
from antiphon.gateway.uses import LimitUse
from antiphon.limits.config import Amount, Dollars, LimitSettings, Per, QueueSettings
from antiphon.limits.limit import Limit, Measure, Scope
from antiphon.model.principal import HOME
from antiphon.server.api_actor import At, Walled, front_of, routes
from antiphon.server.api_allowances import AllowanceId, AllowanceView, Kept, OfScope, amended
from antiphon.server.api_views import Body, Moment, PageView, View, Which
from antiphon.usage.ledger.shown import dollars

LIMITS = routes("limits")
EVERY = "*"
"""In place of an organisation: each of them, or all together."""
_EXAMPLE: JsonDict = {"scope": "team", "name": "web", "requests": 600, "per": "minute"}


class LimitUseView(View):
    """What is taken of a limit at the moment, in the process that answers."""

    name: str = Field(description="Whose it is: the team, the key...; empty for all together.")
    measure: str = Field(description="`requests`, `tokens`, `dollars` or `concurrency`.")
    used: str = Field(description="In the window that ends now; of dollars with nine decimals.")
    bound: str = Field(description="The most that may be.")
    share: float = Field(description="The one by the other.")
    resets_at: Moment | None = Field(description="When nothing is left of it; null where unused.")


class LimitView(AllowanceView):
    """One limit."""

    share: Literal["each", "total"]
    requests: int | None
    tokens: int | None
    dollars: str | None
    per: Per
    concurrency: int | None
    tokens_per_request: int | None
    bytes_per_request: int | None
    mode: Literal["enforce", "shadow"]
    when_full: Literal["refuse", "queue"]
    queue: QueueSettings | None
    reserve: Literal["likely", "most"]
    uses: list[LimitUseView] = Field(
        description="For each measure, of whoever it names; where each has its own, of the hundred "
        "that have taken the largest share."
    )


class LimitBody(LimitSettings):
    """A limit that is to be made, as the configuration would say it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    organisation: SkipJsonSchema[str] = ""

    @model_validator(mode="after")
    def _is_of_the_query(self) -> Self:
        if "organisation" in self.model_fields_set:
            raise ValueError("the organisation is named in the query")
        return self


class LimitChangeBody(Body):
    """What is to become of a limit: only what is there changes; null is the default."""

    share: Literal["each", "total"] | None = None
    requests: Amount | None = None
    tokens: Amount | None = None
    dollars: Dollars | None = None
    per: Per | None = None
    concurrency: Amount | None = None
    tokens_per_request: Amount | None = None
    bytes_per_request: Amount | None = None
    mode: Literal["enforce", "shadow"] | None = None
    when_full: Literal["refuse", "queue"] | None = None
    queue: QueueSettings | None = None
    reserve: Literal["likely", "most"] | None = None


class LimitsHere(Kept[LimitView]):
    """The limits of one organisation, those of the configuration included."""

    what = Kind.LIMIT.value

    def draft(self, said: LimitSettings) -> Draft:
        """What is to be kept of a limit."""
        return self._front.allowed.limit_draft(said)

    def changed(self, row: AllowanceFacts, change: LimitChangeBody) -> Draft:
        """What a limit becomes by a change."""
        return self.draft(amended(LimitSettings, limit_of(row), change))

    @override
    def view(self, row: AllowanceFacts) -> LimitView:
        said = limit_of(row)
        return self._told(said, self._front.allowed.limit(said, row.organisation), row)

    @override
    def _configured(self) -> Iterable[LimitView]:
        return [
            self._told(said, self._front.allowed.configured_limit(said))
            for said in self._front.allowed.configured_limits()
            if _is_of(said, self._realm.organisation)
        ]

    def _told(
        self, said: LimitSettings, limits: tuple[Limit, ...], row: AllowanceFacts | None = None
    ) -> LimitView:
        identity = [each.identity for each in limits]
        gone = row is not None and row.removed_at is not None
        uses = [] if gone else self._front.limit_uses.of(limits, self._realm.organisation)
        return LimitView.model_validate(
            {
                **self._head(said.scope, said.name, row, identity),
                **said.model_dump(exclude={"scope", "name"}),
                "dollars": None if said.dollars is None else f"{said.dollars:f}",
                "organisation": _whose(said) if row is None else row.organisation,
                "uses": [_use(use) for use in uses],
            }
        )


def _use(use: LimitUse) -> LimitUseView:
    money = use.measure is Measure.DOLLARS
    return LimitUseView.model_validate(
        {
            "name": use.name,
            "measure": use.measure.name.lower(),
            "used": dollars(use.used) if money else str(use.used),
            "bound": dollars(use.bound) if money else str(use.bound),
            "share": use.used / use.bound if use.bound else float(use.used > 0),
            "resets_at": use.resets_at,
        }
    )


def _is_of(said: LimitSettings, organisation: str) -> bool:
    """Whether a limit of the configuration is told among those of an organisation."""
    if said.scope in WIDE:
        return organisation == HOME
    if said.scope is Scope.ORGANISATION:
        return said.name in {"", organisation}
    whose = said.organisation or (HOME if said.name else organisation)
    return whose == organisation


def _whose(said: LimitSettings) -> str:
    if said.scope is Scope.ORGANISATION:
        return said.name or EVERY
    return said.organisation or (HOME if said.name and said.scope not in WIDE else EVERY)


def _here(request: Request, realm: Walled, desk: At) -> LimitsHere:
    return LimitsHere(front_of(request), realm, desk.limits)


_Here = Annotated[LimitsHere, Depends(_here)]


@LIMITS.get("/limits", summary="List limits")
def list_limits(here: _Here, ask: Which, scope: OfScope = "") -> PageView[LimitView]:
    """Limits, with what is taken of them: those of the configuration, then the newest first.

    Of what entries of `providers` say, `limits` is among them, and `key_limits` is not.
    """
    return here.page(ask, scope)


@LIMITS.post("/limits", summary="Make a limit", status_code=201)
def create_limit(here: _Here, body: LimitBody) -> LimitView:
    """Make a limit; it holds within a second, in every process.

    It holds beside those of the configuration, and lifts none of them.
    """
    return here.view(here.rows.create(here.draft(body)))


@LIMITS.get("/limits/{limit_id}", summary="Show a limit")
def show_limit(here: _Here, limit_id: AllowanceId) -> LimitView:
    """One limit, with what is taken of it; also one that is removed."""
    return here.one(limit_id)


@LIMITS.patch("/limits/{limit_id}", summary="Change a limit")
def change_limit(here: _Here, limit_id: AllowanceId, body: LimitChangeBody) -> LimitView:
    """Change a limit; what was taken in its window stays counted."""
    here.refuse_fixed(limit_id)
    return here.view(here.rows.change(limit_id, lambda row: here.changed(row, body)))


@LIMITS.delete("/limits/{limit_id}", summary="Remove a limit")
def remove_limit(here: _Here, limit_id: AllowanceId) -> LimitView:
    """Remove a limit, within a second in every process; one that is removed stays so."""
    here.refuse_fixed(limit_id)
    return here.view(here.rows.remove(limit_id))
