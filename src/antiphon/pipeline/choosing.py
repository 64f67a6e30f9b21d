"""Who may answer a request, and in which order they are asked.

Privacy first: whoever is not cleared for a request does not exist for it. Then what its caller
wishes, then the first rule that matches, which names a pool, then what somebody has put first by
hand, then the strategies. What a deployment can do, and whether it has room, is looked at when its
turn comes (`pipeline.losses`, `pipeline.windows`): order and filters do not depend on each other.

Hot path: a route without rules and with the order of its list costs two comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from antiphon.dialects.base import Payload
from antiphon.errors import NothingCleared
from antiphon.model.ask import SENSITIVITIES, Ask, Fact, Sensitivity
from antiphon.model.principal import Principal
from antiphon.pipeline.config import RouteSettings
from antiphon.pipeline.estimating import prompt_tokens
from antiphon.pipeline.facts import SENSITIVITY, Headers, fill, marked, metadata_of
from antiphon.pipeline.limited import STEPS
from antiphon.providers.deployment import Deployment
from antiphon.routing.candidate import Candidate
from antiphon.routing.privacy import Privacy

_PRIORITY = b"x-antiphon-priority"
Share = Callable[[Principal], float]
Order = Sequence[Candidate]


class Question(msgspec.Struct, frozen=True, eq=False):
    """A request, as far as it is chosen for.

    Attributes:
        headers: The caller's, as they came.
        share: Gives the share used of a budget; None where there are none.
        usual: Tokens that answers usually have here.
    """

    payload: Payload
    principal: Principal
    headers: Headers = ()
    share: Share | None = None
    usual: float = 0.0


class Choice(msgspec.Struct, eq=False):
    """Who is asked, in this order.

    Attributes:
        ask: What was known.
        order: Who may answer.
        rule: The name of the rule that matched; empty if none did.
        preferred: How many of the first are those that the rule names; else all of them.
        scores: What the strategies gave each.
        barred: Those that are not cleared.
    """

    ask: Ask
    order: Sequence[Candidate]
    rule: str = ""
    preferred: int = 0
    scores: Sequence[Sequence[float]] = ()
    barred: Sequence[Candidate] = ()

    @property
    def deployments(self) -> list[Deployment]:
        """Who is asked."""
        return [each.deployment for each in self.order]

    @property
    def mark(self) -> bytes:
        """What distinguishes it from other choices for the same text."""
        names = sorted(each.deployment.name for each in self.order)
        return "\0".join((self.rule, str(int(self.ask.sensitivity)), *names)).encode()


class Chooser:
    """Chooses among those behind one name.

    Attributes:
        own: Those that may answer if no rule says otherwise.
        deployments: All that may ever answer, each once.
        active: Whom somebody has put first, at run time.
    """

    __slots__ = ("_facts", "_least", "_privacy", "_simple", "active", "alias", "deployments", "own")

    def __init__(
        self, alias: str, own: Sequence[Candidate], route: RouteSettings, *, privacy: Privacy
    ) -> None:
        self.alias = alias
        self.own: Final = tuple(own)
        self.deployments = [each.deployment for each in own]
        self.active: Deployment | None = None
        self._privacy = privacy
        self._least = max(SENSITIVITIES[route.sensitivity], privacy.least)
        self._facts = Fact.NOTHING
        # Whoever is cleared for everything that nobody marks needs no look.
        lowest = min((each.deployment.clearance for each in own), default=Sensitivity.PUBLIC)
        self._simple = not privacy.detects and lowest >= self._least

    def is_plain(self, payload: Payload, sensitivity: bytes | None) -> bool:
        """Whether this request takes the order of the list, and nothing else has to be known."""
        members = payload.members
        return (
            self._simple
            and sensitivity is None
            and self.active is None
            and (members is None or "metadata" not in members)
        )

    def choose(self, question: Question) -> Choice:
        """Choose.

        Raises:
            NothingCleared: Nobody may be sent what is asked.
            InvalidRequest: It is marked with a word that means nothing.
        """
        payload = question.payload
        ask = Ask(question.principal, self._sensitivity(question), _priority(question.headers))
        cleared, barred = _split(self.own, ask.sensitivity)
        if not cleared:
            raise NothingCleared(self.alias, ask.sensitivity.name.lower())
        facts = self._facts
        if facts:
            fill(ask, payload, facts, question.headers)
            if Fact.TOKENS in facts:
                ask.tokens = prompt_tokens(payload, cleared[0].deployment)
            if Fact.ANSWER in facts:
                ask.answer_tokens = int(question.usual)
            if Fact.BUDGET in facts and question.share is not None:
                ask.budget_used = question.share(question.principal)
        active = self.active
        if active is not None:
            cleared.sort(key=lambda each: each.deployment is not active)
        return Choice(ask, cleared, preferred=len(cleared), barred=barred)

    def _sensitivity(self, question: Question) -> Sensitivity:
        """How far a request goes: the highest of all that says so."""
        payload, least = question.payload, self._least
        for name, value in question.headers:
            if name == SENSITIVITY:
                said = value.decode("latin-1")
                least = max(least, marked(said, "The header 'x-antiphon-sensitivity'"))
        members = payload.members
        if members is not None and "metadata" in members:
            word = metadata_of(payload).get("sensitivity")
            if word:
                least = max(least, marked(word, "'metadata.sensitivity'"))
        if not self._privacy.detects:
            return least
        return self._privacy.found_in(payload.readable, least, hides=payload.hides)


def _split(
    pool: Sequence[Candidate], sensitivity: Sensitivity
) -> tuple[list[Candidate], list[Candidate]]:
    cleared: list[Candidate] = []
    barred: list[Candidate] = []
    for each in pool:
        (cleared if each.deployment.clearance >= sensitivity else barred).append(each)
    return cleared, barred


def _priority(headers: Headers) -> int:
    for name, value in headers:
        if name == _PRIORITY:
            return STEPS.get(value.strip().lower(), 0)
    return 0
