"""What a request is likely to take, and what it can take, before anybody has answered it.

Hot path where limits on tokens or money are set: bytes are counted, nothing is read. Only a long
body that may hold pictures, sounds or documents is: base64 is not text.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from antiphon.dialects.base import Payload
from antiphon.errors import CallerError
from antiphon.limits.path import Demand
from antiphon.model.needs import Need
from antiphon.providers.deployment import Deployment
from antiphon.providers.estimate import UNKNOWN_OUTPUT

_MAY_BE_MEDIA = 8 * 1024
"""Bytes under which a body is taken for text: an address of a picture is no more than that."""
_MEDIA = (Need.IMAGES, Need.AUDIO, Need.FILES)
_MOST_ANSWERS = 1024
FIRST_GUESS = 512.0
"""Tokens that an answer is taken to have where none was seen yet and the caller does not say."""
_WEIGHT = 1 / 16
_LEAN = 1.25


class Estimate(NamedTuple):
    """Tokens of a prompt and of its answers: likely, and at most."""

    prompt: int
    most_prompt: int
    answer: int
    most_answer: int

    def demand(self, deployment: Deployment, *, priced: bool) -> Demand:
        """What it takes of limits, at the prices of a deployment; `priced` where money counts."""
        if not priced:
            tokens, most = self.prompt + self.answer, self.most_prompt + self.most_answer
            return Demand(1, tokens, 0, 1, most, 0)
        rates = deployment.rates
        return Demand(
            1,
            self.prompt + self.answer,
            rates.bound(self.prompt, self.answer),
            1,
            self.most_prompt + self.most_answer,
            rates.bound(self.most_prompt, self.most_answer),
        )


def estimate(payload: Payload, deployment: Deployment, usual: float) -> Estimate:
    """What a request takes at a deployment.

    Args:
        payload: What is asked.
        deployment: Who is asked.
        usual: Tokens that answers to such requests had lately.
    """
    facts = deployment.facts
    context = facts.context
    size = payload.countable(payload.size)
    most_prompt = size if context is None or size < context else context
    prompt = min(payload.input_estimate or prompt_tokens(payload, deployment), most_prompt)
    asked, answers = payload.output_bound
    most = facts.max_output or context or UNKNOWN_OUTPUT
    if asked is not None and asked < most:
        most = asked
    answers = min(answers, _MOST_ANSWERS)
    return Estimate(prompt, most_prompt, min(int(usual * _LEAN), most) * answers, most * answers)


def prompt_tokens(payload: Payload, deployment: Deployment) -> int:
    """Tokens that a prompt is likely to be at a deployment."""
    size = payload.countable(payload.size)
    calibration = deployment.calibration
    members = payload.members
    if size >= _MAY_BE_MEDIA and members is not None:
        dialect = payload.dialect
        if any(dialect.may_ask(members, need) for need in _MEDIA):
            try:
                payload.input_estimate = calibration.count(payload.request)
            except CallerError:
                # Whoever has to read it will say so; it may never have to be read.
                return calibration.tokens(size)
            return payload.input_estimate
    return calibration.tokens(size)


class Answers:
    """How long answers are, by the name that is asked for."""

    __slots__ = ("_usual",)

    def __init__(self) -> None:
        self._usual: dict[str, float] = {}

    def usual(self, alias: str) -> float:
        """Tokens that answers had lately; names are those of the configuration, so few."""
        return self._usual.get(alias, FIRST_GUESS)

    def forget(self, aliases: Collection[str]) -> None:
        """Forget names that are no more."""
        for name in aliases:
            self._usual.pop(name, None)

    def learn(self, alias: str, tokens: int) -> None:
        """An answer had so many."""
        usual = self._usual.get(alias)
        self._usual[alias] = tokens if usual is None else usual + (tokens - usual) * _WEIGHT
