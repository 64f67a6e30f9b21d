"""The `server` section: where the gateway listens, and how patient it is."""

from __future__ import annotations

import ipaddress
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork

_LOOPBACK_NAMES = frozenset({"localhost", "ip6-localhost"})

Seconds: TypeAlias = Annotated[float, Field(gt=0, le=86_400)]


def is_loopback(host: str) -> bool:
    """Whether a server bound to this host is reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() in _LOOPBACK_NAMES


def _is_origin(text: str) -> str:
    scheme, mark, rest = text.partition("://")
    if text != "*" and (not mark or scheme not in {"http", "https"} or not rest or "/" in rest):
        raise ValueError("must be an origin such as https://app.example.com, or '*'")
    return text


def _is_root_path(text: str) -> str:
    if text and (not text.startswith("/") or text.endswith("/")):
        raise ValueError("must begin with a slash and not end with one")
    return text


class CorsSettings(BaseModel):
    """Which web pages may call from a browser."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    origins: tuple[Annotated[str, AfterValidator(_is_origin)], ...] = Field(
        default=(),
        description='Origins such as `https://app.example.com` whose pages may call; `"*"` is all.',
    )


class DeadlineSettings(BaseModel):
    """How long a caller may take, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    headers: Seconds = Field(default=10, description="To send the head of a request.")
    body: Seconds = Field(default=30, description="To send the body, from the end of the head.")
    write_stall: Seconds = Field(
        default=60, description="To read on, when what was sent to it is not taken."
    )
    keep_alive: Seconds = Field(
        default=75, description="Without a request, before its connection is closed."
    )


class ServerSettings(BaseModel):
    """Where the gateway listens, and its bounds toward callers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="The address to listen on; anything but a loopback address needs "
        "`auth.required: true`. `ANTIPHON_HOST` beats it.",
    )
    port: int = Field(
        default=4100,
        ge=0,
        le=65_535,
        description="The port to listen on; 0 takes a free one. `ANTIPHON_PORT` beats it.",
    )
    root_path: Annotated[str, AfterValidator(_is_root_path)] = Field(
        default="",
        description="The path under which a reverse proxy serves the gateway, as `/llm`. "
        "`ANTIPHON_ROOT_PATH` beats it.",
    )
    region: str = Field(
        default="",
        max_length=100,
        description="Where this gateway runs, in words of your own, as `region` of providers.",
    )
    cors: CorsSettings = Field(
        default_factory=CorsSettings, description="Calls from pages in a browser."
    )
    trusted_proxies: tuple[IPvAnyNetwork, ...] = Field(
        default=(),
        description="Networks of reverse proxies whose `X-Forwarded-For` and "
        "`X-Forwarded-Proto` are believed, as `10.0.0.0/8`.",
    )
    max_body_bytes: int = Field(
        default=32 << 20, ge=1024, description="The largest request body; a larger one gets 413."
    )
    max_connections: int = Field(
        default=4096, ge=1, description="Connections at once; one more gets an early 503."
    )
    deadlines: DeadlineSettings = Field(
        default_factory=DeadlineSettings, description="How long a caller may take."
    )
    watch: bool = Field(
        default=False,
        description="Whether the configuration is loaded again when its file changes, or its "
        "`.env`, or a file that it names as `${file:PATH}`. A signal (SIGHUP) and "
        "`antiphon config reload` do it in any case.",
    )
    drain_seconds: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=30,
        description="How long running requests may go on after a signal to stop.",
    )
    heartbeat_seconds: Seconds = Field(
        default=15,
        description="Silence in a stream after which its caller gets a sign of life.",
    )
