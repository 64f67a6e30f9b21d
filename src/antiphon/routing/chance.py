"""Where the strategies' chance comes from."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from random import Random  # noqa: TID251  this is where it comes from


def chance() -> Callable[[], float]:
    """Numbers from 0 up to 1, fast, and other ones in each process; for no secrets."""
    return Random(secrets.randbits(64)).random  # noqa: S311  no secret depends on it
