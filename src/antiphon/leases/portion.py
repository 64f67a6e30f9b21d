"""How much an owner is given at once: less and less, as a pot nears its end."""

from __future__ import annotations

_PARTS = 4
"""What all together may take at once is a pot's rest divided by this."""


def portion(available: int, *, need: int, want: int, sharers: int, contended: bool) -> int:
    """What an owner is given, in the unit of what is asked.

    Never more than is available, and nothing where that is less than the need. A share of the rest,
    so that many can share it; in the end just the need, so that the last cents can be spent.

    Args:
        available: What nobody has.
        need: Without which it cannot go on; 0 where it can.
        want: What it would like to have.
        sharers: Owners that share the pot, itself included.
        contended: Somebody else waits for more.
    """
    if available < need or available <= 0:
        return 0
    if contended:
        return need
    parts = _PARTS * sharers if sharers > 1 else 2
    return max(need, min(want, available // parts))
