"""A digest of all that makes two plans of one name answer differently.

It stands in the keys of stored answers: whoever changes a route or a provider asks anew. Left out
is only what is known not to change an answer; a setting that is new counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

import msgspec

from antiphon.pipeline.config import RouteSettings
from antiphon.providers.config import ProviderSettings
from antiphon.providers.deployment import Deployment

_OF_ROUTE = {
    *("aliases", "breaker", "cache", "capture", "deadline", "degrade", "passthrough", "retry"),
}
_OF_PROVIDER = {"api_key", "breaker", "timeouts"}
_written = msgspec.json.Encoder(order="deterministic").encode


def digest_of_plan(
    route: RouteSettings, deployments: Sequence[Deployment], entries: Sequence[ProviderSettings]
) -> bytes:
    """The digest of a route, of its deployments, and of the entries of their providers."""
    said: list[object] = [route.model_dump(mode="json", exclude=_OF_ROUTE)]
    for deployment, entry in zip(deployments, entries, strict=True):
        faces = [dialect.name for dialect in deployment.faces]
        dump = entry.model_dump(mode="json", exclude=_OF_PROVIDER)
        headers = {name: text.reveal() for name, text in entry.headers.items()}
        said.append([deployment.name, deployment.origin.authority, faces, dump, headers])
    return sha256(_written(said)).digest()
