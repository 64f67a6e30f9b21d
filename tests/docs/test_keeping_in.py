"""What the guide says of keeping requests in: its configuration loads, and does it."""

from __future__ import annotations

import msgspec
import pytest

from antiphon.dialects.base import Payload
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.gateway.gateway import Antiphon
from antiphon.model.ask import Sensitivity
from antiphon.model.principal import ANONYMOUS
from antiphon.pipeline.choosing import Question
from antiphon.wire.shallow import Members
from tests.docs.pages import blocks

PAGE = "docs/guides/keeping-requests-in.md"
[WRITTEN] = [each.text for each in blocks("yaml", PAGE)]


@pytest.fixture
def gateway(tmp_path) -> Antiphon:
    file = tmp_path / "antiphon.yaml"
    file.write_text(WRITTEN)
    return Antiphon.from_config(file, environ={})


def chosen(gateway: Antiphon, model: str, text: str, *headers: tuple[bytes, bytes]) -> list[str]:
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    payload = Payload(OPENAI_CHAT, Members.parse(msgspec.json.encode(body)))
    question = Question(payload, ANONYMOUS, headers)
    choice = gateway.snapshot.plan(model).chooser.choose(question, 0.0)
    return [each.deployment.name for each in choice.order]


def test_who_may_be_sent_what(gateway):
    everybody = ["openai/gpt-5.4-mini", "vllm/llama-3.1", "ollama/llama3.1"]
    house = everybody[1:]
    assert chosen(gateway, "counsel", "Hello") == everybody
    assert chosen(gateway, "counsel", "of my Confession") == house
    assert chosen(gateway, "counsel", "see ACME-1234") == house
    mark = (b"x-antiphon-sensitivity", b"sensitive")
    assert chosen(gateway, "counsel", "Hello", mark) == house
    assert chosen(gateway, "records", "Hello", mark) == ["vllm/llama-3.1"]


def test_the_clearances_of_the_page(gateway):
    found = {each.provider: each.clearance for each in gateway.deployments()}
    assert found == {
        "openai": Sensitivity.INTERNAL,
        "vllm": Sensitivity.RESTRICTED,
        "ollama": Sensitivity.RESTRICTED,
    }
    ollama = gateway.providers["ollama"]
    assert ollama.deployment("gpt-oss:120b-cloud").clearance is Sensitivity.INTERNAL
