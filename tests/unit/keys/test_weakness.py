"""`keys/weakness.py`: keys that anyone can compute from their public half are refused, by checks that stay at home."""

from __future__ import annotations

import math
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator

import badkeys.checks  # type: ignore[import-untyped]  # it has no types
import gmpy2  # type: ignore[import-untyped]  # it has no types
import pytest

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys import weakness
from sshcredential_operator.keys.judge import Accepted, Refused, judge
from sshcredential_operator.keys.pool import KeyPool
from unit.keys.key_files import PASSPHRASE, RSA2048, KeyFiles, der_int, oid, pem, seq, tlv
from unit.keys.test_key_derivation import scrypt_file
from unit.keys.test_rsa import Numbers, fitting_numbers

P256_OID = bytes.fromhex("2a8648ce3d030107")
ROCA_PRIMES = 126
"""So many first primes went into the primes of the chips with ROCA (CVE-2017-15361), for keys of 2048 bits."""


def primes_from(start: int) -> Iterator[int]:
    prime = int(gmpy2.next_prime(start))
    while True:
        if math.gcd(prime - 1, 65537) == 1:
            yield prime
        prime = int(gmpy2.next_prime(prime))


def random_prime(bits: int = 1024) -> int:
    """Return a prime with its two highest bits set, so that a product of two has twice the bits."""
    return next(primes_from(3 << bits - 2 | secrets.randbits(bits - 3)))


def close_together() -> Numbers:
    near = primes_from(3 << 1022 | secrets.randbits(1000))
    return fitting_numbers(next(near), next(near))


def with_a_small_factor() -> Numbers:
    large = next(primes_from((1 << 2048) // 65521 - secrets.randbits(1000)))
    return fitting_numbers(large, 65521)


def roca_prime() -> int:
    product, prime = 1, gmpy2.mpz(1)
    for _ in range(ROCA_PRIMES):
        prime = gmpy2.next_prime(prime)
        product *= int(prime)
    while True:
        power = pow(65537, secrets.randbits(60), product)
        candidate = ((3 << 1022) // product + secrets.randbits(40)) * product + power
        if gmpy2.is_prime(candidate) and math.gcd(candidate - 1, 65537) == 1 and candidate.bit_length() == 1024:
            return candidate


def roca() -> Numbers:
    return fitting_numbers(roca_prime(), roca_prime())


def sparse() -> Numbers:
    return fitting_numbers(next(primes_from(7 << 1021)), next(primes_from(5 << 1021)))


def repeating() -> Numbers:
    """Return numbers whose modulus begins with the same octet many times."""
    p = random_prime()
    start = int.from_bytes(b"\xab" * 24 + secrets.token_bytes(232), "big")
    return fitting_numbers(p, next(primes_from(start // p)))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        pytest.param(close_together, "primes that are close together", id="Fermat"),
        pytest.param(with_a_small_factor, "a small factor", id="a small factor"),
        pytest.param(roca, "ROCA", id="ROCA"),
        pytest.param(sparse, "a modulus with a pattern", id="a modulus of few ones"),
        pytest.param(repeating, "a modulus with a pattern", id="an octet that is repeated"),
    ],
)
def test_a_weak_rsa_key_is_refused(make: Callable[[], Numbers], words: str) -> None:
    for file in ((numbers := make()).pkcs1(), numbers.openssh()):
        assert refusal_of(file) == (KeyRefusal.WEAK_KEY, {"weakness": words})


def test_a_prime_that_other_keys_have_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a list of two instead of the package's own, which are known by their product only."""
    p, q = random_prime(), random_prime()
    known = sys.modules["badkeys.rsakeys.sharedprimes"]
    monkeypatch.setitem(known._moduli, 2048, gmpy2.mpz(p * random_prime()))
    assert refusal_of(fitting_numbers(p, q).pkcs1()) == (
        KeyRefusal.WEAK_KEY,
        {"weakness": "a prime that other keys have, too"},
    )


@pytest.mark.parametrize("bits", [2048, 4096])
def test_the_packages_own_list_of_primes_is_there(bits: int) -> None:
    known = sys.modules["badkeys.rsakeys.sharedprimes"]
    assert known.sharedprimes(1 << bits - 1 | 1) is False
    assert known._moduli[bits].bit_length() > bits


@pytest.mark.parametrize("scalar", [1, 2, 12345, (1 << 64) - 1])
def test_a_scalar_that_can_be_guessed_is_refused(scalar: int) -> None:
    file = pem("EC PRIVATE KEY", seq(der_int(1), tlv(4, scalar.to_bytes(32, "big")), tlv(0xA0, oid(P256_OID))))
    assert refusal_of(file) == (KeyRefusal.WEAK_KEY, {"weakness": "a secret number that can be guessed"})


def test_every_check_is_one_that_the_package_has() -> None:
    assert weakness._CHECKS.keys() <= badkeys.checks.allchecks.keys()
    assert "blocklist" not in weakness._CHECKS


def test_good_numbers_are_accepted() -> None:
    assert isinstance(judge(Sensitive(fitting_numbers(random_prime(), random_prime()).pkcs1()), None), Accepted)


def refusal_of(file: bytes) -> tuple[KeyRefusal, dict[str, int | str]]:
    verdict = judge(Sensitive(file), None)
    assert isinstance(verdict, Refused), verdict
    return verdict.reason, dict(verdict.detail)


AUDITED = """
import sys
seen = []
READING = {"os.listdir", "os.scandir"}
sys.addaudithook(lambda event, arguments: seen.append((event, *map(str, arguments))))
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.judge import Accepted, judge
assert isinstance(judge(Sensitive(sys.stdin.buffer.read()), None), Accepted)
assert len(seen) > 100
for event, *arguments in seen:
    if event not in READING and event.startswith(("socket.", "subprocess.", "os.", "shutil.", "tempfile.")):
        print(event, *arguments)
    if event == "open" and not set(arguments[1]) <= set("rb") and arguments[1] != "None":
        print(event, *arguments)
"""


def test_judging_opens_no_connection_and_writes_no_file(key_files: KeyFiles) -> None:
    """The package of the checks can do both, for other ends."""
    environment = {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-B", "-S", "-c", AUDITED]
    done = subprocess.run(command, env=environment, input=key_files.file(RSA2048), capture_output=True, check=False)
    assert (done.returncode, done.stdout.decode()) == (0, ""), done.stderr.decode()


async def test_a_process_that_loaded_the_checks_still_has_the_memory_for_a_passphrase(key_files: KeyFiles) -> None:
    pool = KeyPool(1)
    verdicts = [
        await pool.judge(Sensitive(key_files.file(RSA2048)), None),
        await pool.judge(Sensitive(scrypt_file(key_files)), Sensitive(PASSPHRASE)),
        await pool.judge(Sensitive(close_together().pkcs1()), None),
    ]
    await pool.close()
    assert [type(verdict) for verdict in verdicts] == [Accepted, Accepted, Refused]
