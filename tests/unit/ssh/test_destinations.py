"""Where connections may go."""

from __future__ import annotations

import ipaddress

import pytest

from sshcredential_operator.ssh.destinations import BadDestination, Destinations, destinations, literal


def allows(given: Destinations, host: str, port: int = 22, address: str | None = None) -> bool:
    return given.allow(host, ipaddress.ip_address(address or host), port)


@pytest.mark.parametrize(
    "address", ["192.0.2.1", "10.1.2.3", "172.16.0.1", "100.64.0.1", "2001:db8::1", "fd00::1", "64:ff9b::c000:201"]
)
def test_without_an_option_ordinary_addresses_are_allowed(address: str) -> None:
    assert allows(Destinations(), address)


REFUSED = [
    pytest.param("127.0.0.1", id="the loopback"),
    pytest.param("127.255.0.9", id="another address of the loopback"),
    pytest.param("0.0.0.0", id="the unspecified address, which leads to the loopback"),  # noqa: S104 - nothing listens
    pytest.param("0.1.2.3", id="this network"),
    pytest.param("169.254.169.254", id="the clouds' metadata"),
    pytest.param("169.254.0.1", id="link-local"),
    pytest.param("100.100.100.200", id="Alibaba's metadata"),
    pytest.param("168.63.129.16", id="Azure's metadata"),
    pytest.param("192.0.0.192", id="Oracle's metadata"),
    pytest.param("fd00:ec2::254", id="Amazon's metadata in IPv6"),
    pytest.param("fd20:ce::254", id="Google's metadata in IPv6"),
    pytest.param("224.0.0.1", id="multicast"),
    pytest.param("255.255.255.255", id="broadcast"),
    pytest.param("::", id="the unspecified address of IPv6"),
    pytest.param("::1", id="the loopback of IPv6"),
    pytest.param("fe80::1", id="link-local of IPv6"),
    pytest.param("ff02::1", id="multicast of IPv6"),
    pytest.param("::ffff:127.0.0.1", id="the loopback, mapped"),
    pytest.param("::ffff:169.254.169.254", id="the metadata, mapped"),
    pytest.param("::ffff:0:127.0.0.1", id="the loopback, translated"),
    pytest.param("::127.0.0.1", id="the loopback, IPv4-compatible"),
    pytest.param("64:ff9b::7f00:1", id="the loopback by NAT64"),
    pytest.param("64:ff9b::a9fe:a9fe", id="the metadata by NAT64"),
    pytest.param("2002:7f00:1::1", id="the loopback by 6to4"),
    pytest.param("2002:a9fe:a9fe::", id="the metadata by 6to4"),
    pytest.param("2001:0:4136:e378:8000:63bf:5601:5601", id="the metadata by Teredo"),
    pytest.param("10.244.3.4", id="a pod"),
    pytest.param("::ffff:10.244.3.4", id="a pod, mapped"),
    pytest.param("fd00:10:96::a", id="a service of IPv6"),
]
CLUSTER = ("10.244.0.0/16", "10.96.0.0/12", "fd00:10:96::/112")


@pytest.mark.parametrize("address", REFUSED)
def test_without_an_option_this_is_refused(address: str) -> None:
    assert not allows(destinations((), CLUSTER), address)


@pytest.mark.parametrize("address", REFUSED)
def test_a_range_for_everything_does_not_open_what_is_refused(address: str) -> None:
    assert not allows(destinations(("0.0.0.0/0", "::/0"), CLUSTER), address)


@pytest.mark.parametrize("address", REFUSED)
def test_its_own_entry_opens_what_is_refused(address: str) -> None:
    assert allows(destinations((f"[{address}]:22" if ":" in address else f"{address}:22",), CLUSTER), address)


@pytest.mark.parametrize("address", REFUSED)
def test_a_name_opens_what_it_leads_to_and_a_wildcard_does_not(address: str) -> None:
    assert allows(destinations(("login.example.org",), CLUSTER), "login.example.org", address=address)
    assert not allows(destinations(("*.example.org",), CLUSTER), "login.example.org", address=address)


@pytest.mark.parametrize(
    ("entries", "host", "port", "address", "allowed"),
    [
        pytest.param(("192.0.2.0/24",), "192.0.2.9", 22, None, True, id="an address of a range"),
        pytest.param(("192.0.2.0/24",), "192.0.3.9", 22, None, False, id="an address outside of it"),
        pytest.param(("192.0.2.0/24",), "x.example.org", 22, "192.0.2.9", True, id="a name that leads into a range"),
        pytest.param(("192.0.2.0/24:2222",), "192.0.2.9", 2222, None, True, id="at the port of the entry"),
        pytest.param(("192.0.2.0/24:2222",), "192.0.2.9", 22, None, False, id="at another port"),
        pytest.param(("[2001:db8::/32]:22",), "2001:db8::9", 22, None, True, id="IPv6 in brackets"),
        pytest.param(("[2001:db8::/32]:22",), "2001:db8::9", 23, None, False, id="IPv6 in brackets, at another port"),
        pytest.param(("[2001:db8::9]",), "2001:db8::9", 23, None, True, id="IPv6 in brackets without a port"),
        pytest.param(("2001:db8::/32",), "2001:db8::9", 22, None, True, id="IPv6 without brackets"),
        pytest.param(("192.0.2.0/24",), "x", 22, "64:ff9b::c000:209", True, id="a range reached by NAT64"),
        pytest.param(("192.0.2.0/24",), "x", 22, "::ffff:192.0.2.9", True, id="a range reached by a mapped address"),
        pytest.param(("login.example.org",), "LOGIN.example.org.", 22, "192.0.2.1", True, id="a name, however written"),
        pytest.param(("login.example.org",), "a.login.example.org", 22, "192.0.2.1", False, id="a name below it"),
        pytest.param(("login.example.org",), "other.example.org", 22, "192.0.2.1", False, id="another name"),
        pytest.param(("login.example.org:22",), "login.example.org", 23, "192.0.2.1", False, id="a name, other port"),
        pytest.param(("*.example.org",), "a.b.example.org", 22, "192.0.2.1", True, id="a name below a wildcard"),
        pytest.param(("*.example.org",), "example.org", 22, "192.0.2.1", False, id="the wildcard's own name"),
        pytest.param(("*.example.org",), ".example.org", 22, "192.0.2.1", False, id="nothing before a wildcard"),
        pytest.param(("*.example.org",), "badexample.org", 22, "192.0.2.1", False, id="a name that only ends so"),
        pytest.param(("10.0.0.0/8",), "10.244.1.1", 22, None, False, id="a wider range than a cluster's"),
        pytest.param(("10.0.0.0/8",), "10.1.1.1", 22, None, True, id="a wider range, beside the cluster's"),
        pytest.param(("10.244.1.0/24",), "10.244.1.1", 22, None, True, id="a part of the cluster's range"),
        pytest.param(("10.244.0.0/16",), "10.244.1.1", 22, None, True, id="the cluster's whole range"),
        pytest.param(("0.0.0.0/0", "10.96.0.10"), "10.96.0.10", 22, None, True, id="everything, and one service"),
        pytest.param(("0.0.0.0/0", "10.96.0.10"), "10.96.0.11", 22, None, False, id="the service beside it"),
    ],
)
def test_entries_allow_what_they_list(
    entries: tuple[str, ...], host: str, port: int, address: str | None, allowed: bool
) -> None:
    assert allows(destinations(entries, CLUSTER), host, port, address) is allowed


@pytest.mark.parametrize(
    ("entries", "host", "allowed"),
    [
        pytest.param((), "login.intern", True, id="a name is the jump host's business"),
        pytest.param(("bastion.example.org",), "login.intern", True, id="also where entries are given"),
        pytest.param((), "10.1.2.3", True, id="an address"),
        pytest.param(("bastion.example.org",), "10.1.2.3", False, id="an address that is not listed"),
        pytest.param(("bastion.example.org", "10.1.2.0/24"), "10.1.2.3", True, id="an address that is listed"),
        pytest.param((), "127.0.0.1", False, id="the jump host's loopback"),
        pytest.param((), "127.1", False, id="the same, shorter"),
        pytest.param((), "2130706433", False, id="the same, as one number"),
        pytest.param((), "0x7f.0.0.1", False, id="the same, in hexadecimal"),
        pytest.param((), "0177.0.0.1", False, id="the same, in octal"),
        pytest.param((), "127.0.0.1.", False, id="the same, with a dot, which some resolvers pass over"),
        pytest.param((), "localhost", False, id="the same, by name"),
        pytest.param((), "LOCALHOST.", False, id="the same, by a name with a dot"),
        pytest.param((), "x.localhost", False, id="the same, by a name below it"),
        pytest.param((), "localhost.localdomain", False, id="the same, with its domain"),
        pytest.param((), "::1", False, id="the same, in IPv6"),
        pytest.param((), "169.254.169.254", False, id="the metadata of the jump host's cloud"),
        pytest.param(("localhost",), "localhost", True, id="localhost, where it is listed"),
        pytest.param(("127.0.0.1",), "localhost", True, id="localhost, where its address is listed"),
    ],
)
def test_behind_a_jump_host(entries: tuple[str, ...], host: str, allowed: bool) -> None:
    assert destinations(entries, CLUSTER).allow_through(host, 22) is allowed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("", "no address", id="nothing"),
        pytest.param("10.0.0.1/8", "leaves all bits behind it 0", id="bits behind the length"),
        pytest.param("10.0.0.0/33", "no CIDR range", id="a length that is too long"),
        pytest.param("login.example.org/24", "no CIDR range", id="a name with a length"),
        pytest.param("10.0.0.0/8:0", "from 1 to 65535", id="port 0"),
        pytest.param("10.0.0.0/8:65536", "from 1 to 65535", id="a port that is too high"),
        pytest.param("login.example.org:ssh", "from 1 to 65535", id="a port by name"),
        pytest.param("login.example.org:", "from 1 to 65535", id="an empty port"),
        pytest.param("2001:db8::1:22x", "[2001:db8::/32]:22", id="IPv6 with a port and without brackets"),
        pytest.param("[10.0.0.0/8]:22", "brackets are for IPv6", id="IPv4 in brackets"),
        pytest.param("[2001:db8::1", "no address", id="an open bracket"),
        pytest.param("login.*.org", "no address", id="a wildcard within"),
        pytest.param("*", "no address", id="a wildcard alone"),
        pytest.param("*login.example.org", "no address", id="a wildcard without a dot"),
        pytest.param("127.1", "no address", id="a short form of an address"),
        pytest.param("0x7f000001", "no address", id="a number"),
        pytest.param("login example", "no address", id="a blank"),
        pytest.param("ssh://login.example.org", "from 1 to 65535", id="a URL"),
    ],
)
def test_what_is_no_destination_is_refused_with_the_text_that_was_given(text: str, says: str) -> None:
    with pytest.raises(BadDestination) as caught:
        destinations((text,))

    assert says in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["example.org", "*.example.org", "10.244.0.0/33", ""])
def test_a_cluster_range_is_a_cidr_range(text: str) -> None:
    with pytest.raises(BadDestination):
        destinations((), (text,))


@pytest.mark.parametrize("host", ["login.example.org", "a-1", "0x7g.example", "1.2.3.4.5", "10.example.org"])
def test_a_name_is_no_address(host: str) -> None:
    assert literal(host) is None
