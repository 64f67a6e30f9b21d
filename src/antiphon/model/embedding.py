"""Texts as vectors: what is asked, and what is answered, in the words of no dialect."""

from __future__ import annotations

import enum
from collections.abc import Iterator

import msgspec

from antiphon.model.parts import Extra
from antiphon.model.usage import Usage


class EmbedNeed(enum.StrEnum):
    """One thing that a question for vectors may ask for, beside the vectors (`model.needs`)."""

    TOKENS = "token_inputs"
    DIMENSIONS = "dimensions"
    TASK = "task"
    TITLE = "title"
    CUT = "truncate"
    UNCUT = "no_truncate"
    USER = "user"
    UNKNOWN_MEMBERS = "unknown_members"


class EmbedRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question for vectors.

    Attributes:
        model: The name that the caller uses.
        inputs: Texts, or texts as tokens; each becomes one vector. All are of one kind.
        single: The caller gave one input, not an array of one.
        dimensions: Numbers that a vector shall have.
        task: What the vectors are for, in Google's words (`RETRIEVAL_QUERY`).
        title: What the text is called, where the task is to find it.
        encoding: How a vector is written: `float` or `base64` (32 bits, little endian).
        user: Whom the request is for, as the caller says it.
        truncate: Inputs that are too long are cut, not refused; None leaves it to the provider.
        extra: Members that only the caller's dialect knows.
    """

    model: str
    inputs: tuple[str, ...] | tuple[tuple[int, ...], ...]
    single: bool = False
    dimensions: int | None = None
    task: str | None = None
    title: str | None = None
    encoding: str | None = None
    user: str | None = None
    truncate: bool | None = None
    extra: Extra | None = None


class EmbedReply(msgspec.Struct, frozen=True, omit_defaults=True):
    """Vectors, in the order of the inputs.

    Attributes:
        vectors: One for each input.
        model: The model that made them, as the provider says; empty if it does not.
        usage: None where the provider gave none.
    """

    vectors: tuple[tuple[float, ...], ...]
    model: str = ""
    usage: Usage | None = None
    extra: Extra | None = None


def embed_needs_of(request: EmbedRequest) -> frozenset[EmbedNeed]:
    """All that a question for vectors needs beyond texts."""
    return frozenset(_needs(request))


def _needs(request: EmbedRequest) -> Iterator[EmbedNeed]:
    if any(not isinstance(each, str) for each in request.inputs):
        yield EmbedNeed.TOKENS
    if request.truncate is not None:
        yield EmbedNeed.CUT if request.truncate else EmbedNeed.UNCUT
    asked = {
        EmbedNeed.DIMENSIONS: request.dimensions,
        EmbedNeed.TASK: request.task,
        EmbedNeed.TITLE: request.title,
        EmbedNeed.USER: request.user,
        EmbedNeed.UNKNOWN_MEMBERS: request.extra,
    }
    yield from (need for need, value in asked.items() if value is not None)
