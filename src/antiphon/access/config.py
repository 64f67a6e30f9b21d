"""The `auth` section."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

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
    admin_key: SecretText | None = Field(
        default=None,
        description="The key of management, metrics and detailed health. Without it one is made "
        "at the first start, printed once, and only its hash is kept in `storage.data_dir`.",
    )
