"""Schemas that cannot be used, or that the provider's dialect cannot say, over HTTP."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from antiphon.simulator import SimulatorSpec
from tests.server.forms import (
    ALL,
    BAD,
    BLUNT,
    GOOD,
    SCHEMA,
    TOLD,
    ask,
    fleet,
    in_schema,
    received,
)
from tests.server.stage import Stage, stage

__all__ = ("fleet",)

# ------------------------------------------------------------------ bad schemas

DOUBLING: Final = {
    "$defs": {
        **{f"a{at}": {"anyOf": [{"$ref": f"#/$defs/a{at + 1}"}] * 2} for at in range(40)},
        "a40": {"type": "string"},
    },
    "$ref": "#/$defs/a0",
}
DEEP: Final[dict[str, Any]] = {"type": "object"}
HOSTILE: Final = {
    "no schema": {"type": "objekt"},
    "elsewhere": {"$ref": "http://127.0.0.1:9/schema.json"},
    "a file": {"$ref": "file:///etc/passwd"},
    "no end": {"$ref": "#"},
    "nowhere": {"$ref": "#/$defs/none"},
    "doubling": DOUBLING,
    "huge": {"type": "object", "description": "x" * 300_000},
    "a heavy pattern": {"type": "string", "pattern": "((a{100}){100}){100}"},
}


@ALL
@pytest.mark.parametrize("what", HOSTILE)
async def test_a_schema_that_cannot_be_checked_is_refused_where_it_must_be(
    fleet: Stage, heard: str, spoken: str, what: str
) -> None:
    form = in_schema(heard, HOSTILE[what])
    answer = await ask(fleet, heard, spoken, "Hello", form)
    assert answer.status_code == 400
    message = answer.json()["error"]["message"]
    assert "cannot be used to check the answer" in message
    assert len(message) < 300
    assert received(fleet, spoken) == []


@ALL
async def test_it_goes_on_where_the_provider_itself_keeps_to_it(
    fleet: Stage, heard: str, spoken: str
) -> None:
    form = in_schema(heard, HOSTILE["elsewhere"])
    answer = await ask(fleet, heard, f"{spoken}-native", f"[say: {GOOD}]", form)
    assert answer.status_code == 200
    told = answer.headers["x-antiphon-structured"]
    unchecked = "native; unchecked; the schema cannot be used here"
    assert told == ("native" if heard == spoken else unchecked)


async def test_the_header_holds_whatever_stands_in_the_path(fleet: Stage) -> None:
    said = json.dumps({"name": "x", "age": 1, "ü\r\nx-evil: 1": 1}, ensure_ascii=False)
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    answer = await ask(fleet, "chat", "chat", f"[say: {said}]", in_schema("chat", schema))
    assert "x-evil" not in answer.headers
    told = answer.headers["x-antiphon-structured"]
    assert told.isascii()
    assert "$['\\xfc\\r\\nx-evil: 1']: must be string" in told


# ------------------------------------------------------------------ schemas of another dialect

FREE_NAMES: Final = {
    "type": "object",
    "properties": {"name": {"additionalProperties": {"type": "integer"}}},
}
BOUNDED: Final = {**SCHEMA, "properties": {**SCHEMA["properties"], "age": {"multipleOf": 36}}}


async def test_a_schema_that_messages_cannot_say_is_told_in_words(fleet: Stage) -> None:
    said = '[say: {"name": {"Ada": 36}}]'
    answer = await ask(fleet, "chat", "messages-native", said, in_schema("chat", FREE_NAMES))
    assert answer.headers["x-antiphon-warnings"] == f"json_schema: {TOLD}"
    assert answer.headers["x-antiphon-structured"] == "instructed; valid"
    own = await ask(fleet, "messages", "messages-native", said, in_schema("messages", FREE_NAMES))
    assert own.headers["x-antiphon-structured"] == "native"


async def test_rules_that_a_provider_does_not_take_are_checked_here(fleet: Stage) -> None:
    said = '[say: {"name": "Ada", "age": 37}]'
    answer = await ask(fleet, "chat", "messages-native", said, in_schema("chat", BOUNDED))
    told = "json_schema: some rules are told or left out, and checked"
    assert answer.headers["x-antiphon-warnings"] == told
    problem = '"$.age: is not a multiple of what it must be"'
    assert answer.headers["x-antiphon-structured"] == f"native; invalid; {problem}"


@pytest.mark.parametrize(("said", "told"), [(GOOD, "valid"), (BAD, "invalid")])
async def test_the_end_of_a_stream_stands_in_the_log(tmp_path, said: str, told: str) -> None:
    log = tmp_path / "log"
    provider = {"dialect": "anthropic_messages", "models": {"sim-small": BLUNT}}
    logging = {"requests": "json", "file": str(log)}
    async with stage(
        tmp_path, [SimulatorSpec(name="one")], provider=provider, logging=logging
    ) as it:
        await ask(it, "chat", "fast", f"[say: {said}]", in_schema("chat"), stream=True)
        await it.at_rest()
    [line] = [json.loads(each) for each in log.read_text().splitlines()]
    assert line["structured"].startswith(f"instructed; {told}")
    assert "secret" not in line["structured"]
