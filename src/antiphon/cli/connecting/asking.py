"""A few plain requests to the gateway, with the key of the client that is connected."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote

import msgspec

from antiphon.cli.connecting.address import Place
from antiphon.cli.connecting.facts import Key
from antiphon.cli.connecting.refusals import CannotConnect
from antiphon.errors import UpstreamError
from antiphon.providers.transport import Call, Timeouts, Transport
from antiphon.version import VERSION

_OK = 200
_FAULT = 500
_LONGEST_SHOWN = 400


class Told(msgspec.Struct, frozen=True):
    """What the gateway answered.

    Attributes:
        status: The status.
        headers: By lower-case name.
        body: The body.
        seconds: From the request to the whole answer.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether it is what was asked for."""
        return self.status == _OK


class _Entry(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Entry]


class _Complaint(msgspec.Struct):
    message: str


class _Refusal(msgspec.Struct):
    error: _Complaint


class Asking:
    """Asks one gateway.

    Args:
        place: Where it is.
        key: Sent as a bearer token where there is one.
        transport: What carries the requests; closed by who made it.
        seconds: For each request, at most.
    """

    def __init__(self, place: Place, key: Key, transport: Transport, seconds: float) -> None:
        self._place = place
        self._key = key
        self._transport = transport
        self._timeouts = Timeouts(
            connect=min(seconds, 5), first_byte=seconds, idle=seconds, total=seconds
        )

    async def models(self) -> tuple[str, ...]:
        """The names that this key may ask for.

        Raises:
            CannotConnect: There is no gateway, or it refuses.
        """
        told = await self._send("GET", "/v1/models")
        if not told.ok:
            raise CannotConnect(self.complaint(told))
        try:
            listed = msgspec.json.decode(told.body, type=_Models).data
        except msgspec.DecodeError as error:
            raise CannotConnect(
                f"{self._place.url} is no gateway: what it lists at /v1/models are no models"
            ) from error
        return tuple(each.id for each in listed if each.id.isprintable())

    async def knows(self, model: str) -> bool:
        """Whether a model that is not listed can be asked for all the same."""
        return (await self._send("GET", f"/v1/models/{quote(model, safe='/')}")).ok

    async def ask(self, path: str, body: bytes, headers: Mapping[str, str]) -> Told:
        """Send a request of a client.

        Raises:
            CannotConnect: No answer came.
        """
        return await self._send("POST", path, body, headers)

    def complaint(self, told: Told) -> str:
        """What a refusal says, and what to do about it."""
        said = _said(told.body)
        told_id = told.headers.get("x-antiphon-request-id")
        match told.status:
            case 401 if self._key.secret is None:
                advice = f"the gateway requires a key: set {self._key.variable}, or give --key"
            case 401:
                advice = "the key is none of the gateway's: see auth.keys in its configuration"
            case 403:
                advice = "the key may not do this: see auth.keys in the gateway's configuration"
            case 404 if told_id is None:
                advice = "is this an Antiphon? Say with --url where it is"
            case 404:
                advice = "antiphon models lists what can be asked for"
            case status if status >= _FAULT and told_id is not None:
                advice = f"antiphon logs {told_id} tells more, antiphon doctor tries providers out"
            case _:
                advice = "antiphon doctor tries the providers out"
        return f"{self._place.url} answered {told.status}{said}\n  {advice}"

    async def _send(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Told:
        lines = {
            "host": self._place.origin.authority,
            "user-agent": f"antiphon-connect/{VERSION}",
            "accept": "application/json",
            **(headers or {}),
        }
        if body:
            lines["content-type"] = "application/json"
        if self._key.secret is not None:
            lines["authorization"] = f"Bearer {self._key.secret.reveal()}"
        head = f"{method} {self._place.path}{path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in lines.items()
        )
        call = Call(self._place.origin, head.encode("ascii"), body, self._timeouts)
        began = time.monotonic()
        try:
            answer = await self._transport.send(call)
            try:
                found = await answer.head()
                whole = await answer.whole()
            finally:
                answer.close()
        except UpstreamError as error:
            said = error.message.replace("The provider", "It")
            raise CannotConnect(
                f"{self._place.url} does not answer: {said}\n  start the gateway with "
                "`antiphon serve`, or say with --url where it is"
            ) from error
        assert found is not None
        return Told(
            found.status,
            {name.decode("latin-1"): value.decode("latin-1") for name, value in found.headers},
            whole,
            time.monotonic() - began,
        )


def _said(body: bytes) -> str:
    """The message of an error in any dialect, where there is one."""
    with suppress(msgspec.DecodeError):
        message = msgspec.json.decode(body, type=_Refusal).error.message
        return ": " + "".join(
            letter if letter.isprintable() else " " for letter in message[:_LONGEST_SHOWN]
        )
    return ""
