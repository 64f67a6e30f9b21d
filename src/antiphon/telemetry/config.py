"""The `logging` and `telemetry` sections."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from antiphon.secret import Secret
from antiphon.yamlfile.secrets import SecretText

Format = Literal["auto", "text", "json"]
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\x20-\x7e]+")


def _is_endpoint(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
        parts = urlsplit("")
    if not good or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be an address such as http://127.0.0.1:4318")
    return text.rstrip("/")


def _are_headers(headers: Mapping[str, Secret]) -> Mapping[str, Secret]:
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value.reveal()):
            raise ValueError("a name or a value cannot stand in a header")
    return headers


class LoggingSettings(BaseModel):
    """What is written of requests and of the gateway itself; never content, never a key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    requests: Literal["auto", "off", "text", "json"] = Field(
        default="auto",
        description="A line for each request: `text` for people, `json` for machines. `auto` is "
        "`text` on a terminal and `json` elsewhere; in a program of yours it is `off`.",
    )
    level: Literal["error", "warning", "info", "debug"] = Field(
        default="warning",
        description="What the gateway says besides: `error` is failures, `warning` retries and "
        "what is worn, `info` changes of health, `debug` sizes, times and ids. "
        "`ANTIPHON_LOG_LEVEL` beats it.",
    )
    format: Format = Field(
        default="auto", description="Of what it says besides; `auto` as for `requests`."
    )
    file: Path | None = Field(
        default=None,
        description="Where all of it goes, in place of standard error. It is appended to, and "
        "opened again when it was moved away.",
    )


class OtlpSettings(BaseModel):
    """Where spans and metrics go by OpenTelemetry's protocol."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    endpoint: Annotated[str, AfterValidator(_is_endpoint)] | None = Field(
        default=None,
        description="The collector, without `/v1/traces`; without it nothing is sent. "
        "`OTEL_EXPORTER_OTLP_ENDPOINT` beats it. Needs `pip install antiphon[otel]`.",
    )
    headers: Annotated[Mapping[str, SecretText], AfterValidator(_are_headers)] = Field(
        default_factory=dict[str, Secret],
        description="Headers that every export carries, such as the collector's key.",
    )
    protocol: Literal["http/protobuf"] = Field(
        default="http/protobuf", description="How it is spoken to."
    )
    sample: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0,
        description="The share of traces that are kept, of those that begin here; a caller's "
        "`traceparent` decides for its own.",
    )
    metrics: bool = Field(
        default=True, description="Whether the histograms of the GenAI conventions are sent too."
    )


class TelemetrySettings(BaseModel):
    """What is told to other systems."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    otlp: OtlpSettings = Field(
        default_factory=OtlpSettings,
        description="Where spans and metrics go by OpenTelemetry's protocol.",
    )
