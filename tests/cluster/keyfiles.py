"""Private key files as people have them, and what they take for one: made by ssh-keygen and openssl, once in a session.

Fingerprints come from `ssh-keygen -l`, so that the operator is compared with OpenSSH and not with itself.
"""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

PASSPHRASE: Final = "correct horse battery 7"
COMMENT: Final = "ada@lab"

PLAIN_FORMS: Final[dict[str, tuple[str, ...]]] = {
    "OpenSSH": ("-t", "ed25519"),
    "PKCS#1": ("-t", "rsa", "-b", "2048", "-m", "PEM"),
    "SEC1": ("-t", "ecdsa", "-b", "256", "-m", "PEM"),
    "PKCS#8": ("-t", "ecdsa", "-b", "384", "-m", "PKCS8"),
}
"""How ssh-keygen is asked for each form. The fewest bits that are accepted: nobody waits for a large prime."""

PKCS8_LENGTH: Final = 12
"""Octets of an Ed25519 key's public PEM, decoded, before its 32 octets."""


class KeyFile(NamedTuple):
    """One private key file. `fingerprint` is that of its public half, `public` the line for authorized_keys."""

    content: bytes
    public: str
    fingerprint: str


class KeyFiles:
    """Makes files when they are first asked for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[tuple[str, ...], KeyFile] = {}

    def key(self, form: str = "OpenSSH", passphrase: str = "", which: str = "") -> KeyFile:
        """Return a key in this form; another `which`, another key."""
        wanted = (form, passphrase, which)
        if wanted not in self._made:
            self._made[wanted] = self._keygen(*PLAIN_FORMS[form], "-N", passphrase)
        return self._made[wanted]

    def small_rsa(self) -> bytes:
        """Return an RSA key that nobody should use any more."""
        return self._keygen("-t", "rsa", "-b", "1024", "-N", "").content

    def ed25519_of_openssl(self) -> KeyFile:
        """Return an Ed25519 key in PKCS#8, as openssl writes it. ssh-keygen cannot read it."""
        content = openssl("genpkey", "-algorithm", "ed25519")
        point = openssl("pkey", "-pubout", "-outform", "DER", given=content)[PKCS8_LENGTH:]
        blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + point
        public = f"ssh-ed25519 {base64.b64encode(blob).decode()}"
        return KeyFile(content, public, fingerprint_of(public, self._folder))

    def certificate(self) -> bytes:
        """Return an SSH certificate of a key."""
        authority, subject = self._path("authority"), self._path("subject")
        for path in (authority, subject):
            run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path)
        run("ssh-keygen", "-q", "-s", authority, "-I", "ada", "-n", "ada", f"{subject}.pub")
        return Path(f"{subject}-cert.pub").read_bytes()

    def x509_certificate(self) -> bytes:
        """Return an X.509 certificate."""
        key = self._path("tls")
        return openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=ada", "-keyout", str(key))

    def _keygen(self, *options: str) -> KeyFile:
        path = self._path("key")
        run("ssh-keygen", "-q", "-a", "1", "-C", COMMENT, *options, "-f", path)
        public = Path(f"{path}.pub").read_text().strip()
        return KeyFile(path.read_bytes(), public, fingerprint_of(public, self._folder))

    def _path(self, stem: str) -> Path:
        return self._folder / f"{stem}-{len(list(self._folder.iterdir()))}"


def dsa_key() -> bytes:
    """Return a DSA key in PKCS#8. ssh-keygen makes none any more."""
    return openssl("dsaparam", "-genkey", "-noout", "1024")


def key_of_openssl(algorithm: str, *options: str) -> bytes:
    """Return a new key in PKCS#8."""
    return openssl("genpkey", "-algorithm", algorithm, *options)


def damaged(file: bytes) -> bytes:
    """Return the file without a line of its middle."""
    lines = file.splitlines(keepends=True)
    return b"".join(lines[:2] + lines[3:])


def cut_off(file: bytes) -> bytes:
    """Return the first half of the file."""
    return file[: len(file) // 2]


def putty_file() -> bytes:
    """Return a file of a PuTTY so old that its format is not read any more."""
    fields = ("PuTTY-User-Key-File-1: ssh-rsa", "Encryption: none", "Comment: ada", "Public-Lines: 0")
    return "\n".join((*fields, "Private-Lines: 0", "Private-Hash: 00", "")).encode()


def public_line_of(private: bytes, folder: Path, passphrase: str = "") -> str:
    """Return what `ssh-keygen -y` makes of a private key file."""
    path = folder / "given"
    path.touch(mode=0o600)
    path.write_bytes(private)
    return run("ssh-keygen", "-y", "-P", passphrase, "-f", path).decode().strip()


def fingerprint_of(public: str, folder: Path) -> str:
    """Return the fingerprint that `ssh-keygen -l` shows for a public line."""
    path = folder / "given.pub"
    path.write_text(public + "\n")
    return run("ssh-keygen", "-l", "-f", path).decode().split()[1]


def openssl(*arguments: str, given: bytes = b"") -> bytes:
    """Run openssl and return what it prints."""
    return run("openssl", *arguments, given=given)


def run(*command: str | Path, given: bytes = b"") -> bytes:
    """Run a program that must succeed, and return what it prints."""
    done = subprocess.run(command, input=given, capture_output=True, check=False)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout
