"""`/api/v1/explain`: what would become of a request, without making it.

The admin key is told everything, for whomever it asks; any other key what concerns itself.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from antiphon.errors import AntiphonError, InvalidRequest, MalformedBody
from antiphon.gateway.explaining import (
    Asked,
    Explanation,
    explain,
    for_caller,
    principal_of,
    somebody,
)
from antiphon.gateway.gateway import Antiphon
from antiphon.limits.limit import Measure
from antiphon.model.principal import Principal
from antiphon.pipeline.foreseeing import Prospect
from antiphon.pipeline.rooms import Room
from antiphon.routing.decision import State
from antiphon.server.api_decisions import DecisionView, decision_view
from antiphon.server.bodies import PRINCIPAL
from antiphon.server.caller import Caller
from antiphon.server.health import require_key
from antiphon.usage.ledger.shown import dollars

PATH = "/api/v1/explain"
_LONGEST = 256
_MOST = 100
_DOLLARS = Measure.DOLLARS.name.lower()
_EXAMPLE: JsonDict = {
    "dialect": "openai_chat",
    "request": {"model": "fast", "messages": [{"role": "user", "content": "Hello"}]},
}


class As(BaseModel):
    """As whom it is asked: by the id of a key, or by what would be known of somebody."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(default="", max_length=_LONGEST, description="The id of a key.")
    team: str = Field(default="", max_length=_LONGEST)
    department: str = Field(default="", max_length=_LONGEST)
    user: str = Field(default="", max_length=_LONGEST)
    models: list[str] = Field(
        default_factory=list[str],
        max_length=_MOST,
        description="The names that may be asked for; none for all.",
    )

    @property
    def somebody(self) -> Principal | None:
        """Somebody who has no key; None where a key is named, or nothing at all."""
        facts = self.team or self.department or self.user or self.models
        if self.key and facts:
            raise InvalidRequest("'as' names a key, or what is known of somebody.", param="as")
        if not facts:
            return None
        return somebody(
            team=self.team, department=self.department, user=self.user, models=self.models
        )


class ExplainBody(BaseModel):
    """A request that is not to be made."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    dialect: str = Field(
        default="openai_chat",
        max_length=_LONGEST,
        description="In which the request is written, such as `openai_chat`, `openai_responses`, "
        "`anthropic_messages`, `gemini`, `ollama`, `openai_embeddings`.",
    )
    request: dict[str, object] = Field(
        description="The body of the request. The model stands in it, whatever the dialect."
    )
    headers: dict[str, str] = Field(
        default_factory=dict[str, str],
        max_length=_MOST,
        description="What its caller would say in headers.",
    )
    as_: As = Field(
        default_factory=As,
        alias="as",
        description="As whom it is asked: by default as whoever asks this. Another one only with "
        "the admin key.",
    )


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class RoomView(_View):
    """A limit or a budget, and what is left of it."""

    scope: str
    name: str
    measure: str
    per: str = Field(description="Seconds of a window, or the period of a budget.")
    bound: str = Field(description="The most; dollars with nine decimals.")
    used: str = Field(description="Now.")
    needs: str = Field(description="What this request would take.")
    room: bool
    waits: bool = Field(description="Whether it would wait where there is no room.")
    shadow: bool


class ProspectView(_View):
    """A candidate, and what would become of it."""

    deployment: str
    state: State
    reason: str
    scores: list[float]
    clearance: str
    window: int | None = Field(description="Tokens; null where it is not known.")
    tokens: int = Field(description="That the prompt likely has there.")
    loses: list[str] = Field(description="What of the request would be left out.")
    limits: list[RoomView]
    price: str = Field(description="The version of its prices.")
    least_usd: str = Field(description="Its cost if nothing is answered.")
    likely_usd: str
    most_usd: str = Field(description="What it cannot exceed.")


class RefusalView(_View):
    """Why it would be refused."""

    status: int
    kind: str
    message: str


class ExplanationView(_View):
    """What would become of a request. Nothing was sent, taken or changed for it."""

    model: str
    dialect: str
    stream: bool
    key_id: str = Field(description="As whom; empty for somebody who has no key.")
    choice: str = Field(description="Who would be asked first; empty if nobody.")
    decision: DecisionView | None
    candidates: list[ProspectView]
    limits: list[RoomView]
    budgets: list[RoomView]
    deadline_seconds: float
    calls: int = Field(description="The most calls that it may cause.")
    then: list[str] = Field(description="Who comes next, each time that one fails.")
    steps: list[str] = Field(
        description="What stands in where all have failed: `wait`, `pool`, `stale`, `canned`."
    )
    cached: bool = Field(description="Whether a stored answer may be given in its place.")
    refusal: RefusalView | None


async def who_explains(gateway: Antiphon, request: Request) -> Principal:
    """Whoever asks; any key may.

    Raises:
        Unauthenticated: There is no key, or an unknown one.
    """
    state: dict[str, object] = request.scope["state"]
    principal = state.get(PRINCIPAL)
    if not isinstance(principal, Principal):
        principal = await require_key(gateway, Caller(request.scope["headers"]))
        # A proxy's header is good for once.
        state[PRINCIPAL] = principal
    return principal


async def _asking(request: Request) -> Principal:
    gateway: Antiphon = request.app.state.gateway
    return await who_explains(gateway, request)


_Asking = Annotated[Principal, Depends(_asking)]


def add_explain(app: FastAPI, gateway: Antiphon) -> None:
    """Put it into the management API."""
    app.state.gateway = gateway

    @app.post(PATH, tags=["requests"], summary="Explain a request")
    async def explain_request(principal: _Asking, body: ExplainBody) -> ExplanationView:
        """What would become of a request, without making it.

        Who would be asked and why, who not and why not, what it would meet of limits and budgets,
        what it would cost.
        """
        whom = await principal_of(gateway, principal, body.as_.key, body.as_.somebody)
        asked = Asked(dialect=body.dialect, request=_encoded(body.request), headers=body.headers)
        found = await explain(gateway, asked, whom)
        full = principal.is_root
        return view_of(found if full else for_caller(found), full=full)


def _encoded(request: dict[str, object]) -> bytes:
    try:
        return msgspec.json.encode(request)
    except (UnicodeEncodeError, OverflowError, RecursionError) as error:
        raise MalformedBody("'request' holds what no body can.", param="request") from error


def view_of(explanation: Explanation, *, full: bool) -> ExplanationView:
    """As the API tells it; `full` with figures that tell of others."""
    seen = explanation.foresight
    decision = seen.decision
    return ExplanationView(
        model=seen.model,
        dialect=seen.dialect,
        stream=seen.stream,
        key_id=explanation.key_id,
        choice=seen.choice,
        decision=None if decision is None else decision_view(decision, full=full),
        candidates=[_prospect(each) for each in seen.candidates],
        limits=[_room(each) for each in seen.limits],
        budgets=[_room(each) for each in explanation.budgets],
        deadline_seconds=seen.deadline,
        calls=seen.calls,
        then=[*seen.then],
        steps=[*seen.steps],
        cached=seen.cached,
        refusal=None if seen.refusal is None else _refusal(seen.refusal),
    )


def _prospect(each: Prospect) -> ProspectView:
    return ProspectView(
        deployment=each.deployment,
        state=each.state,
        reason=each.reason,
        scores=[*each.scores],
        clearance=each.clearance,
        window=each.window,
        tokens=each.tokens,
        loses=[*each.loses],
        limits=[_room(room) for room in each.limits],
        price=each.price,
        least_usd=dollars(each.least),
        likely_usd=dollars(each.likely),
        most_usd=dollars(each.most),
    )


def _room(room: Room) -> RoomView:
    say = dollars if room.measure == _DOLLARS else str
    return RoomView(
        scope=room.scope,
        name=room.name,
        measure=room.measure,
        per=room.per,
        bound=say(room.bound),
        used=say(room.used),
        needs=say(room.needs),
        room=room.room,
        waits=room.waits,
        shadow=room.shadow,
    )


def _refusal(error: AntiphonError) -> RefusalView:
    return RefusalView(status=error.status, kind=error.error_kind.value, message=error.message)
