"""Dialects of third parties, each with one mistake, and the checks that are to catch it.

Each is OpenAI chat but for its mistake, so it is held against the golden cases of that name.
"""

from typing import ClassVar

import msgspec
from msgspec.structs import replace
from typing_extensions import override

from antiphon.dialects.contract import ReplyFacts
from antiphon.dialects.openai_chat.dialect import OpenAIChat
from antiphon.errors import InternalFault, UpstreamError
from antiphon.model.events import (
    Ended,
    Finished,
    StreamFailed,
    ToolCallDelta,
    ToolCallStarted,
    UsageReported,
)
from antiphon.model.needs import Loss, Need, Severity
from antiphon.model.parts import Author, ToolCall, Turn
from antiphon.model.reply import ChatReply, StopReason
from antiphon.wire.shallow import Members
from antiphon.wire.sse import Splitter


class Altered(OpenAIChat):
    """Changes what its streams are read or written as."""

    def heard(self, event):
        return event

    def told(self, event):
        return event

    @override
    def stream_decoder(self):
        return _Reader(super().stream_decoder(), self.heard)

    @override
    def stream_encoder(self, *, include_usage, asked=None):
        return _Writer(super().stream_encoder(include_usage=include_usage), self.told)


class _Reader:
    def __init__(self, inner, heard):
        self._inner, self._heard = inner, heard

    @property
    def position(self):
        return self._inner.position

    def feed(self, frame):
        events = (self._heard(event) for event in self._inner.feed(frame))
        return tuple(event for event in events if event is not None)

    def without_usage(self, frame):
        return self._inner.without_usage(frame)


class _Writer:
    def __init__(self, inner, told):
        self._inner, self._told = inner, told

    @property
    def position(self):
        return self._inner.position

    def feed(self, event):
        event = self._told(event)
        return b"" if event is None else self._inner.feed(event)


# ------------------------------------------------------------------ usage


class DropsAClass(OpenAIChat):
    """What was read from the cache is counted nowhere."""

    @override
    def decode_reply(self, body):
        reply = super().decode_reply(body)
        usage = reply.usage and replace(reply.usage, cache_read_tokens=0)
        return replace(reply, usage=usage)

    @override
    def inspect_reply(self, body):
        facts = super().inspect_reply(body)
        return replace(facts, usage=facts.usage and replace(facts.usage, cache_read_tokens=0))


class CountsTwice(OpenAIChat):
    """Thought is counted apart, and in the output as well."""

    @override
    def decode_reply(self, body):
        reply = super().decode_reply(body)
        usage = reply.usage
        if usage is not None:
            usage = replace(usage, output_tokens=usage.output_tokens + usage.reasoning_tokens)
        return replace(reply, usage=usage)


class BelievesAnything(OpenAIChat):
    """Subtracts what is cached from the prompt, whatever it is."""

    @override
    def decode_reply(self, body):
        reply = super().decode_reply(body)
        stated = msgspec.json.decode(body)
        usage = stated.get("usage") if isinstance(stated, dict) else None
        details = usage.get("prompt_tokens_details") if isinstance(usage, dict) else None
        cached = details.get("cached_tokens") if isinstance(details, dict) else None
        if reply.usage is None or not isinstance(cached, int) or isinstance(cached, bool):
            return reply
        prompt = reply.usage.input_tokens + reply.usage.cache_read_tokens
        counted = replace(reply.usage, input_tokens=prompt - cached, cache_read_tokens=cached)
        return replace(reply, usage=counted)


class ForgetsUsage(Altered):
    """Its streams tell no usage."""

    @override
    def told(self, event):
        return None if isinstance(event, UsageReported) else event


# ------------------------------------------------------------------ streams


class SplitsText(OpenAIChat):
    """Decodes each read from the network by itself."""

    @override
    def splitter(self):
        return _TextSplitter(super().splitter())


class _TextSplitter:
    def __init__(self, inner):
        self._inner = inner

    def feed(self, chunk):
        return self._inner.feed(chunk.decode(errors="replace").encode())

    def flush(self):
        return self._inner.flush()


class ReadsLinesOnly(OpenAIChat):
    """Takes one event from each read from the network."""

    @override
    def splitter(self):
        return _HastySplitter(super().splitter())


class _HastySplitter(_TextSplitter):
    @override
    def feed(self, chunk):
        frames = self._inner.feed(chunk)
        return frames[:1] if len(chunk) < 3000 and len(frames) > 1 else frames


class KeepsEverything(OpenAIChat):
    """Waits for the end of a frame, however long it becomes."""

    @override
    def splitter(self):
        return Splitter(bound=2**40)


class SpeaksInItsSleep(OpenAIChat):
    """Its heartbeat is a word."""

    heartbeat = b'data: {"id":"","choices":[{"index":0,"delta":{"content":" "}}]}\n\n'


class NeverEnds(Altered):
    """Its streams lack their end."""

    @override
    def told(self, event):
        return None if isinstance(event, Ended | Finished) else event


class EndsTwice(Altered):
    """Takes the stop of a choice for the end of the stream."""

    @override
    def heard(self, event):
        return Ended() if isinstance(event, Finished) else event


# ------------------------------------------------------------------ errors


class SwallowsErrors(OpenAIChat):
    """An error with status 200 becomes an empty answer."""

    @override
    def decode_reply(self, body):
        try:
            return super().decode_reply(body)
        except UpstreamError:
            return ChatReply("", "", ())


class SwallowsStreamErrors(Altered):
    """An error inside a stream is left out."""

    @override
    def heard(self, event):
        return None if isinstance(event, StreamFailed) else event


class SaysOneError(OpenAIChat):
    """Whatever is wrong, it says 500."""

    @override
    def encode_error(self, error, *, request_id):
        return super().encode_error(InternalFault(error.message), request_id=request_id)

    @override
    def status_of(self, error):
        return 500


class ThrowsErrors(OpenAIChat):
    """Expects every refusal to be JSON."""

    @override
    def decode_error(self, status, headers, body):
        msgspec.json.decode(body)
        return super().decode_error(status, headers, body)


class WaitsForever(OpenAIChat):
    """Believes every time to wait."""

    @override
    def decode_error(self, status, headers, body):
        error = super().decode_error(status, headers, body)
        try:
            error.retry_after = float(headers.get(b"retry-after", b""))
        except ValueError:
            error.retry_after = None
        return error


# ------------------------------------------------------------------ tools


class InventsIds(Altered):
    """Each call that is heard gets an id of its own making."""

    @override
    def heard(self, event):
        if isinstance(event, ToolCallStarted):
            return replace(event, call_id=f"made_up_{id(event)}_{event.index}")
        return event


class CallsOnce(OpenAIChat):
    """Of several calls it writes the first."""

    @override
    def encode_reply(self, reply, asked=None):
        choices = tuple(
            replace(choice, turn=replace(choice.turn, parts=_first_call(choice.turn.parts)))
            for choice in reply.choices
        )
        return super().encode_reply(replace(reply, choices=choices), asked)


class MixesArguments(Altered):
    """All fragments of arguments belong to the first call."""

    @override
    def told(self, event):
        return replace(event, index=0) if isinstance(event, ToolCallDelta) else event


class LosesResults(OpenAIChat):
    """Results of tools answer the first call."""

    @override
    def encode_request(self, request, target):
        calls = [call.call_id for turn in request.turns for call in turn.tool_calls]
        turns = tuple(_answering(turn, calls[:1]) for turn in request.turns)
        return super().encode_request(replace(request, turns=turns), target)


# ------------------------------------------------------------------ what is unknown or lost


class LosesUnknown(OpenAIChat):
    """Members that it does not know are gone from requests."""

    @override
    def encode_request(self, request, target):
        return super().encode_request(replace(request, extra=None), target)


class LosesUnknownOfReplies(OpenAIChat):
    """Members that it does not know are gone from replies."""

    @override
    def encode_reply(self, reply, asked=None):
        return super().encode_reply(replace(reply, extra=None), asked)


class LeaksUnknown(OpenAIChat):
    """Sends members of other dialects as its own."""

    @override
    def encode_request(self, request, target):
        extra = request.extra
        if extra is not None:
            request = replace(request, extra=replace(extra, dialect="openai_chat"))
        return super().encode_request(request, target)


class DeclaresNothing(OpenAIChat):
    """Says that it carries everything."""

    losses: ClassVar = {
        need: OpenAIChat.losses[need] for need in (Need.FILE_IDS, Need.UNKNOWN_MEMBERS)
    }


class HidesUnknown(OpenAIChat):
    """Says nothing of members that it does not know."""

    losses: ClassVar = {
        need: loss for need, loss in OpenAIChat.losses.items() if need != "unknown_members"
    }


class Mumbles(OpenAIChat):
    """Says of a loss what no header can carry."""

    losses: ClassVar = {**OpenAIChat.losses, Need.STATE: Loss(Severity.REFUSE, "no; none: nüscht")}


class DropsTheSystem(OpenAIChat):
    """Leaves instructions out."""

    @override
    def encode_request(self, request, target):
        kept = tuple(turn for turn in request.turns if turn.author is not Author.SYSTEM)
        return super().encode_request(replace(request, turns=kept), target)


class InspectsBadly(OpenAIChat):
    """What it says of a reply at a glance is not what it says on reading."""

    @override
    def inspect_reply(self, body):
        facts = super().inspect_reply(body)
        return ReplyFacts(facts.usage, StopReason.STOP, facts.model)


class CutsNothing(OpenAIChat):
    """Says that it left something out."""

    @override
    def cut(self, members, dropped):
        return members


# ------------------------------------------------------------------ garbage


class TrustsRequests(OpenAIChat):
    """Reads the first message without looking whether there is one."""

    @override
    def decode_request(self, members: Members):
        assert msgspec.json.decode(members["messages"])[0]["role"]
        return super().decode_request(members)


class TrustsReplies(OpenAIChat):
    """The same with choices."""

    @override
    def decode_reply(self, body):
        assert msgspec.json.decode(body)["choices"] is not None
        return super().decode_reply(body)


class TrustsFrames(Altered):
    """The same with frames."""

    @override
    def stream_decoder(self):
        return _TrustingReader(super().stream_decoder(), self.heard)


class _TrustingReader(_Reader):
    @override
    def feed(self, frame):
        frame.decode()
        return super().feed(frame)


def _first_call(parts):
    calls = [part for part in parts if isinstance(part, ToolCall)]
    return tuple(part for part in parts if part not in calls[1:])


def _answering(turn: Turn, calls: list[str]) -> Turn:
    if turn.author is not Author.TOOL or not calls:
        return turn
    return replace(turn, parts=tuple(replace(part, call_id=calls[0]) for part in turn.parts))


LEAKY = LeaksUnknown()
"""An object, as a command line names it."""
