"""What a model's name may ask of the simulator: `MODEL+fault:NAME`, `fault:NAME`, `replay:ID`."""

import re
from typing import Final

from msgspec import Struct

PLAIN: Final = "sim-small"
"""The model of a name that is only a mark."""


class Asked(Struct, frozen=True):
    """A model's name, read."""

    model: str
    fault: str = ""
    replay: str = ""


def read_name(name: str) -> Asked:
    """A model's name without its marks, and the marks.

    A mark stands at the beginning or behind a `+`: `my-default:7b` is the name of a model.
    """
    found = _FAULT.search(name)
    fault = name[found.end() :] if found else ""
    model = name[: found.start()] if found else name
    recorded = _REPLAY.search(model)
    replay = model[recorded.end() :] if recorded else ""
    return Asked(model or PLAIN, fault=fault, replay=replay)


_FAULT: Final = re.compile(r"(?:^|\++)fault:")
_REPLAY: Final = re.compile(r"(?:^|\+)replay:")
