"""The simulator's tokenizer: four bytes are a token.

Anybody can check it without asking us: a text has `ceil(len(text.encode()) / 4)` tokens. Real
tokenizers differ, and nothing here pretends otherwise.
"""

import re

_WORD = re.compile(r"\s*\S+|\s+$")
_BYTES_PER_TOKEN = 4


def count_tokens(text: str) -> int:
    """The tokens of a text."""
    return -(-_size(text) // _BYTES_PER_TOKEN)


def cut_to(text: str, tokens: int) -> str:
    """The longest beginning of a text that has at most so many tokens."""
    room = max(tokens, 0) * _BYTES_PER_TOKEN
    if _size(text) <= room:
        return text
    return text.encode("utf-8", "surrogatepass")[:room].decode("utf-8", "ignore")


def words_of(text: str) -> list[str]:
    """A text cut before each run of white space: what a stream sends, one at a time."""
    return _WORD.findall(text)


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
