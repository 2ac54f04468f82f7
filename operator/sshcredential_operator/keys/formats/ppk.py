"""PuTTY's private key files, versions 2 and 3 (appendix C of the PuTTY manual). Their checksum covers every field."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.keys.formats.beside import held_to
from sshcredential_operator.keys.formats.found import Candidate, Found, Locked, noted
from sshcredential_operator.keys.formats.ppk_derivation import PpkKeys, derivation, keys_without_passphrase
from sshcredential_operator.keys.formats.ppk_text import PpkFile, ppk_file, split_at_starts
from sshcredential_operator.keys.keypair import PublicKey
from sshcredential_operator.keys.openssh import shown_comment
from sshcredential_operator.keys.private import EcdsaPrivate, Ed25519Private, PrivateHalf, RsaPrivate
from sshcredential_operator.keys.public import CURVES, ECDSA_TYPE, ED25519_TYPE, public_key, rsa_exponent
from sshcredential_operator.keys.refusal import Refusal, corrupt
from sshcredential_operator.keys.symmetric import AES256_CBC, cbc_plain
from sshcredential_operator.keys.wire import WireReader, string

_NOT_ENCRYPTED: Final = b"none"
_ENCRYPTED: Final = b"aes256-cbc"
_BLOCK: Final = 16
_SEED_BYTES: Final = 32
_HASHES: Final = {2: "sha1", 3: "sha256"}


@dataclass(frozen=True, slots=True, repr=False)
class _Ppk:
    file: PpkFile
    public: PublicKey

    def opened(self, keys: PpkKeys, private: bytes) -> Found | None:
        """Return the key in a decrypted private part, or None if the checksum does not fit."""
        file = self.file
        parts = (file.key_type, file.encryption, file.comment, file.public, private)
        checksum = hmac.digest(keys.checksum_key, b"".join(map(string, parts)), _HASHES[file.version])
        if not hmac.compare_digest(checksum, file.checksum):
            return None
        half = _private_half(WireReader(private), file)
        return Found(half, (file.public,), self.public.comment)


def read(text: bytes) -> Candidate | None:
    """Return the key in a PuTTY file, or None for a text that is none."""
    before, *files = split_at_starts(text)
    if not files:
        return None
    if len(set(files)) > 1 or b"PRIVATE KEY-----" in text:
        raise Refusal(KeyRefusal.MULTIPLE_KEYS)
    file, after = ppk_file(files[0])
    key = held_to(_key(file), (), (line for line in (*before.split(b"\n"), *after) if line))
    return noted(key, Note.DUPLICATE_REMOVED) if len(files) > 1 else key


def _key(file: PpkFile) -> Candidate:
    if file.version not in _HASHES or file.encryption not in {_NOT_ENCRYPTED, _ENCRYPTED}:
        raise Refusal(KeyRefusal.PPK_FORMAT)
    ppk = _Ppk(file, public_key(file.public, shown_comment(file.comment)))
    if not file.public.startswith(string(file.key_type)):
        raise corrupt()
    if file.encryption == _ENCRYPTED:
        return _locked(ppk)
    found = ppk.opened(keys_without_passphrase(file.version), file.private)
    if found is None:
        raise corrupt().about(ppk.public)
    return found


def _locked(ppk: _Ppk) -> Locked:
    file = ppk.file
    if not file.private or len(file.private) % _BLOCK:
        raise corrupt().about(ppk.public)
    try:
        derive = derivation(file)
    except Refusal as refusal:
        raise refusal.about(ppk.public) from None

    def unlock(passphrase: bytes) -> Found:
        keys = derive(passphrase)
        found = ppk.opened(keys, cbc_plain(AES256_CBC, keys.key, keys.iv, file.private))
        if found is None:
            raise Refusal(KeyRefusal.WRONG_PASSPHRASE)
        return found

    # Version 2 hashes the passphrase once with SHA-1.
    return Locked(unlock, ppk.public, () if file.derivation else (Note.LEGACY_KDF,))


def _private_half(reader: WireReader, file: PpkFile) -> PrivateHalf:
    """Read the numbers; what follows them is padding, which the checksum covers, too."""
    if file.key_type == ED25519_TYPE:
        seed = reader.string()
        if len(seed) != _SEED_BYTES:
            raise corrupt()
        return Ed25519Private(seed)
    if file.key_type.startswith(ECDSA_TYPE):
        return EcdsaPrivate(CURVES[file.key_type.removeprefix(ECDSA_TYPE)], reader.mpint())
    d, p, q, q_inverse = (reader.mpint() for _ in range(4))
    return RsaPrivate(rsa_exponent(file.public), d, p, q, q_inverse)
