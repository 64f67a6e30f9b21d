"""How a provider is asked to go on with an answer that was begun.

The last message is the assistant's, and holds what was said so far. Some servers go on with it by
themselves; others must be told, and take it for an earlier answer where they are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from antiphon.dialects.contract import Quirk
from antiphon.wire.shallow import Members

_LIST: Final = msgspec.json.Decoder(list[msgspec.Raw])


def trailing(members: Members) -> Members:
    """It goes on by itself: Anthropic (docs, "prefill"), Ollama, llama.cpp, Groq."""
    return members


def prefix(members: Members) -> Members:
    """The message says `prefix`: DeepSeek (chat_prefix_completion), Mistral (docs.mistral.ai)."""
    return _last(members, lambda last: last.replace({"prefix": b"true"}))


def partial(members: Members) -> Members:
    """The message says `partial`: Kimi (platform.kimi.ai, partial mode), Alibaba (partial-mode)."""
    return _last(members, lambda last: last.replace({"partial": b"true"}))


def continue_final_message(members: Members) -> Members:
    """The request says so: vLLM and SGLang, which then must not begin another message."""
    added = {"continue_final_message": b"true", "add_generation_prompt": b"false"}
    return members.replace(added)


WAYS: Final[Mapping[str, Quirk]] = {
    way.__name__: way for way in (trailing, prefix, partial, continue_final_message)
}


def _last(members: Members, change: Callable[[Members], Members]) -> Members:
    messages = _LIST.decode(members.get("messages", b"[]"))
    if not messages:
        return members
    last = change(Members.parse(bytes(messages[-1]))).encode()
    raws = [*map(bytes, messages[:-1]), last]
    return members.replace({"messages": b"[%b]" % b",".join(raws)})
