"""What Anthropic refuses of a conversation that is well-formed."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from msgspec import Raw

from antiphon.simulator.anthropic_messages.shapes import NOTHING, Block, Message, Request
from antiphon.simulator.dialect import Problem, Rejected
from antiphon.simulator.seals import Notary

STRICT_MODELS: Final = "5-5"
"""Models with this in their names take no sampling, no prefill and no forced tools."""

NO_PREFILL: Final = (
    "This model does not support assistant message prefill. The conversation must end with a user "
    "message."
)
_MEMBERS: Final = frozenset({
    *("model", "messages", "max_tokens", "system", "tools", "tool_choice", "thinking", "stream"),
    *("output_config", "stop_sequences", "temperature", "top_p", "top_k", "metadata", "speed"),
    *("service_tier", "cache_control", "container", "diagnostics", "inference_geo"),
    *("context_management", "mcp_servers", "billing_policy", "compaction", "fallbacks"),
    *("fallback_credit_token", "thread", "user_profile_id", "workspace_id", "output_format"),
})  # fmt: skip
_TOOL_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
_TOOL_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_NAME_TOLD: Final = "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"
_MOST_MARKS: Final = 4
_LEAST_BUDGET: Final = 1024
_THOUGHTS: Final = frozenset({"thinking", "redacted_thinking"})
_ROLES: Final = frozenset({"user", "assistant", "system"})
_ADVICE: Final = (
    "When `thinking` is enabled, a final `assistant` message must start with a thinking block "
    "(preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you "
    "include thinking blocks from previous turns. To avoid this requirement, disable `thinking`."
)


def check(body: bytes, request: Request, *, model: str, notary: Notary) -> None:
    """See that a provider would take this request.

    Raises:
        Rejected: it would not, in Anthropic's words.
    """
    for told in _complaints(body, request, model, notary):
        raise Rejected(Problem(400, told))


def _complaints(body: bytes, request: Request, model: str, notary: Notary) -> Iterator[str]:
    for name in msgspec.json.decode(body, type=dict[str, Raw]):
        if name not in _MEMBERS:
            yield f"{name}: Extra inputs are not permitted"
    yield from _of_tools(request)
    yield from _of_thinking(request)
    if STRICT_MODELS in model:
        yield from _of_a_strict_model(request)
    yield from _of_cache_marks(request)
    yield from _of_turns(request.messages)
    yield from _of_seals(request.messages, model, notary)
    yield from _of_calls(request.messages)
    yield from _of_an_open_loop(request)


def _of_tools(request: Request) -> Iterator[str]:
    names = [tool.name for tool in request.tools or ()]
    for number, tool in enumerate(request.tools or ()):
        if not _TOOL_NAME.fullmatch(tool.name):
            yield f"tools.{number}.custom.name: {_NAME_TOLD}"
        if tool.is_custom:
            yield from _of_a_schema(number, tool.input_schema)
    if len(set(names)) < len(names):
        yield "tools: Tool names must be unique."
    if request.tool_choice is not None and not names:
        yield "tool_choice: tool_choice may only be specified while providing tools."
    for stop in request.stop_sequences or ():
        if not stop.strip():
            yield "stop_sequences: each stop sequence must contain non-whitespace"


def _of_a_schema(number: int, schema: Raw) -> Iterator[str]:
    if bytes(schema) == bytes(NOTHING):
        yield f"tools.{number}.custom.input_schema: Field required"
        return
    try:
        members = msgspec.json.decode(schema, type=dict[str, Raw])
    except msgspec.ValidationError:
        yield f"tools.{number}.custom.input_schema: Input should be an object"
        return
    kind = members.get("type")
    if kind is None:
        yield f"tools.{number}.custom.input_schema.type: Field required"
    elif bytes(kind) != b'"object"':
        yield f"tools.{number}.custom.input_schema.type: Input should be 'object'"


def _of_thinking(request: Request) -> Iterator[str]:
    thinking = request.thinking
    if thinking is None or not thinking.is_on:
        return
    if thinking.type == "enabled":
        if thinking.budget_tokens < _LEAST_BUDGET:
            yield "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
        if isinstance(request.max_tokens, int) and request.max_tokens <= thinking.budget_tokens:
            yield "`max_tokens` must be greater than `thinking.budget_tokens`."
    if request.tool_choice is not None and request.tool_choice.type in {"any", "tool"}:
        yield "Thinking may not be enabled when tool_choice forces tool use."
    if request.temperature not in {None, 1.0}:
        yield "`temperature` may only be set to 1 when thinking is enabled."
    if request.top_k is not None:
        yield "`top_k` must be unset when thinking is enabled."


def _of_a_strict_model(request: Request) -> Iterator[str]:
    for name in ("temperature", "top_p", "top_k"):
        if getattr(request, name) is not None:
            yield f"`{name}` is not supported by this model."
    if request.tool_choice is not None and request.tool_choice.type in {"any", "tool"}:
        yield "tool_choice: forced tool use is not supported by this model."
    if request.messages[-1].role == "assistant":
        yield NO_PREFILL


def _of_cache_marks(request: Request) -> Iterator[str]:
    system = request.system if isinstance(request.system, list) else []
    marked: list[Raw] = [block.cache_control for block in system]
    marked += [tool.cache_control for tool in request.tools or ()]
    marked += [block.cache_control for each in request.messages for block in each.blocks()]
    found = sum(bytes(mark) != bytes(NOTHING) for mark in marked)
    if found > _MOST_MARKS:
        yield f"A maximum of 4 blocks with cache_control may be provided. Found {found}."
    for number, block in enumerate(system):
        if block.type == "text" and not block.text:
            yield f"system.{number}: text content blocks must be non-empty"


def _of_turns(messages: Sequence[Message]) -> Iterator[str]:
    if messages[0].role != "user":
        yield 'messages: first message must use the "user" role'
    for at, message in enumerate(messages):
        blocks = message.blocks()
        is_last = at == len(messages) - 1
        if message.role not in _ROLES:
            told = "Input should be 'user', 'assistant' or 'system'"
            yield f"messages.{at}.role: {told}"
        if not message.content and not (is_last and message.role == "assistant"):
            told = "all messages must have non-empty content except for the optional final"
            yield f"messages.{at}: {told} assistant message"
        for number, block in enumerate(blocks):
            yield from _of_a_block(f"messages.{at}.content.{number}", message.role, block)
        if is_last and message.role == "assistant" and blocks and blocks[-1].type == "text":
            last = blocks[-1].text
            if last != last.rstrip():
                yield "messages: final assistant content cannot end with trailing whitespace"


def _of_a_block(place: str, role: str, block: Block) -> Iterator[str]:
    if block.type == "text" and not block.text:
        yield "messages: text content blocks must be non-empty"
    elif block.type == "text" and not block.text.strip():
        yield "messages: text content blocks must contain non-whitespace text"
    own = _BLOCKS_OF.get(block.type)
    if own is not None and own != role:
        yield f"{place}: `{block.type}` blocks are not permitted in `{role}` messages"
    if block.type == "tool_use":
        if not _TOOL_ID.fullmatch(block.id):
            yield f"{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
        if not _TOOL_NAME.fullmatch(block.name):
            yield f"{place}.tool_use.name: {_NAME_TOLD}"
        if not bytes(block.input).startswith(b"{"):
            yield f"{place}.tool_use.input: Input should be a valid dictionary"
    if block.type == "tool_result" and not _TOOL_ID.fullmatch(block.tool_use_id):
        yield f"{place}.tool_result.tool_use_id: String should match pattern '^[a-zA-Z0-9_-]+$'"


_BLOCKS_OF: Final = {
    "tool_use": "assistant",
    "thinking": "assistant",
    "redacted_thinking": "assistant",
    "tool_result": "user",
    "image": "user",
}


def _of_seals(messages: Sequence[Message], model: str, notary: Notary) -> Iterator[str]:
    for at, message in enumerate(messages):
        for number, block in enumerate(message.blocks()):
            place = f"messages.{at}.content.{number}"
            if block.type == "thinking" and not notary.vouches(
                block.signature, model, block.thinking
            ):
                yield f"{place}: Invalid `signature` in `thinking` block"
            if block.type == "redacted_thinking" and not notary.vouches(block.data, model):
                yield f"{place}: Invalid `data` in `redacted_thinking` block"


def _of_calls(messages: Sequence[Message]) -> Iterator[str]:
    """Each call is answered in the next message, first of all, and nothing else is."""
    called: list[str] = []
    known: set[str] = set()
    for at, message in enumerate(messages):
        blocks = message.blocks()
        answered: list[str] = []
        for number, block in enumerate(blocks):
            if block.type != "tool_result":
                continue
            place = f"messages.{at}.content.{number}"
            if block.tool_use_id not in called:
                yield (
                    f"{place}: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{block.tool_use_id}. Each `tool_result` block must have a corresponding "
                    "`tool_use` block in the previous message."
                )
            if block.tool_use_id in answered:
                yield (
                    f"{place}: each tool_use must have a single result. Found multiple "
                    f"`tool_result` blocks with id: {block.tool_use_id}"
                )
            if all(before.type == "tool_result" for before in blocks[:number]):
                answered.append(block.tool_use_id)
        if left := [id_ for id_ in called if id_ not in answered]:
            yield _unanswered(at - 1, left)
        called = [block.id for block in blocks if block.type == "tool_use"]
        if len(set(called)) < len(called) or known & set(called):
            yield f"messages.{at}: `tool_use` ids must be unique"
        known.update(called)
    if called:
        yield _unanswered(len(messages) - 1, called)


def _unanswered(at: int, ids: Sequence[str]) -> str:
    return (
        f"messages.{at}: `tool_use` ids were found without `tool_result` blocks immediately after: "
        f"{', '.join(ids)}. Each `tool_use` block must have a corresponding `tool_result` block in "
        "the next message."
    )


def _of_an_open_loop(request: Request) -> Iterator[str]:
    """Thinking of the manual kind needs the thought that began the loop."""
    if request.thinking is None or request.thinking.type != "enabled":
        return
    turns = request.messages
    at = max((n for n, turn in enumerate(turns) if turn.role == "assistant"), default=None)
    if at is None:
        return
    later = [block for turn in turns[at + 1 :] for block in turn.blocks()]
    is_open = not later or any(block.type == "tool_result" for block in later)
    blocks = turns[at].blocks()
    if is_open and blocks and blocks[0].type not in _THOUGHTS:
        yield (
            f"messages.{at}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
            f"`{blocks[0].type}`. {_ADVICE}"
        )
