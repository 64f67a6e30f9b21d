"""What an `Idempotency-Key` costs a request that has one; others pay a look-up in the headers."""

from __future__ import annotations

from collections.abc import Callable

from antiphon.idempotency.keys import asked, read_key
from antiphon.model.principal import Principal

Timed = Callable[[], object]
Setup = Callable[[], Timed]
_WHO = Principal(key_id="key_0123456789abcdef", organisation="org_default", team="web", user="app")
_HEADER = b"8e03978e-40d5-43dd-bc93-6894a57f9324"


def idempotency_cases(body: bytes) -> dict[str, Setup]:
    """All of them, by name."""

    def setup() -> Timed:
        path = b"/v1/chat/completions"
        return lambda: asked(_WHO, read_key(_HEADER), [b"POST", path, body])

    return {"idempotency.asked_1kb": setup}
