"""A stored answer, given again in the form that is asked for.

Hot path where the form is that in which it came: its bytes, as they are. A whole answer can be
told as a stream and the other way round, through the model; what a form cannot say is not given in
it, so the request is asked anew.
"""

from __future__ import annotations

from antiphon.cache.entry import Entry
from antiphon.dialects.base import Dialect, Payload
from antiphon.errors import AntiphonError
from antiphon.model.events import Ended, OpaqueEvent
from antiphon.model.fold import Fold
from antiphon.model.parts import Opaque
from antiphon.model.reply import ChatReply
from antiphon.model.unfold import unfold
from antiphon.wire.sse import FrameTooLong

_BOOKKEEPING = frozenset({"message", "status"})
"""Members of an item that a stream tells by itself: how far it has come."""
_NOTHING = (b"", b"null", b"[]", b"{}", b'""', b"false")


def replay(entry: Entry, asked: Payload) -> bytes | None:
    """The whole of an answer as this request wants it; None where it cannot be told so.

    Args:
        entry: Found under the request's own key, so it is in its dialect.
        asked: The request.

    Returns:
        A stream's frames up to the terminal one, to be sent at once, or a body.
    """
    if entry.stream is asked.stream:
        return entry.body(usage=not entry.stream or asked.wants_usage)
    try:
        return _streamed(entry, asked) if asked.stream else _whole(entry, asked)
    except AntiphonError:
        # A provider's bytes that went through unread need not be readable.
        return None


def _streamed(entry: Entry, asked: Payload) -> bytes | None:
    dialect = asked.dialect
    reply = dialect.decode_reply(entry.body(usage=True))
    if _says_more(reply):
        return None
    events = unfold(reply)
    if events is None:
        return None
    encoder = dialect.stream_encoder(include_usage=asked.wants_usage, asked=asked)
    return b"".join(map(encoder.feed, events))


def _says_more(reply: ChatReply) -> bool:
    """Whether members that only its dialect knows stand in what was said, and say something.

    Those beside it (a fingerprint of the system, a tier) are no part of the answer.
    """
    for choice in reply.choices:
        for holder in (choice.turn, *choice.turn.parts):
            if isinstance(holder, Opaque) or holder.extra is None:
                continue
            for name, raw in holder.extra.members.items():
                if name not in _BOOKKEEPING and bytes(raw) not in _NOTHING:
                    return True
    return False


def _whole(entry: Entry, asked: Payload) -> bytes | None:
    reply = _folded(entry.body(usage=True), asked.dialect)
    return None if reply is None else asked.dialect.encode_reply(reply, asked)


def _folded(frames: bytes, dialect: Dialect) -> ChatReply | None:
    splitter, decoder, fold = dialect.splitter(), dialect.stream_decoder(), Fold()
    try:
        split = splitter.feed(frames)
    except FrameTooLong:
        return None
    if rest := splitter.flush().strip():
        split.append(rest + b"\n\n")
    for frame in split:
        for event in decoder.feed(frame):
            if isinstance(event, OpaqueEvent):
                return None
            if isinstance(event, Ended):
                return fold.reply()
            fold.feed(event)
    # It was whole when it was stored, by what else its provider said.
    return fold.reply()
