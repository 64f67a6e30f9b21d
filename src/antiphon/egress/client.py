"""The way in: ask an address that somebody named, within bounds.

    async with Egress(settings) as egress:
        answer = await egress.get("https://example.com/report.json")

Cookies, credentials of the machine, proxies of the environment: there are none. Redirects of GET
and HEAD are followed here, each hop as strictly checked as the first; the answer to any other
method is given back as it is, so that no body goes where nobody sent it.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Mapping
from typing import Self

import httpx2
import msgspec

from antiphon.egress.config import EgressSettings
from antiphon.egress.errors import AnswerTooLarge, BrokenAnswer, EgressTimeout, RefusedRedirect
from antiphon.egress.inflate import ACCEPTED, Reading
from antiphon.egress.resolver import Resolver, SystemResolver
from antiphon.egress.rules import Rules
from antiphon.egress.target import Target
from antiphon.egress.transport import CheckedTransport
from antiphon.errors import BodyTooLarge, InvalidRequest
from antiphon.version import VERSION

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FOLLOWED = frozenset({"GET", "HEAD"})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_BODY = frozenset({204, 304})
_FIRST_FINAL = 200
_DIGITS = 20
_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}", re.ASCII)
_VALUE = re.compile(r"[\x20-\x7e\x80-\xff]{0,8192}")
_OURS = frozenset(
    {
        *("accept-encoding", "connection", "content-length", "expect", "host", "keep-alive"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    }
)
_ANYWHERE = frozenset({"accept", "accept-language", "user-agent"})
"""What goes along to another origin; all else may be a credential, whatever its name."""


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """A request, as somebody wants it.

    Attributes:
        url: Where to; checked before anything is sent.
        method: One of GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS.
        headers: Besides those that belong to the connection, which are refused.
        body: What is sent.
        max_bytes: The largest body that is read, if less than the settings allow.
        read: Whether the body of the answer is wanted. If not, none of it is read.
    """

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = msgspec.field(default_factory=dict[str, str])
    body: bytes = b""
    max_bytes: int | None = None
    read: bool = True


class Answer(msgspec.Struct, frozen=True):
    """What came back.

    Attributes:
        status: The status code, 200 or more.
        headers: Lower-case names and values, in order. Of an inflated body, its encoding and its
            length are gone: they no longer describe it.
        body: The body, inflated; empty where it was not wanted.
        url: Where it came from, after redirects.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    url: str

    def get(self, name: str) -> str | None:
        """The value of the first header of this lower-case name."""
        return next((value for key, value in self.headers if key == name), None)


class Egress:
    """The checked door. One serves a whole process; `aclose` it, or use it as a context."""

    def __init__(self, settings: EgressSettings, *, resolver: Resolver | None = None) -> None:
        self._settings = settings
        self._rules = Rules(settings)
        self._resolver = resolver or SystemResolver()
        self.transport = CheckedTransport(
            self._rules,
            self._resolver,
            ca_file=None if settings.ca_file is None else str(settings.ca_file),
            connections=settings.connections,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close what is open, and take no more."""
        await self.transport.aclose()
        self._resolver.close()

    def check(self, url: str) -> Target:
        """Judge an address without asking anybody: when it is written down, long before its use.

        Raises:
            BadAddress: It is no address that is taken.
            BlockedAddress: It can never be permitted under these rules.
        """
        target = Target.parse(url)
        self._rules.check(target)
        return target

    async def get(
        self, url: str, *, headers: Mapping[str, str] | None = None, max_bytes: int | None = None
    ) -> Answer:
        """Fetch; see `request`."""
        return await self.request(Outgoing(url=url, headers=headers or {}, max_bytes=max_bytes))

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        max_bytes: int | None = None,
        read: bool = True,
    ) -> Answer:
        """Send a body; see `request`."""
        outgoing = Outgoing(
            url=url,
            method="POST",
            headers=headers or {},
            body=body,
            max_bytes=max_bytes,
            read=read,
        )
        return await self.request(outgoing)

    async def request(self, outgoing: Outgoing) -> Answer:
        """Ask, and read the answer within its bounds. Any status is an answer.

        Raises:
            EgressError: As the errors of the door say.
            InvalidRequest: A method or a header that is not sent.
            BodyTooLarge: The body is over the bound.
        """
        self._check_outgoing(outgoing)
        target = self.check(outgoing.url)
        try:
            async with asyncio.timeout(self._settings.total_seconds):
                return await self._follow(outgoing, target)
        except TimeoutError as error:
            raise EgressTimeout("The answer took too long.") from error

    async def _follow(self, outgoing: Outgoing, target: Target) -> Answer:
        headers = {name.lower(): value for name, value in outgoing.headers.items()}
        for _ in range(self._settings.redirects + 1):
            answer = await self._ask(outgoing, target, headers)
            location = answer.get("location") if answer.status in _REDIRECTS else None
            if location is None or outgoing.method not in _FOLLOWED:
                return answer
            onward = target.follow(location)
            if (target.scheme, onward.scheme) == ("https", "http"):
                raise RefusedRedirect("The answer leads from https to http.")
            if onward.origin != target.origin:
                headers = {name: headers[name] for name in headers.keys() & _ANYWHERE}
            target = onward
        raise RefusedRedirect(f"The answer leads on more than {self._settings.redirects} times.")

    async def _ask(self, outgoing: Outgoing, target: Target, headers: dict[str, str]) -> Answer:
        response = await self.transport.handle_async_request(
            self._rendered(outgoing, target, headers)
        )
        async with contextlib.aclosing(response):
            if response.status_code < _FIRST_FINAL:
                raise BrokenAnswer("The answer is about something else than the request.")
            leads_on = response.status_code in _REDIRECTS and outgoing.method in _FOLLOWED
            wanted = outgoing.read and not leads_on and outgoing.method != "HEAD"
            told = tuple((name.lower(), value) for name, value in response.headers.multi_items())
            if not wanted or response.status_code in _NO_BODY:
                return Answer(response.status_code, told, b"", target.url)
            return await self._whole(response, told, outgoing, target)

    async def _whole(
        self,
        response: httpx2.Response,
        headers: tuple[tuple[str, str], ...],
        outgoing: Outgoing,
        target: Target,
    ) -> Answer:
        most = self._settings.max_response_bytes
        limit = most if outgoing.max_bytes is None else min(most, outgoing.max_bytes)
        reading = Reading(response.headers.get("content-encoding", ""), limit)
        stated = response.headers.get("content-length", "")
        if not reading.inflates and stated.isdecimal() and int(stated[:_DIGITS]) > limit:
            raise AnswerTooLarge(f"The answer has more than {limit} bytes.")
        body = bytearray()
        async for piece in response.aiter_raw():
            body += reading.feed(piece)
        reading.end()
        if reading.inflates:
            gone = {"content-encoding", "content-length"}
            headers = tuple(each for each in headers if each[0] not in gone)
        return Answer(response.status_code, headers, bytes(body), target.url)

    def _rendered(
        self, outgoing: Outgoing, target: Target, headers: dict[str, str]
    ) -> httpx2.Request:
        settings = self._settings
        usual = {"accept": "*/*", "user-agent": f"antiphon/{VERSION}"}
        ours = {"accept-encoding": ACCEPTED if outgoing.read else "identity", "connection": "close"}
        return httpx2.Request(
            outgoing.method,
            target.url,
            headers={**usual, **headers, **ours},
            content=outgoing.body or None,
            extensions={
                "timeout": {
                    "connect": settings.connect_seconds,
                    "read": settings.idle_seconds,
                    "write": settings.idle_seconds,
                    "pool": settings.total_seconds,
                }
            },
        )

    def _check_outgoing(self, outgoing: Outgoing) -> None:
        if outgoing.method not in _METHODS:
            raise InvalidRequest("The method is not one that is sent.", param="method")
        for name, value in outgoing.headers.items():
            if name.lower() in _OURS or not _NAME.fullmatch(name.lower()):
                raise InvalidRequest("A header of that name is not sent.", param="headers")
            if not _VALUE.fullmatch(value):
                raise InvalidRequest("The value of a header cannot be sent.", param="headers")
        if len(outgoing.body) > self._settings.max_request_bytes:
            most = self._settings.max_request_bytes
            raise BodyTooLarge(f"What is sent has at most {most} bytes.")
