"""`ssh/known_hosts.py`: it finds what ssh-keygen finds, and says which line is wrong."""

from __future__ import annotations

import base64
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sshcredential_operator.keys.known_hosts import MAX_BYTES, BadLine, host_lines
from sshcredential_operator.keys.wire import mpint, string
from sshcredential_operator.ssh.known_hosts import Known, host_key, known_of, lookup_name, matches
from unit.keys.key_files import ED25519, KINDS, P256, P384, RSA2048, KeyFiles
from unit.ssh.certificates import blob_in, short

FOUND = re.compile(r"^# Host .* found: line (\d+)", re.MULTILINE)
NAMES = ("a", "b", "ab", "a.b", "a.a.b", "192.0.2.1", "2001:db8::1")
PORTS = (22, 2222)

name = st.sampled_from([lookup_name(host, port) for host in NAMES for port in PORTS])
pattern = st.one_of(name, name.map(str.upper), st.text("ab.*?[]:2!", min_size=1, max_size=8))
hosts = st.lists(pattern, min_size=1, max_size=4).map(",".join).filter(lambda text: not text.startswith("#"))
marker = st.sampled_from(["", "", "@cert-authority ", "@revoked "])
lines = st.lists(st.tuples(marker, hosts), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def key(key_files: KeyFiles) -> str:
    return short(key_files.line(ED25519))


def ssh_keygen_finds(asked: str, file: Path) -> set[int]:
    done = subprocess.run(["ssh-keygen", "-F", asked, "-f", file], capture_output=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return {int(line) for line in FOUND.findall(done.stdout.decode())}


def we_find(asked: str, text: str) -> set[int]:
    read = host_lines(text)
    assert not isinstance(read, BadLine)
    return {line.number for line in read if matches(line.hosts, asked)}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=lines, asked=name)
def test_ssh_keygen_finds_the_same_lines(lines: list[tuple[str, str]], asked: str, key: str, tmp_path: Path) -> None:
    text = "".join(f"{mark}{field} {key}\n" for mark, field in lines)
    file = tmp_path / "known_hosts"
    file.write_text(text)
    assert we_find(asked, text) == ssh_keygen_finds(asked, file)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(name, min_size=1, max_size=6), asked=name)
def test_ssh_keygen_finds_the_same_hashed_lines(written: list[str], asked: str, key: str, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text("".join(f"{host} {key}\n" for host in written))
    subprocess.run(["ssh-keygen", "-H", "-f", file], check=True, capture_output=True)
    text = file.read_text()
    assert text.startswith("|1|")
    assert we_find(asked, text) == ssh_keygen_finds(asked, file)
    assert we_find(asked, text) == {number for number, host in enumerate(written, 1) if host == asked}


NAMED = [
    pytest.param("Login.Example.org", 22, "login.example.org", id="a name in lower case"),
    pytest.param("login.example.org", 2222, "[login.example.org]:2222", id="another port"),
    pytest.param("2001:DB8:0::1", 22, "2001:db8::1", id="an address in its shortest form"),
    pytest.param("2001:db8::1", 2222, "[2001:db8::1]:2222", id="an address and another port"),
    pytest.param("192.0.2.1", 22, "192.0.2.1", id="an old address"),
]


@pytest.mark.parametrize(("host", "port", "expected"), NAMED)
def test_a_server_stands_under_one_name(host: str, port: int, expected: str) -> None:
    assert lookup_name(host, port) == expected


KNOWN = [
    pytest.param("h {a}\nh {b}\nother {c}\n", 22, "ab", "", "", id="several types of one host"),
    pytest.param("h {a}\nh {a}\n", 22, "a", "", "", id="the same key twice"),
    pytest.param("# words\r\n\r\nh {a} words\r\n", 22, "a", "", "", id="CRLF, a comment and an empty line"),
    pytest.param("h {a}\n[h]:2222 {b}\n", 2222, "b", "", "", id="the full name goes before the plain one"),
    pytest.param("h {a}\n[h]:2222 {b}\n", 22, "a", "", "", id="port 22 has the plain name only"),
    pytest.param("h {a}\n", 2222, "a", "", "", id="the plain name where nothing else is"),
    pytest.param("[h]:22 {a}\n", 22, "", "", "", id="brackets with port 22 mean nobody"),
    pytest.param("@cert-authority h {a}\n[h]:2222 {b}\n", 2222, "b", "a", "", id="an authority of the plain name"),
    pytest.param("@cert-authority *.x {a}\n", 22, "", "", "", id="an authority of others"),
    pytest.param("@revoked * {a}\nh {a}\n", 22, "a", "", "a", id="a key revoked for all"),
    pytest.param("@revoked h {a}\n[h]:2222 {a}\n", 2222, "a", "", "a", id="a key revoked under the plain name"),
    pytest.param("@revoked other {a}\nh {a}\n", 22, "a", "", "", id="a key revoked for others"),
    pytest.param("h ssh-dss AAAAB3NzaC1kc3MAAAAA\nh {a}\n", 22, "a", "", "", id="a type that is no longer read"),
]


@pytest.mark.parametrize(("text", "port", "keys", "authorities", "revoked"), KNOWN)
def test_what_a_file_says_of_a_host(
    text: str, port: int, keys: str, authorities: str, revoked: str, key_files: KeyFiles
) -> None:
    by_letter = dict(zip("abc", map(key_files.line, (ED25519, P256, RSA2048)), strict=True))

    def blobs(letters: str) -> tuple[bytes, ...]:
        return tuple(blob_in(by_letter[letter]) for letter in letters)

    known = known_of(text.format(**{letter: short(line) for letter, line in by_letter.items()}), "h", port)
    assert known == Known(blobs(keys), blobs(authorities), frozenset(blobs(revoked)))


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


SALT, HASH = b64(bytes(20)), b64(bytes(20))
BAD = [
    pytest.param("", 0, id="nothing"),
    pytest.param("#" * (MAX_BYTES + 1), 0, id="too long"),
    pytest.param("# words\r\n\r\nh ssh-ed25519\r\n", 3, id="no key, counted with comments and empty lines"),
    pytest.param("h {a}\nh ssh-ed25519 {short}\n", 2, id="a key cut short inside"),
    pytest.param("h {a}\nh ssh-rsa {even}\n", 2, id="an RSA key with an even exponent"),
    pytest.param(f"|1|{SALT} {{a}}\n", 1, id="a hashed name without a hash"),
    pytest.param(f"|2|{SALT}|{HASH} {{a}}\n", 1, id="a hashed name of another kind"),
    pytest.param(f"|1|{SALT}|{b64(bytes(19))} {{a}}\n", 1, id="a hash cut short"),
    pytest.param(f"|1||{HASH} {{a}}\n", 1, id="a hash without salt"),
    pytest.param(f"|1|{SALT}|{HASH},h {{a}}\n", 1, id="a hashed name in a list"),
    pytest.param("@cert-authority {a}\n", 1, id="an authority for nobody"),
]


@pytest.mark.parametrize(("text", "line"), BAD)
def test_a_line_that_ssh_would_pass_over_is_told_by_its_number(text: str, line: int, key: str) -> None:
    short_key = b64(string(b"ssh-ed25519") + string(bytes(31)))
    even = b64(string(b"ssh-rsa") + mpint(65536) + mpint(2**2047 + 1))
    given_text = text.replace("{a}", key).replace("{short}", short_key).replace("{even}", even)
    assert known_of(given_text, "h", 22) == BadLine(line)


@given(st.text() | st.text("@|1hrevokdct-auiy *?!,[]:\t\r\n= "), st.integers(1, 65535))
def test_no_text_is_too_odd(text: str, port: int) -> None:
    assert isinstance(known_of(text, "h", port), Known | BadLine)


@given(field=st.text("ab*?!,|1[]", max_size=60), extra=st.text(max_size=9))
def test_no_field_of_hosts_is_too_odd(field: str, extra: str, key: str) -> None:
    assert isinstance(known_of(f"{field}{extra} {key}\n", "ab", 22), Known | BadLine)


def test_every_type_of_key_is_one_that_a_server_can_show(key_files: KeyFiles) -> None:
    for kind in (*KINDS, P384):
        shown = host_key(blob_in(key_files.line(kind)))
        assert shown is not None
        assert shown.bits == kind.bits


def test_an_rsa_key_that_ssh_would_not_take_is_none_of_a_server() -> None:
    assert host_key(string(b"ssh-rsa") + mpint(65537) + mpint(2**1022 + 1)) is None
    assert host_key(string(b"ssh-rsa") + mpint(65537) + mpint(2**1023 + 1)) is not None
