"""The `auth` section."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from antiphon.access.proxy import SHORTEST_SECRET
from antiphon.yamlfile.secrets import SecretText

Scope = Literal["inference", "admin"]


class KeySettings(BaseModel):
    """One static key and whom it stands for."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: SecretText = Field(
        description="What the caller sends as `Authorization: Bearer KEY`; "
        "best as `${VAR}` or `${file:PATH}`."
    )
    team: str = Field(default="", description="The team that its use is charged to.")
    department: str = Field(default="", description="The department that the team belongs to.")
    user: str = Field(default="", description="The person or application that holds the key.")
    scopes: frozenset[Scope] = Field(
        default=frozenset({"inference"}),
        min_length=1,
        description="What it may do: `inference` asks models, `admin` manages the gateway.",
    )
    models: frozenset[str] = Field(
        default=frozenset(),
        description="The names of models that it may ask for; empty means all.",
    )


class ProxySettings(BaseModel):
    """One proxy that may say for whom it asks."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    secrets: tuple[SecretText, ...] = Field(
        min_length=1,
        description="What it signs `x-antiphon-user` with, of at least 32 bytes; two while one "
        "replaces the other.",
    )
    keys: frozenset[str] = Field(
        default=frozenset(),
        description="The ids of the keys that it calls with, as logs and usage show them; empty "
        "means any.",
    )

    @model_validator(mode="after")
    def _is_secret(self) -> Self:
        shortest = min(len(secret.reveal().encode()) for secret in self.secrets)
        if shortest < SHORTEST_SECRET:
            raise ValueError(f"a secret needs at least {SHORTEST_SECRET} bytes")
        return self


class AuthSettings(BaseModel):
    """Who may call."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    required: bool = Field(
        default=False,
        description="Whether a caller needs a key. Without it the gateway serves this machine "
        "alone: `server.host` must be a loopback address, and foreign `Host` and `Origin` "
        "headers are refused.",
    )
    keys: tuple[KeySettings, ...] = Field(default=(), description="Static keys.")
    proxies: tuple[ProxySettings, ...] = Field(
        default=(),
        description="Proxies in front of the gateway that say, signed, for whom they ask. Of "
        "nobody else is `x-antiphon-user` read.",
    )
    admin_key: SecretText | None = Field(
        default=None,
        description="The key of management, metrics and detailed health. Without it one is made "
        "at the first start, printed once, and only its hash is kept in `storage.data_dir`.",
    )
