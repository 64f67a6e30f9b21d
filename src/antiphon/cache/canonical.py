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

import msgspec

_BODY = msgspec.json.Decoder(dict[str, object])
_SPLIT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_AS_READ = msgspec.json.Encoder()
_SORTED = msgspec.json.Encoder(order="deterministic")
_DELIVERY = "stream"
_DELIVERY_OPTIONS = "stream_options"
_USAGE_OPTION = "include_usage"
_STATEFUL = ("conversation", "container", "background")
"""Members that make the answer depend on more than the body, or leave something behind: a
conversation or a container at the provider, a task."""
_TEMPLATE = "prompt"
"""An object where it names a template that is kept, and changed, at the provider; else a text."""
_LONGEST = 1 << 20
"""Bytes of a body that is looked at: to read a longer one would keep others waiting."""
_AS_SPELLED = b"="
"""Stands before a form that is no JSON value but a spelling."""


def canonical(body: bytes, *, guarded: bool = False) -> bytes | None:
    """A body in the one form that all its equals share; None where it has none.

    It has none where its answer depends on what the provider keeps, where a number is beyond what
    can be read, and where it is very long.

    Readers differ in which of two members of one name counts. Who shares answers with others must
    not be able to ask the provider one question and file its answer under another. A `guarded`
    form is therefore that of the value only where the body is spelled as plainly as can be;
    where it escapes what needs no escape, spells numbers oddly or says a name twice, it shares
    with bodies of the same spelling only.

    Args:
        body: A JSON object, as the caller sent it.
        guarded: Others may be given the answer.
    """
    if len(body) > _LONGEST:
        return None
    try:
        members = _BODY.decode(body)
        if not members.keys().isdisjoint(_STATEFUL) and _leans_on_state(members):
            return None
        if isinstance(members.get(_TEMPLATE), dict):
            return None
        compact = msgspec.json.format(body, indent=-1) if guarded else b""
        plain = not guarded or _AS_READ.encode(members) == compact
        members.pop(_DELIVERY, None)
        if _DELIVERY_OPTIONS in members:
            _strip_options(members)
        return _SORTED.encode(members) if plain else _spelled(compact, members)
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError):
        return None


def _spelled(compact: bytes, members: dict[str, object]) -> bytes:
    """The members that count as they are spelled, in the order of their names.

    A name that stands twice at the top counts once, as only the last is sent on (`wire.shallow`).
    """
    raws = _SPLIT.decode(compact)
    told: dict[str, object] = {name: raws[name] for name in members}
    if _DELIVERY_OPTIONS in told:
        told[_DELIVERY_OPTIONS] = members[_DELIVERY_OPTIONS]
    return _AS_SPELLED + _SORTED.encode(told)


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
