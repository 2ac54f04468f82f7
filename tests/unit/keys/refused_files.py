"""Files that are no good, for `test_refusals`: each is a good one with one thing wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.keys.wire import string
from unit.keys.key_files import (
    ED25519,
    P256,
    TRADITIONAL,
    KeyFiles,
    der_int,
    ed25519_seed,
    oid,
    openssh_file,
    openssh_section,
    pem,
    pem_body,
    private_file,
    run,
    seq,
    tlv,
)

OPENSSH_LABEL = "OPENSSH PRIVATE KEY"


class Case(NamedTuple):
    name: str
    reason: KeyRefusal
    file: Callable[[KeyFiles], bytes]
    detail: dict[str, int | str] = {}  # noqa: RUF012 - never changed


def fixed(content: bytes) -> Callable[[KeyFiles], bytes]:
    return lambda _: content


def openssl(*arguments: str) -> Callable[[KeyFiles], bytes]:
    return lambda _: run("openssl", *arguments)


def relabelled(file: bytes, label: bytes) -> bytes:
    lines = file.splitlines(keepends=True)
    return b"".join([b"-----BEGIN %s-----\n" % label, *lines[1:-1], b"-----END %s-----\n" % label])


def dsa_by_ssh_keygen(files: KeyFiles) -> bytes:
    path = files.original(ED25519).with_name("dsa")
    if not path.exists():
        run("ssh-keygen", "-q", "-t", "dsa", "-N", "", "-f", path)
    return path.read_bytes()


def dsa_pkcs8(files: KeyFiles) -> bytes:
    path = private_file(files.original(ED25519).with_name("dsa8"), dsa_by_ssh_keygen(files))
    run("ssh-keygen", "-q", "-p", "-P", "", "-N", "", "-m", "PKCS8", "-f", path)
    return path.read_bytes()


def certificate(files: KeyFiles) -> bytes:
    public = files.original(ED25519).with_suffix(".pub")
    run("ssh-keygen", "-q", "-s", files.original(P256), "-I", "someone", public)
    return public.with_name(public.stem + "-cert.pub").read_bytes()


def x509_certificate(_: KeyFiles) -> bytes:
    command = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout /dev/null -subj /CN=x"
    return run("openssl", *command.split())


def hardware_key(_: KeyFiles) -> bytes:
    key = string(b"sk-ssh-ed25519@openssh.com") + string(bytes(32)) + string(b"ssh:")
    return openssh_file(key, openssh_section(key + b"\1" + string(b"handle") + string(b"")))


def two_in_one_container(files: KeyFiles) -> bytes:
    body = pem_body(files.file(ED25519))
    count_at = len(b"openssh-key-v1\0") + 2 * len(string(b"none")) + len(string(b""))
    return pem("OPENSSH PRIVATE KEY", body[:count_at] + b"\0\0\0\2" + body[count_at + 4 :])


def ed25519_with(files: KeyFiles, *, outer: bool = False, inner: bool = False, tail: bool = False) -> bytes:
    """Return the Ed25519 key with another's public half in one of the three places where it stands."""
    right = ed25519_public(files)
    halves = [bytes(32) if wrong else right for wrong in (outer, inner, tail)]
    public = string(b"ssh-ed25519") + string(halves[0])
    secret = string(ed25519_seed(files.file(ED25519)) + halves[2])
    return openssh_file(public, openssh_section(string(b"ssh-ed25519") + string(halves[1]) + secret))


def ed25519_public(files: KeyFiles) -> bytes:
    body = pem_body(files.file(ED25519))
    head = string(b"ssh-ed25519") + b"\0\0\0\x20"
    start = body.index(head) + len(head)
    return body[start : start + 32]


def ec_with_the_point_of_another(files: KeyFiles) -> bytes:
    body = pem_body(files.file(P256, TRADITIONAL))
    other = run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-outform", "DER")
    return pem("EC PRIVATE KEY", body[:-65] + other[-65:])


def ec_key_of_two_curves() -> bytes:
    """Return a PKCS#8 file of P-384 whose inner key says P-256."""
    p256, p384 = bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2b81040022")
    inner = seq(der_int(1), tlv(4, b"\1" * 32), tlv(0xA0, oid(p256)))
    algorithm = seq(oid(bytes.fromhex("2a8648ce3d0201")), oid(p384))
    return pem("PRIVATE KEY", seq(der_int(0), algorithm, tlv(4, inner)))


def with_one_octet_changed(file: bytes, at: int) -> bytes:
    """Change one octet of a file's body, counted from its end."""
    label = file.splitlines()[0].decode()[len("-----BEGIN ") : -len("-----")]
    body = bytearray(pem_body(file))
    body[at] ^= 1
    return pem(label, bytes(body))


def other_check_number(files: KeyFiles) -> bytes:
    body = bytearray(pem_body(files.file(ED25519)))
    seed_at = bytes(body).index(ed25519_seed(files.file(ED25519)))
    body[seed_at - 4 - 4 - 32 - 4 - 11 - 4 - 1] ^= 1
    return pem(OPENSSH_LABEL, bytes(body))


def padded_file(files: KeyFiles) -> bytes:
    """Return an OpenSSH file that has padding."""
    public = string(b"ssh-ed25519") + string(ed25519_public(files))
    secret = string(ed25519_seed(files.file(ED25519)) + ed25519_public(files))
    return openssh_file(public, openssh_section(public + secret, b"123"))
