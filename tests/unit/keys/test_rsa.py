"""`keys/private.py`, `keys/judge.py`: RSA sizes, and numbers that do not belong together."""

from __future__ import annotations

import math
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.judge import Accepted, Refused, _judged, judge
from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.keys.wire import mpint, string
from unit.keys.key_files import (
    OPENSSH,
    PASSPHRASE,
    RSA2048,
    RSA3072,
    KeyFiles,
    der_int,
    openssh_file,
    openssh_section,
    pem,
    run,
    seq,
)


class Numbers(NamedTuple):
    """RSAPrivateKey of RFC 8017 but for its version."""

    n: int
    e: int
    d: int
    p: int
    q: int
    d_p: int
    d_q: int
    q_inverse: int

    def pkcs1(self) -> bytes:
        return pem("RSA PRIVATE KEY", seq(der_int(0), *map(der_int, self)))

    def openssh(self) -> bytes:
        public = string(b"ssh-rsa") + mpint(self.e) + mpint(self.n)
        private = (self.n, self.e, self.d, self.q_inverse, self.p, self.q)
        return openssh_file(public, openssh_section(string(b"ssh-rsa") + b"".join(map(mpint, private))))


def numbers_of(files: KeyFiles) -> Numbers:
    key = load_ssh_private_key(files.file(RSA2048), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    found = key.private_numbers()
    public = found.public_numbers
    return Numbers(public.n, public.e, found.d, found.p, found.q, found.dmp1, found.dmq1, found.iqmp)


def fitting_numbers(p: int, q: int, e: int = 65537) -> Numbers:
    """Return numbers that fit each other as far as can be told without knowing whether p and q are primes."""
    d = pow(e, -1, math.lcm(p - 1, q - 1))
    return Numbers(p * q, e, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))


def refusal_of(file: bytes, min_rsa_bits: int = 2048) -> tuple[KeyRefusal, dict[str, int | str]]:
    """Judge twice, the second time without the net that would catch a library's exception."""
    verdict = judge(Sensitive(file), None, min_rsa_bits=min_rsa_bits)
    assert isinstance(verdict, Refused), verdict
    with pytest.raises(Refusal):
        _judged(file, b"", min_rsa_bits)
    return verdict.reason, dict(verdict.detail)


@pytest.mark.parametrize(
    ("bits", "reason", "detail"),
    [
        pytest.param(1024, KeyRefusal.RSA_TOO_SMALL, {"bits": 1024, "least": 2048}, id="1024"),
        pytest.param(2044, KeyRefusal.RSA_TOO_SMALL, {"bits": 2044, "least": 2048}, id="a little below 2048"),
        pytest.param(2052, KeyRefusal.ODD_MODULUS_SIZE, {"bits": 2052}, id="a little above 2048"),
    ],
)
@pytest.mark.parametrize("options", [("-traditional",), ()], ids=["PKCS#1", "PKCS#8"])
def test_a_size_that_is_not_taken_is_told(
    bits: int, reason: KeyRefusal, detail: dict[str, int | str], options: tuple[str, ...]
) -> None:
    file = run("openssl", "genrsa", *options, str(bits))
    assert refusal_of(file) == (reason, detail)


def test_the_least_size_can_be_raised(key_files: KeyFiles) -> None:
    assert refusal_of(key_files.file(RSA2048), 3072) == (KeyRefusal.RSA_TOO_SMALL, {"bits": 2048, "least": 3072})
    assert isinstance(judge(Sensitive(key_files.file(RSA3072)), None, min_rsa_bits=3072), Accepted)


def test_the_size_of_an_encrypted_openssh_key_is_told_before_its_passphrase_is_asked_for(key_files: KeyFiles) -> None:
    reason, _ = refusal_of(key_files.file(RSA2048, OPENSSH, PASSPHRASE), 3072)
    assert reason is KeyRefusal.RSA_TOO_SMALL


@pytest.mark.parametrize("write", [Numbers.pkcs1, Numbers.openssh], ids=["PKCS#1", "OpenSSH"])
@pytest.mark.parametrize("bits", [8200, 16384, 60_000])
def test_a_size_beyond_8192_is_refused_before_anything_is_computed(bits: int, write: object) -> None:
    assert callable(write)
    number = (1 << bits) - 1
    file = write(Numbers(number, 65537, number, number, number, 1, 1, 1))
    assert refusal_of(file) == (KeyRefusal.RSA_TOO_LARGE, {"bits": bits, "most": 8192})


def test_numbers_written_by_hand_are_accepted_if_they_are_right(key_files: KeyFiles) -> None:
    numbers = numbers_of(key_files)
    for file in (numbers.pkcs1(), numbers.openssh(), fitting_numbers(numbers.p, numbers.q).pkcs1()):
        verdict = judge(Sensitive(file), None)
        assert isinstance(verdict, Accepted), verdict
        assert key_files.line(RSA2048).startswith(verdict.pair.public.line)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"n": 2}, KeyRefusal.PUBLIC_PRIVATE_MISMATCH, id="another modulus"),
        pytest.param({"d": 2}, KeyRefusal.CORRUPT, id="another private exponent"),
        pytest.param({"p": 2}, KeyRefusal.CORRUPT, id="another first prime"),
        pytest.param({"q": 2}, KeyRefusal.CORRUPT, id="another second prime"),
        pytest.param({"d_p": 2}, KeyRefusal.CORRUPT, id="another exponent modulo p"),
        pytest.param({"d_q": 2}, KeyRefusal.CORRUPT, id="another exponent modulo q"),
        pytest.param({"q_inverse": 2}, KeyRefusal.CORRUPT, id="another inverse"),
    ],
)
def test_one_changed_number_is_found(key_files: KeyFiles, change: dict[str, int], reason: KeyRefusal) -> None:
    numbers = numbers_of(key_files)
    changed = numbers._replace(**{name: getattr(numbers, name) + step for name, step in change.items()})
    assert refusal_of(changed.pkcs1())[0] is reason
    if not change.keys() & {"d_p", "d_q"}:
        assert refusal_of(changed.openssh())[0] is reason


@pytest.mark.parametrize("prime", ["p", "q"])
def test_a_private_exponent_that_fits_one_prime_only_is_found(key_files: KeyFiles, prime: str) -> None:
    numbers = numbers_of(key_files)
    d = numbers.d + getattr(numbers, prime) - 1
    assert d < numbers.n
    assert refusal_of(numbers._replace(d=d).openssh())[0] is KeyRefusal.CORRUPT


@pytest.mark.parametrize(
    ("e", "reason"),
    [
        pytest.param(0, KeyRefusal.CORRUPT, id="zero"),
        pytest.param(1, KeyRefusal.CORRUPT, id="one"),
        pytest.param(65536, KeyRefusal.CORRUPT, id="an even one"),
        pytest.param((1 << 64) + 1, KeyRefusal.UNSUPPORTED_KEY_TYPE, id="one that programs do not take"),
    ],
)
def test_a_public_exponent_that_cannot_be_used_is_refused(key_files: KeyFiles, e: int, reason: KeyRefusal) -> None:
    assert refusal_of(numbers_of(key_files)._replace(e=e).pkcs1())[0] is reason


def test_a_public_exponent_of_one_is_refused_even_if_all_numbers_fit(key_files: KeyFiles) -> None:
    numbers = numbers_of(key_files)
    d = math.lcm(numbers.p - 1, numbers.q - 1) + 1
    assert refusal_of(numbers._replace(e=1, d=d, d_p=1, d_q=1).pkcs1())[0] is KeyRefusal.CORRUPT


@pytest.mark.parametrize("p", [0, 1, 2], ids=["zero", "one", "two"])
def test_a_tiny_prime_is_damage(key_files: KeyFiles, p: int) -> None:
    numbers = numbers_of(key_files)
    for changed in (numbers._replace(p=p), numbers._replace(q=p)):
        assert refusal_of(changed.pkcs1())[0] is KeyRefusal.CORRUPT
        assert refusal_of(changed.openssh())[0] is KeyRefusal.CORRUPT


@pytest.mark.parametrize("swapped", [False, True], ids=["first", "second"])
def test_a_prime_that_is_none_is_found(key_files: KeyFiles, swapped: bool) -> None:
    """All numbers fit each other, and only the test for primes can tell."""
    primes = composite_and_prime(numbers_of(key_files).p)
    assert refusal_of(fitting_numbers(*(reversed(primes) if swapped else primes)).pkcs1())[0] is KeyRefusal.CORRUPT


def composite_and_prime(prime: int) -> tuple[int, int]:
    """Return a product of two primes that can stand beside `prime` in a key of 2048 bits with e = 65537."""
    while True:
        small = rsa.generate_private_key(65537, 1024)  # noqa: S505 - a composite number is wanted
        composite = small.public_key().public_numbers().n
        exists = math.gcd(65537, (composite - 1) * (prime - 1)) == 1
        if exists and (composite * prime).bit_length() == 2048:
            return composite, prime


def test_equal_primes_are_damage(key_files: KeyFiles) -> None:
    p = numbers_of(key_files).p
    d = pow(65537, -1, p - 1)
    assert refusal_of(Numbers(p * p, 65537, d, p, p, d, d, 1).pkcs1())[0] is KeyRefusal.CORRUPT
