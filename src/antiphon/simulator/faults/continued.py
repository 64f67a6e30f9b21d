"""Faults of an answer that goes on with another: it says again what was said, or begins oddly.

They befall only answers that were begun by the caller; all others stay as they are.
"""

import itertools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from antiphon.simulator.begun import last_words
from antiphon.simulator.faults.fault import Damage, Fault, Scene
from antiphon.simulator.faults.frames import before_text_of
from antiphon.simulator.reply import Reply
from antiphon.simulator.wires import RESPONSES, WIRES

_GOING_ON: Final = WIRES - {RESPONSES}


def _first_said(what: Callable[[str], str]) -> Damage:
    """Puts this before the first text of an answer that goes on with another."""

    def damage(reply: Reply, scene: Scene) -> Reply:
        begun = scene.received.begun
        if not begun:
            return reply
        said = msgspec.json.encode(what(begun))[1:-1]
        once = itertools.chain([said], itertools.repeat(b""))
        return before_text_of(lambda _: next(once))(reply, scene)

    return damage


CONTINUED_FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "repeats-tail": Fault(
            "an answer that goes on with another begins with the last words of that",
            _first_said(last_words),
            "leaves out what was said before",
            _GOING_ON,
        ),
        "repeats-all": Fault(
            "an answer that goes on with another says all of that again",
            _first_said(lambda begun: begun),
            "leaves out what was said before",
            _GOING_ON,
        ),
        "begins-anew": Fault(
            "an answer that goes on with another is another one, with the same beginning",
            _first_said(lambda begun: begun[: len(begun) // 2] + " Or rather not."),
            "takes it for no continuation, and asks another provider",
            _GOING_ON,
        ),
    }
)
