"""Key files of every kind and format, made with the real ssh-keygen and openssl, or put together by hand.

Making an RSA key and re-encrypting a file takes a while, so `KeyFiles` makes each file once in a session.
"""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.keys.wire import string, uint32

PASSPHRASE: Final = b"correct horse 7"
COMMENT: Final = "ada@example"


class Kind(NamedTuple):
    algorithm: Algorithm
    bits: int

    def __str__(self) -> str:
        return f"{self.algorithm} {self.bits}"


ED25519: Final = Kind(Algorithm.ED25519, 256)
P256: Final = Kind(Algorithm.ECDSA, 256)
P384: Final = Kind(Algorithm.ECDSA, 384)
P521: Final = Kind(Algorithm.ECDSA, 521)
RSA2048: Final = Kind(Algorithm.RSA, 2048)
RSA3072: Final = Kind(Algorithm.RSA, 3072)
KINDS: Final = (ED25519, P256, P384, P521, RSA2048, RSA3072)
ONE_OF_EACH: Final = (ED25519, P256, RSA2048)

OPENSSH: Final = "OpenSSH"
TRADITIONAL: Final = "PKCS#1 or SEC1"
PKCS8: Final = "PKCS#8"
PPK: Final = "PuTTY"
FORMATS: Final = (OPENSSH, TRADITIONAL, PKCS8)
FORMAT_OPTIONS: Final = {OPENSSH: (), TRADITIONAL: ("-m", "PEM"), PKCS8: ("-m", "PKCS8")}

EXISTING: Final = tuple((kind, form) for kind in KINDS for form in FORMATS if (kind, form) != (ED25519, TRADITIONAL))
"""There is no traditional form of Ed25519."""

EVERY_FORM: Final = tuple((kind, form) for kind, form in EXISTING if kind in ONE_OF_EACH)
"""For what does not depend on the size."""


def run(*command: str | Path, given: bytes = b"") -> bytes:
    """Return what a program prints; it must succeed."""
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def private_file(path: Path, content: bytes) -> Path:
    """Write a file that ssh-keygen is willing to read."""
    path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def public_line(path: Path, passphrase: bytes = b"") -> str:
    """Return what `ssh-keygen -y` says a private key file's public half is."""
    return run("ssh-keygen", "-y", "-P", passphrase.decode(), "-f", path).decode().strip()


class KeyFiles:
    """Files that are made when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[object, ...], bytes] = {}

    def original(self, kind: Kind) -> Path:
        """Return the OpenSSH file, without passphrase, that all other forms of this key are made from."""
        path = self._folder / f"{kind.algorithm}-{kind.bits}"
        if not path.exists():
            size = () if kind.algorithm is Algorithm.ED25519 else ("-b", str(kind.bits))
            run("ssh-keygen", "-q", "-t", kind.algorithm.lower(), *size, "-N", "", "-C", COMMENT, "-f", path)
        return path

    def line(self, kind: Kind) -> str:
        """Return the public half, with its comment."""
        return self.original(kind).with_suffix(".pub").read_text().strip()

    def file(self, kind: Kind, form: str = OPENSSH, passphrase: bytes = b"", *options: str) -> bytes:
        """Return the key in this form; `options` go to ssh-keygen."""
        made = (kind, form, passphrase, options)
        if made not in self._made:
            self._made[made] = self._file(kind, form, passphrase, options)
        return self._made[made]

    def _file(self, kind: Kind, form: str, passphrase: bytes, options: tuple[str, ...]) -> bytes:
        content = self.original(kind).read_bytes()
        if (kind, form) == (ED25519, PKCS8):
            return ed25519_pkcs8(content, passphrase)
        if form == OPENSSH and not passphrase:
            return content
        if form == PPK:
            return self._ppk(kind, passphrase, options)
        path = private_file(self._folder / "work", content)
        how = (*FORMAT_OPTIONS[form], "-a", "1", *options)
        run("ssh-keygen", "-q", "-p", "-P", "", "-N", passphrase.decode(), *how, "-f", path)
        return path.read_bytes()

    def _ppk(self, kind: Kind, passphrase: bytes, parameters: tuple[str, ...]) -> bytes:
        """Return the key as puttygen writes it; `parameters` are those of --ppk-param, few passes if there are none."""
        secret = private_file(self._folder / "passphrase", passphrase)
        options = ",".join(parameters or ("passes=1",))
        path = self._folder / "made.ppk"
        files = ("--old-passphrase", "/dev/null", "--new-passphrase", secret, "-o", path)
        run("puttygen", self.original(kind), "-O", "private", "--ppk-param", options, *files)
        return path.read_bytes()


def ed25519_pkcs8(openssh_file: bytes, passphrase: bytes) -> bytes:
    """Return an Ed25519 key as openssl writes it, which ssh-keygen does not."""
    der = seq(der_int(0), seq(oid(ED25519_OID)), tlv(4, tlv(4, ed25519_seed(openssh_file))))
    plain = pem("PRIVATE KEY", der)
    encrypt = ("-aes256", "-passout", f"pass:{passphrase.decode()}") if passphrase else ()
    return run("openssl", "pkey", *encrypt, given=plain)


def ed25519_seed(openssh_file: bytes) -> bytes:
    """Return the seed in a plain OpenSSH file: 64 bytes, of which it is the first half, stand before the comment."""
    body = pem_body(openssh_file)
    comment_at = body.rindex(string(COMMENT.encode()))
    return body[comment_at - 64 : comment_at - 32]


def ed25519_in_pkcs8(seed: bytes, public: bytes) -> bytes:
    """Return a file in the form of RFC 5958, which holds the public half, too."""
    key = seq(der_int(1), seq(oid(ED25519_OID)), tlv(4, tlv(4, seed)), tlv(0x81, b"\0" + public))
    return pem("PRIVATE KEY", key)


def pem_body(file: bytes) -> bytes:
    """Return the decoded body of a file without headers."""
    return base64.b64decode(b"".join(line for line in file.splitlines() if not line.startswith(b"-")))


def pem(label: str, body: bytes) -> bytes:
    """Return a body between BEGIN and END lines."""
    return f"-----BEGIN {label}-----\n{base64.encodebytes(body).decode()}-----END {label}-----\n".encode()


def openssh_file(public: bytes, section: bytes, cipher: bytes = b"none", kdf: bytes = b"none", **more: bytes) -> bytes:
    """Return an OpenSSH file with these parts (PROTOCOL.key); `more`: `options` of the KDF, the AEAD `tag`."""
    head = b"openssh-key-v1\0" + string(cipher) + string(kdf) + string(more.get("options", b""))
    return pem("OPENSSH PRIVATE KEY", head + uint32(1) + string(public) + string(section) + more.get("tag", b""))


def openssh_section(numbers: bytes, comment: bytes = b"") -> bytes:
    """Return a plain private section with these type-specific numbers."""
    inner = bytes(8) + numbers + string(comment)
    return inner + bytes(range(1, 1 + -len(inner) % 8))


def encrypted_pkcs8(kdf: bytes, data: bytes, iv: bytes = bytes(16)) -> bytes:
    """Return a file under PBES2 with this key derivation (an AlgorithmIdentifier) and AES-256-CBC."""
    scheme = seq(oid(PBES2_OID), seq(kdf, seq(oid(AES256_CBC_OID), tlv(4, iv))))
    return pem("ENCRYPTED PRIVATE KEY", seq(scheme, tlv(4, data)))


def aes_256_cbc(key: bytes, padded: bytes) -> bytes:
    """Encrypt, under the initial value that `encrypted_pkcs8` names."""
    return Cipher(AES(key), modes.CBC(bytes(16))).encryptor().update(padded)


def pbkdf2(iterations: int, salt: bytes = b"saltsalt") -> bytes:
    """Return an AlgorithmIdentifier of PBKDF2 with HMAC-SHA1."""
    return seq(oid(PBKDF2_OID), seq(tlv(4, salt), der_int(iterations)))


def scrypt(n: int, r: int, p: int, salt: bytes = b"saltsalt") -> bytes:
    """Return an AlgorithmIdentifier of scrypt."""
    return seq(oid(SCRYPT_OID), seq(tlv(4, salt), der_int(n), der_int(r), der_int(p)))


PBES2_OID: Final = bytes.fromhex("2a864886f70d01050d")
PBKDF2_OID: Final = bytes.fromhex("2a864886f70d01050c")
SCRYPT_OID: Final = bytes.fromhex("2b06010401da47040b")
AES256_CBC_OID: Final = bytes.fromhex("60864801650304012a")
ED25519_OID: Final = bytes.fromhex("2b6570")
"""Object identifiers, encoded."""


def tlv(tag: int, content: bytes) -> bytes:
    """Return a DER element."""
    size = len(content)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + (bytes([size]) if size < 128 else bytes([0x80 | len(octets)]) + octets) + content


def seq(*members: bytes) -> bytes:
    return tlv(0x30, b"".join(members))


def oid(encoded: bytes) -> bytes:
    return tlv(6, encoded)


def der_int(value: int) -> bytes:
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))
