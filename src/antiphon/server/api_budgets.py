"""`/api/v1/budgets`: how much of whose money may be spent, changed while the gateway runs."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Annotated, Literal, Self

from fastapi import Depends, Request
from pydantic import Field, model_validator
from pydantic.config import ConfigDict, JsonDict
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import override

from antiphon.access.allowances import Allowances, Draft, Kind
from antiphon.access.facts import AllowanceFacts
from antiphon.access.walls import Realm
from antiphon.errors import StorageFailed
from antiphon.gateway.allowances import budget_of
from antiphon.gateway.uses import BudgetUse
from antiphon.model.principal import HOME
from antiphon.server.api_actor import At, Front, Walled, front_of, routes
from antiphon.server.api_allowances import (
    AllowanceId,
    AllowanceView,
    Kept,
    OfScope,
    amended,
)
from antiphon.server.api_views import Body, Moment, PageView, View, Which
from antiphon.usage.budgets.budget import EVERY, Budget
from antiphon.usage.budgets.config import MOST_LIMIT, BudgetSettings, Share
from antiphon.usage.budgets.periods import Per
from antiphon.usage.ledger.shown import dollars

BUDGETS = routes("budgets")
_log = logging.getLogger("antiphon.allowances")
_EXAMPLE: JsonDict = {
    "scope": "team",
    "name": "web",
    "limit": "250.00",
    "per": "month",
    "ask": "#finance",
}


class BudgetUseView(View):
    """What is used of a budget in its present period, as far as this machine knows."""

    name: str = Field(description="Whose money it is: the id or the name of the team, the key...")
    period: str = Field(description="`2026-11-26`, `2026-11` or `total`.")
    spent_usd: str = Field(description="Dollars, exact, with nine decimals.")
    reserved_usd: str = Field(
        description="Set aside for requests under way, and ahead of them by other processes."
    )
    left_usd: str = Field(description="Neither spent nor reserved; negative where it is overdrawn.")
    share: float = Field(description="What is spent, as a share of the limit.")
    resets_at: Moment | None = Field(description="When the next period begins; null where none.")


class BudgetView(AllowanceView):
    """One budget."""

    limit: str = Field(description="Dollars.")
    per: Per
    when_short: Literal["cap", "refuse"]
    bound: Literal["hard", "soft"]
    warn_at: list[float]
    ask: str
    uses: list[BudgetUseView] = Field(
        description="One for whoever it names; where each has its own, of those who have used it "
        "the hundred that have spent the most, but for those with a budget by name."
    )


class BudgetBody(BudgetSettings):
    """A budget that is to be made, as the configuration would say it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    organisation: SkipJsonSchema[str] = HOME

    @model_validator(mode="after")
    def _is_of_the_query(self) -> Self:
        if "organisation" in self.model_fields_set:
            raise ValueError("the organisation is named in the query")
        return self


class BudgetChangeBody(Body):
    """What is to become of a budget: only what is there changes; null is the default."""

    limit: Annotated[Decimal, Field(ge=0, le=MOST_LIMIT, allow_inf_nan=False)] | None = None
    per: Per | None = None
    when_short: Literal["cap", "refuse"] | None = None
    bound: Literal["hard", "soft"] | None = None
    warn_at: Annotated[tuple[Share, ...], Field(max_length=10)] | None = None
    ask: Annotated[str, Field(max_length=200)] | None = None


class BudgetsHere(Kept[BudgetView]):
    """The budgets of one organisation, those of the configuration included."""

    what = Kind.BUDGET.value

    def __init__(self, front: Front, realm: Realm, rows: Allowances) -> None:
        super().__init__(front, realm, rows)
        self._apart: dict[tuple[str, Per], frozenset[str]] = {}

    def draft(self, said: BudgetSettings) -> Draft:
        """What is to be kept of a budget."""
        return self._front.allowed.budget_draft(said)

    def changed(self, row: AllowanceFacts, change: BudgetChangeBody) -> Draft:
        """What a budget becomes by a change."""
        return self.draft(amended(BudgetSettings, budget_of(row), change))

    @override
    def view(self, row: AllowanceFacts) -> BudgetView:
        return self._told(budget_of(row), row)

    @override
    def _configured(self) -> Iterable[BudgetView]:
        return [
            self._told(said)
            for said in self._front.settings.budgets.limits
            if said.organisation in {EVERY, self._realm.organisation}
        ]

    def _told(self, said: BudgetSettings, row: AllowanceFacts | None = None) -> BudgetView:
        budget = self._front.allowed.budget(said)
        gone = row is not None and row.removed_at is not None
        uses: Sequence[BudgetUse] = [] if gone else self._uses(said, budget, row)
        return BudgetView.model_validate(
            {
                **self._head(said.scope, said.name, row, budget.identity),
                "organisation": said.organisation,
                "limit": f"{said.limit:f}",
                "per": said.per,
                "when_short": said.when_short,
                "bound": said.bound,
                "warn_at": said.warn_at,
                "ask": budget.ask,
                "uses": [_use(budget, use) for use in uses],
            }
        )

    def _uses(
        self, said: BudgetSettings, budget: Budget, row: AllowanceFacts | None
    ) -> Sequence[BudgetUse]:
        whose, scope, names = self._realm.organisation, said.scope, list[str]()
        apart = frozenset[str]()
        if said.name:
            ids = self.rows.ids(scope, said.name) if row is None else [row.target]
            names = list(dict.fromkeys([said.name, *ids]))
        else:
            apart = self._named(scope, said.per)
        try:
            return self._front.budget_uses.of(budget, whose, names, apart=apart)
        except StorageFailed as error:
            # What was done is done, and is to be told of.
            _log.error("What is used of budgets cannot be told: %s", error.message)
            return []

    def _named(self, scope: str, per: Per) -> frozenset[str]:
        """Who has a budget by name, so that those of each are not theirs."""
        known = self._apart.get((scope, per))
        if known is None:
            configured = {
                each.name
                for each in self._front.settings.budgets.limits
                if (each.scope, each.per) == (scope, per) and each.name
            }
            ids = {found for name in configured for found in self.rows.ids(scope, name)}
            known = frozenset(configured | ids) | self.rows.named(scope, per)
            self._apart[scope, per] = known
        return known


def _use(budget: Budget, use: BudgetUse) -> BudgetUseView:
    return BudgetUseView.model_validate(
        {
            "name": use.name,
            "period": use.period,
            "spent_usd": dollars(use.spent),
            "reserved_usd": dollars(use.reserved),
            "left_usd": dollars(budget.limit - use.spent - use.reserved),
            "share": use.spent / budget.limit if budget.limit else float(use.spent > 0),
            "resets_at": use.resets_at,
        }
    )


def _here(request: Request, realm: Walled, desk: At) -> BudgetsHere:
    return BudgetsHere(front_of(request), realm, desk.budgets)


_Here = Annotated[BudgetsHere, Depends(_here)]


@BUDGETS.get("/budgets", summary="List budgets")
def list_budgets(here: _Here, ask: Which, scope: OfScope = "") -> PageView[BudgetView]:
    """Budgets, with what is used of them: those of the configuration, then the newest first."""
    return here.page(ask, scope)


@BUDGETS.post("/budgets", summary="Make a budget", status_code=201)
def create_budget(here: _Here, body: BudgetBody) -> BudgetView:
    """Make a budget; it holds within a second, in every process.

    Where the configuration has one of the same scope and period for somebody, both hold.
    """
    return here.view(here.rows.create(here.draft(body)))


@BUDGETS.get("/budgets/{budget_id}", summary="Show a budget")
def show_budget(here: _Here, budget_id: AllowanceId) -> BudgetView:
    """One budget, with what is used of it; also one that is removed."""
    return here.one(budget_id)


@BUDGETS.patch("/budgets/{budget_id}", summary="Change a budget")
def change_budget(here: _Here, budget_id: AllowanceId, body: BudgetChangeBody) -> BudgetView:
    """Change a budget; what was spent of it stays spent."""
    here.refuse_fixed(budget_id)
    return here.view(here.rows.change(budget_id, lambda row: here.changed(row, body)))


@BUDGETS.delete("/budgets/{budget_id}", summary="Remove a budget")
def remove_budget(here: _Here, budget_id: AllowanceId) -> BudgetView:
    """Remove a budget, within a second in every process; one that is removed stays so."""
    here.refuse_fixed(budget_id)
    return here.view(here.rows.remove(budget_id))
