"""The cost of a passphrase's key derivation is read and bounded before anything is derived."""

from __future__ import annotations

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
    KeyFiles,
    aes_256_cbc,
    encrypted_pkcs8,
    openssh_file,
    pbkdf2,
    pem_body,
    scrypt,
)

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
