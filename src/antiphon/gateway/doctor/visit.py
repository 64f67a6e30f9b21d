"""One deployment under examination, and the two ways to ask it.

`ask` goes through the gateway's own pipeline, as a request of a caller does: limits, records and
whatever else stands there see it. `send` goes straight to the transport, for what no caller asks.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress

import msgspec

from antiphon.dialects.base import Payload
from antiphon.dialects.openai_chat import OPENAI_CHAT
from antiphon.errors import AntiphonError, Exhausted, UpstreamError, UpstreamRefused
from antiphon.gateway.doctor.findings import Diagnosis, Spent
from antiphon.gateway.gateway import Antiphon
from antiphon.model.principal import Principal
from antiphon.pipeline.choosing import Chooser
from antiphon.pipeline.config import PoolEntry, RouteSettings
from antiphon.pipeline.exchange import Exchange
from antiphon.pipeline.plan import Plan, Snapshot
from antiphon.pipeline.replies import StreamReply, WholeReply
from antiphon.providers.deployment import Deployment
from antiphon.providers.provider import Provider
from antiphon.providers.transport import Call, Head, Origin, Timeouts
from antiphon.resilience.retry import RetrySettings
from antiphon.routing.candidate import Candidate
from antiphon.routing.privacy import Privacy, PrivacySettings
from antiphon.routing.strategies.order import AS_GIVEN
from antiphon.secret import Secret
from antiphon.wire.shallow import Members

DOCTOR = Principal(key_id="doctor")
_MOST_SHOWN = 300
_SHORTEST_KEY = 6
"""What is shorter stands in ordinary words too, and hides nothing."""

Opened = tuple[Exchange, WholeReply | StreamReply]


class Visit:
    """One deployment under examination.

    Args:
        gateway: Whose pipeline is used.
        provider: Where it is.
        deployment: None where no model of the provider is known.
        seconds: For each call, at most.
        samples: Of the latency.

    Attributes:
        diagnosis: What is known so far.
        listing: What the provider said when it was asked for its models; None before.
        answered: A whole answer came already: connection and model are warm.
    """

    def __init__(
        self,
        gateway: Antiphon,
        provider: Provider,
        deployment: Deployment | None,
        *,
        seconds: float,
        samples: int,
    ) -> None:
        self.gateway = gateway
        self.provider = provider
        self.seconds = seconds
        self.samples = samples
        self.listing: tuple[Head, bytes] | None = None
        self.answered = False
        self._deployment = deployment
        self._secrets = _secrets_of(provider)
        name = provider.name if deployment is None else deployment.name
        self.diagnosis = Diagnosis(name, str(provider.address))

    @property
    def knows_a_model(self) -> bool:
        """Whether there is anything to talk to."""
        return self._deployment is not None

    @property
    def deployment(self) -> Deployment:
        """The deployment, where there is one."""
        assert self._deployment is not None
        return self._deployment

    @property
    def origin(self) -> Origin:
        """Where connections go."""
        return self.provider.address.origin

    def now(self) -> float:
        """Monotonic time."""
        return self.gateway.clock.monotonic()

    def since(self, began: float) -> float:
        """Milliseconds since then."""
        return (self.now() - began) * 1000

    async def send(self, head: bytes, body: bytes = b"") -> tuple[Head, bytes]:
        """Ask the provider directly; the answer, whatever its status.

        Raises:
            UpstreamError: There was none.
        """
        seconds = self.seconds
        timeouts = Timeouts(connect=seconds, first_byte=seconds, idle=seconds, total=seconds)
        call = Call(origin=self.origin, head=head, body=body, timeouts=timeouts)
        answer = await self.gateway.transport.send(call)
        try:
            told = await answer.head()
            assert told is not None
            return told, await answer.whole()
        finally:
            answer.close()

    @asynccontextmanager
    async def ask(self, **members: object) -> AsyncGenerator[Opened]:
        """Ask the model through the pipeline, once.

        Args:
            members: As in the body of OpenAI's Chat Completions, the model left out.

        Raises:
            UpstreamError: What its one attempt ended with.
            AntiphonError: The gateway itself did not let it through.
        """
        gateway, name = self.gateway, self.deployment.name
        task = asyncio.current_task()
        assert task is not None
        body = msgspec.json.encode({"model": name, **members})
        exchange = Exchange(
            id=gateway.request_ids.new(),
            started=self.now(),
            payload=Payload(OPENAI_CHAT, Members.parse(body)),
            snapshot=self._snapshot(),
            principal=DOCTOR,
            interrupt=task.cancel,
        )
        try:
            async with gateway.pipeline.open(exchange) as reply:
                yield exchange, reply
            self.answered = True
        except asyncio.CancelledError:
            if exchange.interrupted is None:
                raise
            task.uncancel()
            raise exchange.interrupted from None
        except Exhausted as error:
            raise _cause(error) from error
        finally:
            usage = exchange.usage
            if usage is not None:
                self.diagnosis.spent += Spent(usage.input_total, usage.output_total)

    def clean(self, text: str) -> str:
        """A text as it may be shown: one line, not too long, and no key of the provider in it.

        Providers' words come without what looks like a key; ours need not look like one.
        """
        for secret in self._secrets:
            text = text.replace(secret.reveal(), "[key]")
        text = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip()
        return text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "..."

    def _snapshot(self) -> Snapshot:
        """The configuration in force, but for its routes: there is one, to here, tried once."""
        name, current = self.deployment.name, self.gateway.snapshot
        route = RouteSettings(
            deployments=(PoolEntry(model=name),),
            retry=RetrySettings(attempts=1),
            deadline=self.seconds,
        )
        pool = [Candidate(self.deployment)]
        chooser = Chooser(name, pool, route, privacy=Privacy(PrivacySettings()), order=AS_GIVEN)
        return Snapshot(
            {name: Plan(name, chooser, route)},
            further=None,
            keys=current.keys,
            generation=current.generation,
        )


def reason(error: AntiphonError) -> str:
    """An error for whoever examines: its words, its code, and the provider's status."""
    if not isinstance(error, UpstreamError):
        return error.message
    more = [error.code]
    if error.upstream_status is not None and f"http_{error.upstream_status}" != error.code:
        more.append(str(error.upstream_status))
    return f"{error.message} ({', '.join(more)})"


def _cause(error: Exhausted) -> AntiphonError:
    """What the one attempt ended with."""
    return error.attempts[-1].error if error.attempts else error


def _secrets_of(provider: Provider) -> Sequence[Secret]:
    """What must not be shown: the keys, those in files too, and what other headers carry."""
    settings, keys = provider.settings, provider.keys
    found = [each for each in settings.keys if isinstance(each, Secret)]
    found += settings.headers.values()
    with suppress(UpstreamRefused):  # none is live any more
        found += [keys.take().secret for _ in keys.status()]
    return [each for each in found if len(each.reveal()) >= _SHORTEST_KEY]
