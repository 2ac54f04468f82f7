"""Where connections may go: `--allow-destination` and `--cluster-range`, parsed and judged. Pure.

Parsed by `cli`, asked by `dial.py` with the address that is really connected to. What holds:

- Without an entry, everything is allowed but the loopback, link-local, unspecified and multicast addresses, the
  clouds' metadata services, and the cluster's own ranges.
- With entries, nothing is allowed but what they list.
- An entry also opens a refused range when it names it, or a part of it. A wider one does not: 0.0.0.0/0 lists every
  IPv4 address but those that are refused; 127.0.0.0/8 or 127.0.0.1 opens the loopback.
- A name allows whatever that name leads to, refused ranges too. `*.example.org` allows all names below example.org,
  but no refused ranges: whoever may write that zone could lead one of them anywhere.
- An IPv6 address that stands for an IPv4 address (mapped, NAT64, 6to4, Teredo) is judged as the latter.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from typing import Final, NamedTuple

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MAX_PORT: Final = 65535
_NAME: Final = re.compile(r"(?=.{1,253}\Z)(\*\.)?[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*")
_LAST_IS_A_NUMBER: Final = re.compile(r"(.*\.)?(0x[0-9a-f]*|[0-9]+)")  # no name: WHATWG's and the resolver's IPv4 forms
_REFUSED: Final = (
    "0.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "224.0.0.0/4",
    "255.255.255.255/32",
    "100.100.100.200/32",  # Alibaba's metadata
    "168.63.129.16/32",  # Azure's
    "192.0.0.192/32",  # Oracle's
    "::/128",
    "::1/128",
    "fe80::/10",
    "ff00::/8",
    "fd00:ec2::254/128",  # Amazon's
    "fd20:ce::254/128",  # Google's
)
_NAT64: Final = tuple(ipaddress.IPv6Network(each) for each in ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96"))
_IPV4_BITS: Final = 32
_MAPPED: Final = 0xFFFF << _IPV4_BITS
_MAPPED_BITS: Final = 96


class Range(NamedTuple):
    """Addresses with the same first `bits` of 128; an IPv4 range is written as its mapped addresses."""

    start: int
    bits: int

    def holds(self, address: int) -> bool:
        """Tell whether it is one of them."""
        return (self.start ^ address) >> (128 - self.bits) == 0


class Entry(NamedTuple):
    """One `--allow-destination`: a range, or a name (with `*.` in front for all below it), at one port or at all."""

    of: Range | str
    port: int | None


class BadDestination(ValueError):
    """What was given is no destination; `sentence` says why, for the person who gave it."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Destinations:
    """What the process was told. Made by `destinations()`; without arguments, the rules without any entry."""

    entries: tuple[Entry, ...] = ()
    refused: tuple[Range, ...] = ()

    def allow(self, host: str, address: Address, port: int) -> bool:
        """Tell whether to connect to this address, which `host` led to, or is."""
        reached = _number(_embedded(address) or address)
        listed = [e for e in self.entries if e.port in {None, port} and _covers(e.of, host, address)]
        if self.entries and not listed:
            return False
        closed = max(
            (r.bits for r in _EVERYWHERE + self.refused if r.holds(reached) or r.holds(_number(address))), default=-1
        )
        return closed < 0 or any(_opens(e.of, closed) for e in listed)

    def allow_through(self, host: str, port: int) -> bool:
        """Tell whether a jump host may be asked for this one. It finds the address of a name, so a name is taken."""
        address = literal(host.removesuffix("."))
        if address is None and _plain(host) in {"localhost", "ip6-localhost", "ip6-loopback"}:
            address = ipaddress.IPv4Address("127.0.0.1")
        if address is None and _plain(host).endswith((".localhost", "localhost.localdomain")):
            address = ipaddress.IPv4Address("127.0.0.1")
        return address is None or self.allow(host, address, port)


def destinations(allowed: tuple[str, ...] = (), cluster: tuple[str, ...] = ()) -> Destinations:
    """Parse the values of both options, or raise BadDestination for the first that is none."""
    return Destinations(tuple(map(_entry, allowed)), tuple(map(_cluster_range, cluster)))


def literal(host: str) -> Address | None:
    """Return the address that a host is, in whatever form a resolver takes for one (127.1, 0x7f000001); else None."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host)) if _LAST_IS_A_NUMBER.fullmatch(host.lower()) else None
    except OSError:
        return None


def _entry(text: str) -> Entry:
    host, port = _split(text)
    if (network := _network(host)) is not None:
        return Entry(network, port)
    name = _plain(host)
    if _NAME.fullmatch(name) is None or _LAST_IS_A_NUMBER.fullmatch(name):
        raise BadDestination(
            f"{text!r} is no address, no CIDR range and no host name; IPv6 with a port is [2001:db8::/32]:22"
        )
    return Entry(name, port)


def _split(text: str) -> tuple[str, int | None]:
    if match := re.fullmatch(r"\[([^\[\]]*)\](?::(.*))?", text):
        host, port = match[1], match[2]
        if ":" not in host:
            raise BadDestination(f"{text!r}: brackets are for IPv6 addresses and ranges")
    elif text.count(":") == 1:
        host, port = text.split(":")
    else:
        host, port = text, None
    if port is None:
        return host, None
    if re.fullmatch(r"[0-9]{1,5}", port) is None or not 0 < int(port) <= _MAX_PORT:
        raise BadDestination(f"{text!r}: the port is a number from 1 to {_MAX_PORT}")
    return host, int(port)


def _network(text: str) -> Range | None:
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        if "/" not in text:
            return None
        raise BadDestination(
            f"{text!r} is no CIDR range: an address, /, and a length that leaves all bits behind it 0"
        ) from None
    extra = _MAPPED_BITS if network.version == 4 else 0  # noqa: PLR2004 - IPv4
    return Range(_number(network.network_address), network.prefixlen + extra)


def _cluster_range(text: str) -> Range:
    if (network := _network(text)) is None:
        raise BadDestination(f"{text!r} is no CIDR range, such as 10.244.0.0/16")
    return network


def _covers(of: Range | str, host: str, address: Address) -> bool:
    if isinstance(of, Range):
        return of.holds(_number(_embedded(address) or address)) or of.holds(_number(address))
    return _plain(host).endswith(of[1:]) and len(_plain(host)) >= len(of) if of.startswith("*.") else _plain(host) == of


def _opens(of: Range | str, closed_bits: int) -> bool:
    return of.bits >= closed_bits if isinstance(of, Range) else not of.startswith("*.")


def _plain(host: str) -> str:
    return host.lower().removesuffix(".")


def _embedded(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to, if it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if any(address in network for network in _NAT64) and int(address) > 1:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


def _number(address: Address) -> int:
    return int(address) | _MAPPED if isinstance(address, ipaddress.IPv4Address) else int(address)


_EVERYWHERE: Final = tuple(network for text in _REFUSED if (network := _network(text)))
