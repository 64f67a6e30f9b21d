"""The `notices` section."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from antiphon.egress.config import EgressSettings
from antiphon.egress.errors import BadAddress, BlockedAddress
from antiphon.egress.rules import Rules
from antiphon.egress.target import LONGEST_URL, Target
from antiphon.egress.webhooks.signing import check_webhook_secret
from antiphon.secret import Secret
from antiphon.yamlfile.secrets import SecretText


class EventType(enum.StrEnum):
    """What is told without anybody asking for it."""

    WARNING = "budget.warning"
    """A share of a budget was reached."""
    EXCEEDED = "budget.exceeded"
    """All of a budget is used, or a request was refused for it."""


def _is_secret(secret: Secret) -> Secret:
    check_webhook_secret(secret)
    return secret


def _as_list(value: Sequence[object] | None) -> object:
    return value if value is None or isinstance(value, list | tuple) else [value]


TEST = "notice.test"
"""The type of what is sent to see whether notices arrive."""
SigningSecret = Annotated[SecretText, AfterValidator(_is_secret)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]


class WebhookSettings(BaseModel):
    """Where notices go."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(
        max_length=LONGEST_URL,
        description="The receiver's address. It must be public, unless `egress` opens it; where "
        "that can be seen from the address itself, it is refused at the start, else when a notice "
        "is sent.",
    )
    secret: Annotated[
        tuple[SigningSecret, ...],
        BeforeValidator(_as_list, json_schema_input_type=str | list[str]),
        Field(min_length=1, max_length=4),
    ] = Field(
        description="The key that signs, `whsec_` and base64 of 24 to 64 bytes; best as `${VAR}` "
        "or `${file:PATH}`. While one replaces another both, the new one first: each signs.",
    )
    events: tuple[EventType, ...] = Field(
        default=tuple(EventType),
        min_length=1,
        description="What is told: `budget.warning`, `budget.exceeded`.",
    )
    organisation: str = Field(
        default="",
        max_length=64,
        description="The id of the organisation whose events are told, and which may see the "
        "deliveries; without it those of all, and only the gateway's admin sees the deliveries.",
    )


class NoticesSettings(BaseModel):
    """What is told to other systems when it happens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    webhooks: Mapping[Name, WebhookSettings] = Field(
        default_factory=dict[str, WebhookSettings],
        max_length=50,
        description="Receivers, by names of your choice: small letters, digits, `-` and `_`. The "
        "name is what lists and logs show; a notice that waits goes to the address that its name "
        "has by then.",
    )
    keep_days: int = Field(
        default=30, ge=1, le=3650, description="How long deliveries that are over are listed."
    )


def unreachable(settings: NoticesSettings, egress: EgressSettings) -> dict[str, str]:
    """The webhooks whose address can never be permitted, by their names, and why.

    The names of hosts are not looked up: what they lead to is judged when something is sent.
    """
    rules, found = Rules(egress), dict[str, str]()
    for name, webhook in settings.webhooks.items():
        try:
            rules.check(Target.parse(webhook.url))
        except BadAddress as error:
            found[name] = error.message
        except BlockedAddress as error:
            found[name] = f"{error.message} {error.reason}; `egress` can open it"
    return found
