"""Is anybody there: the name, the connection, the certificate."""

from __future__ import annotations

import asyncio
import ssl

from antiphon.errors import ConnectFailed
from antiphon.gateway.doctor.findings import Finding, fail, ok, skip, warn
from antiphon.gateway.doctor.visit import Visit
from antiphon.providers.transport.dial import addresses, failure
from antiphon.providers.transport.tls import Trust

_SOON = 14
"""Days before a certificate ends at which somebody should look at it."""
_DAY = 86_400


async def resolve(visit: Visit) -> Finding:
    """The host's name has addresses."""
    if visit.origin.is_address:
        return ok("an address, nothing to look up")
    began = visit.now()
    async with asyncio.timeout(visit.seconds):
        found = await addresses(visit.origin)
    return ok(", ".join(found), visit.since(began))


async def connect(visit: Visit) -> Finding:
    """One of the addresses takes connections; those that come before it and do not are named."""
    origin = visit.origin
    async with asyncio.timeout(visit.seconds):
        found = await addresses(origin)
    dead: list[str] = []
    for host in found:
        began = visit.now()
        try:
            async with asyncio.timeout(visit.seconds / len(found)):
                _, writer = await asyncio.open_connection(host, origin.port)
        except TimeoutError:
            dead.append(f"{host} does not answer")
        except OSError as error:
            dead.append(f"{host}: {failure(origin, error).message}")
        else:
            spent = visit.since(began)
            writer.transport.abort()
            there = f"{host}, port {origin.port}"
            if dead:
                return warn(f"{there}; each new connection tries in vain: {'; '.join(dead)}", spent)
            return ok(there, spent)
    row = visit.provider.row
    asked = f" Is {row.name} running there?" if row.self_hosted else ""
    return fail("; ".join(dead) + asked)


async def tls(visit: Visit) -> Finding:
    """The certificate is to be trusted, carries the name, and goes on being valid."""
    origin = visit.origin
    if origin.scheme != "https":
        return skip("plain http")
    context = Trust().context(origin.ca_file)
    name = origin.server_name or origin.host
    began = visit.now()
    try:
        async with asyncio.timeout(visit.seconds):
            _, writer = await asyncio.open_connection(
                origin.host, origin.port, ssl=context, server_hostname=name
            )
    except OSError as error:
        if isinstance(error, TimeoutError):
            raise
        raise failure(origin, error) from error
    spent = visit.since(began)
    inner = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    if not isinstance(inner, ssl.SSLObject | ssl.SSLSocket):
        raise ConnectFailed("The connection is not encrypted.", code="tls_error")
    days = _days_left(inner, visit.gateway.clock.now())
    said = f"{inner.version()}, the certificate is valid for {days:.0f} days"
    result = warn if days < _SOON else ok
    return result(said, spent, days=days)


def _days_left(inner: ssl.SSLObject | ssl.SSLSocket, now: float) -> float:
    until = (inner.getpeercert() or {}).get("notAfter")
    if not isinstance(until, str):
        return 0.0
    return (ssl.cert_time_to_seconds(until) - now) / _DAY
