r"""What a request asks, whatever way it is spelled.

Two bodies are equal if they are the same JSON value: order of members and white space do not
count, at any depth, nor does the spelling of characters (`\u00e9`, `é`). All else does:

- Numbers are compared as they are read: `0.70` is `0.7`, but `1` is not `1.0`. Some providers
  refuse the one where they take the other.
- Unicode is not normalised: two spellings that look alike are other bytes to a tokenizer.
- Members that nobody here knows count: they may change the answer.
- How the answer is delivered does not: `stream`, and `include_usage` of `stream_options`.

Hot path: one decode and one sorted encode in C; a body of 1 KB costs some four microseconds.
"""

from __future__ import annotations

import re

import msgspec

_BODY = msgspec.json.Decoder(dict[str, object])
_TEXT = msgspec.json.Decoder(str)
_SORTED = msgspec.json.Encoder(order="deterministic")
_DELIVERY = "stream"
_DELIVERY_OPTIONS = "stream_options"
_USAGE_OPTION = "include_usage"
_STATEFUL = ("conversation", "container", "background")
"""Members that make the answer depend on more than the body, or leave something behind: a
conversation or a container at the provider, a task."""
_TEMPLATE = "prompt"
"""An object where it names a template that is kept, and changed, at the provider; else a text."""
_NAMES = re.compile(rb'"((?:[^"\\]|\\.)*+)"[ \t\r\n]*(:)?|[{}]', re.DOTALL)


def canonical(body: bytes) -> bytes | None:
    """A body in the one spelling that all its equals share; None where it has none.

    It has none where its answer depends on what the provider keeps, and where a number is beyond
    what can be read.

    Args:
        body: A JSON object, as the caller sent it.
    """
    try:
        members = _BODY.decode(body)
        if not members.keys().isdisjoint(_STATEFUL) and _leans_on_state(members):
            return None
        if isinstance(members.get(_TEMPLATE), dict):
            return None
        members.pop(_DELIVERY, None)
        if _DELIVERY_OPTIONS in members:
            _strip_options(members)
        return _SORTED.encode(members)
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError):
        return None


def repeats_a_name(body: bytes) -> bool:
    """Whether some object of a body has two members of one name.

    Readers differ in which of the two counts. Who shares answers with others must not be able to
    ask the provider one question and file its answer under another.

    Args:
        body: Valid JSON.
    """
    names: set[str | bytes] = set()
    outer: list[set[str | bytes]] = []
    for match in _NAMES.finditer(body):
        token = match[0]
        if token == b"{":
            outer.append(names)
            names = set()
        elif token == b"}":
            names = outer.pop()
        elif match[2]:
            name: bytes = match[1]
            spelled = _TEXT.decode(b'"%b"' % name) if b"\\" in name else name.decode()
            if spelled in names:
                return True
            names.add(spelled)
    return False


def _leans_on_state(members: dict[str, object]) -> bool:
    return any(members.get(name) not in (None, False) for name in _STATEFUL)


def _strip_options(members: dict[str, object]) -> None:
    """Take out of the options of a stream what does not change its content."""
    options = members[_DELIVERY_OPTIONS]
    if options is None:
        del members[_DELIVERY_OPTIONS]
    elif isinstance(options, dict):
        left = msgspec.convert(options, dict[str, object])
        left.pop(_USAGE_OPTION, None)
        if left:
            members[_DELIVERY_OPTIONS] = left
        else:
            del members[_DELIVERY_OPTIONS]
