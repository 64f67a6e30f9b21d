"""What policies know of one request: no body, no dialect, only facts.

Whoever wants facts says which (`Fact`); the others stay as they are made, so that a rule over
tags costs nobody the reading of a prompt.
"""

from __future__ import annotations

import enum
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Literal, TypeAlias

from antiphon.model.needs import Need
from antiphon.model.principal import ANONYMOUS, Principal

_NONE: Mapping[str, str] = MappingProxyType({})


class Sensitivity(enum.IntEnum):
    """How far a request, or a provider's clearance, goes; a request goes where it is cleared."""

    PUBLIC = 0
    INTERNAL = 1
    CONFIDENTIAL = 2
    RESTRICTED = 3


SensitivityWord: TypeAlias = Literal["public", "internal", "confidential", "restricted"]
SENSITIVITIES = {each.name.lower(): each for each in Sensitivity}
"""By the words of configuration and callers."""


class Fact(enum.Flag):
    """One thing that somebody may want to know of a request."""

    NOTHING = 0
    LANGUAGE = enum.auto()
    """The text, as far as its scripts matter: it may be left empty where it is all ASCII."""
    TEXT = enum.auto()
    """The newest user message with its attached text, and the earlier ones."""
    TAGS = enum.auto()
    """`tags`, `task` and `market`."""
    HEADERS = enum.auto()
    METADATA = enum.auto()
    TOKENS = enum.auto()
    NEEDS = enum.auto()
    BUDGET = enum.auto()
    CONVERSATION = enum.auto()
    """`conversation`: what stays the same from turn to turn."""
    PREFIX = enum.auto()
    """`prefix`: how the prompt begins."""
    ANSWER = enum.auto()
    """`answer_tokens`."""


class Ask:
    """The facts of one request.

    Attributes:
        principal: Who asks.
        sensitivity: How far it goes; always known.
        priority: As limits have it, greater is more urgent; always known.
        text: The newest user message and the text attached to it.
        earlier: What the user said before, the newest first.
        tags: In lower case.
        task: What it is for, in lower case; empty if nobody says.
        market: Whom it is about, in lower case; empty if nobody says.
        headers: The caller's, names in lower case.
        metadata: What came along with the request, values as text.
        tokens: Of the prompt: an estimate.
        answer_tokens: Of the answer: what is usual, or the bound where that is less.
        needs: What it needs beyond text.
        budget_used: The largest share that is used of a budget that it would be charged to, 0 to
            1 and more.
        conversation: The same for all requests of one conversation; empty if nothing tells.
        prefix: The first part of the prompt; empty if it was not looked at.
    """

    __slots__ = (
        "answer_tokens",
        "budget_used",
        "conversation",
        "earlier",
        "headers",
        "market",
        "metadata",
        "needs",
        "prefix",
        "principal",
        "priority",
        "sensitivity",
        "tags",
        "task",
        "text",
        "tokens",
    )

    def __init__(
        self,
        principal: Principal = ANONYMOUS,
        sensitivity: Sensitivity = Sensitivity.PUBLIC,
        priority: int = 0,
    ) -> None:
        self.principal = principal
        self.sensitivity = sensitivity
        self.priority = priority
        self.text = ""
        self.earlier: Sequence[str] = ()
        self.tags: Collection[str] = ()
        self.task = ""
        self.market = ""
        self.headers = _NONE
        self.metadata = _NONE
        self.tokens = 0
        self.answer_tokens = 0
        self.needs: Collection[Need] = ()
        self.budget_used = 0.0
        self.conversation = ""
        self.prefix = b""
