"""How a provider is asked to go on with an answer that was begun.

The last message is the assistant's, and holds what was said so far. Some servers go on with it by
themselves; others must be told, and take it for an earlier answer where they are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from antiphon.dialects.base import Dialect
from antiphon.dialects.contract import Quirk
from antiphon.model.needs import Need
from antiphon.providers.models import ModelFacts
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


class Begun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an answer that was begun is gone on with, in one dialect.

    Attributes:
        way: A name in `begun.WAYS`.
        path: Base path on the same host, where that is another.
        every: Every model there can; else those of which it is known (`models.toml`, `prefill`).
    """

    way: str = "trailing"
    path: str | None = None
    every: bool = False

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise ValueError(f"no such way: {self.way}")


def known(begun: Begun | None, facts: ModelFacts, dialect: Dialect, *, own: bool) -> Begun | None:
    """How a model is asked to go on in a dialect; None where it is not known that it does.

    Args:
        begun: What the row says of that dialect.
        facts: What is known of the model.
        dialect: In which it is asked.
        own: It is the dialect in which the provider is asked first.
    """
    if begun is None and facts.prefill and own:
        begun = Begun()
    if begun is None or Need.PREFILL in dialect.losses:
        return None
    goes_on = begun.every if facts.prefill is None else facts.prefill
    return begun if goes_on else None


def _last(members: Members, change: Callable[[Members], Members]) -> Members:
    messages = _LIST.decode(members.get("messages", b"[]"))
    if not messages:
        return members
    last = change(Members.parse(bytes(messages[-1]))).encode()
    raws = [*map(bytes, messages[:-1]), last]
    return members.replace({"messages": b"[%b]" % b",".join(raws)})
