"""Things that are no SSH private key, made with the programs that make them. For `test_refusals`."""

from __future__ import annotations

import base64
from pathlib import Path

from sshcredential_operator.api.keyreasons import KeyRefusal
from unit.keys.key_files import ED25519, P256, PASSPHRASE, PKCS8, RSA2048, KeyFiles, pem, pem_body, private_file, run
from unit.keys.refused_files import Case, dsa_pkcs8, fixed, x509_certificate


def folder(files: KeyFiles) -> Path:
    return files.original(ED25519).parent


def pgp_key(files: KeyFiles, *options: str) -> bytes:
    home = folder(files) / "gnupg"
    quiet = ("--homedir", str(home), "--batch", "--quiet", "--passphrase", "")
    if not home.exists():
        home.mkdir(mode=0o700)
        run("gpg", *quiet, "--quick-generate-key", "ada@example", "ed25519", "cert,sign", "never")
        run("gpgconf", "--homedir", home, "--kill", "gpg-agent")
    exported = run("gpg", *quiet, *options)
    run("gpgconf", "--homedir", home, "--kill", "gpg-agent")
    return exported


def age_identity(_: KeyFiles) -> bytes:
    return run("age-keygen")


def age_encrypted(files: KeyFiles, *options: str) -> bytes:
    public = files.original(ED25519).with_suffix(".pub")
    return run("age", *options, "-R", public, given=files.file(ED25519))


def ssh_com(files: KeyFiles) -> bytes:
    path = folder(files) / "ssh.com"
    run("puttygen", files.original(RSA2048), "-O", "private-sshcom", "--new-passphrase", "/dev/null", "-o", path)
    return path.read_bytes()


def pkcs12(files: KeyFiles) -> bytes:
    key = private_file(folder(files) / "pkcs12.pem", files.file(P256, PKCS8))
    certificate = private_file(
        folder(files) / "cert.pem", run(*["openssl", "req", "-x509", "-subj", "/CN=x", "-key"], key)
    )
    command = ("openssl", "pkcs12", "-export", "-name", "login", "-inkey", key, "-in", certificate)
    return run(*command, "-passout", "pass:x")


def der_of(file: bytes) -> bytes:
    return run("openssl", "pkey", "-outform", "DER", given=file)


FOREIGN: list[Case] = [
    Case("a PGP private key", KeyRefusal.PGP_KEY, lambda files: pgp_key(files, "--export-secret-keys", "--armor")),
    Case("a PGP private key that is no text", KeyRefusal.PGP_KEY, lambda files: pgp_key(files, "--export-secret-keys")),
    Case("a PGP public key", KeyRefusal.PGP_KEY, lambda files: pgp_key(files, "--export", "--armor")),
    Case("a PGP public key that is no text", KeyRefusal.PGP_KEY, lambda files: pgp_key(files, "--export")),
    Case("an age identity", KeyRefusal.AGE_IDENTITY, age_identity),
    Case("a file encrypted with age", KeyRefusal.AGE_ENCRYPTED, age_encrypted),
    Case("a text encrypted with age", KeyRefusal.AGE_ENCRYPTED, lambda files: age_encrypted(files, "--armor")),
    Case("an SSH 1 key", KeyRefusal.SSH1_KEY, fixed(b"SSH PRIVATE KEY FILE FORMAT 1.1\n\0\0\0\0\0\0\x04\0")),
    Case("a key of ssh.com", KeyRefusal.SSH_COM_FORMAT, ssh_com),
    Case("a PKCS#12 file", KeyRefusal.PKCS12, pkcs12),
    Case("a PKCS#12 file in base64", KeyRefusal.PKCS12, lambda files: base64.encodebytes(pkcs12(files))),
    Case("a PKCS#12 file in PEM", KeyRefusal.PKCS12, lambda files: pem("PKCS12", pkcs12(files))),
    Case("a PKCS#12 file of Windows", KeyRefusal.PKCS12, fixed(b"\x30\x80\x02\x01\x03\x30\x80\x06\x09" + bytes(90))),
    Case("a certificate request", KeyRefusal.X509_CERTIFICATE, fixed(pem("CERTIFICATE REQUEST", b"x"))),
    Case("a certificate in DER", KeyRefusal.X509_CERTIFICATE, lambda files: pem_body(x509_certificate(files))),
    Case(
        "a certificate without armour",
        KeyRefusal.X509_CERTIFICATE,
        lambda files: base64.encodebytes(pem_body(x509_certificate(files))),
    ),
    Case(
        "a public key in DER",
        KeyRefusal.PUBLIC_KEY,
        lambda files: run("openssl", "pkey", "-pubout", "-outform", "DER", given=files.file(P256, PKCS8)),
    ),
    Case(
        "an RSA public key in DER",
        KeyRefusal.PUBLIC_KEY,
        lambda files: run("openssl", "rsa", "-RSAPublicKey_out", "-outform", "DER", given=files.file(RSA2048, PKCS8)),
    ),
    Case(
        "DSA in DER", KeyRefusal.DSA_KEY, lambda files: run("openssl", "dsa", "-outform", "DER", given=dsa_pkcs8(files))
    ),
    Case("DSA of PKCS#8 in DER", KeyRefusal.DSA_KEY, lambda files: pem_body(dsa_pkcs8(files))),
    Case("DER that is cut off", KeyRefusal.NOT_A_KEY, lambda files: der_of(files.file(P256, PKCS8))[:-1]),
    Case(
        "an old PuTTY file",
        KeyRefusal.PPK_FORMAT,
        fixed(
            b"PuTTY-User-Key-File-1: ssh-rsa\n"
            + b"".join((b"Encryption: none\nComment: x\nPublic-Lines: 0\nPrivate-Lines: 0\nPrivate-Hash: 00\n",))
        ),
    ),
    Case(
        "a PBES1 cipher that few programs have",
        KeyRefusal.UNSUPPORTED_CIPHER,
        lambda files: run(
            *("openssl", "pkcs8", "-topk8", "-provider", "legacy", "-provider", "default", "-v1", "PBE-SHA1-RC2-40"),
            *("-passout", f"pass:{PASSPHRASE.decode()}"),
            given=files.file(P256, PKCS8),
        ),
    ),
]
