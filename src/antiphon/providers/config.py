"""One entry of `providers:` in the configuration.

An entry names a row of the catalog by its own name, or by `catalog`; what it leaves out, the row
says. Pydantic reads it once; `provider.py` makes of it what the road uses.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FilePath,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from antiphon.model.ask import SensitivityWord
from antiphon.providers.address import is_private
from antiphon.providers.auth import header_line
from antiphon.providers.breaking import BreakerSettings
from antiphon.providers.keys import Key, KeyFile
from antiphon.providers.quirks import QUIRKS
from antiphon.providers.transport.call import Origin
from antiphon.secret import Secret
from antiphon.yamlfile.expand import FileBacked

_OWN_HEADERS = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host"}
    | {"expect", "te", "trailer", "transfer-encoding", "upgrade"}
)
_BILLION = 1_000_000_000
MOST_PRICE = 1_000_000
"""Dollars per million tokens; a thousand times and more what the dearest model costs."""


def _secret(value: object) -> Secret:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ValueError("it must be a text")  # noqa: TRY004  pydantic takes ValueError
    return Secret(value)


def _key(value: object) -> Secret | KeyFile:
    if isinstance(value, KeyFile):
        return value
    if isinstance(value, FileBacked):
        return KeyFile(value.path)
    secret = _secret(value)
    Key(secret)
    return secret


def _as_list(value: Sequence[object] | None) -> object:
    return value if value is None or isinstance(value, list | tuple) else [value]


def _as_mapping(value: Sequence[object] | Mapping[str, object]) -> object:
    """A list of names as a mapping to nothing; in a mapping, a name may stand alone too."""
    if isinstance(value, list | tuple):
        return {str(name): ModelSettings() for name in value}
    if isinstance(value, dict):
        return {name: ModelSettings() if each is None else each for name, each in value.items()}
    return value


_TEXT = WithJsonSchema({"type": "string", "writeOnly": True})
SecretText: TypeAlias = Annotated[Secret, PlainValidator(_secret), PlainSerializer(str), _TEXT]
"""A text that no dump shows."""
KeyText: TypeAlias = Annotated[Secret | KeyFile, PlainValidator(_key), PlainSerializer(str), _TEXT]
"""A key; one written as `${file:PATH}` is read again when the file changes."""
Seconds: TypeAlias = Annotated[float, Field(gt=0, le=86_400)]
Unknown: TypeAlias = Literal["deny", "ceiling", "free"]
"""What to do with a model that has no price."""


def _is_day(value: str) -> str:
    try:
        day = date.fromisoformat(value).isoformat() if value else value
    except ValueError:
        day = None
    if day != value:
        raise ValueError("must be a day as YYYY-MM-DD, or empty")
    return value


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TimeoutSettings(_Settings):
    """How long each part of a call may take, in seconds."""

    connect: Seconds = Field(default=5.0, description="To a connection, TLS included.")
    first_byte: Seconds = Field(default=120.0, description="To a stream's first byte.")
    idle: Seconds = Field(default=60.0, description="Between two reads.")
    total: Seconds = Field(default=600.0, description="For the whole call.")


def _no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a whole number")  # noqa: TRY004  pydantic takes ValueError
    return value


Amount: TypeAlias = Annotated[int, Field(ge=0, le=10**15), BeforeValidator(_no_flag)]


class ProviderLimitSettings(_Settings):
    """How much is asked of a provider, or of each of its keys."""

    requests_per_minute: Amount | None = Field(default=None, description="Calls in 60 seconds.")
    tokens_per_minute: Amount | None = Field(
        default=None,
        description="Tokens of prompts and answers in 60 seconds: estimated before a call, "
        "corrected after it.",
    )
    concurrency: Amount | None = Field(default=None, description="Calls under way at once.")
    when_full: Literal["refuse", "queue"] = Field(
        default="refuse",
        description="What is done where no other deployment can answer either: `refuse` answers "
        "429 at once, `queue` lets requests wait, within the bounds of `limits.queue`.",
    )


def _is_price(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError("must not be negative")
    if value > MOST_PRICE:
        raise ValueError(f"must be at most {MOST_PRICE:,} dollars")
    return value


Dollars: TypeAlias = Annotated[Decimal, AfterValidator(_is_price)]


class PriceSettings(_Settings):
    """Dollars per million tokens; what is not given costs what its kin costs."""

    input: Dollars = Field(description="Prompt tokens.")
    output: Dollars = Field(description="Answer tokens.")
    cache_read: Dollars | None = Field(default=None, description="Read from a cache.")
    cache_write: Dollars | None = Field(default=None, description="Written to a cache.")
    cache_write_1h: Dollars | None = Field(default=None, description="Written for an hour.")
    reasoning: Dollars | None = Field(default=None, description="Tokens of thought.")
    audio_input: Dollars | None = Field(default=None, description="Audio of the prompt.")
    audio_output: Dollars | None = Field(default=None, description="Audio of the answer.")
    image: Dollars | None = Field(default=None, description="Pictures of the prompt.")
    request: Dollars | None = Field(
        default=None, description="Dollars for each request, whatever its size."
    )

    def in_billionths(self) -> Mapping[str, int]:
        """As `rates.Prices.of` takes them, rounded up."""
        given: dict[str, Decimal] = self.model_dump(exclude_none=True)
        return {word: math.ceil(price * _BILLION) for word, price in given.items()}


class PricingSettings(_Settings):
    """What is charged for a model that has no price."""

    unknown: Unknown = Field(
        default="ceiling",
        description="`ceiling` charges the dearest price that is known, `free` nothing, `deny` "
        "refuses the model.",
    )
    ceiling: PriceSettings | None = Field(
        default=None,
        description="The ceiling, in dollars per million tokens. By default, for each kind of "
        "token, the dearest price in the price book: at the same provider, else anywhere.",
    )


class ModelSettings(_Settings):
    """What is known better here than in `models.toml` and the price book."""

    context: int | None = Field(default=None, gt=0, description="Tokens of prompt and answer.")
    max_output: int | None = Field(default=None, gt=0, description="Tokens of the answer.")
    vision: bool | None = Field(default=None, description="It reads pictures.")
    audio: bool | None = Field(default=None, description="It hears.")
    tools: bool | None = Field(default=None, description="It calls tools.")
    forced_tools: bool | None = Field(default=None, description="It obeys a forced tool choice.")
    json_schema: bool | None = Field(
        default=None,
        description="It keeps to a given schema. Where it does not, the schema is told to it in "
        "words, and its answers are checked.",
    )
    json_mode: bool | None = Field(
        default=None,
        description="It can be asked for JSON of any shape; where it cannot, it is told to answer "
        "so.",
    )
    reasoning: bool | None = Field(default=None, description="It thinks before it answers.")
    adaptive: bool | None = Field(
        default=None, description="It decides how long to think: it takes an effort, no budget."
    )
    reasoning_off: bool | None = Field(
        default=None, description="It can be asked not to think; false where it always does."
    )
    sampling: bool | None = Field(default=None, description="It takes temperature and its kin.")
    prefill: bool | None = Field(default=None, description="It goes on with a begun answer.")
    later_system: bool | None = Field(
        default=None, description="It takes system turns in the middle of a conversation."
    )
    bytes_per_token: float | None = Field(
        default=None, ge=2, le=6, description="Bytes of a prompt that make a token, at the start."
    )
    quality: int | None = Field(
        default=None,
        ge=0,
        le=100,
        description="How good it is in your eyes, in points, for the strategy `quality`.",
    )
    retires: Annotated[str, AfterValidator(_is_day)] | None = Field(
        default=None, description="Its last day there, as YYYY-MM-DD; empty where it has none."
    )
    successor: str | None = Field(default=None, description="What to use from then on.")
    prices: PriceSettings | None = Field(default=None, description="Dollars per million tokens.")


class ProviderSettings(_Settings):
    """One provider; every member may be left out where the catalog has a row of that name."""

    catalog: str | None = Field(
        default=None, description="The row of the catalog; by default the entry's own name."
    )
    dialect: str | None = Field(default=None, description="The wire format that it speaks.")
    allow_http: bool = Field(
        default=False, description="Plain http is right although the host is public."
    )
    base_url: str | None = Field(
        default=None, description="Where it answers, with or without `/v1` and closing slash."
    )
    api_key: Annotated[
        tuple[KeyText, ...] | None,
        BeforeValidator(_as_list, json_schema_input_type=str | list[str] | None),
    ] = Field(default=None, description="A key, or several that are used in turn.")
    api_key_file: Annotated[
        tuple[Path, ...] | None,
        BeforeValidator(_as_list, json_schema_input_type=str | list[str] | None),
    ] = Field(default=None, description="A file that holds a key; read again when it changes.")
    api_version: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9._-]+$", description="Sent as `api-version` (Azure)."
    )
    headers: Mapping[str, SecretText] = Field(
        default_factory=dict[str, Secret], description="Headers that every request carries."
    )
    ca_file: FilePath | None = Field(
        default=None, description="PEM file to trust instead of the system's store."
    )
    allow_host: bool = Field(
        default=False, description="The host is right although it is not the vendor's."
    )
    timeouts: TimeoutSettings = Field(default_factory=TimeoutSettings, description="In seconds.")
    breaker: BreakerSettings = Field(
        default_factory=BreakerSettings,
        description="When its deployments are left alone; a route may say otherwise.",
    )
    limits: ProviderLimitSettings | None = Field(
        default=None,
        description="How much is asked of it at most, over all its models and keys. A model of "
        "which the limit is reached is passed over, without a mark against its health.",
    )
    key_limits: ProviderLimitSettings | None = Field(
        default=None,
        description="How much is asked with each of its keys, over all deployments that use the "
        "key, be it in another entry.",
    )
    quirks: tuple[str, ...] = Field(default=(), description="Added to those of the row.")
    models: Annotated[
        Mapping[str, ModelSettings],
        BeforeValidator(
            _as_mapping, json_schema_input_type=list[str] | dict[str, ModelSettings | None]
        ),
    ] = Field(
        default_factory=dict[str, ModelSettings],
        description="Its models, as a list, or as a mapping with what is known of each.",
    )
    stored_objects: bool = Field(
        default=False,
        description="Requests about files and batches are passed on to it. What is stored there "
        "is stored under this provider's key: everybody who has a key of this gateway, and may "
        "use all its models, can list, read and delete it.",
    )
    clearance: SensitivityWord | None = Field(
        default=None,
        description="How far requests may go that are sent to it: `public`, `internal`, "
        "`confidential` or `restricted`. By default `restricted` where the row is a server of "
        "one's own and the address private, else `internal`.",
    )
    region: str = Field(
        default="",
        max_length=100,
        description="Where it is, in words of your own: the strategy `nearest` prefers those of "
        "the same region as `server.region`.",
    )
    discover: bool = Field(default=True, description="Ask it which models it has.")
    unknown_prices: Unknown | None = Field(
        default=None, description="Beats `prices.unknown` for the models of this provider."
    )
    ceiling_prices: PriceSettings | None = Field(
        default=None, description="Beats `prices.ceiling` for the models of this provider."
    )

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        origin = Origin.parse(value.strip())
        if origin.scheme == "http" and not is_private(origin.host) and not info.data["allow_http"]:
            raise ValueError(
                f"{origin.host} is a public host: what goes there must go over https "
                "(or set allow_http)"
            )
        return value

    @field_validator("quirks")
    @classmethod
    def _are_quirks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in QUIRKS:
                raise ValueError(f"no such quirk: {name!r}; there are {', '.join(sorted(QUIRKS))}")
        return value

    @field_validator("headers")
    @classmethod
    def _are_headers(cls, value: Mapping[str, Secret]) -> Mapping[str, Secret]:
        for name, secret in value.items():
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"{name!r} is set by the gateway itself")
            header_line(name, secret.reveal())
        return value

    @property
    def keys(self) -> tuple[Secret | KeyFile, ...]:
        """All keys, those in files last."""
        return (*(self.api_key or ()), *(KeyFile(path) for path in self.api_key_file or ()))
