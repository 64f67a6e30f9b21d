"""What a caller wishes of the choice: other models, providers, a deadline.

Wishes come in headers, and in the members `models` and `provider` of the body, as OpenRouter has
them. They are ours: no provider is sent them. They choose among what the route and the key allow,
and never beyond: privacy, rights, limits and budgets stand above them.

Hot path: whoever wishes nothing costs the looks of `wishes_in`; all else is read once a request.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from antiphon.dialects.base import Payload
from antiphon.errors import InvalidRequest
from antiphon.pipeline.config import OnLoss
from antiphon.pipeline.preferences import Preferences, preferences_of
from antiphon.wire.shallow import Members

_MODELS: Final = b"x-antiphon-models"
DEADLINE: Final = b"x-antiphon-deadline"
_PROVIDER: Final = b"x-antiphon-provider-"
_SDKS: Final = (b"x-stainless-read-timeout", b"x-stainless-timeout")
_LISTS: Final = {_PROVIDER + word.encode(): word for word in ("order", "only", "ignore")}
HEADERS: Final = frozenset({_MODELS, DEADLINE, *_SDKS, *_LISTS})
"""Headers in which callers wish something."""
MEMBERS: Final = ("models", "provider")
"""Members of the body in which they do."""
_DIALECTS: Final = frozenset({"openai_chat", "openai_responses", "anthropic_messages"})
"""Those whose bodies may have these members: they mean nothing else there."""
_MOST_MODELS = 10
_LONGEST = 200
LEAST_DEADLINE = 1.0
"""Seconds: no caller can have attempts end sooner, and have that look like a provider's fault."""
_SPARE, _MOST_SPARE = 0.05, 1.0
"""By how much of a client's time-out we end before it: so it hears of it."""
_SECONDS = re.compile(rb"[0-9]{1,7}(?:\.[0-9]{1,6})?")
_names = msgspec.json.Decoder(list[str])


class Bounds(NamedTuple):
    """What callers may wish of a route.

    Attributes:
        models: Whether they may name further models.
        provider: Whether they may prefer providers.
        deadline: Seconds beyond the route's deadline up to which they may have theirs; 0 for none.
        tags: Whether what they say of tags and task counts.
    """

    models: bool = True
    provider: bool = True
    deadline: float = 0.0
    tags: bool = True


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller wishes.

    Attributes:
        models: Names that are asked after the one that is asked for, in this order.
        preferences: What it says of providers.
        deadline: Seconds for the whole request; 0 where it does not say.
        patience: Seconds of silence after which its client gives up; 0 where it does not say.
    """

    models: tuple[str, ...] = ()
    preferences: Preferences | None = None
    deadline: float = 0.0
    patience: float = 0.0

    @property
    def chooses(self) -> bool:
        """Whether it wishes anything of who answers."""
        return bool(self.models) or self.preferences is not None

    def on_loss(self, route: OnLoss) -> OnLoss:
        """What to do where a deployment cannot do all that is asked, by what the route does."""
        preferences = self.preferences
        asked = preferences is not None and preferences.every_parameter
        return "skip" if asked and route == "drop" else route

    def check(self, bounds: Bounds, alias: str) -> None:
        """See that a route lets callers wish this.

        Raises:
            InvalidRequest: It does not.
        """
        if self.models and not bounds.models:
            raise InvalidRequest(f"{alias!r} takes no 'models' of its callers.", param="models")
        if self.preferences is not None and not bounds.provider:
            raise InvalidRequest(f"{alias!r} takes no 'provider' of its callers.", param="provider")

    def seconds(self, route: float, bounds: Bounds, *, stream: bool) -> float:
        """Seconds for the whole request.

        Args:
            route: Those of the route.
            bounds: Up to where it may be longer.
            stream: A client that is shown signs of life reads on, whatever its time-out: what it
                says counts for whole answers alone.
        """
        found = route
        if self.deadline:
            found = min(self.deadline, max(route, bounds.deadline))
        if self.patience and not stream:
            spare = min(self.patience * _SPARE, _MOST_SPARE)
            found = min(found, max(self.patience - spare, LEAST_DEADLINE))
        return found


def wishes_in(payload: Payload) -> bool:
    """Whether a body may hold wishes."""
    members = payload.members
    if members is None:
        return False
    raw = members.raw
    return raw("models") is not None or raw("provider") is not None


def read_wishes(
    headers: Sequence[tuple[bytes, bytes]], payload: Payload
) -> tuple[Wishes | None, Payload]:
    """What a caller wishes, None for nothing, and the payload without it.

    Where a header and the body say the same thing, the header counts.

    Raises:
        InvalidRequest: It wishes what is none, or what nobody can promise here.
    """
    said: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in HEADERS:
            said[name] = b"%b,%b" % (said[name], value) if name in said else value
    models: tuple[str, ...] = ()
    preferences: Preferences | None = None
    members = payload.members
    if members is not None and payload.dialect.name in _DIALECTS:
        models = _models(members)
        raw = members.raw("provider")
        if raw is not None:
            preferences = preferences_of(bytes(raw))
        if any(name in members for name in MEMBERS):
            left = members.without(*MEMBERS).encode()
            payload = Payload(payload.dialect, Members.parse(left))
    if _MODELS in said:
        models = _checked(_listed(said[_MODELS]), "The header 'x-antiphon-models'")
    lists = {word: _listed(said[name]) for name, word in _LISTS.items() if name in said}
    if any(lists.values()):
        preferences = (preferences or Preferences()).with_lists(lists)
    models = tuple(name for name in dict.fromkeys(models) if name != payload.model)
    wishes = Wishes(
        models=models,
        preferences=preferences,
        deadline=_deadline(said.get(DEADLINE)),
        patience=_patience(said),
    )
    return (None if wishes == _NOTHING else wishes), payload


_NOTHING = Wishes()


def _models(members: Members) -> tuple[str, ...]:
    raw = members.raw("models")
    if raw is None or bytes(raw) == b"null":
        return ()
    try:
        found = _names.decode(raw)
    except msgspec.DecodeError as error:
        raise InvalidRequest("'models' must be a list of names.", param="models") from error
    return _checked(found, "'models'")


def _checked(names: Sequence[str], what: str) -> tuple[str, ...]:
    if len(names) > _MOST_MODELS:
        raise InvalidRequest(f"{what} names more than {_MOST_MODELS} models.", param="models")
    if any(not name or len(name) > _LONGEST for name in names):
        raise InvalidRequest(f"{what} holds what is no name of a model.", param="models")
    return tuple(names)


def _listed(value: bytes) -> tuple[str, ...]:
    parts = value.decode("latin-1").split(",")
    return tuple(text for part in parts if (text := part.strip()))


def _deadline(value: bytes | None) -> float:
    if value is None:
        return 0.0
    said = value.strip()
    seconds = float(said) if _SECONDS.fullmatch(said) else 0.0
    if seconds < LEAST_DEADLINE:
        raise InvalidRequest(
            f"The header 'x-antiphon-deadline' is a number of seconds, at least {LEAST_DEADLINE:g}."
        )
    return seconds


def _patience(said: Mapping[bytes, bytes]) -> float:
    """What a client's library says of its time-out; whatever cannot be read says nothing."""
    found = [
        float(value)
        for name in _SDKS
        if (value := said.get(name, b"").strip()) and _SECONDS.fullmatch(value)
    ]
    return max(min(found), LEAST_DEADLINE) if found and min(found) > 0 else 0.0
