"""What is stored is read back: requests and replies survive JSON."""

import msgspec
import pytest

from antiphon.model.parts import (
    Author,
    Blob,
    CacheMark,
    Extra,
    Image,
    Opaque,
    Origin,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)
from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
from antiphon.model.request import (
    ChatRequest,
    FunctionTool,
    Identity,
    Output,
    OutputForm,
    PromptCache,
    Sampling,
    ServerTool,
    State,
    ToolChoice,
    ToolMode,
)
from antiphon.model.usage import Usage

RAW = msgspec.Raw(b'{"a":[1,2.50]}')
EXTRA = Extra("d", {"x": RAW})
TURN = Turn(
    Author.ASSISTANT,
    (
        Text("a", annotations=(RAW,), cache=CacheMark("1h", spelling="s"), extra=EXTRA),
        Image(Blob(data="AAAA", media_type="image/png"), detail="low"),
        Reasoning("t", signature="s", origin=Origin("d", "m"), sealed=True),
        ToolCall("c", "f", "{"),
        ToolResult("c", (Text("r"), Opaque("d", RAW)), is_error=True),
        Opaque("d", RAW),
    ),
    extra=EXTRA,
)
REQUEST = ChatRequest(
    "m",
    (TURN,),
    tools=(FunctionTool("f", parameters=RAW), FunctionTool("g"), ServerTool("d", RAW)),
    tool_choice=ToolChoice(ToolMode.NAMED, ("f",)),
    output=Output(OutputForm.SCHEMA, schema=RAW),
    sampling=Sampling(temperature=0.7, logit_bias=RAW),
    identity=Identity(user="u", metadata=RAW),
    cache=PromptCache(options=RAW),
    state=State(conversation=RAW),
)
REPLY = ChatReply(
    "id",
    "m",
    (Choice(0, TURN, Stop(StopReason.TOOL, raw="x"), logprobs=(Opaque("d", RAW),), extra=EXTRA),),
    usage=Usage(input_tokens=1),
    extra=EXTRA,
)


@pytest.mark.parametrize("value", [REQUEST, REPLY], ids=["request", "reply"])
def test_json(value: ChatRequest | ChatReply) -> None:
    assert msgspec.json.decode(msgspec.json.encode(value), type=type(value)) == value


@pytest.mark.parametrize(
    "value", [ChatRequest("m", ()), ChatReply("id", "m", ())], ids=["request", "reply"]
)
def test_what_is_not_said_takes_no_room(value: ChatRequest | ChatReply) -> None:
    written = msgspec.json.encode(value)
    assert len(written) < 50
    assert msgspec.json.decode(written, type=type(value)) == value
