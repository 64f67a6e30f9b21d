"""Messages and turns, both ways.

An assistant's message has one place for each kind of thing that was said, so a turn of another
dialect is written as reasoning, content, refusal, calls, in that order. A turn that holds results
of tools becomes one `tool` message for each, before what else it says; pictures and files that a
tool gave back follow in a message of the user, because `tool` messages take text only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from antiphon.dialects.fields import Json, Written
from antiphon.dialects.openai_chat.calls import (
    LEGACY_ID,
    read_calls,
    read_legacy_call,
    write_call,
    write_legacy_call,
)
from antiphon.dialects.openai_chat.fields import DIALECT, Fields, own, written
from antiphon.dialects.openai_chat.parts import (
    Said,
    is_plain,
    read_cache,
    read_content,
    thought_of,
    write_cache,
    write_content,
    write_parts,
)
from antiphon.dialects.openai_chat.thought import JOINT, read_details, shown, thoughts_of
from antiphon.errors import InvalidRequest, MalformedBody
from antiphon.model.parts import (
    Audio,
    Author,
    Blob,
    CallKind,
    File,
    Image,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Turn,
)

REASONING = ("reasoning_content", "reasoning")
"""The members that hold thought: the first is read by more clients."""


def read_messages(items: Sequence[Json]) -> tuple[Turn, ...]:
    """The turns of a request."""
    pending: dict[str, str] = {}
    return tuple(
        _read_message(Fields.parse(raw, f"messages[{at}]"), at, pending)
        for at, raw in enumerate(items)
    )


def write_messages(turns: Iterable[Turn]) -> list[Written]:
    """The messages of a request."""
    messages: list[Written] = []
    shown: list[Part] = []
    for turn in turns:
        if len(turn.parts) == 1 and not shown and isinstance(turn.parts[0], Text):
            messages.append(_write_text(turn, turn.parts[0]))
            continue
        results = [part for part in turn.parts if isinstance(part, ToolResult)]
        if shown and not results:
            messages.append({"role": "user", "content": write_parts(shown)})
            shown = []
        for result in results:
            messages.append(_write_result(result, turn))
            shown += [part for part in result.parts if not isinstance(part, Text | Opaque)]
        rest = [part for part in turn.parts if not isinstance(part, ToolResult)]
        if turn.author is Author.ASSISTANT:
            messages.append(_write_assistant(turn))
        elif not results:
            messages.append(_write_plain(turn, rest))
        elif rest:
            messages.append({"role": "user", "content": write_content([*shown, *rest])})
            shown = []
    if shown:
        messages.append({"role": "user", "content": write_parts(shown)})
    return messages


# ------------------------------------------------------------------ reading


def _read_message(fields: Fields, at: int, pending: dict[str, str]) -> Turn:
    role = fields.text("role")
    if role is None:
        raise MalformedBody(f"'{fields.path}.role' is missing.", param=f"{fields.path}.role")
    reader = _READERS.get(role)
    if reader is None:
        raise InvalidRequest(
            f"'{fields.path}.role' must be one of {', '.join(_READERS)}.",
            param=f"{fields.path}.role",
        )
    return reader(fields, at, pending)


def _read_plain(author: Author) -> Callable[[Fields, int, dict[str, str]], Turn]:
    def read(fields: Fields, at: int, pending: dict[str, str]) -> Turn:
        del at, pending
        parts = read_content(fields)
        if parts is None:
            path = f"{fields.path}.content"
            raise MalformedBody(f"{path!r} is missing.", param=path)
        return Turn(author, parts, name=fields.text("name"), extra=fields.extra())

    return read


def _read_tool(fields: Fields, at: int, pending: dict[str, str]) -> Turn:
    del at, pending
    name, call_id = fields.text("name"), fields.text("tool_call_id") or ""
    cache = read_cache(fields)
    result = ToolResult(call_id, _read_result(fields), name=name, cache=cache)
    return Turn(Author.TOOL, (result,), name=name, extra=fields.extra())


def _read_function(fields: Fields, at: int, pending: dict[str, str]) -> Turn:
    del at
    name = fields.text("name") or ""
    call_id = pending.get(name, LEGACY_ID)
    result = ToolResult(call_id, _read_result(fields), name=name, kind=CallKind.LEGACY)
    return Turn(Author.TOOL, (result,), name=name, extra=fields.extra())


def _read_result(fields: Fields) -> tuple[Text | Image | Audio | File | Opaque, ...]:
    parts = read_content(fields) or (Text(""),)
    return tuple(Text(part.text) if isinstance(part, Refusal) else part for part in parts)


def _read_assistant(fields: Fields, at: int, pending: dict[str, str]) -> Turn:
    turn = read_said(fields, legacy_id=f"{LEGACY_ID}_{at}")
    for call in turn.tool_calls:
        if call.kind is CallKind.LEGACY:
            pending[call.name] = call.call_id
    return turn


_READERS: dict[str, Callable[[Fields, int, dict[str, str]], Turn]] = {
    "developer": _read_plain(Author.DEVELOPER),
    "system": _read_plain(Author.SYSTEM),
    "user": _read_plain(Author.USER),
    "assistant": _read_assistant,
    "tool": _read_tool,
    "function": _read_function,
}


def read_said(fields: Fields, *, legacy_id: str, unnamed: str = "", in_reply: bool = False) -> Turn:
    """What an assistant said, in a request or in a reply.

    Args:
        fields: The message; what the model has no word for is left to the turn's extra.
        legacy_id: The id that a legacy call is given.
        unnamed: What calls without an id are named after.
        in_reply: An empty thought says nothing; in a request it may be an echo that is demanded.
    """
    content = read_content(fields) or ()
    if not fields:
        # Nothing but text: most of what assistants say.
        return Turn(Author.ASSISTANT, tuple(_read_text(fields, content)))
    parts: list[Part] = []
    reasoning = _read_reasoning(fields)
    seals = [] if in_reply else read_details(fields)
    if seals:
        parts += thoughts_of(reasoning or Reasoning(), seals)
    elif reasoning is not None and (reasoning.text or not in_reply):
        parts.append(reasoning)
    parts += _read_text(fields, content)
    refusal = fields.text("refusal")
    if refusal:
        parts.append(Refusal(refusal))
    audio = _read_spoken(fields)
    if audio is not None:
        parts.append(audio)
    parts += read_calls(fields, unnamed=unnamed)
    legacy = read_legacy_call(fields, legacy_id)
    if legacy is not None:
        parts.append(legacy)
    name = fields.text("name")
    return Turn(Author.ASSISTANT, tuple(parts), name=name, extra=fields.extra())


def _read_reasoning(fields: Fields) -> Reasoning | None:
    """Take the thought, in whichever member it came; a second copy is left."""
    for spelling in REASONING:
        if fields.begins(spelling, b'"'):
            return Reasoning(fields.text(spelling) or "", spelling=spelling)
    return None


def _read_text(fields: Fields, content: Sequence[Said]) -> Sequence[Said | Reasoning]:
    parts = [
        thought_of(part) or part
        for part in content
        if not (isinstance(part, Text) and not part.text and is_plain(part))
    ]
    if not fields and len(parts) <= 1:
        return parts
    parts.sort(key=lambda part: 0 if isinstance(part, Reasoning) else 1)
    last = next((at for at, part in reversed([*enumerate(parts)]) if isinstance(part, Text)), None)
    if last is not None and fields.begins("annotations", b"["):
        parts[last] = msgspec.structs.replace(
            parts[last], annotations=tuple(fields.items("annotations"))
        )
    return parts


def _read_spoken(fields: Fields) -> Audio | None:
    inner = fields.object("audio")
    if inner is None:
        return None
    audio_id, data, transcript = inner.text("id"), inner.text("data"), inner.text("transcript")
    if not audio_id and not data:
        return None
    fields.keep_rest_of("audio", inner)
    blob = Blob(file_id=audio_id) if data is None else Blob(data=data)
    return Audio(blob, id=audio_id, transcript=transcript)


# ------------------------------------------------------------------ writing


def _write_text(turn: Turn, text: Text) -> Written:
    """A turn of one text: most turns are."""
    out: Written = {"role": _role_of(turn), "content": write_content(turn.parts)}
    out["name"] = turn.name
    if turn.author is Author.ASSISTANT:
        out["annotations"] = _annotations_of(text) or None
    return written(out, turn.extra)


def _annotations_of(text: Text) -> tuple[msgspec.Raw, ...]:
    """The citations of a text; those of another dialect have another form."""
    foreign = text.extra is not None and text.extra.dialect != DIALECT
    return () if foreign else text.annotations


def _role_of(turn: Turn) -> str:
    return "user" if turn.author is Author.TOOL else turn.author.value


def _write_plain(turn: Turn, parts: Sequence[Part]) -> Written:
    out = {"role": _role_of(turn), "content": write_content(parts), "name": turn.name}
    return written(out, turn.extra)


def _write_result(result: ToolResult, turn: Turn) -> Written:
    texts = [part for part in result.parts if isinstance(part, Text | Opaque)]
    if result.is_error:
        texts = _marked_as_error(texts)
    if not texts and result.parts:
        texts.append(Text("(see the next message)"))
    content = write_content(texts) if texts else ""
    if result.kind is CallKind.LEGACY:
        out: Written = {"role": "function", "name": result.name or "", "content": content}
    else:
        call_id, cache = result.call_id, write_cache(result.cache)
        out = {"role": "tool", "tool_call_id": call_id or None, "content": content}
        out["name"] = turn.name
        out.update(cache)
    return written(out, turn.extra if len(turn.parts) == 1 else None)


def _marked_as_error(texts: Sequence[Text | Opaque]) -> list[Text | Opaque]:
    """What a tool said that failed: a message has no other place to say so."""
    match texts:
        case [Text() as first, *rest]:
            return [msgspec.structs.replace(first, text=f"Error: {first.text}"), *rest]
        case _:
            return [Text("Error: the tool failed."), *texts]


def _write_assistant(turn: Turn) -> Written:
    content = [
        part
        for part in turn.parts
        if not isinstance(part, Reasoning | Refusal | Audio | ToolCall | ToolResult)
    ]
    out: Written = {"role": "assistant", "content": None, "name": turn.name}
    if content:
        out["content"] = write_content(content)
    out.update(write_said(turn))
    audio = next((part for part in turn.parts if isinstance(part, Audio)), None)
    if audio is not None and (audio.blob.file_id or audio.id):
        out["audio"] = {"id": audio.blob.file_id or audio.id}
    said = ("content", "tool_calls", "function_call", "audio")
    if all(out.get(name) is None for name in said):
        out["content"] = ""
    return written(out, turn.extra)


def write_said(turn: Turn) -> Written:
    """What stands beside the content of an assistant's message."""
    out: Written = {}
    thoughts = [
        part
        for part in turn.parts
        if isinstance(part, Reasoning) and (shown(part) or part.spelling in REASONING)
    ]
    if thoughts:
        spelling = thoughts[0].spelling
        name = spelling if spelling in REASONING else REASONING[0]
        out[name] = JOINT.join(shown(part) for part in thoughts)
    refusals = [part.text for part in turn.parts if isinstance(part, Refusal)]
    if refusals:
        out["refusal"] = "".join(refusals)
    texts = [part for part in turn.parts if isinstance(part, Text)]
    annotations = [raw for text in texts for raw in _annotations_of(text)]
    if annotations:
        out["annotations"] = annotations
    ours = [part for part in turn.tool_calls if part.kind is not CallKind.LEGACY]
    if ours or "tool_calls" in own(turn.extra):
        out["tool_calls"] = [write_call(call) for call in ours]
    legacy = [part for part in turn.tool_calls if part.kind is CallKind.LEGACY]
    if legacy:
        out["function_call"] = write_legacy_call(legacy[0])
    return out
