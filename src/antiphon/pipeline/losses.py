"""What a request would lose at a deployment, found before anything is sent.

A caller and a provider of one dialect lose nothing by it; then only what the model is known to
refuse is looked at, by name, and the request stays unread, unless it bears a trace of something
for which another deployment would be the better one. For all others the request is decoded, and
its needs are compared with what the dialect and the model can give.

Hot path: for a route whose deployments all take the caller's bytes, one comparison each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from antiphon.dialects.base import Payload
from antiphon.dialects.embeddings import EmbedPayload
from antiphon.dialects.fitting import only_texts, says_anything
from antiphon.errors import CallerError, InvalidRequest, UnsupportedParameter
from antiphon.model.embedding import EmbedNeed
from antiphon.model.needs import Loss, Need, Severity
from antiphon.model.parts import Image, Part, ToolResult, Turn
from antiphon.model.within import unknown_names
from antiphon.pipeline.config import OnLoss
from antiphon.pipeline.embedding import cannot_embed, losses_of_vectors
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.forms import form_of, passes, schema_loss
from antiphon.providers.deployment import Deployment
from antiphon.providers.face import Face

Losses = Sequence[tuple[Need | EmbedNeed, Loss]]
_NOTHING: Losses = ()
CAPABILITY = "capability"
"""Why one is passed over that cannot do what is asked."""
_BOUNDS = (
    *("max_tokens", "max_completion_tokens", "max_output_tokens"),
    *("generationConfig.maxOutputTokens", "generation_config.maxOutputTokens"),
    "options.num_predict",
)


def candidates(
    exchange: Exchange, deployments: Sequence[Deployment], on_loss: OnLoss
) -> Iterator[Deployment]:
    """The deployments that may answer this request, in their order, each looked at in its turn.

    What each would lose is left in `exchange.lost`, for the attempt that goes there. A request
    that is answered by its first deployment is never compared with the others.

    Raises (while it is asked for the next one):
        UnsupportedParameter: None may, or, where losses are errors, the first may not.
        MalformedBody, InvalidRequest: No deployment takes it unread, and it cannot be read, or
            its answer cannot be checked.
    """
    found, embeds = False, exchange.embeds
    # Where nothing can be chosen, the provider itself says best what it refuses.
    choosy = len(deployments) > 1 or on_loss != "drop"
    refusal: CallerError | None = None
    for deployment in deployments:
        try:
            face = exchange.face_at(deployment, exchange.started)
            if face is None:
                refusal = refusal or (cannot_embed(embeds) if embeds is not None else None)
                exchange.passed_over[deployment] = CAPABILITY
                continue
            losses = lost_at(exchange, face, choosy=choosy)
        except CallerError as error:
            refusal = refusal or error
            exchange.passed_over[deployment] = CAPABILITY
            continue
        wrong = _wrong(losses, on_loss)
        if wrong is None:
            found = True
            yield deployment
        else:
            refusal = refusal or _refusal(exchange, *wrong)
            exchange.passed_over[deployment] = f"{CAPABILITY}: {wrong[0].value}"
            if on_loss == "error" and not found:
                break
    if refusal is not None and not found:
        raise refusal


def is_fit(exchange: Exchange, face: Face, on_loss: OnLoss) -> bool:
    """Whether a request may be asked at this face, too."""
    try:
        return _wrong(lost_at(exchange, face), on_loss) is None
    except CallerError:
        return False


def lost_at(exchange: Exchange, face: Face, *, choosy: bool = False) -> Losses:
    """What this request loses at this face.

    A request that would go through unread loses what is left out of it, and, where the road is
    `choosy`, also what the model refuses and another deployment may not.
    """
    payload = exchange.payload
    losses: list[tuple[Need | EmbedNeed, Loss]]
    if isinstance(payload, EmbedPayload):
        losses = [*losses_of_vectors(payload, face)]
    elif passes(payload, face):
        if exchange.plan is not None and exchange.plan.checks_all:
            form_of(payload, face, exchange.plan, read=False)
        if not face.refused:
            return _NOTHING
        losses = list(_unread(exchange, face, choosy=choosy))
    else:
        _check(exchange, face)
        request = payload.request
        form_of(payload, face, exchange.plan, read=True)
        table = face.lost_alike if payload.dialect is face.dialect else face.lost
        lost = payload.needs & table.keys()
        if Need.FILES in lost and not face.traits.text_files and only_texts(request.turns):
            lost -= {Need.FILES}
        losses = [(need, table[need]) for need in sorted(lost)]
        losses += face.dialect.given_up(payload.request, face.target).items()
        loss = None if Need.JSON_SCHEMA in table else schema_loss(request.output, payload, face)
        if loss is not None:
            losses.append((Need.JSON_SCHEMA, loss))
    if losses:
        exchange.lost[face] = losses
    return losses


def _check(exchange: Exchange, face: Face) -> None:
    """See that there is something to be said there, and room for an answer.

    Raises:
        InvalidRequest: Nobody but the caller's own dialect could make sense of it.
    """
    payload = exchange.payload
    request = payload.request
    if not says_anything(request.turns, face.traits):
        [name] = payload.dialect.words[Need.PREFILL]
        raise InvalidRequest(f"{name!r} says nothing: there is nothing to be answered.", param=name)
    if any(map(_hides, request.turns)):
        [name, *_] = payload.dialect.words[Need.IMAGES]
        raise InvalidRequest(f"A picture in {name!r} holds no data.", param=name)
    if request.max_output_tokens == 0 and payload.dialect is not face.dialect:
        # Anthropic takes it: the prompt shall be cached, and nothing answered.
        name = next((each for each in _BOUNDS if _stands(exchange, each)), _BOUNDS[0])
        raise InvalidRequest(f"{name!r} must leave room for an answer here.", param=name)


def _hides(turn: Turn) -> bool:
    """Whether a turn shows a picture without data, which some dialects would leave out unsaid."""
    return any(
        _is_empty(part) or (isinstance(part, ToolResult) and any(map(_is_empty, part.parts)))
        for part in turn.parts
    )


def _is_empty(part: Part) -> bool:
    return isinstance(part, Image) and part.blob.data == ""


def lost_with_seals(exchange: Exchange, face: Face) -> None:
    """Note what the request loses at this face since the seals over its thought were taken out."""
    lost = face.dialect.given_up(exchange.payload.request, face.target)
    if lost:
        exchange.lost[face] = [*exchange.lost.get(face, ()), *lost.items()]


def words(losses: Losses) -> list[str]:
    """What a caller is told, one text for each loss."""
    return [
        f"{need.value}: {loss.how}" for need, loss in losses if loss.severity is not Severity.SAFE
    ]


def _unread(exchange: Exchange, face: Face, *, choosy: bool) -> Iterator[tuple[Need, Loss]]:
    payload, dialect = exchange.payload, face.dialect
    members = payload.members
    assert members is not None
    for need in face.refusable:
        if dialect.asks(members, need):
            yield need, face.refused[need]
    if not choosy or len(face.refusable) == len(face.refused):
        return
    for need, loss in face.refused.items():
        if need in face.refusable or not dialect.may_ask(members, need):
            continue
        if need in _needs(payload):
            yield need, loss


def _needs(payload: Payload) -> Collection[Need]:
    """What a request needs; nothing that is known, where it cannot be read."""
    try:
        return payload.needs
    except CallerError:
        return ()


def _wrong(losses: Losses, on_loss: OnLoss) -> tuple[Need | EmbedNeed, Loss] | None:
    """The loss for which a deployment is not asked."""
    for each in losses:
        severity = each[1].severity
        if severity is Severity.REFUSE or (on_loss != "drop" and severity is Severity.WARN):
            return each
    return None


def _refusal(exchange: Exchange, need: Need | EmbedNeed, loss: Loss) -> UnsupportedParameter:
    payload = exchange.payload
    if isinstance(payload, EmbedPayload):
        names = payload.names_of(EmbedNeed(need))
    else:
        names = payload.dialect.words[Need(need)]
        if need is Need.UNKNOWN_MEMBERS:
            names = _unknown(payload)
    names = names or (need.value,)
    asked = next((name for name in names if _stands(exchange, name)), names[0])
    return UnsupportedParameter(
        f"{asked!r} asks for what no deployment of {payload.model!r} can do "
        f"({need.value.replace('_', ' ')}: {loss.how}).",
        param=asked,
    )


def _unknown(payload: Payload) -> tuple[str, ...]:
    """The first member that only the caller's dialect knows, as a path where it is inside one."""
    dialect = payload.dialect
    outer = {name.partition(".")[0] for names in dialect.words.values() for name in names}
    outer -= {name for names in dialect.words.values() for name in names}
    found = unknown_names(payload.request, dialect.marks or (), outer)
    return tuple(islice(found, 1))


def _stands(exchange: Exchange, name: str) -> bool:
    members = exchange.payload.members
    return members is not None and name.partition(".")[0] in members
