"""What a prompt took: how much of it was new, read from a cache and written to one."""

import re
from typing import Final

from msgspec import Struct

from antiphon.simulator.answers import Question

_CACHED_FROM = 1024
_CACHED_STEP = 128
_CACHED: Final = re.compile(r"\[cached:\s*(\d{1,7})\]")
_WRITTEN: Final = re.compile(r"\[written:\s*(\d{1,7})\]")


class Prompt(Struct, frozen=True):
    """The tokens of a prompt, each counted once."""

    fresh: int
    read: int = 0
    written: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.fresh + self.read + self.written


def prompt_of(question: Question) -> Prompt:
    """The usage of a prompt.

    The marks `[cached: N]` and `[written: N]` add tokens that were read from a cache or written to
    one. Without them half of a long prompt counts as read.
    """
    counted = question.prompt_tokens
    read = _CACHED.search(question.last_text)
    written = _WRITTEN.search(question.last_text)
    if read or written:
        return Prompt(counted, int(read[1]) if read else 0, int(written[1]) if written else 0)
    if counted < _CACHED_FROM:
        return Prompt(counted)
    cached = counted // 2 // _CACHED_STEP * _CACHED_STEP
    return Prompt(counted - cached, cached)
