"""The `egress` section."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FilePath

from antiphon.egress.addresses import Network, closed_ranges, nat64_prefix
from antiphon.egress.hosts import parse_host

_MIB = 1024 * 1024


def _host(text: str) -> str:
    """A name, `*.NAME` or an address, as it is compared with."""
    mark = "*." if text.startswith("*.") else ""
    bare = text.removeprefix(mark)
    host = parse_host(f"[{bare}]" if bare.count(":") > 1 and bare[0] != "[" else bare)
    if mark and not isinstance(host, str):
        raise ValueError("A star stands before a name, not before an address.")
    return f"{mark}{host}"


def _within_one_range(network: Network) -> Network:
    """What is opened lies in one closed range: nobody opens everything by a short prefix."""
    if not any(each.holds(network) for each in closed_ranges()):
        raise ValueError(
            "The network does not lie within one closed range: public addresses are open anyway."
        )
    return network


Host = Annotated[str, AfterValidator(_host)]
Inside = Annotated[IPv4Network | IPv6Network, AfterValidator(_within_one_range)]
Prefix = Annotated[IPv6Network, AfterValidator(nat64_prefix)]
Port = Annotated[int, Field(ge=1, le=65535)]


class EgressSettings(BaseModel):
    """Where requests may go whose address a user, a tool or a model names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    only_hosts: tuple[Host, ...] = Field(
        default=(),
        description="If any are listed, only these can be asked: names, `*.NAME` for all names "
        "below one, addresses.",
    )
    inside_hosts: tuple[Host, ...] = Field(
        default=(),
        description="Names that may lie on this machine or in its private networks. Link-local "
        "addresses and the metadata of clouds stay closed to them.",
    )
    inside_networks: tuple[Inside, ...] = Field(
        default=(),
        description="Networks that may be reached although they are not public, as "
        "`10.1.2.0/24`. Each lies within one closed range; a metadata address within it opens "
        "only if it is listed itself.",
    )
    closed_networks: tuple[IPv4Network | IPv6Network, ...] = Field(
        default=(),
        description="Public networks that are closed as well, such as your own; this beats "
        "every other list.",
    )
    nat64_prefixes: tuple[Prefix, ...] = Field(
        default=(),
        description="Prefixes under which your network carries IPv4 in IPv6, besides "
        "`64:ff9b::/96`.",
    )
    ports: tuple[Port, ...] = Field(
        default=(80, 443), min_length=1, description="The ports that may be asked."
    )
    https_only: bool = Field(default=False, description="Whether plain http is refused.")
    ca_file: FilePath | None = Field(
        default=None, description="A PEM file to trust instead of the system's store."
    )
    connections: int = Field(default=100, ge=1, le=10_000, description="Open at once, in all.")
    redirects: int = Field(default=5, ge=0, le=20, description="How many are followed.")
    max_request_bytes: int = Field(
        default=10 * _MIB, ge=1, description="The largest body that is sent."
    )
    max_response_bytes: int = Field(
        default=10 * _MIB, ge=1, description="The largest body that is read, inflated."
    )
    connect_seconds: float = Field(
        default=5.0, gt=0, le=120, description="For look-up and connection, and again for TLS."
    )
    idle_seconds: float = Field(default=15.0, gt=0, le=600, description="Between two reads.")
    total_seconds: float = Field(
        default=30.0, gt=0, le=3600, description="For a request with all its redirects."
    )
