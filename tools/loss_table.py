# ruff: noqa: E501
"""Writes into docs/dialects.md what follows from the code: losses, words, stops, efforts, fitting.

python tools/loss_table.py            write the tables
python tools/loss_table.py --check    fail if one of them is not current
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import ModuleType

from antiphon.dialects.anthropic_messages import stops as messages_stops
from antiphon.dialects.anthropic_messages.thinking import BUDGETS
from antiphon.dialects.efforts import MOST, NEAREST
from antiphon.dialects.embeddings import EmbedDialect
from antiphon.dialects.gemini import stops as gemini_stops
from antiphon.dialects.gemini import thinking as gemini_thinking
from antiphon.dialects.ollama import stops as ollama_stops
from antiphon.dialects.openai_chat import stops as chat_stops
from antiphon.dialects.openai_responses import stops as responses_stops
from antiphon.dialects.registry import DIALECTS, EMBEDDING_AT
from antiphon.model.embedding import EmbedNeed
from antiphon.model.needs import Need
from antiphon.model.reply import Stop, StopReason

PAGE = Path(__file__).parents[1] / "docs" / "dialects.md"

MEANINGS: Mapping[Need, str] = {
    Need.TEMPERATURE: "a temperature",
    Need.TOP_P: "nucleus sampling",
    Need.TOP_K: "only the likeliest tokens",
    Need.MIN_P: "only tokens of a least probability",
    Need.PENALTIES: "frequency and presence penalties",
    Need.REPETITION_PENALTY: "a penalty on repetition",
    Need.SEED: "the same answer again",
    Need.LOGIT_BIAS: "some tokens made likelier",
    Need.LOGPROBS: "log probabilities in the answer",
    Need.ANSWERS: "several answers (`n`)",
    Need.STOP: "stop sequences",
    Need.IMAGES: "pictures",
    Need.IMAGE_URLS: "pictures by address",
    Need.AUDIO: "sound that is heard",
    Need.FILES: "documents",
    Need.FILE_URLS: "documents or sound by address",
    Need.FILE_IDS: "files that lie at a provider",
    Need.UNKNOWN_PARTS: "a part of a type that the model does not know, in a question",
    Need.PAST_UNKNOWN_PARTS: "the same in an earlier answer",
    Need.NAMES: "names of who speaks",
    Need.LATER_SYSTEM: "a system turn behind others",
    Need.PREFILL: "an answer that is begun and goes on",
    Need.PAST_REFUSALS: "an earlier answer that is a refusal",
    Need.CITATIONS: "citations of an earlier answer",
    Need.THOUGHT: "thought of an earlier answer",
    Need.SEALED_THOUGHT: "thought under a seal of its provider",
    Need.TOOLS: "tools",
    Need.CUSTOM_TOOLS: "tools that take free text",
    Need.SERVER_TOOLS: "tools that the provider runs, beside others",
    Need.ONLY_SERVER_TOOLS: "no tools but such, or one of them chosen",
    Need.STRICT_TOOLS: "arguments that keep strictly to their schema",
    Need.FORCED_TOOL: "a tool that must be called",
    Need.ALLOWED_TOOLS: "a choice among some of the tools",
    Need.PARALLEL_OFF: "one call at a time",
    Need.RESULT_MEDIA: "pictures or documents in the result of a tool",
    Need.RESULT_ERRORS: "the result of a tool marked as failed",
    Need.JSON_MODE: "an answer that is JSON",
    Need.JSON_SCHEMA: "an answer that keeps to a schema",
    Need.CHOICE: "an answer that is one of some values, and nothing around it",
    Need.AUDIO_OUT: "an answer that is spoken",
    Need.IMAGE_OUT: "pictures in the answer",
    Need.VERBOSITY: "how wordy the answer is",
    Need.EFFORT: "how hard to think, as a word",
    Need.BUDGET: "how long to think, in tokens",
    Need.NO_THOUGHT: "no thought",
    Need.SUMMARY: "how thought is shown",
    Need.USER: "who asks",
    Need.SAFETY_ID: "who asks, as a pseudonym against abuse",
    Need.METADATA: "notes for the provider's log",
    Need.TIER: "a tier of service",
    Need.CACHE_MARKS: "marks where the cache shall end",
    Need.CACHE_KEY: "a key of the cache",
    Need.CACHED_PROMPT: "a beginning of the conversation that lies at the provider",
    Need.STATE: "a conversation that the provider keeps",
    Need.UNKNOWN_MEMBERS: "members that the model has no word for",
}

TITLES: Mapping[str, str] = {
    "openai_chat": "OpenAI chat",
    "openai_responses": "OpenAI Responses",
    "anthropic_messages": "Anthropic Messages",
    "gemini": "Gemini",
    "ollama": "Ollama",
}

Row = Iterable[str]


def losses() -> str:
    """Need by dialect: what becomes of it in a request that is written there."""
    return _table(
        ("need", "what is asked for", *TITLES.values()),
        ((f"`{need}`", MEANINGS[need], *(_loss(name, need) for name in TITLES)) for need in Need),
    )


def _loss(dialect: str, need: Need) -> str:
    spoken = DIALECTS[dialect]
    loss, unlike = spoken.losses.get(need), spoken.unlike.get(need)
    told = "carried" if loss is None else f"**{loss.severity}**: {loss.how}"
    return told if unlike is None else f"{told}; elsewhere **{unlike.severity}**: {unlike.how}"


def words() -> str:
    """The members by which callers of each dialect ask."""
    return _table(
        ("need", *TITLES.values()),
        ((f"`{need}`", *(_listed(DIALECTS[name].words[need]) for name in TITLES)) for need in Need),
    )


# ------------------------------------------------------------------ stops

STOPS: Mapping[str, tuple[ModuleType, Callable[[Stop], str]]] = {
    "openai_chat": (chat_stops, lambda stop: f"`{chat_stops.write_stop(stop)}`"),
    "openai_responses": (
        responses_stops,
        lambda stop: ": ".join(
            f"`{word}`" for word in responses_stops.write_stop(stop, refused=False) if word
        ),
    ),
    "anthropic_messages": (messages_stops, lambda stop: f"`{messages_stops.write_stop(stop)}`"),
    "gemini": (gemini_stops, lambda stop: f"`{gemini_stops.write_stop(stop)}`"),
    "ollama": (ollama_stops, lambda stop: f"`{ollama_stops.write_stop(stop)}`"),
}


def stops() -> str:
    """Why an answer ended: what is written, and what else is read so."""
    return _table(
        ("in the model", *TITLES.values()),
        ((f"`{reason}`", *(_stop(name, reason) for name in TITLES)) for reason in StopReason),
    )


def _stop(dialect: str, reason: StopReason) -> str:
    module, write = STOPS[dialect]
    told = write(Stop(reason))
    read = [
        f"`{word}`"
        for word, meant in module.REASONS.items()
        if meant is reason and f"`{word}`" not in told
    ]
    return f"{told} (also {', '.join(read)})" if read else told


# ------------------------------------------------------------------ thought


def efforts() -> str:
    """Each effort in the words of the dialects, and each budget."""
    adaptive = {"none": "`thinking: disabled`", "minimal": "`low`"}
    levels, tokens = gemini_thinking.LEVELS, gemini_thinking.BUDGETS
    rows: list[Row] = [
        (
            *("`none`", "`none`", "`thinking: disabled`, or nothing", adaptive["none"]),
            *("0, or 128 where it always thinks", f"`{levels['none']}`"),
        ),
        *(
            (
                *(f"`{word}`", f"`{word}`", f"{budget}", adaptive.get(word, f"`{word}`")),
                *(f"{tokens[word]}", f"`{levels[word]}`"),
            )
            for word, budget in BUDGETS.items()
        ),
    ]
    head = (
        *("effort", "both of OpenAI's"),
        *("Messages, a model with budgets", "Messages, an adaptive model"),
        *("Gemini 2.5", "later Gemini"),
    )
    below = [f"`{word}` to {most}" for most, word in NEAREST]
    return f"{_table(head, rows)}\nA budget becomes, in both of OpenAI's dialects, {', '.join(below)}, `{MOST}` above.\n"


# ------------------------------------------------------------------ fitting


def traits() -> str:
    """What each dialect demands of a conversation that comes from another."""
    of = [DIALECTS[name].traits for name in TITLES]
    rows = (
        ("ids of calls", *(f"`{each.call_id.pattern}`" for each in of)),
        ("names of tools", *(f"`{each.tool_name.pattern}`" for each in of)),
        ("tools that take free text", *(_yes(each.custom_tools) for each in of)),
        ("`functions` without ids", *(_yes(each.legacy_functions) for each in of)),
        (
            "stop sequences",
            *("any number" if each.stops is None else f"{each.stops}" for each in of),
        ),
        ("texts of white space alone", *(_yes(each.blanks) for each in of)),
        ("system turns behind others", *(_yes(each.later_system) for each in of)),
        ("the user must begin", *(_yes(each.user_first) for each in of)),
        ("thought without a seal may come back", *(_yes(each.unsigned_thought) for each in of)),
        ("titles of documents", *(_yes(each.titles) for each in of)),
        ("documents of plain text", *(_yes(each.text_files) for each in of)),
    )
    return _table(("", *TITLES.values()), rows)


def _yes(is_so: bool) -> str:  # noqa: FBT001  one fact
    return "yes" if is_so else "no"


# ------------------------------------------------------------------ vectors

ASKED: Mapping[EmbedNeed, str] = {
    EmbedNeed.TOKENS: "inputs that are tokens",
    EmbedNeed.DIMENSIONS: "how many numbers a vector shall have",
    EmbedNeed.TASK: "what the vectors are for",
    EmbedNeed.TITLE: "what the text is called",
    EmbedNeed.CUT: "inputs that are too long are cut",
    EmbedNeed.UNCUT: "inputs that are too long are refused",
    EmbedNeed.USER: "who asks",
    EmbedNeed.UNKNOWN_MEMBERS: "members that the model has no word for",
}


def embeddings() -> str:
    """Need by shape of requests for vectors: what becomes of it, and how callers ask."""
    shapes = {"OpenAI": "openai_chat", "Gemini": "gemini", "Ollama": "ollama"}
    return _table(
        ("need", "what is asked for", *shapes),
        (
            (
                f"`{need}`",
                ASKED[need],
                *(_vectors(EMBEDDING_AT[name], need) for name in shapes.values()),
            )
            for need in EmbedNeed
        ),
    )


def _vectors(shape: EmbedDialect, need: EmbedNeed) -> str:
    loss, names = shape.lost.get(need), _listed(shape.asked_in.get(need, ()))
    told = "carried" if loss is None else f"**{loss.severity}**: {loss.how}"
    return f"{told} ({names})" if names else told


# ------------------------------------------------------------------ the page

TABLES: Mapping[str, Callable[[], str]] = {
    "losses": losses,
    "words": words,
    "stops": stops,
    "efforts": efforts,
    "traits": traits,
    "embeddings": embeddings,
}


def page(text: str) -> str:
    """The page with its tables as they are now."""
    for name, make in TABLES.items():
        begin, end = f"<!-- {name}: made by tools/loss_table.py -->\n", f"<!-- end of {name} -->"
        found = re.search(f"{re.escape(begin)}.*?{re.escape(end)}", text, re.DOTALL)
        if found is None:
            raise SystemExit(f"{PAGE.name} has no place for the table {name!r}")
        text = f"{text[: found.start()]}{begin}\n{make()}\n{end}{text[found.end() :]}"
    return text


def _table(head: Row, rows: Iterable[Row]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *rows]
    return "".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in each)} |\n" for each in lines
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main(arguments: list[str]) -> int:
    old = PAGE.read_text("utf-8")
    new = page(old)
    if "--check" not in arguments:
        PAGE.write_text(new, "utf-8")
    elif old != new:
        print(f"{PAGE.name} is not current: run python tools/loss_table.py")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
