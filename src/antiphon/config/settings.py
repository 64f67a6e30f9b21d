"""The whole configuration."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field

from antiphon.access.config import AuthSettings
from antiphon.cache.config import CacheSettings
from antiphon.config.health import HealthSettings
from antiphon.config.server import ServerSettings
from antiphon.config.storage import StorageSettings
from antiphon.egress.config import EgressSettings
from antiphon.idempotency.config import IdempotencySettings
from antiphon.limits.config import LimitsSettings
from antiphon.notices.config import NoticesSettings
from antiphon.pipeline.config import ANY, RouteSettings
from antiphon.providers.config import PricingSettings, ProviderSettings
from antiphon.resilience.help_lines import HelpLinesSettings
from antiphon.routing.privacy import PrivacySettings
from antiphon.telemetry.config import LoggingSettings, TelemetrySettings
from antiphon.usage.budgets.config import BudgetsSettings
from antiphon.usage.captures.config import CaptureSettings
from antiphon.usage.config import LedgerSettings


def _any_model() -> Mapping[str, RouteSettings]:
    return {ANY: RouteSettings(passthrough=True)}


class Settings(BaseModel):
    """What one `antiphon.yaml` may say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    server: ServerSettings = Field(
        default_factory=ServerSettings, description="Where the gateway listens."
    )
    auth: AuthSettings = Field(default_factory=AuthSettings, description="Who may call.")
    limits: LimitsSettings = Field(
        default_factory=LimitsSettings, description="How much may be under way."
    )
    idempotency: IdempotencySettings = Field(
        default_factory=IdempotencySettings,
        description="For how long a request with an `Idempotency-Key` gets its first answer.",
    )
    budgets: BudgetsSettings = Field(
        default_factory=BudgetsSettings, description="How much money may be spent, by whom."
    )
    cache: CacheSettings = Field(
        default_factory=CacheSettings,
        description="The memory for answers of routes with `cache`.",
    )
    storage: StorageSettings = Field(
        default_factory=StorageSettings, description="Where it keeps what must survive it."
    )
    ledger: LedgerSettings = Field(
        default_factory=LedgerSettings, description="How long figures are kept."
    )
    logging: LoggingSettings = Field(
        default_factory=LoggingSettings,
        description="What is written of requests and of the gateway itself; never content, "
        "never a key.",
    )
    telemetry: TelemetrySettings = Field(
        default_factory=TelemetrySettings, description="What is told to other systems."
    )
    health: HealthSettings = Field(
        default_factory=HealthSettings, description="Asking providers whether they are there."
    )
    notices: NoticesSettings = Field(
        default_factory=NoticesSettings,
        description="What is told to other systems when it happens, as signed webhooks.",
    )
    egress: EgressSettings = Field(
        default_factory=EgressSettings,
        description="Where requests may go whose address is not a provider's: webhooks, so far. "
        "Only public addresses, unless it is opened here.",
    )
    capture: CaptureSettings = Field(
        default_factory=CaptureSettings,
        description="How much is kept of what routes with `capture` see, and for how long.",
    )
    providers: Mapping[str, ProviderSettings] = Field(
        default_factory=dict[str, ProviderSettings],
        description="Who can be asked, by a name of your choice or that of a catalog row. Without "
        "this section the environment is searched for the keys and addresses of known providers.",
    )
    help_lines: HelpLinesSettings = Field(
        default_factory=HelpLinesSettings,
        description="Whom a person in need can call, by region; canned texts show them.",
    )
    privacy: PrivacySettings = Field(
        default_factory=PrivacySettings,
        description="How far requests go: only providers with that `clearance` are asked.",
    )
    models: Mapping[str, RouteSettings] = Field(
        default_factory=_any_model,
        description="The names that callers use. `NAME: PROVIDER/MODEL` is enough, or a list of "
        "these for fallback. Without this section every model is reached as `PROVIDER/MODEL`.",
    )
    prices: PricingSettings = Field(
        default_factory=PricingSettings,
        description="What is charged for models that have no price.",
    )
