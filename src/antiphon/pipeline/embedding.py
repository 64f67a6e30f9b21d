"""A request for vectors at a provider of another shape: there, and the way back.

A shape bounds how many inputs a request may have. More are refused there, not cut into several
requests: one attempt is one call, with one reservation and one price.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from antiphon.dialects.embeddings import EmbedDialect, EmbedPayload
from antiphon.dialects.embeddings.vectors import check_vectors
from antiphon.dialects.registry import EMBEDDING_AT
from antiphon.errors import InvalidRequest
from antiphon.model.embedding import EmbedNeed, EmbedRequest
from antiphon.model.needs import Loss
from antiphon.model.usage import Usage
from antiphon.providers.face import Face


def losses_of_vectors(payload: EmbedPayload, face: Face) -> Sequence[tuple[EmbedNeed, Loss]]:
    """What this request loses at this face.

    Raises:
        InvalidRequest: There is nothing to embed, or more than one request there may have.
        MalformedBody: It cannot be read.
    """
    if payload.passes(face.dialect):
        return ()
    spoken, inputs = _shape(face), len(payload.asked.inputs)
    if not inputs:
        raise InvalidRequest("There is nothing to embed: no input was sent.")
    if spoken.most_inputs is not None and inputs > spoken.most_inputs:
        raise InvalidRequest(
            f"{inputs} inputs are too many for {payload.model[:100]!r}: at most "
            f"{spoken.most_inputs} go into one request there. Send them in several requests."
        )
    asked = payload.asked.dimensions
    if asked is not None and asked < 1:
        raise InvalidRequest("A vector must have at least one dimension.", param=_name(payload))
    return [(need, spoken.lost[need]) for need in sorted(payload.wants & spoken.lost.keys())]


def cannot_embed(payload: EmbedPayload) -> InvalidRequest:
    """The error where no deployment of a name has an endpoint for vectors."""
    spoken = ", ".join(EMBEDDING_AT)
    return InvalidRequest(
        f"No deployment of {payload.model[:100]!r} makes vectors: that needs a provider that "
        f"speaks one of {spoken}.",
        param="model",
    )


class EmbedTranslation:
    """A request for vectors written for one face of a deployment.

    Attributes:
        body: What is sent.
        measured: Bytes of its texts, and how many tokens it brought itself.
        tools: It offers none.
        least_answer: There is none that could be made shorter.
    """

    __slots__ = ("_payload", "_spoken", "body", "measured")

    tools = False
    least_answer = None

    def __init__(self, payload: EmbedPayload, face: Face) -> None:
        self._payload = payload
        self._spoken = _shape(face)
        self.body = self._spoken.write_request(payload.asked, face.target.model).encode()
        self.measured = _measure(payload.asked)

    def whole(self, told: bytes) -> bytes:
        """A provider's answer, as the caller gets it; usage that was not told is estimated.

        Raises:
            NotAnAnswer: The vectors are not what was asked for.
        """
        payload, reply = self._payload, self._spoken.read_reply(told)
        asked = payload.asked
        check_vectors(reply.vectors, len(asked.inputs), asked.dimensions)
        if reply.usage is None:
            reply = msgspec.structs.replace(reply, usage=Usage(payload.input_estimate))
        return payload.embeds.write_reply(reply, asked)


def _shape(face: Face) -> EmbedDialect:
    assert isinstance(face.dialect, EmbedDialect)
    return face.dialect


def _name(payload: EmbedPayload) -> str | None:
    return next(iter(payload.names_of(EmbedNeed.DIMENSIONS)), None)


def _measure(request: EmbedRequest) -> tuple[int, int]:
    return sum(_sizes(request)), sum(len(each) for each in request.inputs if type(each) is tuple)


def _sizes(request: EmbedRequest) -> Iterator[int]:
    for text in request.inputs:
        if isinstance(text, str):
            yield len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
