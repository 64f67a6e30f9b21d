"""The routes of administration, which a gateway and the command line stand before."""

from __future__ import annotations

from antiphon.server.api_keys import KEYS

ADMINISTRATION = (KEYS,)
"""Every router that is made by `api_actor.routes`."""
