"""Recorded counts of prompts, and everything that must hold of one."""

from __future__ import annotations

import json
from typing import Any, Final

from antiphon.dialects.anthropic_messages import ANTHROPIC_MESSAGES
from antiphon.dialects.base import Dialect, Payload
from antiphon.dialects.contract import Target
from antiphon.dialects.gemini import GEMINI
from antiphon.dialects.gemini.counting import read_count_request, write_count_reply
from antiphon.dialects.gemini.paths import model_and_method
from antiphon.errors import UpstreamRefused
from antiphon.wire.shallow import Members
from tests.corpus.exchanges import Exchange
from tests.corpus.gemini import plain, spelled

WIRES: Final = {"anthropic-count": ANTHROPIC_MESSAGES, "gemini-count": GEMINI}


def check(exchange: Exchange) -> str:
    """Read the question and the count; returns what the answer was."""
    dialect, response = WIRES[exchange["wire"]], exchange["response"]
    check_question(dialect, exchange["request"]["path"], exchange["request"]["body"])
    raw = json.dumps(response["body"]).encode()
    if response["status"] >= 400:
        error = dialect.decode_error(response["status"], {}, raw)
        assert isinstance(error, UpstreamRefused)
        assert error.upstream_status == response["status"]
        return "error"
    tokens = dialect.read_count(raw)
    assert tokens == (response["body"].get("input_tokens") or response["body"].get("totalTokens"))
    if dialect is GEMINI:
        assert dialect.read_count(write_count_reply(tokens)) == tokens
    return "count"


def check_question(dialect: Dialect, path: str, body: dict[str, Any]) -> None:
    """What is asked of a provider of the same dialect is about the same prompt."""
    given = Members.parse(json.dumps(body).encode())
    if dialect is GEMINI:
        model, method = model_and_method(path.partition("?")[0].rpartition("/models/")[2])
        assert method == "countTokens"
        assert dialect.counting_path(model) == f"/models/{model}:countTokens"
        asked = read_count_request(given, model)
        assert json.loads(GEMINI.strip(asked).encode()) == body
    else:
        assert path.partition("?")[0].endswith(dialect.counting_path(""))
        asked = given.replace({"max_tokens": b"1"})
    request = Payload(dialect, asked).request
    written = dialect.encode_request(request, Target("other"))
    sent = json.loads(dialect.count_request(written, "other").encode())
    if dialect is GEMINI:
        whole = sent.pop("generateContentRequest")
        assert sent == {}
        assert whole.pop("model") == "models/other"
        assert plain(whole) == plain(spelled(body))
    else:
        assert sent["model"] == "other"
        assert len(sent["messages"]) == len(body["messages"])
        assert "max_tokens" not in sent
