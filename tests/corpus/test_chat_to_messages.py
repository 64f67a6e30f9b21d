"""Recorded answers of OpenAI chat, told to the official client of Anthropic: nothing is lost."""

import json
from typing import Any

import pytest

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.contract import Target
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import UpstreamError
from antiphon.model.events import Ended, StreamFailed
from antiphon.model.fold import fold
from antiphon.model.parts import Refusal, Text
from antiphon.model.reply import ChatReply
from antiphon.wire.shallow import Members
from tests.corpus.exchanges import DATA, exchanges_of, read
from tests.unit.dialects.anthropic_messages.client import streamed, whole

EXCHANGES = list(exchanges_of(DATA / "openai_chat.jsonl"))


def answered(body: object) -> tuple[ChatReply, bytes, bool] | None:
    """The reply, as it is told to a caller of the other dialect; None where it failed."""
    if not isinstance(body, str):
        try:
            reply = OPENAI_CHAT.decode_reply(json.dumps(body).encode())
        except UpstreamError:
            return None
        return reply, ANTHROPIC_MESSAGES.encode_reply(reply), False
    events = read(body.encode(), [len(body.encode())])
    if any(isinstance(event, StreamFailed) for event in events):
        return None
    if not isinstance(events[-1], Ended):
        events.append(Ended())
    encoder = ANTHROPIC_MESSAGES.stream_encoder(include_usage=True)
    return fold(events), b"".join(encoder.feed(event) for event in events), True


@pytest.mark.parametrize(
    "exchange", EXCHANGES, ids=lambda exchange: f"{exchange['provider']}-{exchange['id'][:8]}"
)
def test_an_exchange(exchange: dict[str, Any]) -> None:
    if exchange["request"] is not None:
        asked = Members.parse(json.dumps(exchange["request"]["body"]).encode())
        request = OPENAI_CHAT.decode_request(asked)
        written = ANTHROPIC_MESSAGES.encode_request(request, Target("m"))
        ANTHROPIC_MESSAGES.decode_request(written)
    told = answered(exchange["response"]["body"])
    if told is None or exchange["response"]["status"] >= 400:
        return
    reply, body, streams = told
    message = streamed(body) if streams else whole(body)
    turn = reply.choices[0].turn
    said = [part.text for part in turn.parts if isinstance(part, Text | Refusal)]
    heard = [block.text for block in message.content if block.type == "text"]
    assert "".join(heard) == "".join(said)
    calls = [(call.name, json.loads(call.arguments or "{}")) for call in turn.tool_calls]
    used = [(block.name, block.input) for block in message.content if block.type == "tool_use"]
    assert used == calls
    if reply.usage is not None:
        usage = message.usage
        read_and_written = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
        prompt = usage.input_tokens + sum(each or 0 for each in read_and_written)
        assert (prompt, usage.output_tokens) == (reply.usage.input_total, reply.usage.output_total)
