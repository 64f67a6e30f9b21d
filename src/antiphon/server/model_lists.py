"""The list of models in the shape that a client expects of `GET /v1/models`.

OpenAI, Anthropic and Codex ask on the same path and read other things there: the headers and the
query tell who asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from antiphon.errors import InvalidRequest
from antiphon.gateway.listing import ModelEntry
from antiphon.providers.models import ModelFacts

Shape = dict[str, object]
Query = dict[str, list[str]]

_NOTHING_KNOWN = ModelFacts()
_EPOCH = "1970-01-01T00:00:00Z"
_PAGE = 20
_LONGEST_PAGE = 1000
_LIVING = ("active", "deprecated")
_NOT: Shape = {"supported": False}
_EFFORTS = ("low", "medium", "high", "xhigh", "max")


# ------------------------------------------------------------------ OpenAI


def as_openai(entry: ModelEntry) -> Shape:
    """An entry as OpenAI lists it."""
    shown: Shape = {"id": entry.name, "object": "model", "created": 0, "owned_by": "antiphon"}
    if entry.facts.retires:
        shown["shutdown_date"] = entry.facts.retires
    return shown


def openai_list(entries: Sequence[ModelEntry]) -> bytes:
    """All of them; OpenAI knows no pages here."""
    return msgspec.json.encode({"object": "list", "data": [as_openai(each) for each in entries]})


# ------------------------------------------------------------------ Gemini


def as_gemini(entry: ModelEntry) -> Shape:
    """An entry as Gemini lists it."""
    facts = entry.facts
    shown: Shape = {
        "name": f"models/{entry.name}",
        "version": "001",
        "displayName": entry.name,
        "description": "",
        "supportedGenerationMethods": ["generateContent", "countTokens"],
    }
    if facts.context is not None:
        shown["inputTokenLimit"] = facts.context
    if facts.max_output is not None:
        shown["outputTokenLimit"] = facts.max_output
    if facts.reasoning is not None:
        shown["thinking"] = facts.reasoning
    return shown


def gemini_page(entries: Sequence[ModelEntry], query: Query) -> bytes:
    """A page of them.

    Raises:
        InvalidRequest: `pageSize` is no number, or `pageToken` is none that was given out.
    """
    size, token = _said(query, "pageSize", "50"), _said(query, "pageToken", "0")
    if not size.isdecimal():
        raise InvalidRequest("'pageSize' must be a whole number.", param="pageSize")
    if not token.isdecimal():
        raise InvalidRequest("'pageToken' is none that was given out here.", param="pageToken")
    start = int(token)
    end = start + min(int(size) or 50, _LONGEST_PAGE)
    page: Shape = {"models": [as_gemini(each) for each in entries[start:end]]}
    if end < len(entries):
        page["nextPageToken"] = str(end)
    return msgspec.json.encode(page)


def _said(query: Query, name: str, usual: str) -> str:
    """A member of a query, in either spelling."""
    snake = "".join(f"_{each.lower()}" if each.isupper() else each for each in name)
    return (query.get(name) or query.get(snake) or [usual])[0][:20]


# ------------------------------------------------------------------ Codex

CODEX_CATALOGUE = b'{"models":[]}'
"""Nothing to add to the catalogue inside Codex.

An entry brings the instructions of every request along, so one that is made here would put a
prompt of ours in place of the one that Codex has for its models. See decision 0018.
"""


# ------------------------------------------------------------------ Anthropic


def as_anthropic(entry: ModelEntry, today: str) -> Shape:
    """An entry as Anthropic lists it; what is not known of a model is null."""
    facts = entry.facts
    return {
        "type": "model",
        "id": entry.name,
        "display_name": entry.name,
        "created_at": _EPOCH,
        "lifecycle": _lifecycle(facts, today),
        "deprecated_at": None,
        "retires_at": f"{facts.retires}T00:00:00Z" if facts.retires else None,
        "line": None,
        "max_input_tokens": facts.context,
        "max_tokens": facts.max_output,
        "capabilities": None if facts == _NOTHING_KNOWN else _capabilities(facts),
    }


def anthropic_page(entries: Sequence[ModelEntry], query: Query, today: str) -> bytes:
    """A page of them.

    Raises:
        InvalidRequest: `limit` is no number from 1 to 1000, or a cursor names no model.
    """
    wanted = query.get("lifecycle") or query.get("lifecycle[]") or _LIVING
    shown = [as_anthropic(each, today) for each in entries]
    shown = [each for each in shown if each["lifecycle"] in wanted]
    limit = _limit(query)
    names = [each["id"] for each in shown]
    start, end = 0, len(shown)
    if "after_id" in query:
        start = _place(names, query["after_id"][0], "after_id") + 1
    if "before_id" in query:
        end = _place(names, query["before_id"][0], "before_id")
        start = max(start, end - limit)
    page = shown[start:end][:limit]
    more = start > 0 if "before_id" in query else start + len(page) < len(shown)
    return msgspec.json.encode(
        {
            "data": page,
            "has_more": more,
            "first_id": page[0]["id"] if page else None,
            "last_id": page[-1]["id"] if page else None,
        }
    )


def today_of(now: float) -> str:
    """The day of a time since 1970, as YYYY-MM-DD."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def _limit(query: Query) -> int:
    asked = query.get("limit", [str(_PAGE)])[0]
    if not asked.isdecimal() or not 1 <= int(asked) <= _LONGEST_PAGE:
        raise InvalidRequest(f"'limit' must be from 1 to {_LONGEST_PAGE}.", param="limit")
    return int(asked)


def _place(names: Sequence[object], name: str, param: str) -> int:
    try:
        return names.index(name)
    except ValueError as error:
        raise InvalidRequest(f"{param!r} names no model here.", param=param) from error


def _lifecycle(facts: ModelFacts, today: str) -> str:
    if not facts.retires:
        return "active"
    return "retired" if facts.retires <= today else "deprecated"


def _capabilities(facts: ModelFacts) -> Shape:
    """What it can do; what is not known of it is not denied."""
    thinks, adaptive = facts.reasoning is not False, facts.adaptive is not False
    can_stop = thinks and facts.reasoning_off is not False
    return {
        "batch": _NOT,
        "citations": _NOT,
        "code_execution": _NOT,
        "context_management": {
            "supported": False,
            "clear_thinking_20251015": None,
            "clear_tool_uses_20250919": None,
            "compact_20260112": None,
        },
        "effort": {"supported": thinks, **{effort: _supported(thinks) for effort in _EFFORTS}},
        "image_input": _supported(facts.vision is not False),
        "pdf_input": _NOT,
        "server_tools": {
            "supported": False,
            "code_execution": _NOT,
            "web_search": _NOT,
        },
        "structured_outputs": _supported(facts.json_schema is not False),
        "thinking": {
            "supported": thinks,
            "types": {
                "adaptive": _supported(thinks and adaptive),
                "between_tools": _NOT,
                "disabled": _supported(can_stop),
                "enabled": _supported(thinks and not facts.adaptive),
            },
        },
    }


def _supported(is_so: bool) -> Shape:  # noqa: FBT001  one fact
    return {"supported": is_so}
