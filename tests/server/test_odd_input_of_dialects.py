"""Conversations that are odd and not hopeless: repaired, passed on, or refused by their name."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import anthropic
import openai
import pytest

from antiphon.simulator.wires import MESSAGES, RESPONSES
from tests.server.fault_callers import calling
from tests.server.stage import Stage, stage
from tests.server.test_bad_input_of_dialects import (
    BODY,
    EQUAL,
    HELLO,
    MEMBER,
    PATHS,
    TRANSLATED,
    assistant,
    body_of,
    checked,
    posted,
    road,
    user,
)

__all__ = ["road"]
ANSWERED, REPAIRED, REFUSED = 200, 200, 400
IMAGE: Final = base64.b64encode(bytes(range(256)) * (8 * 4096)).decode()
"""8 MB of a picture, in 11 MB of text."""


def use(call_id: str, name: str = "f") -> dict[str, object]:
    return {"type": "tool_use", "id": call_id, "name": name, "input": {}}


def result(call_id: str, text: str = "x") -> dict[str, object]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": text}


def called(call_id: str, name: str = "f") -> dict[str, object]:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": "{}"}


def output(call_id: str, text: str = "x") -> dict[str, object]:
    return {"type": "function_call_output", "call_id": call_id, "output": text}


SAID: Final = {"role": "user", "content": "Go on."}
HISTORIES: Final[Mapping[str, Mapping[str, tuple[list[object], int, int]]]] = MappingProxyType(
    {
        MESSAGES: {
            "an orphan result": ([user(result("t1"))], REFUSED, REPAIRED),
            "a call without a result": (
                [*HELLO, assistant(use("t1")), SAID],
                REFUSED,
                REPAIRED,
            ),
            "a call at the end": ([*HELLO, assistant(use("t1"))], REFUSED, REPAIRED),
            "an id twice": (
                [*HELLO, assistant(use("t1"), use("t1")), user(result("t1"), result("t1"))],
                REFUSED,
                REPAIRED,
            ),
            "a result twice": (
                [*HELLO, assistant(use("t1")), user(result("t1"), result("t1"))],
                REFUSED,
                REPAIRED,
            ),
            "an id of other characters": (
                [*HELLO, assistant(use("call|1.ä")), user(result("call|1.ä"))],
                REFUSED,
                REPAIRED,
            ),
            "a call without a name": (
                [*HELLO, assistant({"type": "tool_use", "id": "t1", "input": {}})],
                REFUSED,
                REPAIRED,
            ),
            "a call without an id": (
                [*HELLO, assistant({"type": "tool_use", "name": "f", "input": {}})],
                REFUSED,
                REPAIRED,
            ),
            "a result of nothing": (
                [user({"type": "tool_result", "content": "x"})],
                REFUSED,
                REPAIRED,
            ),
            "the assistant first": ([assistant({"type": "text", "text": "x"}), SAID], 400, 200),
            "an empty text": ([user({"type": "text", "text": ""}), SAID], REFUSED, REPAIRED),
            # A provider that refuses a seal is asked again without it.
            "thought without a seal": (
                [*HELLO, assistant({"type": "thinking", "thinking": "hm"}), SAID],
                ANSWERED,
                REPAIRED,
            ),
            "thought with another's seal": (
                [
                    *HELLO,
                    assistant(
                        {"type": "thinking", "thinking": "hm", "signature": "sig"},
                        {"type": "text", "text": "x"},
                    ),
                    SAID,
                ],
                ANSWERED,
                REPAIRED,
            ),
            "a sealed thought of another": (
                [
                    *HELLO,
                    assistant(
                        {"type": "redacted_thinking", "data": "sealed"},
                        {"type": "text", "text": "x"},
                    ),
                    SAID,
                ],
                ANSWERED,
                REPAIRED,
            ),
        },
        RESPONSES: {
            "an orphan output": ([output("c1")], REFUSED, REPAIRED),
            "a call without an output": ([*HELLO, called("c1"), SAID], REFUSED, REPAIRED),
            "a call at the end": ([*HELLO, called("c1")], REFUSED, REPAIRED),
            "an id twice": (
                [*HELLO, called("c1"), called("c1"), output("c1"), output("c1")],
                REFUSED,
                REPAIRED,
            ),
            "an output twice": (
                [*HELLO, called("c1"), output("c1"), output("c1")],
                ANSWERED,
                REPAIRED,
            ),
            "an output before its call": (
                [*HELLO, output("c1"), called("c1"), SAID],
                REFUSED,
                REPAIRED,
            ),
            "a call without a name": (
                [*HELLO, {"type": "function_call", "call_id": "c1", "arguments": "{}"}],
                REFUSED,
                REPAIRED,
            ),
            "a call without an id": (
                [*HELLO, {"type": "function_call", "name": "f", "arguments": "{}"}],
                REFUSED,
                REPAIRED,
            ),
            "an id of a hundred letters": (
                [*HELLO, called("c" * 100), output("c" * 100)],
                REFUSED,
                REPAIRED,
            ),
            "thought without a seal": (
                [*HELLO, {"type": "reasoning", "id": "rs_1", "summary": []}, SAID],
                REFUSED,
                REPAIRED,
            ),
            "thought with another's seal": (
                [
                    *HELLO,
                    {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "x"},
                    {"role": "assistant", "content": "x"},
                    SAID,
                ],
                ANSWERED,
                REPAIRED,
            ),
            "an item of no known type": (
                [*HELLO, {"type": "weather_call", "id": "wc_1"}],
                ANSWERED,
                REPAIRED,
            ),
            "an item of the caller's of no known type": (
                [*HELLO, {"type": "weather", "id": "wc_1"}],
                ANSWERED,
                REFUSED,
            ),
            "a part of no known type": ([user({"type": "input_smell"})], REFUSED, REFUSED),
        },
    }
)
"""What a strict provider of the caller's dialect makes of the bytes, and one of Chat Completions."""


@pytest.mark.parametrize("wire", PATHS)
async def test_histories(road: Stage, wire: str) -> None:
    wrong: dict[str, object] = {}
    for name, (turns, equal, translated) in HISTORIES[wire].items():
        for model, status in ((EQUAL[wire], equal), (TRANSLATED, translated)):
            response = await posted(road, wire, body_of(wire, model, **{MEMBER[wire]: turns}))
            if response.status == 400:
                checked(wire, response)
            if response.status != status:
                wrong[f"{name} at {model}"] = response
    assert wrong == {}


async def test_an_orphan_result_is_told_as_text(road: Stage) -> None:
    for wire, turns in ((MESSAGES, [user(result("t1", "21°"))]), (RESPONSES, [output("c", "21°")])):
        await posted(road, wire, body_of(wire, **{MEMBER[wire]: turns}))
        [told] = json.loads(road.first.received[-1].body)["messages"]
        assert told["role"] == "user"
        assert told["content"].endswith("21°")


# ------------------------------------------------------------------ sizes


def shown(wire: str) -> list[object]:
    if wire == MESSAGES:
        source = {"type": "base64", "media_type": "image/png", "data": IMAGE}
        return [user({"type": "image", "source": source})]
    url = f"data:image/png;base64,{IMAGE}"
    return [user({"type": "input_image", "detail": "auto", "image_url": url})]


@pytest.mark.parametrize("wire", PATHS)
async def test_a_picture_of_8_mb(road: Stage, wire: str) -> None:
    received = {"two": road.simulators[1], "three": road.simulators[2]}
    body = body_of(wire, EQUAL[wire], **{MEMBER[wire]: shown(wire)})
    assert (await posted(road, wire, body)).status == 200
    sent = received[EQUAL[wire].partition("/")[0]].received[-1].body
    members = json.loads(sent) if wire == RESPONSES else None
    # Responses say besides that nothing is to be stored.
    assert sent == (
        body.replace(EQUAL[wire].encode(), b"sim-small")
        if members is None
        else body.replace(EQUAL[wire].encode(), b"sim-small")[:-1] + b',"store":false}'
    )
    assert (await posted(road, wire, body.replace(EQUAL[wire].encode(), b"one/sim-small"))).status
    [told] = json.loads(road.first.received[-1].body)["messages"]
    [part] = told["content"]
    assert part["image_url"]["url"] == f"data:image/png;base64,{IMAGE}"


@pytest.mark.parametrize("wire", PATHS)
async def test_a_body_over_the_bound(tmp_path, wire: str) -> None:
    long = {MEMBER[wire]: [{"role": "user", "content": "x" * 5000}]}
    raised = {MESSAGES: anthropic.RequestTooLargeError, RESPONSES: openai.APIStatusError}
    async with stage(tmp_path, server={"max_body_bytes": 4096}) as road:
        response = await posted(road, wire, body_of(wire, **long))
        checked(wire, response, 413)
        async with calling(road) as callers:
            create: dict[str, Any] = {
                MESSAGES: callers.anthropic.messages.create,
                RESPONSES: callers.openai.responses.create,
            }
            with pytest.raises(raised[wire]) as caught:
                await create[wire](**{"model": TRANSLATED, **BODY[wire], **long})
            assert caught.value.status_code == 413
        assert road.first.requests == 0
