"""Seals over thought, taken out of a conversation that moved away from where they are valid.

A seal that a caller gives back as his provider gave it does not say whose it is: that shows when
another provider refuses it. From then on the seals of that conversation are given wrapped, so the
first wrapped one tells who refused those before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeGuard

import msgspec

from antiphon.model.parts import Origin, Part, Reasoning, ToolCall, Turn
from antiphon.model.request import ChatRequest


def without_seals(request: ChatRequest) -> ChatRequest:
    """The same request, without seals over thought; sealed thought is left out whole."""
    return _without(request, lambda _: True)


def moved_to(request: ChatRequest, dialect: str) -> str:
    """The scope that was the first to refuse seals of its own dialect; empty if none did."""
    scopes = (origin.scope for origin in _origins(request) if origin.dialect == dialect)
    return next((scope for scope in scopes if scope), "")


def without_unnamed_seals(request: ChatRequest, dialect: str) -> ChatRequest:
    """The same request, without the seals of a dialect that do not say whose they are."""
    return _without(request, lambda origin: origin.dialect == dialect and not origin.scope)


def _origins(request: ChatRequest) -> Iterator[Origin]:
    for turn in request.turns:
        for part in turn.parts:
            if isinstance(part, Reasoning) and part.signature and part.origin is not None:
                yield part.origin


def _without(request: ChatRequest, goes: Callable[[Origin], bool]) -> ChatRequest:
    turns = tuple(_unsealed(turn, goes) for turn in request.turns)
    return msgspec.structs.replace(request, turns=tuple(turn for turn in turns if turn.parts))


def _unsealed(turn: Turn, goes: Callable[[Origin], bool]) -> Turn:
    parts: list[Part] = []
    for part in turn.parts:
        if not _is_sealed(part) or not goes(part.origin or Origin("")):
            parts.append(part)
        elif isinstance(part, ToolCall):
            parts.append(msgspec.structs.replace(part, signature=None, origin=None))
        elif part.text or part.summary:
            parts.append(msgspec.structs.replace(part, signature=None, origin=None, sealed=False))
    return msgspec.structs.replace(turn, parts=tuple(parts))


def _is_sealed(part: Part) -> TypeGuard[Reasoning | ToolCall]:
    return isinstance(part, Reasoning | ToolCall) and part.signature is not None
