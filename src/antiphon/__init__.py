"""Antiphon: an LLM gateway. Any client, any provider.

    from antiphon import Antiphon

    async with Antiphon.from_config("antiphon.yaml") as gateway:
        reply = await gateway.chat(model="fast", messages=[{"role": "user", "content": "Hi"}])

The public names are loaded when they are first used: a process that only asks for the version,
or that imports one part, does not pay for the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from antiphon.errors import (
        AntiphonError,
        CallerError,
        ConfigurationError,
        ConnectFailed,
        Draining,
        Exhausted,
        Forbidden,
        GatewayError,
        InvalidAnswer,
        InvalidRequest,
        MalformedBody,
        ModelNotFound,
        ModelUnpriced,
        NotAnAnswer,
        Overloaded,
        UnsupportedParameter,
        UpstreamBroken,
        UpstreamError,
        UpstreamRefused,
        UpstreamTimeout,
    )
    from antiphon.gateway.gateway import Antiphon, ModelEntry
    from antiphon.gateway.health import Health
    from antiphon.model.events import (
        Ended,
        Finished,
        LogprobsDelta,
        OpaqueEvent,
        ReasoningDelta,
        ReasoningSealed,
        RefusalDelta,
        Started,
        StreamEvent,
        StreamFailed,
        TextDelta,
        ToolCallDelta,
        ToolCallStarted,
        UsageReported,
    )
    from antiphon.model.reply import ChatReply, Choice, Stop, StopReason
    from antiphon.model.request import OutputForm
    from antiphon.model.structured import How, Structured
    from antiphon.model.usage import Usage
    from antiphon.version import VERSION as __version__  # noqa: N811

__all__ = [
    "Antiphon",
    "AntiphonError",
    "CallerError",
    "ChatReply",
    "Choice",
    "ConfigurationError",
    "ConnectFailed",
    "Draining",
    "Ended",
    "Exhausted",
    "Finished",
    "Forbidden",
    "GatewayError",
    "Health",
    "How",
    "InvalidAnswer",
    "InvalidRequest",
    "LogprobsDelta",
    "MalformedBody",
    "ModelEntry",
    "ModelNotFound",
    "ModelUnpriced",
    "NotAnAnswer",
    "OpaqueEvent",
    "OutputForm",
    "Overloaded",
    "ReasoningDelta",
    "ReasoningSealed",
    "RefusalDelta",
    "Started",
    "Stop",
    "StopReason",
    "StreamEvent",
    "StreamFailed",
    "Structured",
    "TextDelta",
    "ToolCallDelta",
    "ToolCallStarted",
    "UnsupportedParameter",
    "UpstreamBroken",
    "UpstreamError",
    "UpstreamRefused",
    "UpstreamTimeout",
    "Usage",
    "UsageReported",
    "__version__",
]

_HOMES = {
    "antiphon.gateway.gateway": ("Antiphon", "ModelEntry"),
    "antiphon.gateway.health": ("Health",),
    "antiphon.model.reply": ("ChatReply", "Choice", "Stop", "StopReason"),
    "antiphon.model.request": ("OutputForm",),
    "antiphon.model.structured": ("How", "Structured"),
    "antiphon.model.usage": ("Usage",),
    "antiphon.model.events": (
        "Ended",
        "Finished",
        "LogprobsDelta",
        "OpaqueEvent",
        "ReasoningDelta",
        "ReasoningSealed",
        "RefusalDelta",
        "Started",
        "StreamEvent",
        "StreamFailed",
        "TextDelta",
        "ToolCallDelta",
        "ToolCallStarted",
        "UsageReported",
    ),
}


def __getattr__(name: str) -> object:
    if name == "__version__":
        return import_module("antiphon.version").VERSION
    if name not in __all__:
        raise AttributeError(f"module 'antiphon' has no attribute {name!r}")
    home = next((home for home, names in _HOMES.items() if name in names), "antiphon.errors")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
