"""`keys/judge.py`: what is refused, and the reason that is given for it."""

from __future__ import annotations

import pytest

from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys import judge as judge_module
from sshcredential_operator.keys.judge import Refused, _judged, judge
from sshcredential_operator.keys.refusal import Refusal
from sshcredential_operator.keys.verdict import MAX_FILE_BYTES
from sshcredential_operator.keys.wire import mpint, string
from unit.keys.foreign_files import FOREIGN
from unit.keys.key_files import (
    ED25519,
    OPENSSH,
    P256,
    PASSPHRASE,
    PKCS8,
    PPK,
    RSA2048,
    TRADITIONAL,
    KeyFiles,
    der_int,
    ed25519_in_pkcs8,
    ed25519_seed,
    encrypted_pkcs8,
    openssh_file,
    openssh_section,
    pbkdf2,
    pem,
    run,
    seq,
    tlv,
)
from unit.keys.refused_files import (
    OPENSSH_LABEL,
    Case,
    certificate,
    dsa_by_ssh_keygen,
    dsa_pkcs8,
    ec_key_of_two_curves,
    ec_with_the_point_of_another,
    ed25519_with,
    fixed,
    hardware_key,
    openssl,
    other_check_number,
    padded_file,
    relabelled,
    two_in_one_container,
    with_one_octet_changed,
    x509_certificate,
)

CASES: list[Case] = [
    Case("nothing", KeyRefusal.EMPTY, fixed(b"")),
    Case("blank lines", KeyRefusal.EMPTY, fixed(b" \r\n\t\n\n")),
    Case("a lone byte order mark", KeyRefusal.EMPTY, fixed(b"\xef\xbb\xbf")),
    Case("a path", KeyRefusal.NOT_A_KEY, fixed(b"/home/ada/.ssh/id_ed25519\n")),
    Case("prose", KeyRefusal.NOT_A_KEY, fixed(b"the key is with Ada")),
    Case("prose about ssh", KeyRefusal.NOT_A_KEY, fixed(b"ssh-ed25519 is what I want")),
    Case("a word that is base64", KeyRefusal.NOT_A_KEY, fixed(b"password")),
    Case("octets", KeyRefusal.NOT_A_KEY, fixed(bytes(range(256)))),
    Case("parameters alone", KeyRefusal.NOT_A_KEY, openssl("ecparam", "-name", "prime256v1")),
    Case("a PEM block of another world", KeyRefusal.NOT_A_KEY, fixed(pem("X9.42 DH PARAMETERS", b"0"))),
    Case("64 KiB and one", KeyRefusal.TOO_LARGE, fixed(b"x" * 65537), {"bytes": 65537, "most": 65536}),
    Case("64 KiB of BEGIN lines", KeyRefusal.TRUNCATED, fixed(b"-----BEGIN A PRIVATE KEY-----\n" * 2184)),
    Case(
        "a public key",
        KeyRefusal.PUBLIC_KEY,
        lambda files: files.line(ED25519).encode(),
    ),
    Case(
        "authorized_keys with options",
        KeyRefusal.PUBLIC_KEY,
        lambda files: b'# mine\nno-pty,command="x y" ' + files.line(RSA2048).encode(),
    ),
    Case("known_hosts", KeyRefusal.PUBLIC_KEY, lambda files: b"host.example " + files.line(P256).encode()),
    Case("a hardware key's public half", KeyRefusal.PUBLIC_KEY, fixed(b"sk-ssh-ed25519@openssh.com AAAAGnNr you@key")),
    Case(
        "RFC 4716",
        KeyRefusal.PUBLIC_KEY,
        lambda files: run("ssh-keygen", "-e", "-f", files.original(ED25519).with_suffix(".pub")),
    ),
    Case(
        "a public PEM",
        KeyRefusal.PUBLIC_KEY,
        lambda files: run("openssl", "pkey", "-pubout", given=files.file(P256, PKCS8)),
    ),
    Case(
        "an RSA public PEM",
        KeyRefusal.PUBLIC_KEY,
        lambda files: run("openssl", "rsa", "-RSAPublicKey_out", given=files.file(RSA2048, TRADITIONAL)),
    ),
    Case("an SSH certificate", KeyRefusal.CERTIFICATE, certificate),
    Case("an X.509 certificate", KeyRefusal.X509_CERTIFICATE, x509_certificate),
    Case("a key that lives in a token", KeyRefusal.HARDWARE_KEY, hardware_key),
    Case("DSA in OpenSSH form", KeyRefusal.DSA_KEY, dsa_by_ssh_keygen),
    Case("DSA in PKCS#8", KeyRefusal.DSA_KEY, dsa_pkcs8),
    Case("DSA in PEM", KeyRefusal.DSA_KEY, lambda files: run("openssl", "dsa", given=dsa_pkcs8(files))),
    Case(
        "X25519",
        KeyRefusal.UNSUPPORTED_KEY_TYPE,
        openssl("genpkey", "-algorithm", "X25519"),
        {"type": "X25519"},
    ),
    Case("Ed448", KeyRefusal.UNSUPPORTED_KEY_TYPE, openssl("genpkey", "-algorithm", "ED448"), {"type": "Ed448"}),
    Case(
        "RSA-PSS",
        KeyRefusal.RSA_PSS_KEY,
        openssl("genpkey", "-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"),
    ),
    Case(
        "Diffie-Hellman",
        KeyRefusal.UNSUPPORTED_KEY_TYPE,
        openssl("genpkey", "-algorithm", "DH", "-pkeyopt", "group:ffdhe2048"),
        {"type": "DH"},
    ),
    Case(
        "RSA with three primes",
        KeyRefusal.UNSUPPORTED_KEY_TYPE,
        openssl("genrsa", "-primes", "3", "-traditional", "2048"),
        {"type": "multi-prime RSA"},
    ),
    Case(
        "a type that nobody knows",
        KeyRefusal.UNSUPPORTED_KEY_TYPE,
        fixed(openssh_file(string(b"ssh-xmss@openssh.com"), openssh_section(b""))),
    ),
    Case(
        "secp256k1",
        KeyRefusal.UNSUPPORTED_CURVE,
        openssl("ecparam", "-name", "secp256k1", "-genkey", "-noout"),
        {"curve": "secp256k1"},
    ),
    Case(
        "brainpool in PKCS#8",
        KeyRefusal.UNSUPPORTED_CURVE,
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"),
        {"curve": "brainpoolP256r1"},
    ),
    Case(
        "a curve without a name in our table",
        KeyRefusal.UNSUPPORTED_CURVE,
        openssl("ecparam", "-name", "sect283k1", "-genkey", "-noout"),
    ),
    Case(
        "a curve given by its parameters",
        KeyRefusal.UNSUPPORTED_CURVE,
        openssl("ecparam", "-name", "prime256v1", "-param_enc", "explicit", "-genkey", "-noout"),
        {"curve": "explicit parameters"},
    ),
    Case(
        "an ECDSA curve that SSH has no name for",
        KeyRefusal.UNSUPPORTED_CURVE,
        fixed(openssh_file(string(b"ecdsa-sha2-1.3.132.0.10"), openssh_section(b""))),
    ),
    Case("a missing END line", KeyRefusal.TRUNCATED, lambda files: files.file(ED25519).rsplit(b"-----END")[0]),
    Case("half a file", KeyRefusal.TRUNCATED, lambda files: files.file(RSA2048)[:900]),
    Case("a missing BEGIN line", KeyRefusal.TRUNCATED, lambda files: files.file(ED25519).partition(b"\n")[2]),
    Case(
        "an END line of another kind",
        KeyRefusal.TRUNCATED,
        lambda files: files.file(P256, PKCS8).replace(b"END PRIVATE", b"END EC PRIVATE"),
    ),
    Case(
        "a line that is missing",
        KeyRefusal.CORRUPT,
        lambda files: b"\n".join(files.file(RSA2048).split(b"\n")[:9] + files.file(RSA2048).split(b"\n")[10:]),
    ),
    Case(
        "a letter that is not base64",
        KeyRefusal.CORRUPT,
        lambda files: files.file(ED25519).replace(b"AAAA", b"AA*A", 1),
    ),
    Case(
        "a letter too many that is not base64",
        KeyRefusal.CORRUPT,
        lambda files: files.file(ED25519).replace(b"AAAA", b"AA*AA", 1),
    ),
    Case("an empty body", KeyRefusal.CORRUPT, fixed(pem("PRIVATE KEY", b""))),
    Case("a body of zeros", KeyRefusal.CORRUPT, fixed(pem(OPENSSH_LABEL, bytes(300)))),
    Case("check numbers that differ", KeyRefusal.CORRUPT, other_check_number),
    Case("padding that is wrong", KeyRefusal.CORRUPT, lambda files: with_one_octet_changed(padded_file(files), -1)),
    Case("an encrypted body whose length cannot be", KeyRefusal.CORRUPT, fixed(encrypted_pkcs8(pbkdf2(1), bytes(63)))),
    Case("an encrypted body without octets", KeyRefusal.CORRUPT, fixed(encrypted_pkcs8(pbkdf2(1), b""))),
    Case(
        "an initial value of the wrong size", KeyRefusal.CORRUPT, fixed(encrypted_pkcs8(pbkdf2(1), bytes(64), bytes(8)))
    ),
    Case(
        "headers that do not say encrypted",
        KeyRefusal.CORRUPT,
        lambda files: files.file(P256, TRADITIONAL, PASSPHRASE).replace(b"4,ENCRYPTED", b"4,MIC-CLEAR"),
    ),
    Case(
        "ENCRYPTED in the label of a plain body",
        KeyRefusal.CORRUPT,
        lambda files: relabelled(files.file(P256, PKCS8), b"ENCRYPTED PRIVATE KEY"),
    ),
    Case(
        "no ENCRYPTED in the label of an encrypted body",
        KeyRefusal.CORRUPT,
        lambda files: relabelled(files.file(P256, PKCS8, PASSPHRASE), b"PRIVATE KEY"),
    ),
    Case(
        "headers that are cut",
        KeyRefusal.CORRUPT,
        lambda files: files.file(P256, TRADITIONAL, PASSPHRASE).replace(b"Proc-Type: 4,ENCRYPTED\n", b""),
    ),
    Case(
        "a short initial value",
        KeyRefusal.CORRUPT,
        lambda files: files.file(P256, TRADITIONAL, PASSPHRASE).replace(
            b"DEK-Info: AES-128-CBC,", b"DEK-Info: AES-128-CBC,00"
        ),
    ),
    Case(
        "a scalar of zero",
        KeyRefusal.CORRUPT,
        fixed(
            pem(
                "EC PRIVATE KEY",
                seq(der_int(1), tlv(4, bytes(32)), tlv(0xA0, tlv(6, bytes.fromhex("2a8648ce3d030107")))),
            )
        ),
    ),
    Case("one curve outside and another inside", KeyRefusal.CORRUPT, fixed(ec_key_of_two_curves())),
    Case(
        "an OpenSSH body under a PEM label",
        KeyRefusal.LABEL_MISMATCH,
        lambda files: relabelled(files.file(RSA2048), b"RSA PRIVATE KEY"),
        {"label": OPENSSH_LABEL},
    ),
    Case(
        "a PEM body under OpenSSH's label",
        KeyRefusal.LABEL_MISMATCH,
        lambda files: relabelled(files.file(RSA2048, PKCS8), OPENSSH_LABEL.encode()),
        {"label": "PRIVATE KEY"},
    ),
    Case("two keys", KeyRefusal.MULTIPLE_KEYS, lambda files: files.file(ED25519) + files.file(P256)),
    Case("two keys in one OpenSSH file", KeyRefusal.MULTIPLE_KEYS, two_in_one_container, {"keys": 2}),
    Case(
        "another's outer public half", KeyRefusal.PUBLIC_PRIVATE_MISMATCH, lambda files: ed25519_with(files, outer=True)
    ),
    Case(
        "another's inner public half", KeyRefusal.PUBLIC_PRIVATE_MISMATCH, lambda files: ed25519_with(files, inner=True)
    ),
    Case(
        "another's half in the secret", KeyRefusal.PUBLIC_PRIVATE_MISMATCH, lambda files: ed25519_with(files, tail=True)
    ),
    Case(
        "another's half in PKCS#8",
        KeyRefusal.PUBLIC_PRIVATE_MISMATCH,
        lambda files: ed25519_in_pkcs8(ed25519_seed(files.file(ED25519)), bytes(32)),
    ),
    Case("another's point in SEC1", KeyRefusal.PUBLIC_PRIVATE_MISMATCH, ec_with_the_point_of_another),
    Case(
        "an OpenSSH cipher that was given up",
        KeyRefusal.UNSUPPORTED_CIPHER,
        fixed(openssh_file(string(b"ssh-ed25519") + string(bytes(32)), bytes(16), b"blowfish-cbc", b"bcrypt")),
    ),
    Case(
        "a DEK-Info cipher that was given up",
        KeyRefusal.UNSUPPORTED_CIPHER,
        lambda files: files.file(P256, TRADITIONAL, PASSPHRASE).replace(b"AES-128-CBC", b"DES-CBC"),
    ),
    Case(
        "a cipher outside our table",
        KeyRefusal.UNSUPPORTED_CIPHER,
        lambda files: run(
            "openssl", "pkcs8", "-topk8", "-v2", "camellia-256-cbc", "-passout", "pass:x", given=files.file(P256, PKCS8)
        ),
    ),
    Case(
        "a body alone that is encrypted PKCS#8",
        KeyRefusal.TRUNCATED,
        lambda files: b"\n".join(files.file(P256, PKCS8, PASSPHRASE).splitlines()[1:-1]),
    ),
    Case("a key and half of another", KeyRefusal.TRUNCATED, lambda files: files.file(ED25519) + b"BEGIN PRIVATE KEY"),
    Case(
        "an OpenSSH body under a label of people",
        KeyRefusal.LABEL_MISMATCH,
        lambda files: relabelled(files.file(RSA2048), b"SSH PRIVATE KEY"),
        {"label": OPENSSH_LABEL},
    ),
    Case(
        "a key and a DSA key",
        KeyRefusal.MULTIPLE_KEYS,
        lambda files: files.file(ED25519) + dsa_by_ssh_keygen(files),
    ),
    Case(
        "the same key under two passphrases",
        KeyRefusal.MULTIPLE_KEYS,
        lambda files: files.file(P256, PKCS8, PASSPHRASE) + files.file(P256, PKCS8, b"another"),
    ),
    Case(
        "two keys without newlines",
        KeyRefusal.MULTIPLE_KEYS,
        lambda files: (files.file(ED25519) + files.file(P256)).replace(b"\n", b""),
    ),
    Case("two PuTTY files", KeyRefusal.MULTIPLE_KEYS, lambda files: files.file(ED25519, PPK) + files.file(P256, PPK)),
    Case(
        "a PuTTY file and another", KeyRefusal.MULTIPLE_KEYS, lambda files: files.file(ED25519, PPK) + files.file(P256)
    ),
    *FOREIGN,
]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_a_file_is_refused_with_its_reason(key_files: KeyFiles, case: Case) -> None:
    verdict = judge(Sensitive(case.file(key_files)), None)
    assert isinstance(verdict, Refused), verdict
    assert verdict.reason is case.reason
    assert dict(verdict.detail) == case.detail


def test_the_file_that_the_padding_case_changes_is_a_good_one(key_files: KeyFiles) -> None:
    assert not isinstance(judge(Sensitive(padded_file(key_files)), None), Refused)
    assert not isinstance(judge(Sensitive(ed25519_with(key_files)), None), Refused)


def test_a_refusal_tells_what_an_encrypted_openssh_file_shows(key_files: KeyFiles) -> None:
    file = key_files.file(RSA2048, OPENSSH, PASSPHRASE)
    verdict = judge(Sensitive(file), Sensitive(PASSPHRASE), min_rsa_bits=3072)
    assert isinstance(verdict, Refused)
    assert verdict.reason is KeyRefusal.RSA_TOO_SMALL
    assert verdict.public is not None
    assert key_files.line(RSA2048).startswith(verdict.public.line)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_no_refusal_needs_the_net_that_catches_the_exceptions_of_libraries(key_files: KeyFiles, case: Case) -> None:
    file = case.file(key_files)
    if len(file) <= MAX_FILE_BYTES:
        with pytest.raises(Refusal):
            _judged(file, b"", 2048)


class Panic(BaseException):
    """Like those of Rust code, no Exception."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(ValueError("MIGHAgEAMBMGByqGSM49"), KeyRefusal.CORRUPT, id="an exception with key material"),
        pytest.param(Panic("MIGHAgEAMBMGByqGSM49"), KeyRefusal.CORRUPT, id="a panic"),
        pytest.param(MemoryError(), KeyRefusal.KDF_TOO_EXPENSIVE, id="no memory"),
    ],
)
def test_whatever_a_library_raises_becomes_a_reason(
    monkeypatch: pytest.MonkeyPatch, key_files: KeyFiles, error: BaseException, reason: KeyRefusal
) -> None:
    def raises(_text: bytes) -> None:
        raise error

    monkeypatch.setattr(judge_module, "recognised", raises)
    verdict = judge(Sensitive(key_files.file(ED25519)), None)
    assert verdict == Refused(reason)
    assert "MIGH" not in repr(verdict)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_the_end_of_the_process_is_not_held_up(
    monkeypatch: pytest.MonkeyPatch, key_files: KeyFiles, error: type[BaseException]
) -> None:
    def raises(_text: bytes) -> None:
        raise error

    monkeypatch.setattr(judge_module, "recognised", raises)
    with pytest.raises(error):
        judge(Sensitive(key_files.file(ED25519)), None)


def test_every_reason_is_in_a_test(request: pytest.FixtureRequest) -> None:
    """TIMED_OUT is the pool's; RSA sizes, weak keys and key derivation have tests of their own."""
    elsewhere = {
        KeyRefusal.WEAK_KEY,
        KeyRefusal.TIMED_OUT,
        KeyRefusal.KDF_TOO_EXPENSIVE,
        KeyRefusal.RSA_TOO_SMALL,
        KeyRefusal.RSA_TOO_LARGE,
        KeyRefusal.ODD_MODULUS_SIZE,
        KeyRefusal.PASSPHRASE_REQUIRED,
        KeyRefusal.WRONG_PASSPHRASE,
    }
    assert {case.reason for case in CASES} | elsewhere == set(KeyRefusal)


def test_numbers_are_not_mistaken_for_a_dsa_key() -> None:
    numbers = seq(*(der_int(number) for number in (0, 1, 2, 3, 4, 5)))
    verdict = judge(Sensitive(pem("RSA PRIVATE KEY", numbers)), None)
    assert verdict == Refused(KeyRefusal.CORRUPT)


def test_a_negative_number_is_damage(key_files: KeyFiles) -> None:
    public = string(b"ssh-rsa") + mpint(65537) + string(b"\xff" * 256)
    assert judge(Sensitive(openssh_file(public, openssh_section(b""))), None) == Refused(KeyRefusal.CORRUPT)
