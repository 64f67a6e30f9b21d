"""What a provider says about its errors, made fit to be shown.

A provider repeats keys ("Incorrect API key provided: sk-…") and a proxy before it names machines.
A caller needs the rest of the sentence.
"""

from __future__ import annotations

import re

_LONGEST = 2000

_KEY = re.compile(
    r"\b(?:sk|pk|rk|gsk|xai|hf|nvapi|fw|csk|r8|tgp|pplx)[-_][A-Za-z0-9_\-*.]{4,}"
    r"|\bAIza[A-Za-z0-9_\-]{8,}"
    r"|\beyJ[A-Za-z0-9_\-]{8,}(?:\.[A-Za-z0-9_\-]+)*"
    r"|\b[0-9a-f]{32}\.[A-Za-z0-9]{8,}"
)
_AFTER = re.compile(
    r"(?i)\b(bearer\s+|(?:api|access)[-_ ]?(?:key|token)"
    r"(?:\s+provided)?\s*[:=]\s*[\"']?)(?!\[)[^\s\"',;}]+"
)
_URL = re.compile(r"(?i)\b[a-z][a-z0-9+.\-]{1,15}://[^\s\"'<>)\]}]+")
_MACHINE = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b")


def without_keys(text: str) -> str:
    """The text, no longer than fits, with what looks like a key left out."""
    text = _AFTER.sub(r"\1[key]", _KEY.sub("[key]", text[: 2 * _LONGEST]))
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def without_addresses(text: str) -> str:
    """The text with URLs and addresses of machines left out."""
    return _MACHINE.sub("[address]", _URL.sub("[address]", text))
