"""What a request's headers say of its caller, read once.

Hot path: one pass over the headers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from antiphon.access.proxy import HEADER as PERSON
from antiphon.dialects.base import Dialect
from antiphon.errors import BodyTooLarge, Forbidden, InvalidRequest
from antiphon.model.principal import Principal
from antiphon.pipeline.attempt import HOPS
from antiphon.pipeline.facts import SENSITIVITY
from antiphon.pipeline.wishes import HEADERS as WISHES

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ONCE = frozenset(
    {b"host", b"authorization", b"content-length", b"origin", b"content-encoding"}
    | {b"x-api-key", b"api-key", b"x-goog-api-key", b"idempotency-key", PERSON, SENSITIVITY}
)
_BEARER = b"bearer "
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::[0-9]{1,5})?")


class Caller:
    """The headers that matter.

    Attributes:
        credential: The key as it was sent: `Authorization: Bearer`, `x-api-key`, `api-key` or
            `x-goog-api-key`, the first that is there; None without one.
        host: The `Host` header, as it came.
        origin: The `Origin` header; None where no browser page is behind the request.
        content_length: As announced; None for a chunked body.
        cache_control: What it says of stored answers; None where it says nothing.
        hops: Gateways of our kind that the request came through.
        idempotency: The `Idempotency-Key` header, as it came; None without one.
        person: The header of a proxy that says for whom it asks, as it came; or None.
        wishful: Whether it wishes something of the choice (`pipeline.wishes`).
        sensitivity: What it says of how far the request goes; None where it says nothing.
        principal: Who it is, where that was found out already: a proxy's header holds once.
        headers: All of them, for whoever needs one that most do not.
    """

    __slots__ = (
        "cache_control",
        "content_length",
        "credential",
        "headers",
        "hops",
        "host",
        "idempotency",
        "origin",
        "person",
        "principal",
        "sensitivity",
        "wishful",
    )

    def __init__(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Read the headers.

        Raises:
            InvalidRequest: A header that must stand once stands twice, or the body is compressed.
        """
        self.headers = headers
        found = dict(headers)
        if len(found) != len(headers):
            _check_once(headers)
        self.credential = _credential(found)
        self.host = found.get(b"host", b"")
        self.idempotency = found.get(b"idempotency-key")
        origin = found.get(b"origin")
        self.origin = None if origin is None else origin.decode("latin-1")
        length = found.get(b"content-length")
        self.content_length = int(length) if length is not None else None
        if found.get(b"transfer-encoding", b"chunked").lower() != b"chunked":
            raise InvalidRequest("Only chunked transfer coding is read here.")
        self.person = found.get(PERSON)
        self.wishful = not WISHES.isdisjoint(found)
        self.sensitivity = found.get(SENSITIVITY)
        self.principal: Principal | None = None
        wishes = found.get(b"cache-control")
        if wishes is not None and len(found) != len(headers):
            wishes = b", ".join([value for name, value in headers if name == b"cache-control"])
        self.cache_control = wishes
        hops = found.get(HOPS)
        self.hops = int(hops) if hops is not None and hops.isdigit() else 0
        if b"content-encoding" in found and found[b"content-encoding"] != b"identity":
            raise InvalidRequest("Compressed request bodies are not read here.")

    def forwarded(self, dialect: Dialect) -> bytes:
        """The header lines that go on to a provider of the caller's own dialect.

        The values go byte for byte; where a header stands several times, it is sent as one list.
        The dialect's own headers are added where the caller brings none of them.
        """
        values: dict[bytes, bytes] = {}
        for name, value in self.headers:
            if name in dialect.forwarded:
                values[name] = b"%b, %b" % (values[name], value) if name in values else value
        if not values:
            return b""
        return b"".join([b"%b: %b\r\n" % item for item in {**dialect.headers, **values}.items()])

    def check_size(self, bound: int) -> None:
        """Refuse an announced body before it is read.

        Raises:
            BodyTooLarge: It is over the bound.
        """
        if self.content_length is not None and self.content_length > bound:
            raise BodyTooLarge(f"The body is over {bound} bytes.")


class Doorman:
    """Refuses foreign pages: where no key is required, only this machine may ask.

    Without a key, a browser on this machine would let any web page call the gateway, by an
    address of its own (`Origin`) or by a name that it points here (DNS rebinding, `Host`).

    Args:
        open_to: None where keys are required; else further host names that are ours.
        origins: Origins of pages that may call; `*` admits all.
    """

    __slots__ = ("_hosts", "_origins")

    def __init__(self, *, open_to: Iterable[str] | None, origins: Iterable[str] = ()) -> None:
        self._hosts = None if open_to is None else _LOOPBACK | frozenset(open_to)
        self._origins = frozenset(origins)

    def admit(self, caller: Caller) -> None:
        """Check one request.

        Raises:
            Forbidden: Its Host or Origin is foreign, and no key is required here.
        """
        hosts = self._hosts
        if hosts is None:
            return
        if _host_of(caller.host.decode("latin-1")) not in hosts:
            raise Forbidden("This Host is not served here without authentication.")
        if caller.origin is not None and not self.allows(caller.origin):
            raise Forbidden("This Origin is not served here without authentication.")

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin may read our answers."""
        if origin in self._origins or "*" in self._origins:
            return True
        if self._hosts is None:
            return False
        try:
            return urlsplit(origin).hostname in self._hosts
        except ValueError:  # no origin at all, such as http://[
            return False


def _check_once(headers: Sequence[tuple[bytes, bytes]]) -> None:
    seen: set[bytes] = set()
    for name, _ in headers:
        if name in seen and name in _ONCE:
            raise InvalidRequest(f"The header {name.decode()!r} stands twice.")
        seen.add(name)


def _host_of(host: str) -> str:
    """The name or address of a `Host` header, without its port; empty where it is none."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower() if found else ""


def _credential(found: dict[bytes, bytes]) -> bytes | None:
    authorization = found.get(b"authorization")
    if authorization is not None and authorization[:7].lower() == _BEARER:
        return authorization[7:].strip() or None
    return found.get(b"x-api-key") or found.get(b"api-key") or found.get(b"x-goog-api-key")
