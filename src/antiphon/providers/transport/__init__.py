"""The only socket to models: keep-alive pools, deadlines and bounds behind `Upstream.send`."""

from antiphon.providers.transport.answer import Answer
from antiphon.providers.transport.call import Call, Head, Origin, Timeouts
from antiphon.providers.transport.pool import PoolBounds
from antiphon.providers.transport.transport import Transport, Upstream

__all__ = [
    "Answer",
    "Call",
    "Head",
    "Origin",
    "PoolBounds",
    "Timeouts",
    "Transport",
    "Upstream",
]
