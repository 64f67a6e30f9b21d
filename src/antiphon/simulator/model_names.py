"""What a model's name may ask of the simulator: `MODEL+fault:NAME`, `fault:NAME`, `replay:ID`."""

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
    """A model's name without its marks, and the marks."""
    model, marked, fault = name.partition("fault:")
    if marked:
        return Asked(model.rstrip("+") or PLAIN, fault=fault)
    _, _, recorded = name.partition("replay:")
    return Asked(name, replay=recorded)
