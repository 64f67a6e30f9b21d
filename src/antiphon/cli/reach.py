"""Where administration is done, as it was said on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

KEY_VARIABLE = "ANTIPHON_ADMIN_KEY"


class Reach(NamedTuple):
    """Where administration is done, and how it is told.

    Attributes:
        config: The configuration.
        url: Where the gateway is; None asks the configuration.
        key_env: The variable with the key that it is asked with.
        offline: Ask the database itself.
        organisation: The id of the tenant; None for one's own.
        as_json: Print JSON.
    """

    config: Path | None
    url: str | None
    key_env: str
    offline: bool
    organisation: str | None
    as_json: bool
