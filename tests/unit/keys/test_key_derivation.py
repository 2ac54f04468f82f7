"""The cost of a passphrase's key derivation is read and bounded before anything is derived."""

from __future__ import annotations

import base64
import hashlib

import pytest

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.judge import Accepted, Refused, judge
from sshcredential_operator.keys.wire import string, uint32
from unit.keys.key_files import (
    P256,
    PASSPHRASE,
    PKCS8,
    PPK,
    KeyFiles,
    aes_256_cbc,
    der_int,
    encrypted_pkcs8,
    oid,
    openssh_file,
    pbkdf2,
    pem,
    pem_body,
    scrypt,
    seq,
    tlv,
)

PBE_SHA1_3DES_OID = bytes.fromhex("2a864886f70d010c0103")

MIB = 1024 * 1024
AFFORDABLE = KeyRefusal.PASSPHRASE_REQUIRED
"""Without a passphrase nothing is derived, so this says that the cost was found to be bearable."""


def refusal_of(file: bytes) -> Refused:
    verdict = judge(Sensitive(file), None)
    assert isinstance(verdict, Refused)
    return verdict


def bcrypt_file(rounds: int, salt: bytes = bytes(16)) -> bytes:
    public = string(b"ssh-ed25519") + string(bytes(32))
    return openssh_file(public, bytes(144), b"aes256-ctr", b"bcrypt", options=string(salt) + uint32(rounds))


def pbes1_file(iterations: int, salt: bytes = bytes(8)) -> bytes:
    scheme = seq(oid(PBE_SHA1_3DES_OID), seq(tlv(4, salt), der_int(iterations)))
    return pem("ENCRYPTED PRIVATE KEY", seq(scheme, tlv(4, bytes(64))))


def ppk_file(kibibytes: int, passes: int, lanes: int = 1, salt: str = "00" * 16, variant: str = "Argon2id") -> bytes:
    public = string(b"ssh-ed25519") + string(bytes(32))
    return f"""PuTTY-User-Key-File-3: ssh-ed25519
Encryption: aes256-cbc
Comment: me
Public-Lines: 2
{base64.b64encode(public).decode()[:64]}
{base64.b64encode(public).decode()[64:]}
Key-Derivation: {variant}
Argon2-Memory: {kibibytes}
Argon2-Passes: {passes}
Argon2-Parallelism: {lanes}
Argon2-Salt: {salt}
Private-Lines: 1
{base64.b64encode(bytes(48)).decode()}
Private-MAC: {"00" * 32}
""".encode()


@pytest.mark.parametrize(
    ("file", "reason", "detail"),
    [
        pytest.param(bcrypt_file(16), AFFORDABLE, {}, id="bcrypt, usual"),
        pytest.param(bcrypt_file(128), AFFORDABLE, {}, id="bcrypt, the most"),
        pytest.param(
            bcrypt_file(129),
            KeyRefusal.KDF_TOO_EXPENSIVE,
            {"kdf": "bcrypt", "rounds": 129, "most": 128},
            id="bcrypt, one round more",
        ),
        pytest.param(
            bcrypt_file(2**32 - 1),
            KeyRefusal.KDF_TOO_EXPENSIVE,
            {"kdf": "bcrypt", "rounds": 2**32 - 1, "most": 128},
            id="bcrypt, years",
        ),
        pytest.param(bcrypt_file(0), KeyRefusal.CORRUPT, {}, id="bcrypt, no round"),
        pytest.param(bcrypt_file(16, b""), KeyRefusal.CORRUPT, {}, id="bcrypt, no salt"),
        pytest.param(encrypted_pkcs8(pbkdf2(2_000_000), bytes(64)), AFFORDABLE, {}, id="PBKDF2, the most"),
        pytest.param(
            encrypted_pkcs8(pbkdf2(2_000_001), bytes(64)),
            KeyRefusal.KDF_TOO_EXPENSIVE,
            {"kdf": "PBKDF2", "iterations": 2_000_001, "most": 2_000_000},
            id="PBKDF2, one more",
        ),
        pytest.param(
            encrypted_pkcs8(pbkdf2(2**63 - 1), bytes(64)),
            KeyRefusal.KDF_TOO_EXPENSIVE,
            {"kdf": "PBKDF2", "iterations": 2**63 - 1, "most": 2_000_000},
            id="PBKDF2, ages",
        ),
        pytest.param(
            encrypted_pkcs8(pbkdf2(10**5000), bytes(64)),
            KeyRefusal.KDF_TOO_EXPENSIVE,
            {"kdf": "PBKDF2", "iterations": 2**63 - 1, "most": 2_000_000},
            id="PBKDF2, a number that cannot be printed",
        ),
        pytest.param(encrypted_pkcs8(pbkdf2(0), bytes(64)), KeyRefusal.CORRUPT, {}, id="PBKDF2, none"),
        pytest.param(encrypted_pkcs8(scrypt(2**16, 8, 8), bytes(64)), AFFORDABLE, {}, id="scrypt, the most"),
        pytest.param(
            encrypted_pkcs8(scrypt(2**17, 8, 1), bytes(64)),
            KeyRefusal.KDF_TOO_EXPENSIVE,
            {"kdf": "scrypt", "bytes": 128 * MIB, "most": 64 * MIB},
            id="scrypt, too much memory",
        ),
        pytest.param(
            encrypted_pkcs8(scrypt(2, 2**20, 1), bytes(64)),
            KeyRefusal.KDF_TOO_EXPENSIVE,
            {"kdf": "scrypt", "bytes": 256 * MIB, "most": 64 * MIB},
            id="scrypt, too large blocks",
        ),
        pytest.param(
            encrypted_pkcs8(scrypt(2**16, 8, 9), bytes(64)),
            KeyRefusal.KDF_TOO_EXPENSIVE,
            {"kdf": "scrypt", "bytes": 9 * 64 * MIB, "most": 8 * 64 * MIB},
            id="scrypt, too much work",
        ),
        pytest.param(pbes1_file(500_000), AFFORDABLE, {}, id="PBES1, the most"),
        pytest.param(
            pbes1_file(500_001),
            KeyRefusal.KDF_TOO_EXPENSIVE,
            {"kdf": "PBES1", "iterations": 500_001, "most": 500_000},
            id="PBES1, one more",
        ),
        pytest.param(pbes1_file(0), KeyRefusal.CORRUPT, {}, id="PBES1, none"),
        pytest.param(pbes1_file(1, b""), KeyRefusal.CORRUPT, {}, id="PBES1, no salt"),
        pytest.param(ppk_file(64 * 1024, 32), AFFORDABLE, {}, id="Argon2, the most"),
        pytest.param(
            ppk_file(64 * 1024 + 1, 1),
            KeyRefusal.KDF_TOO_EXPENSIVE,
            {"kdf": "Argon2", "bytes": 64 * MIB + 1024, "most": 64 * MIB},
            id="Argon2, too much memory",
        ),
        pytest.param(
            ppk_file(64 * 1024, 33),
            KeyRefusal.KDF_TOO_EXPENSIVE,
            {"kdf": "Argon2", "bytes": 33 * 64 * MIB, "most": 32 * 64 * MIB},
            id="Argon2, too much work",
        ),
        pytest.param(
            ppk_file(9_999_999_999, 9_999_999_999),
            KeyRefusal.KDF_TOO_EXPENSIVE,
            {"kdf": "Argon2", "bytes": 9_999_999_999 * 1024, "most": 64 * MIB},
            id="Argon2, ages",
        ),
        pytest.param(ppk_file(99_999_999_999, 1), KeyRefusal.CORRUPT, {}, id="Argon2, a number that is too long"),
        pytest.param(ppk_file(64, 0), KeyRefusal.CORRUPT, {}, id="Argon2, no pass"),
        pytest.param(ppk_file(64, 1, 0), KeyRefusal.CORRUPT, {}, id="Argon2, no lane"),
        pytest.param(ppk_file(64, 1, 9), KeyRefusal.CORRUPT, {}, id="Argon2, more lanes than memory"),
        pytest.param(ppk_file(64, 1, 1, "00"), KeyRefusal.CORRUPT, {}, id="Argon2, a short salt"),
        pytest.param(ppk_file(64, 1, 1, "0"), KeyRefusal.CORRUPT, {}, id="Argon2, half an octet of salt"),
        pytest.param(
            ppk_file(64, 1, variant="Argon2x"), KeyRefusal.PPK_FORMAT, {}, id="Argon2, a variant that nobody knows"
        ),
        pytest.param(
            encrypted_pkcs8(scrypt(1000, 8, 1), bytes(64)), KeyRefusal.CORRUPT, {}, id="scrypt, no power of 2"
        ),
        pytest.param(encrypted_pkcs8(scrypt(1, 8, 1), bytes(64)), KeyRefusal.CORRUPT, {}, id="scrypt, N of 1"),
        pytest.param(encrypted_pkcs8(scrypt(2, 0, 1), bytes(64)), KeyRefusal.CORRUPT, {}, id="scrypt, r of 0"),
        pytest.param(encrypted_pkcs8(scrypt(2, 8, 0), bytes(64)), KeyRefusal.CORRUPT, {}, id="scrypt, p of 0"),
    ],
)
def test_a_cost_is_bounded_before_anything_is_derived(
    file: bytes, reason: KeyRefusal, detail: dict[str, int | str]
) -> None:
    refused = refusal_of(file)
    assert refused.reason is reason
    assert dict(refused.detail) == detail
    assert str(dict(refused.detail))


def test_what_is_too_expensive_in_an_openssh_file_still_shows_its_public_half() -> None:
    public = refusal_of(bcrypt_file(129)).public
    assert public is not None
    assert public.blob == string(b"ssh-ed25519") + string(bytes(32))


def test_scrypt_with_all_the_memory_it_may_have_is_opened(key_files: KeyFiles) -> None:
    assert isinstance(judge(Sensitive(scrypt_file(key_files)), Sensitive(PASSPHRASE)), Accepted)


def scrypt_file(key_files: KeyFiles) -> bytes:
    """Return a file whose key derivation takes 64 MiB, which openssl's own limits do not let it write."""
    plain = pem_body(key_files.file(P256, PKCS8))
    padding = 16 - len(plain) % 16
    key = hashlib.scrypt(PASSPHRASE, salt=b"saltsalt", n=2**16, r=8, p=1, maxmem=128 * MIB, dklen=32)
    return encrypted_pkcs8(scrypt(2**16, 8, 1), aes_256_cbc(key, plain + bytes([padding]) * padding))


@pytest.mark.parametrize("variant", ["argon2id", "argon2i", "argon2d"])
def test_argon2_with_all_the_memory_it_may_have_is_opened(key_files: KeyFiles, variant: str) -> None:
    file = key_files.file(P256, PPK, PASSPHRASE, f"kdf={variant}", "memory=65536", "passes=1")
    assert isinstance(judge(Sensitive(file), Sensitive(PASSPHRASE)), Accepted)
