"""How far requests may go that are sent to a model."""

from __future__ import annotations

from antiphon.model.ask import SENSITIVITIES, Sensitivity
from antiphon.providers.catalog import ProviderRow
from antiphon.providers.config import ProviderSettings

_ELSEWHERE = (":cloud", "-cloud")
"""What the names of models end with that Ollama has run by its maker (docs.ollama.com/cloud)."""


def clearance(
    settings: ProviderSettings, row: ProviderRow, model: str, *, is_private: bool
) -> Sensitivity:
    """What the entry says, else everything where it is a server of the user's own.

    A private address alone says little: what answers there may be a relay to anywhere. And a
    server of one's own may have models that run elsewhere.
    """
    found = Sensitivity.RESTRICTED if row.self_hosted and is_private else Sensitivity.INTERNAL
    if settings.clearance is not None:
        found = SENSITIVITIES[settings.clearance]
    if row.self_hosted and model.endswith(_ELSEWHERE):
        return min(found, Sensitivity.INTERNAL)
    return found
