"""A budget of thought, for dialects that know efforts only."""

import msgspec
import pytest

from antiphon.dialects.contract import Target
from antiphon.dialects.efforts import effort_of
from antiphon.dialects.registry import DIALECTS
from antiphon.model.request import ReasoningAsk
from antiphon.wire.shallow import Members

HELLO = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize(
    ("asked", "effort"),
    [
        (None, None),
        (ReasoningAsk(), None),
        (ReasoningAsk(budget=-1), None),
        (ReasoningAsk(budget=0), "none"),
        (ReasoningAsk(budget=1024), "low"),
        (ReasoningAsk(budget=4096), "low"),
        (ReasoningAsk(budget=4097), "medium"),
        (ReasoningAsk(budget=16385), "high"),
        (ReasoningAsk("minimal", 16385), "minimal"),
    ],
)
def test_the_nearest(asked, effort):
    assert effort_of(asked) == effort


@pytest.mark.parametrize(("budget", "effort"), [(2048, "low"), (8000, "medium"), (30000, "high")])
def test_a_budget_of_messages_is_an_effort_in_both_of_openai_s(budget, effort):
    body = {
        "model": "m",
        "max_tokens": 32000,
        "messages": HELLO,
        "thinking": {"type": "enabled", "budget_tokens": budget},
    }
    members = Members.parse(msgspec.json.encode(body))
    request = DIALECTS["anthropic_messages"].decode_request(members)
    chat = DIALECTS["openai_chat"].encode_request(request, Target("m"))
    assert msgspec.json.decode(chat.encode())["reasoning_effort"] == effort
    responses = DIALECTS["openai_responses"].encode_request(request, Target("m"))
    assert msgspec.json.decode(responses.encode())["reasoning"]["effort"] == effort
