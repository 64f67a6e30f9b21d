"""Who may answer a request, and in which order they are asked.

Privacy first: whoever is not cleared for a request does not exist for it. Then what its caller
wishes, then the first rule that matches, which names a pool, then what somebody has put first by
hand, then the strategies. What a deployment can do, and whether it has room, is looked at when its
turn comes (`pipeline.losses`, `pipeline.windows`): order and filters do not depend on each other.

Hot path: a route without rules and with the order of its list costs two comparisons.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import msgspec

from antiphon.dialects.base import Payload
from antiphon.errors import NothingCleared
from antiphon.model.ask import SENSITIVITIES, Ask, Fact, Sensitivity
from antiphon.model.principal import Principal
from antiphon.pipeline.config import RouteSettings
from antiphon.pipeline.estimating import FIRST_GUESS, prompt_tokens
from antiphon.pipeline.facts import SENSITIVITY, Headers, Looking, marked, metadata_of
from antiphon.pipeline.limited import STEPS
from antiphon.providers.deployment import Deployment
from antiphon.routing.candidate import Candidate
from antiphon.routing.decision import RuleFate
from antiphon.routing.privacy import Privacy
from antiphon.routing.rules import Rule, Rules
from antiphon.routing.strategies.order import Order, Ordered, Scores

_PRIORITY = b"x-antiphon-priority"
Share = Callable[[Principal], float]
_MOST_ANSWERS = 1024
_WEIGHT = 1 / 16
"""Of the newest answer, against all before it."""


class Question(msgspec.Struct, frozen=True, eq=False):
    """A request, as far as it is chosen for.

    Attributes:
        headers: The caller's, as they came.
        share: Gives the share used of a budget; None where there are none.
        least: How far it goes at least, whatever the route says.
        shown: It is only asked to be told: nothing is to change by it.
    """

    payload: Payload
    principal: Principal
    headers: Headers = ()
    share: Share | None = None
    least: Sensitivity = Sensitivity.PUBLIC
    shown: bool = False


class Choice(msgspec.Struct, eq=False):
    """Who is asked, in this order.

    Attributes:
        ask: What was known.
        order: Who may answer.
        rule: The name of the rule that matched; empty if none did.
        preferred: How many of the first are those that the rule names; else all of them.
        scores: What the strategies gave each.
        barred: Those that are not cleared.
        unwished: Those that the caller does not want, each with why.
        wished: The caller had a say in it.
    """

    ask: Ask
    order: Sequence[Candidate]
    rule: str = ""
    preferred: int = 0
    scores: Sequence[Scores] = ()
    barred: Sequence[Candidate] = ()
    unwished: Sequence[tuple[Candidate, str]] = ()
    wished: bool = False

    @property
    def deployments(self) -> list[Deployment]:
        """Who is asked."""
        return [each.deployment for each in self.order]

    @property
    def mark(self) -> bytes:
        """What distinguishes it from other choices for the same text."""
        names = [each.deployment.name for each in self.order]
        if not self.wished:
            names.sort()
        return "\0".join((self.rule, str(int(self.ask.sensitivity)), *names)).encode()


class Chooser:
    """Chooses among those behind one name.

    Attributes:
        own: Those that may answer if no rule says otherwise.
        deployments: All that may ever answer, each once.
        least: How far requests for it go that nobody marks.
        active: Whom somebody has put first, at run time.
        usual: Tokens that answers had lately.
        names: Of the strategies; none where there is nothing to order.
    """

    __slots__ = (
        "_fixed",
        "_looking",
        "_lowest",
        "_order",
        "_privacy",
        "_rules",
        "_simple",
        "_tags",
        "active",
        "alias",
        "deployments",
        "least",
        "names",
        "own",
        "usual",
    )

    def __init__(
        self,
        alias: str,
        own: Sequence[Candidate],
        route: RouteSettings,
        *,
        privacy: Privacy,
        order: Order,
        rules: Rules | None = None,
    ) -> None:
        self.alias = alias
        self.own: Final = tuple(own)
        pools = [self.own, *(() if rules is None else rules.pools)]
        self.deployments = list(dict.fromkeys(each.deployment for pool in pools for each in pool))
        self.active: Deployment | None = None
        self.usual = FIRST_GUESS
        self._privacy = privacy
        self.least = max(SENSITIVITIES[route.sensitivity], privacy.least)
        self._order = order
        self._tags = route.overrides.tags
        self.names = order.names if len(self.deployments) > 1 else ()
        self._rules = rules
        facts = order.facts if len(self.deployments) > 1 else Fact.NOTHING
        if rules is not None:
            facts |= rules.facts
        self._looking = Looking(facts, () if rules is None else rules.headers) if facts else None
        everybody = [each.clearance for each in self.deployments]
        self._lowest = min(everybody, default=Sensitivity.PUBLIC)
        moves = order.names != ("priority",) or not own
        self._fixed: Mapping[Rule | None, Choice] = {} if moves else self._in_given_order()
        # Whoever is cleared for everything that nobody marks needs no look.
        lowest = min((each.deployment.clearance for each in own), default=Sensitivity.PUBLIC)
        keeps = rules is None and (len(own) == 1 or order.names == ("priority",))
        self._simple = keeps and not privacy.detects and lowest >= self.least

    def is_plain(self, payload: Payload, sensitivity: bytes | None) -> bool:
        """Whether this request takes the order of the list, and nothing else has to be known."""
        return (
            self._simple
            and sensitivity is None
            and self.active is None
            and payload.metadata is None
        )

    def choose(self, question: Question, now: float) -> Choice:
        """Choose, at a monotonic time.

        Raises:
            NothingCleared: Nobody may be sent what is asked.
            InvalidRequest: It is marked with a word that means nothing.
        """
        payload = question.payload
        ask = Ask(question.principal, self._sensitivity(question), _priority(question.headers))
        everybody = ask.sensitivity <= self._lowest
        cleared, barred = ([*self.own], []) if everybody else _split(self.own, ask.sensitivity)
        if not cleared and self._rules is None:
            raise NothingCleared(self.alias, ask.sensitivity.name.lower())
        looking = self._looking
        if looking is not None:
            looking.fill(ask, payload, question.headers)
            if not self._tags:
                ask.tags, ask.task, ask.market = (), "", ""
            if looking.tokens:
                first = cleared[0].deployment if cleared else self.deployments[0]
                ask.tokens = prompt_tokens(payload, first)
            if looking.answer:
                ask.answer_tokens = self._usual_of(payload)
            if looking.budget and question.share is not None:
                ask.budget_used = question.share(question.principal)
        rule = None if self._rules is None else self._rules.first(ask)
        if everybody and self.active is None and self._fixed:
            found = self._fixed[rule]
            return Choice(ask, found.order, found.rule, found.preferred, found.scores)
        return self._picked(rule, cleared, barred, ask, now, shown=question.shown)

    def _picked(
        self,
        rule: Rule | None,
        cleared: list[Candidate],
        barred: list[Candidate],
        ask: Ask,
        now: float,
        *,
        shown: bool = False,
    ) -> Choice:
        """Those that a rule names, then the others, if it leaves any."""
        if rule is None:
            if not cleared:
                raise NothingCleared(self.alias, ask.sensitivity.name.lower())
            ordered, scores = self._ordered(cleared, ask, now, shown=shown)
            return Choice(ask, ordered, preferred=len(ordered), scores=scores, barred=barred)
        named, more = _split(rule.pool, ask.sensitivity)
        known = {each.deployment for each in barred}
        barred += [each for each in more if each.deployment not in known]
        ordered, scores = self._ordered(named, ask, now, shown=shown)
        preferred = len(ordered)
        if not rule.only:
            chosen = {each.deployment for each in ordered}
            rest = [each for each in cleared if each.deployment not in chosen]
            others, further = self._ordered(rest, ask, now, shown=shown)
            ordered, scores = [*ordered, *others], [*scores, *further]
        if not ordered:
            raise NothingCleared(self.alias, ask.sensitivity.name.lower())
        return Choice(ask, ordered, rule.name, preferred, scores, barred)

    def _in_given_order(self) -> Mapping[Rule | None, Choice]:
        """What is chosen by each rule where everybody is cleared and nothing moves the order."""
        rules: Sequence[Rule | None] = (None, *(() if self._rules is None else self._rules))
        return {each: self._picked(each, [*self.own], [], Ask(), 0) for each in rules}

    def learn(self, tokens: int) -> None:
        """An answer had so many tokens."""
        self.usual += (tokens - self.usual) * _WEIGHT

    def _usual_of(self, payload: Payload) -> int:
        """Tokens that an answer is likely to have: what is usual, or the bound if that is less."""
        bound, answers = payload.output_bound
        usual = self.usual if bound is None else min(self.usual, bound)
        return int(usual) * min(answers, _MOST_ANSWERS)

    def judged(self, ask: Ask) -> Sequence[RuleFate]:
        """What becomes of each rule, up to the first that matches."""
        return () if self._rules is None else self._rules.judged(ask)

    def _ordered(self, pool: list[Candidate], ask: Ask, now: float, *, shown: bool) -> Ordered:
        """By the strategies; whom somebody has put first comes first."""
        scores: list[Scores] = [()] * len(pool)
        if len(pool) > 1:
            ordered = self._order.shown if shown else self._order.of
            pool, scores = ordered(pool, ask, now)
            active = self.active
            for place, each in enumerate(pool):
                if each.deployment is active:
                    pool.insert(0, pool.pop(place))
                    scores.insert(0, scores.pop(place))
                    break
        return pool, scores

    def _sensitivity(self, question: Question) -> Sensitivity:
        """How far a request goes: the highest of all that says so."""
        payload, least = question.payload, max(self.least, question.least)
        for name, value in question.headers:
            if name == SENSITIVITY:
                said = value.decode("latin-1")
                least = max(least, marked(said, "The header 'x-antiphon-sensitivity'"))
        if payload.metadata is not None:
            word = metadata_of(payload).get("sensitivity")
            if word is not None:
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
