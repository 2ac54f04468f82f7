"""What the person who runs it gives: options, the policy file, times; and manifests that `sshcred validate` judges."""

from __future__ import annotations

import ipaddress
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import click

from fuzz.json_mutations import JSON
from fuzz.mutations import BYTES, INSIDE, TEXT
from fuzz.target import Target
from fuzz.targets.key_seeds import key_files
from sshcredential_operator.api.durations import LONGEST_DURATION, parse_duration
from sshcredential_operator.api.timestamps import format_timestamp, parse_timestamp
from sshcredential_operator.cli.operator import _policies
from sshcredential_operator.cli.process_options import where
from sshcredential_operator.controller.root_sources import parse_source
from sshcredential_operator.manifests.inspect import Inspection
from sshcredential_operator.ssh.destinations import BadDestination, destinations


def _listen(text: str) -> str:
    try:
        place = where("own", ("genomics",), text, all_namespaces=False)
    except click.UsageError as error:
        return _sentence(error.message)
    assert 0 <= place.port <= 65535
    return "listens"


def _root_source(text: str) -> str:
    named = parse_source(text)
    return "none" if named is None else named.source.value


def _destination(text: str) -> str:
    told = []
    for allowed, cluster in (((text,), ()), ((), (text,))):
        try:
            found = destinations(allowed, cluster)
        except BadDestination as bad:
            _sentence(bad.sentence)
            told.append("refused")
            continue
        loopback = found.allow("127.0.0.1", ipaddress.ip_address("127.0.0.1"), 22)
        assert not loopback or "127" in text or "local" in text.lower() or _is_name(text), "opens the loopback unasked"
        told.append(str(loopback))
    return " ".join(told)


def _is_name(text: str) -> bool:
    """Tell whether the entry is a name: it allows whatever that leads to, and the host asked about is 127.0.0.1."""
    return text.split(":", maxsplit=1)[0].lower().removesuffix(".") == "127.0.0.1"


def _duration(text: str) -> str:
    found = parse_duration(text)
    assert found is None or found <= LONGEST_DURATION
    return str(found is None)


def _timestamp(text: str) -> str:
    found = parse_timestamp(text)
    if found is None:
        return "none"
    assert format_timestamp(found) == text, "a time in another spelling"
    return "a time"


_OPTIONS: Final[dict[str, tuple[Callable[[str], str], tuple[str, ...]]]] = {
    "listen": (_listen, ("127.0.0.1:8080", ":8080", "[::1]:0")),
    "root-source": (_root_source, ("secret", "file:/etc/root", "kms:/run/kms.sock", "kms:unix:///run/kms.sock")),
    "destination": (
        _destination,
        (
            "10.0.0.0/8",
            "10.0.0.0/8:22",
            "*.example.org",
            "login.example.org:22",
            "[2001:db8::/32]:22",
            "127.0.0.1",
            "::1",
        ),
    ),
    "duration": (_duration, ("168h", "1h30m", "0s", "87600h", "1h001m1s")),
    "timestamp": (_timestamp, ("2026-11-23T17:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")),
}


def _option(data: bytes) -> str:
    """An input is `name=value`."""
    name, _, text = data.decode("utf-8", "replace").partition("=")
    if name not in _OPTIONS:
        return "no input"
    return f"{name} {_OPTIONS[name][0](text)}"


def _option_seeds() -> list[bytes]:
    return [f"{name}={value}".encode() for name, (_, values) in _OPTIONS.items() for value in values]


def _sentence(text: str) -> str:
    assert text.isprintable(), "control characters in a sentence"
    return text[:60]


_POLICY: Final = """default:
  minRsaBits: 3072
  algorithms: [Ed25519, RSA]
  longestAge: 8760h
workspaces:
  genomics: {minRsaBits: 4096}
  physics: {longestAge: null}
"""


def _policy(data: bytes) -> str:
    """Read the file as the command line does."""
    file = _folder() / "policy.yaml"
    file.write_bytes(data)
    try:
        _policies(file)
    except click.ClickException as error:
        return _sentence(error.message.replace(str(file), "FILE"))[:60]
    return "a policy"


@cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="fuzz-"))


def _manifests() -> list[bytes]:
    credential = b"""apiVersion: sshcredentials.dev/v1alpha1
kind: SSHCredential
metadata: {name: hpc-login, namespace: genomics}
spec:
  generate: {algorithm: Ed25519, comment: "genomics@hpc"}
  rotation: {serial: 1}
"""
    aliases = b"a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\n<<: {kind: List}\nitems: []\n"
    target = credential.replace(b"SSHCredential", b"SSHTarget").replace(b"generate", b"hostKeys")
    with_key = b"apiVersion: v1\nkind: Secret\nmetadata: {name: x}\nstringData:\n  key: |\n    " + key_files()[
        0
    ].replace(b"\n", b"\n    ")
    return [credential, credential + b"---\n" + target, aliases, with_key, b'{"kind": "List", "items": [{}]}']


def _inspected(data: bytes) -> str:
    found = list(Inspection(namespace="genomics").findings("x.yaml", data))
    for finding in found:
        for text in (finding.says, finding.object, finding.field, finding.rule):
            assert text.isprintable() or not text, f"control characters in a finding: {finding.rule}"
    return " ".join(sorted({finding.rule for finding in found})[:4])


TARGETS: Final = (
    Target("options", "An option is taken, or refused in one sentence.", _option_seeds, (*TEXT, *BYTES), _option),
    Target(
        "policy-file",
        "A policy file is read, or refused in one sentence.",
        lambda: [_POLICY.encode(), b"default: {}\n", b"{}"],
        (*TEXT, *BYTES, *JSON),
        _policy,
    ),
    Target(
        "manifests",
        "Whatever is called a manifest, `sshcred validate` says what is wrong with it, each on one line.",
        _manifests,
        (*TEXT, *BYTES, *INSIDE),
        _inspected,
    ),
)
