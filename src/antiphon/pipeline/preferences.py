"""What a caller says of providers: `provider` in a body, as OpenRouter has it.

A provider is named as the configuration names it, in capitals or not. What cannot be promised here
is refused and not passed over: a caller who is told nothing would believe it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from antiphon.dialects.base import Payload
from antiphon.errors import InvalidRequest
from antiphon.pipeline.estimating import FIRST_GUESS, prompt_tokens
from antiphon.providers.deployment import Deployment
from antiphon.routing.candidate import Candidate

Sort: TypeAlias = Literal["price", "throughput", "latency"]
_MOST_NAMES = 50
_LONGEST = 100
_BILLION = 10**9
_FIELD = re.compile(r"unknown field `([^`]*)`|missing required field `([^`]*)`")
_PATH = re.compile(r"at `\$\.?([^`]*)`")


class Ceiling(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`max_price`: dollars per million tokens."""

    prompt: float | str | None = None
    completion: float | str | None = None


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    """`provider`, as it stands in a body."""

    order: list[str] | None = None
    only: list[str] | None = None
    ignore: list[str] | None = None
    allow_fallbacks: bool | None = None
    require_parameters: bool | None = None
    sort: Sort | None = None
    max_price: Ceiling | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None


class Preferences(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller says of providers; names in lower case.

    Attributes:
        order: These first, in this order.
        only: Only these; empty for all.
        ignore: None of these.
        fallbacks: Whether others than the first, or than those of `order`, may be asked.
        every_parameter: Whether only those are asked that can do all that is asked.
        sort: What they are ordered by; empty leaves it to the route.
        most_asked: Billionths of a dollar that a million tokens of a prompt may cost, or None.
        most_answered: The same for an answer.
    """

    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fallbacks: bool = True
    every_parameter: bool = False
    sort: Sort | None = None
    most_asked: int | None = None
    most_answered: int | None = None

    def with_lists(self, lists: Mapping[str, Sequence[str]]) -> Preferences:
        """The same with other lists of names: by `order`, `only`, `ignore`."""
        changed = {
            word: _named(names, f"x-antiphon-provider-{word}") for word, names in lists.items()
        }
        return msgspec.structs.replace(self, **changed)

    def check(self, providers: Collection[str]) -> None:
        """See that what is named is there: a typo would else leave out nobody.

        Raises:
            InvalidRequest: A name is no provider's.
        """
        known = {name.lower() for name in providers}
        for word in ("order", "only", "ignore"):
            names: tuple[str, ...] = getattr(self, word)
            for name in names:
                if name not in known:
                    raise InvalidRequest(
                        f"No provider goes by the name {name!r} here.", param=f"provider.{word}"
                    )

    def against(self, deployment: Deployment) -> str:
        """Why a deployment is left out; empty where it is not."""
        provider = deployment.provider.lower()
        if provider in self.ignore:
            return "the caller ignores its provider"
        if self.only and provider not in self.only:
            return "the caller wants other providers only"
        if not self.fallbacks and self.order and provider not in self.order:
            return "the caller wants no other providers than those it names"
        return "" if self._is_cheap(deployment) else "the caller wants a lower price"

    def _is_cheap(self, deployment: Deployment) -> bool:
        """Whether it costs no more than the caller wants; what has no known price does."""
        if self.most_asked is None and self.most_answered is None:
            return True
        if deployment.unpriced:
            return False
        prices = [term.tiers[0].prices for term in deployment.rates.terms]
        dearest = (max(each.input for each in prices), max(each.output for each in prices))
        mosts = (self.most_asked, self.most_answered)
        return all(m is None or price <= m for m, price in zip(mosts, dearest, strict=True))

    def pool(self, candidates: Iterable[Candidate], payload: Payload) -> list[Candidate]:
        """Those of the candidates that are left, in the order that is wished."""
        left = [each for each in candidates if not self.against(each.deployment)]
        if self.sort is not None:
            figure = _SORTS[self.sort]
            left.sort(key=lambda each: figure(each.deployment, payload))
        if self.order:
            places = {name: place for place, name in enumerate(self.order)}
            last = len(places)
            left.sort(key=lambda each: places.get(each.deployment.provider.lower(), last))
        elif not self.fallbacks:
            del left[1:]
        return left


def preferences_of(raw: bytes) -> Preferences | None:
    """Read `provider`; None where it says nothing.

    Raises:
        InvalidRequest: It is none, or asks for what nobody can promise here.
    """
    if raw == b"null":
        return None
    try:
        said = _read(raw)
    except msgspec.ValidationError as error:
        raise _refused(str(error)) from error
    except msgspec.DecodeError as error:
        raise InvalidRequest("'provider' cannot be read.", param="provider") from error
    if said.data_collection == "deny":
        raise _unpromised("data_collection")
    if said.zdr:
        raise _unpromised("zdr")
    ceiling = said.max_price or Ceiling()
    found = Preferences(
        order=_named(said.order or (), "provider.order"),
        only=_named(said.only or (), "provider.only"),
        ignore=_named(said.ignore or (), "provider.ignore"),
        fallbacks=said.allow_fallbacks is not False,
        every_parameter=said.require_parameters is True,
        sort=said.sort,
        most_asked=_billionths(ceiling.prompt, "prompt"),
        most_answered=_billionths(ceiling.completion, "completion"),
    )
    return None if found == _NOTHING else found


_NOTHING = Preferences()
_read = msgspec.json.Decoder(_Said).decode


def _named(names: Sequence[str], what: str) -> tuple[str, ...]:
    if len(names) > _MOST_NAMES or any(not name or len(name) > _LONGEST for name in names):
        raise InvalidRequest(f"{what!r} must be a list of names of providers.", param=what)
    return tuple(dict.fromkeys(name.lower() for name in names))


def _billionths(dollars: float | str | None, word: str) -> int | None:
    if dollars is None:
        return None
    try:
        found = round(float(dollars) * _BILLION)
    except (ValueError, OverflowError):
        found = -1
    if found < 0:
        param = f"provider.max_price.{word}"
        raise InvalidRequest(f"{param!r} is dollars per million tokens.", param=param)
    return found


def _refused(reason: str) -> InvalidRequest:
    """What is wrong, in words that hold nothing of what was said but names of members."""
    path = _PATH.search(reason)
    inner = f".{path[1]}" if path is not None and path[1] else ""
    field = _FIELD.search(reason)
    if field is None:
        param = f"provider{inner}"[:_LONGEST]
        return InvalidRequest(f"{param!r} is not of the kind that it must be.", param=param)
    param = f"provider{inner}.{field[1] or field[2]}"[:_LONGEST]
    return InvalidRequest(f"{param!r} is not something that can be wished here.", param=param)


def _unpromised(word: str) -> InvalidRequest:
    return InvalidRequest(
        f"'provider.{word}' cannot be promised here. Who may be sent what is confidential is said "
        "by 'clearance' of each provider and by the header 'x-antiphon-sensitivity'.",
        param=f"provider.{word}",
    )


def _price(deployment: Deployment, payload: Payload) -> float:
    """What this request costs there, likely."""
    asked, answers = payload.output_bound
    usual = int(FIRST_GUESS)
    answer = (usual if asked is None else min(asked, usual)) * answers
    return deployment.rates.bound(prompt_tokens(payload, deployment), answer)


def _slowness(deployment: Deployment, payload: Payload) -> float:
    del payload
    return -deployment.pace.rate


def _wait(deployment: Deployment, payload: Payload) -> float:
    """What was never measured comes last."""
    del payload
    pace = deployment.pace
    return pace.first_byte or pace.whole or float("inf")


_SORTS: Mapping[Sort, Callable[[Deployment, Payload], float]] = {
    "price": _price,
    "throughput": _slowness,
    "latency": _wait,
}
