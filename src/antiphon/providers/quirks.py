"""How one provider's dialect differs from the one it claims to speak.

A quirk is a named pure function over the members of a request. It touches what the provider would
refuse and keeps every other byte. Rows (`catalog.toml`), models (`models.toml`) and configuration
name quirks; none of them asks for more than three, because what differs more is a dialect.

Hot path: a quirk that finds nothing to do costs a look-up or one search of the raw bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from antiphon.dialects.contract import Quirk
from antiphon.errors import MalformedBody
from antiphon.wire.shallow import Members

_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_SAMPLING = (
    "temperature",
    "top_p",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "logprobs",
    "top_logprobs",
    "logit_bias",
)
_NONE = b'"none"'
_THINKING_ON = b'{"type":"enabled"}'
_THINKING_OFF = b'{"type":"disabled"}'
_THREE_EFFORTS: Mapping[bytes, bytes] = {
    b'"none"': b'"low"',
    b'"minimal"': b'"low"',
    b'"medium"': b'"high"',
    b'"xhigh"': b'"max"',
}
_EFFORTS_TO_MAX: Mapping[bytes, bytes] = {b'"minimal"': b'"low"', b'"xhigh"': b'"max"'}
"""Words for an effort that are not known there, and the nearest that are."""


# ------------------------------------------------------------------ one member


def max_tokens_only(members: Members) -> Members:
    """The bound of the answer is called `max_tokens`.

    Z.AI takes nothing else; TGI, Ollama's `/v1` and Mistral ignore or refuse the newer name
    (wire-dialects 2.7, ollama/ollama and mistralai documentation).
    """
    return _renamed(members, "max_completion_tokens", "max_tokens")


def max_completion_tokens_only(members: Members) -> Members:
    """The bound of the answer is called `max_completion_tokens`.

    OpenAI's reasoning models refuse `max_tokens` (pitfalls 4.6).
    """
    return _renamed(members, "max_tokens", "max_completion_tokens")


def no_stream_options(members: Members) -> Members:
    """`stream_options` is refused; usage comes at the end of every stream unasked.

    Mistral answers 422 `extra_forbidden` (openai/openai-agents-python#442).
    """
    return members.without("stream_options")


def fixed_sampling(members: Members) -> Members:
    """Sampling is the provider's own: another value is refused, so none is sent.

    Moonshot's kimi-k* and OpenAI's o-series and gpt-5 (wire-dialects 2.7, pitfalls 4.6).
    """
    return members.without(*_SAMPLING)


def auto_tool_choice_only(members: Members) -> Members:
    """The model itself chooses whether to call a tool.

    A forced choice becomes `auto`; with `none` the tools are not sent at all. Z.AI knows `auto`
    only, Moonshot takes a forced choice on some models (wire-dialects 2.7).
    """
    choice = members.get("tool_choice")
    if choice in {None, b"null", b'"auto"'}:
        return members
    if choice == b'"none"':
        return members.without("tool_choice", "tools", "parallel_tool_calls")
    return members.replace({"tool_choice": b'"auto"'})


# ------------------------------------------------------------------ thought


def thinking_switch(members: Members) -> Members:
    """Thought is on or off, in `thinking`; there is no `reasoning_effort`.

    Kimi K2.5 and K2.6, GLM up to 5.1, which pass over an effort in silence (wire-dialects 2.7,
    platform.kimi.ai/docs/guide/use-kimi-k2-thinking-model, docs.z.ai/guides/capabilities).
    """
    effort = members.get("reasoning_effort")
    if effort is None or effort == b"null":
        return members
    rest = members.without("reasoning_effort")
    if rest.get("thinking", b"null") != b"null":
        return rest
    return rest.replace({"thinking": _THINKING_OFF if effort == _NONE else _THINKING_ON})


def three_efforts(members: Members) -> Members:
    """The efforts are `low`, `high` and `max`; without thought there is no answer.

    Kimi K3 and GLM 5.3 always think (wire-dialects 2.7 and 6); `none` becomes the least of them.
    """
    return _effort(members, _THREE_EFFORTS)


def efforts_or_off(members: Members) -> Members:
    """The efforts are `low`, `high` and `max`; `thinking` switches thought off.

    GLM 5.2 and DeepSeek V4 (wire-dialects 6, api-docs.deepseek.com/guides/thinking_mode).
    """
    if members.get("reasoning_effort") == _NONE:
        return thinking_switch(members)
    return _effort(members, _THREE_EFFORTS)


def no_effort(members: Members) -> Members:
    """It thinks as much as it likes: an effort is not sent.

    Kimi K2.7 (platform.kimi.ai/docs/guide/use-kimi-k2-thinking-model).
    """
    return members.without("reasoning_effort")


def efforts_to_max(members: Members) -> Members:
    """The efforts are `none`, `low`, `medium`, `high` and `max`.

    Ollama refuses other words: "invalid reasoning value" (ollama/ollama openai/openai.go).
    """
    return _effort(members, _EFFORTS_TO_MAX)


def thinking_by_template(members: Members) -> Members:
    """Thought is switched off in `chat_template_kwargs`, for templates that know no effort.

    vLLM and SGLang (docs.vllm.ai, reasoning outputs): Qwen and GLM read `enable_thinking`.
    """
    if members.get("reasoning_effort") != _NONE:
        return members
    try:
        given = Members.parse(_object(members.get("chat_template_kwargs")))
    except MalformedBody:
        return members
    if "enable_thinking" not in given:
        given = given.replace({"enable_thinking": b"false"})
    return members.without("reasoning_effort").replace({"chat_template_kwargs": given.encode()})


# ------------------------------------------------------------------ tools


def tool_stream(members: Members) -> Members:
    """The arguments of calls come in pieces only where `tool_stream` asks for that.

    Else Z.AI is silent until a call is whole, which looks like a stream that has died
    (docs.z.ai/guides/capabilities/stream-tool, from GLM 4.6 on).
    """
    if members.get("stream") != b"true" or members.get("tools", b"[]") in {b"[]", b"null"}:
        return members
    return members if "tool_stream" in members else members.replace({"tool_stream": b"true"})


def no_tool_strict(members: Members) -> Members:
    """A tool's schema carries no `strict` (Moonshot, wire-dialects 2.7)."""
    if b'"strict"' not in members.get("tools", b""):
        return members
    return _each(members, "tools", _without_strict)


def _without_strict(tool: Members) -> Members:
    function = tool.get("function")
    if function is None or b'"strict"' not in function:
        return tool
    inner = Members.parse(function)
    if "strict" not in inner:
        return tool
    return tool.replace({"function": inner.without("strict").encode()})


# ------------------------------------------------------------------ messages


def developer_as_system(members: Members) -> Members:
    """The role `developer` is not known; `system` says the same.

    OpenAI's newer clients send it to everyone. Z.AI, DeepSeek, Mistral and most local templates
    refuse it (docs of each; cerebras: inference-docs.cerebras.ai/resources/openai).
    """
    if b'"developer"' not in members.get("messages", b""):
        return members
    return _each(members, "messages", _as_system)


def _as_system(message: Members) -> Members:
    if message.get("role") != b'"developer"':
        return message
    return message.replace({"role": b'"system"'})


def string_content(members: Members) -> Members:
    """Text parts are put together to one string; messages with other parts stay as they are.

    Moonshot's text-only models want a string (wire-dialects 2.7).
    """
    if b"[" not in members.get("messages", b"")[1:]:
        return members
    return _each(members, "messages", _as_string)


def _as_string(message: Members) -> Members:
    content = message.get("content", b"")
    if not content.startswith(b"["):
        return message
    parts = [_members(part) for part in _LIST.decode(content)]
    texts = [part.get("text") for part in parts if part.get("type") == b'"text"']
    if len(texts) != len(parts) or not all(text and text.startswith(b'"') for text in texts):
        return message
    joined = b"".join([text[1:-1] for text in texts if text])
    return message.replace({"content": b'"' + joined + b'"'})


def echo_reasoning(members: Members) -> Members:
    """An assistant's turn with tool calls carries `reasoning_content`.

    Thinking Kimi models answer 400 where a client dropped it; a space will do (wire-dialects 2.7).
    DeepSeek V4 wants it too (vercel/ai#14729).
    """
    if b'"tool_calls"' not in members.get("messages", b""):
        return members
    return _each(members, "messages", _with_reasoning)


def _with_reasoning(message: Members) -> Members:
    if message.get("role") != b'"assistant"' or message.get("tool_calls", b"null") == b"null":
        return message
    if message.get("reasoning_content", b"null") not in {b"null", b'""'}:
        return message
    return message.replace({"reasoning_content": message.get("reasoning") or b'" "'})


def no_reasoning_echo(members: Members) -> Members:
    """Thought of earlier turns is not sent back: DeepSeek R1 answers 400 (vercel/ai#14729)."""
    if b'"reasoning' not in members.get("messages", b""):
        return members
    return _each(members, "messages", _without_reasoning)


def _without_reasoning(message: Members) -> Members:
    return message.without("reasoning_content", "reasoning")


# ------------------------------------------------------------------ the table

QUIRKS: Final[Mapping[str, Quirk]] = {
    quirk.__name__: quirk
    for quirk in (
        max_tokens_only,
        max_completion_tokens_only,
        no_stream_options,
        fixed_sampling,
        auto_tool_choice_only,
        thinking_switch,
        three_efforts,
        efforts_or_off,
        no_effort,
        efforts_to_max,
        thinking_by_template,
        tool_stream,
        no_tool_strict,
        developer_as_system,
        string_content,
        echo_reasoning,
        no_reasoning_echo,
    )
}


# ------------------------------------------------------------------ how


def _renamed(members: Members, old: str, new: str) -> Members:
    """A member under its other name; where both stand, the right one is the caller's word."""
    value = members.get(old)
    if value is None:
        return members
    rest = members.without(old)
    return rest.replace({new: value}) if rest.get(new, b"null") == b"null" else rest


def _effort(members: Members, words: Mapping[bytes, bytes]) -> Members:
    """The effort in words that are known; one that is neither here nor there stays."""
    effort = members.get("reasoning_effort")
    if effort is None or effort not in words:
        return members
    return members.replace({"reasoning_effort": words[effort]})


def _object(raw: bytes | None) -> bytes:
    return b"{}" if raw is None or raw == b"null" else raw


def _each(members: Members, name: str, change: Callable[[Members], Members]) -> Members:
    """Each object of a list, changed or byte for byte as it was.

    What is no list of objects is passed on: the provider says what is wrong with it.
    """
    try:
        raws = _LIST.decode(members[name])
        before = [_members(raw) for raw in raws]
        after = [change(item) for item in before]
    except (msgspec.DecodeError, MalformedBody):
        return members
    if all(new is old for new, old in zip(after, before, strict=True)):
        return members
    pieces = [
        bytes(raw) if new is old else new.encode()
        for raw, new, old in zip(raws, after, before, strict=True)
    ]
    return members.replace({name: b"[" + b",".join(pieces) + b"]"})


def _members(raw: msgspec.Raw) -> Members:
    return Members.parse(bytes(raw))
