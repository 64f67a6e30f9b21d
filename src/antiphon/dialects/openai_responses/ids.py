"""Ids for what has none here: made from the reply's own, so that the same reply has the same."""

from __future__ import annotations

import re
from typing import Final

_NOT_A_WORD: Final = re.compile(r"[^A-Za-z0-9]")
_LONGEST: Final = 48
RESPONSE: Final = "resp_"


def response_id(reply_id: str) -> str:
    """The id of a response; what is one already stays."""
    return reply_id if reply_id.startswith(RESPONSE) else f"{RESPONSE}{stem_of(reply_id)}"


def stem_of(reply_id: str) -> str:
    """What all ids of a reply have in common."""
    return _NOT_A_WORD.sub("", reply_id.removeprefix(RESPONSE))[-_LONGEST:] or "0"


def item_id(prefix: str, stem: str, at: int) -> str:
    """The id of the item at a place of the output: `msg_`, `fc_`, `ctc_`, `rs_`."""
    return f"{prefix}_{stem}{at:02d}"
