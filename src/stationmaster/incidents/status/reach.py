"""Bounds where webhooks may lie: what strangers name is public and HTTPS; only what the platform's own people add may
lie in a private network or on this machine."""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from typing import TypeAlias

import httpx

from stationmaster.core.problem import PlatformError

_LONGEST = 2_000
_LOOKED_UP_WITHIN_S = 5.0
_HTTPS_PORT = 443

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a message goes: `url` names the address itself, so that no second look-up can lead elsewhere."""

    url: httpx.URL
    host: str
    server_name: str


def checked_url(text: str, *, inner: bool) -> str:
    """Raises PlatformError `bad-address` for what may not be, as far as that can be seen without looking it up."""
    url = _parsed(text)
    local = _literal(url.host)
    if url.scheme == "https" or (url.scheme == "http" and inner and _is_loopback(url.host, local)):
        if local is not None:
            check_address(local, inner=inner)
        elif not inner and (url.host.lower().rstrip(".").endswith("localhost") or "." not in url.host):
            raise _bad("it is no name of the public network", "name a host of the public network")
        return str(url)
    raise _bad("it is not https", "write it as https://example.org/hook")


async def resolve(text: str, *, inner: bool) -> Place:
    """The address to send to now. Raises PlatformError `bad-address`, or `not-found` where the name has none."""
    checked_url(text, inner=inner)
    url = _parsed(text)
    port = url.port or (_HTTPS_PORT if url.scheme == "https" else 80)
    addresses = await _addresses(url.host, port)
    for found in addresses:
        # One that may not be is enough to refuse: which one is taken is not for the name's owner to choose.
        check_address(found, inner=inner)
    return Place(url=url.copy_with(host=str(addresses[0])), host=url.netloc.decode("ascii"), server_name=url.host)


def check_address(address: Address, *, inner: bool) -> None:
    """Raises PlatformError `bad-address`."""
    real = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped else address
    if isinstance(real, ipaddress.IPv6Address) and (embedded := real.sixtofour or (real.teredo or (None, None))[1]):
        real = embedded
    usable = not (real.is_multicast or real.is_unspecified or real.is_reserved or real.is_link_local)
    if (inner and real.is_loopback) or (usable and (inner or real.is_global)):
        return
    raise _bad("it lies in no public network", "`status-page subscribers add` takes private ones")


async def _addresses(host: str, port: int) -> list[Address]:
    literal = _literal(host)
    if literal is not None:
        return [literal]
    try:
        async with asyncio.timeout(_LOOKED_UP_WITHIN_S):
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise PlatformError("not-found", "its host has no address", hint="look at its spelling") from error
    return [ipaddress.ip_address(each[4][0]) for each in found]


def _parsed(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise _bad("it is no URL", "write it as https://example.org/hook") from error
    if len(text) > _LONGEST or not url.host or url.userinfo or url.fragment:
        raise _bad("it is too long, has no host, or carries a login", "write it as https://example.org/hook")
    return url


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str, literal: Address | None) -> bool:
    return literal.is_loopback if literal is not None else host.lower() == "localhost"


def _bad(why: str, hint: str) -> PlatformError:
    return PlatformError("bad-address", f"messages cannot be sent there: {why}", hint=hint)
