"""The files of OpenSSH: authorized_keys and its options, known_hosts, host certificates. Read, changed, rendered."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificateBuilder,
    SSHCertificateType,
)

from fuzz.json_mutations import JSON, dumped
from fuzz.mutations import BYTES, INSIDE, TEXT, WIRE
from fuzz.target import Target
from sshcredential_operator.api.target_spec import KEY_OPTIONS, HostKeyPolicy, HostKeys
from sshcredential_operator.keys.authorized_keys import BadOptions, options_of_a_line
from sshcredential_operator.keys.known_hosts import BadLine, known_hosts
from sshcredential_operator.ssh.authorized_edit import edit
from sshcredential_operator.ssh.authorized_keys import parse_key, parse_line, split_lines
from sshcredential_operator.ssh.host_certificates import fault_of, plain_key
from sshcredential_operator.ssh.host_keys import CertificateAuthority, Pinned
from sshcredential_operator.ssh.install_causes import NotInstalled
from sshcredential_operator.ssh.known_hosts import known_of
from sshcredential_operator.ssh.trusting import host_trust, known_hosts_lines
from sshcredential_operator.ssh.visit import Arrangement

MARK: Final = "sshcredential-operator:genomics/hpc-login:6f1c0a"
HOST: Final = "login.hpc.example.org"
NOW: Final = datetime(2026, 1, 31, tzinfo=UTC)
_OPTIONS: Final = (
    *("", "restrict", "restrict,pty", 'command="echo \\"a b\\"",no-pty', 'from="10.0.0.0/8"', 'command="a\\\\b c"'),
    *('command="a\\\\"', 'environment="A=b",expiry-time="20300101"', "cert-authority", 'principals="a,b"'),
)


@cache
def _keys() -> tuple[str, ...]:
    made = [ed25519.Ed25519PrivateKey.generate().public_key() for _ in range(3)]
    other = ec.generate_private_key(ec.SECP256R1()).public_key()
    lines = [key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) for key in made]
    return tuple(line.decode() for line in (*lines, other.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)))


def _authorized_seeds() -> list[bytes]:
    a, b, c, d = _keys()
    files = (
        *(
            "",
            f"{a}\n",
            f"# ours\n\n{b} someone\n{a} {MARK}\n",
            f'command="x y" {c} {MARK}\n{c}',
            f"{a} {MARK}\r\n\0{b}",
        ),
        f"restrict {d} {MARK}\n{d} x {MARK}\ncert-authority {a} {MARK}\n",
    )
    return [
        dumped({"content": file, "options": options, "wanted": wanted, "kept": kept})
        for file in files
        for options in _OPTIONS
        for wanted, kept in (([a, f"{b} ada@example"], []), ([c], [a]))
    ]


def _edited(data: bytes) -> str:
    """Take the content as Latin-1, so that JSON can hold any bytes."""
    asked = _object(data)
    content = asked.get("content")
    wanted, kept = _lines(asked.get("wanted")), _lines(asked.get("kept"))
    options = asked.get("options")
    if not isinstance(content, str) or not isinstance(options, str) or not KEY_OPTIONS.fullmatch(options):
        return "no input"
    before = content.encode("latin-1", "replace")
    arrangement = Arrangement(MARK, options, wanted, kept)
    try:
        once = edit(before, arrangement)
    except NotInstalled as refused:
        return refused.cause.value
    twice = edit(once.content, arrangement)
    assert twice.content == once.content, "a second edit changes the file"
    assert (twice.ours, twice.removed) == (once.ours, frozenset()), "a second edit tells something else"
    others = [line for raw in split_lines(before) if (line := parse_line(raw)).last_word != MARK.encode()]
    left = [line for raw in split_lines(once.content) if (line := parse_line(raw)).last_word != MARK.encode()]
    assert [line.raw.rstrip(b"\n") for line in others] == [line.raw.rstrip(b"\n") for line in left], "others' lines"
    ours = [line for raw in split_lines(once.content) if (line := parse_line(raw)).last_word == MARK.encode()]
    blobs = {key.blob for text in (*wanted, *kept) if (key := parse_key(text.encode()))}
    assert {line.blob for line in ours} <= blobs, "a line of ours lets in a key that nobody asked for"
    new = [line for line in ours if line.raw not in split_lines(before)]
    assert all(b" " <= bytes([byte]) <= b"~" for line in new for byte in line.raw.removesuffix(b"\n")), "not printable"
    return f"{len(once.ours)} ours, {len(once.by_hand)} by hand, {len(once.removed)} removed, {len(new) > 0}"


def _lines(raw: Any) -> tuple[str, ...]:
    """Return the public keys among the items: an arrangement holds nothing else."""
    items = [item for item in raw if isinstance(item, str)] if isinstance(raw, list) else []
    return tuple(item for item in items if item.isprintable() and parse_key(item.encode()))


def _options(data: bytes) -> str:
    """Whatever options are taken for a line, sshd sees in it just these, and the key."""
    text = data.decode("utf-8", "replace")
    taken = options_of_a_line(text)
    if isinstance(taken, BadOptions):
        assert taken.sentence.isprintable(), "control characters in a sentence"
        return taken.sentence[:24]
    key = _keys()[0]
    line = parse_line(f"{taken} {key}\n".encode())
    assert line.options == taken.encode(), "sshd reads other options than were taken"
    assert split_lines(f"{taken} {key}\n".encode()) == [line.raw], "options that end a line"
    return f"{min(taken.count(','), 4)} {line.blob is not None}"


def _known_seeds() -> list[bytes]:
    a, b, c, d = _keys()
    hashed = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg="
    texts = (
        f"{HOST} {a}\n",
        f"# comment\n\n*.example.org,!x.example.org {b} c\n{hashed} {c}\n",
        f"@cert-authority *.hpc.example.org {d}\n@revoked * {a}\n[{HOST}]:2222 {b}\r\n",
        f"{HOST},192.0.2.1,2001:db8::1\t{a}\n{HOST} ssh-dss AAAAB3NzaC1kc3MAAAAA\n",
    )
    return [text.encode() for text in texts]


def _known(data: bytes) -> str:
    text = data.decode("utf-8", "surrogateescape")
    told = [known_of(text, host, port) for host, port in ((HOST, 22), (HOST, 2222), ("2001:DB8::1", 22))]
    rendered = known_hosts(text)
    if isinstance(rendered, BadLine):
        assert all(known == rendered for known in told), "two readers name different lines"
        return "bad line" if rendered.number else "nothing"
    assert known_hosts(rendered) == rendered, "rendering twice changes the text"
    assert all(line.replace("\t", " ").isprintable() for line in rendered.split("\n")), "control characters in a line"
    return " ".join(_trusted(known, host, port) for known, (host, port) in zip(told, _ASKED, strict=True))


_ASKED: Final = ((HOST, 22), (HOST, 2222), ("2001:DB8::1", 22))


def _trusted(known: object, host: str, port: int) -> str:
    if isinstance(known, BadLine):
        return "unsound"
    assert not isinstance(known, str)
    counts = []
    for trust in (Pinned(known), CertificateAuthority(known, host, NOW)):  # type: ignore[arg-type]  # it is a Known
        lines = known_hosts_lines(trust, host, port)
        if lines:
            again = known_of(lines, host, port)
            assert not isinstance(again, BadLine), "what is rendered cannot be read"
            assert all(line.isprintable() and line.isascii() for line in lines.splitlines()), "odd characters"
            assert set(again.keys) <= set(known.keys), "rendering trusts another key"  # type: ignore[attr-defined]
            assert set(again.authorities) <= set(known.authorities), "another authority"  # type: ignore[attr-defined]
        counts.append(str(min(lines.count("\n"), 3)))
    return "".join(counts)


def _host_key_seeds() -> list[bytes]:
    return [dumped({"policy": policy.value, "keys": [*_keys(), f"{_keys()[0]} x"]}) for policy in HostKeyPolicy]


def _host_keys(data: bytes) -> str:
    asked = _object(data)
    keys = asked.get("keys")
    if asked.get("policy") not in ["Pinned", "CertificateAuthority"] or not isinstance(keys, list):
        return "no input"
    lines = tuple(key for key in keys if isinstance(key, str) and key.isascii() and key.isprintable())
    trust = host_trust(HostKeys(HostKeyPolicy(asked["policy"]), lines), host=HOST, port=22, now=NOW)
    if isinstance(trust, BadLine):
        return "bad line"
    rendered = known_hosts_lines(trust, HOST, 22)
    assert not rendered or isinstance(known_hosts(rendered), str), "what is rendered cannot be read"
    return f"{asked['policy']} {min(len(lines), 3)}"


@cache
def _certified() -> tuple[bytes, bytes, tuple[bytes, ...]]:
    """Return the key of an authority, that of a host, and certificates of the latter."""
    authority, host = ed25519.Ed25519PrivateKey.generate(), ed25519.Ed25519PrivateKey.generate().public_key()
    builder = SSHCertificateBuilder().public_key(host).serial(1).type(SSHCertificateType.HOST).key_id(b"id")
    builder = builder.valid_after(0).valid_before(2**63)
    made = [builder.valid_principals([HOST.encode()]), builder.valid_principals([b"*.example.org", b"x"])]
    blobs = [base64.b64decode(one.sign(authority).public_bytes().split()[1]) for one in made]
    plain = [key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) for key in (authority.public_key(), host)]
    first, second = (base64.b64decode(line.split()[1]) for line in plain)
    return first, second, tuple(blobs)


def _certificate(data: bytes) -> str:
    authority, host, good = _certified()
    fault = fault_of(data, {authority}, HOST, NOW)
    plain_key(data)
    if fault is None:
        assert data in good, "a changed certificate speaks for the host"
        assert plain_key(data) == host
    return fault.value if fault else "good"


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


TARGETS: Final = (
    Target(
        "authorized-keys",
        "An edit leaves others' lines as they are, lets in wanted keys only, writes printable lines, and done twice "
        "changes nothing.",
        _authorized_seeds,
        JSON,
        _edited,
    ),
    Target(
        "authorized-options",
        "Options that are taken are what sshd sees before the key, all on one line.",
        lambda: [options.encode() for options in _OPTIONS],
        TEXT,
        _options,
    ),
    Target(
        "known-hosts",
        "A text is read or its bad line is named; rendering is idempotent, printable, and trusts nothing else.",
        _known_seeds,
        (*TEXT, *BYTES, *INSIDE),
        _known,
    ),
    Target("host-keys", "Host keys of a spec are read or the bad one is named.", _host_key_seeds, JSON, _host_keys),
    Target(
        "host-certificates",
        "A certificate that was changed in any bit never speaks for the host.",
        lambda: _certified()[2],
        WIRE,
        _certificate,
    ),
)
