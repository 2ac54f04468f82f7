"""What is stored encrypted: envelopes, records, whole Secrets, sealed values, documents of the key ring, backups.

Keys are constants, so that an input that was kept says the same ever after.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, Protocol

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from fuzz.json_mutations import JSON, dumped
from fuzz.mutations import BYTES, INSIDE, TEXT, flip_bits, within_base64
from fuzz.target import Target
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url, record_json
from sshcredential_operator.encryption.backup_seal import Identity, Passphrase, Unopened, open_backup, seal_backup
from sshcredential_operator.encryption.canary import CanaryDocument, make_canary, sings
from sshcredential_operator.encryption.credential_secret import (
    OpenedCredential,
    open_credential,
    peek_kids,
    seal_credential,
)
from sshcredential_operator.encryption.envelope import Envelope, open_sealed, parse, rewrap, seal
from sshcredential_operator.encryption.kek import KekDocument, unwrap_kek, wrap_kek
from sshcredential_operator.encryption.place import Field, place_of, record_place
from sshcredential_operator.encryption.recipient import Delivery, RecipientKey, open_with, seal_for
from sshcredential_operator.encryption.record import FromImport, SecretKey
from sshcredential_operator.encryption.ring_backup import ClearKek, ClearSealingKey, RingBackup, stored_secret_of
from sshcredential_operator.encryption.root_key import RootKeys, RootSource, root_keys_from_bytes, root_keys_to_bytes
from sshcredential_operator.encryption.sealing import Scope, Seal, open_value, seal_of, seal_value
from sshcredential_operator.encryption.sealing_key import (
    NewSealingKey,
    SealingKeyDocument,
    unwrap_sealing_key,
    wrap_sealing_key,
)
from sshcredential_operator.encryption.sealing_keys import SealingKey, SealingKeys, from_jwks, sealing_kid, to_jwks
from unit.encryption.samples import (
    CREDENTIAL_ID,
    FULL_RECORD,
    KEK,
    NAME,
    NAMESPACE,
    OTHER_KEK,
    OTHER_ROOT,
    RECORD,
    ROOT,
    UID,
    material,
    public_half,
)

_NOW: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
_PLAIN: Final = Sensitive(b"test-only, not a key")
_AAD: Final = record_place(NAMESPACE, NAME, CREDENTIAL_ID).aad()
_HALF: Final = Sensitive(bytes(range(32)))
_X: Final = b64url.encode(X25519PrivateKey.from_private_bytes(bytes(range(32))).public_key().public_bytes_raw())
_KID: Final = sealing_kid(1, _X)
_OWN: Final = {"kty": "OKP", "crv": "X25519", "x": _X, "d": b64url.encode(_HALF.reveal())}
_WORDS: Final = Passphrase(Sensitive(b"correct horse battery staple"))
_KEKS: Final = {kek.kid: kek for kek in (KEK, OTHER_KEK)}


def _opened(data: bytes) -> str:
    """Envelopes of other keys, and of other places, are among the seeds."""
    envelope = parse(data)
    if envelope is None:
        return "none"
    assert parse(envelope.to_bytes()) == envelope, "writing an envelope changes it"
    place_of(envelope.aad)
    told = []
    for kek in (KEK, OTHER_KEK):
        plain = open_sealed(envelope, kek, _AAD)
        assert plain in (None, _PLAIN), "an envelope opens as another value"
        moved = rewrap(envelope, kek, OTHER_KEK)
        again = parse(moved) if moved else None
        assert moved is None or (again and open_sealed(again, OTHER_KEK, _AAD) == plain), "rewrapping changes a value"
        told.append(plain is not None)
    if any(told):
        genuine = [one for seed in _envelopes() if (one := parse(seed))]
        assert _content(envelope) in map(_content, genuine), "a changed ciphertext opens"
    return f"{told}"


def _content(envelope: Envelope) -> tuple[object, ...]:
    return envelope.ciphertext, envelope.tag, envelope.iv, envelope.aad


@cache
def _envelopes() -> tuple[bytes, ...]:
    return seal(_PLAIN, KEK, _AAD), seal(_PLAIN, OTHER_KEK, _AAD), seal(_PLAIN, KEK, _AAD + b" ")


@cache
def _secret() -> Mapping[str, bytes]:
    return seal_credential(FULL_RECORD, material(FULL_RECORD), KEK, NAMESPACE, NAME)


def _secrets() -> list[bytes]:
    small = seal_credential(RECORD, material(RECORD), KEK, NAMESPACE, NAME)
    elsewhere = seal_credential(FULL_RECORD, material(FULL_RECORD), KEK, NAMESPACE, "another")
    return [dumped({name: value.decode() for name, value in data.items()}) for data in (_secret(), small, elsewhere)]


def _credential(data: bytes) -> str:
    given = _object(data)
    values = {name: text.encode("utf-8", "replace") for name, text in given.items() if isinstance(text, str)}
    peek_kids(values)
    opened = open_credential(values, NAMESPACE, NAME, _KEKS.get, public_half)
    if not isinstance(opened, OpenedCredential):
        return opened.why.value
    assert opened.record in {FULL_RECORD, RECORD}, "a forged record opens"
    if opened.record == FULL_RECORD:
        genuine = {name: parse(value) for name, value in _secret().items()}
        assert {name: parse(value) for name, value in values.items()} == genuine, "a changed Secret opens"
    return f"{len(values)} values"


def _record(data: bytes) -> str:
    record = record_json.from_bytes(data)
    if record is None:
        return "none"
    assert record_json.to_bytes(record) == data, "a record in another spelling"
    assert record.current_key in record.keys
    return f"{len(record.keys)} {type(record.source).__name__} {record.next is not None}"


def _records() -> list[bytes]:
    imported = FromImport(SecretKey("my-key", "ssh-privatekey"), SecretKey("a.b", "p"), RECORD.keys[0].fingerprint)
    records = (RECORD, FULL_RECORD, RECORD.__class__(**{**_fields(RECORD), "source": imported}))
    return [record_json.to_bytes(record) for record in records]


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__dataclass_fields__}


@cache
def _seals() -> tuple[str, ...]:
    strict = Seal(_KID, Scope.STRICT, NAMESPACE, NAME, Field.PRIVATE_KEY, RECORD.keys[0].fingerprint)
    wide = strict._replace(scope=Scope.NAMESPACE, name=None, field=Field.PASSPHRASE)
    return tuple(seal_value(_PLAIN, _X, one) for one in (strict, wide))


def _sealed(data: bytes) -> str:
    text = data.decode("utf-8", "replace")
    seal = seal_of(text)
    if seal is None:
        return "none"
    assert seal.place.isprintable()
    value = open_value(text, _HALF)
    assert value is None or text in _seals() or seal_of(text) != seal_of(_seals()[0]), "a changed value opens"
    if value is not None:
        assert value == _PLAIN, "a changed value opens as another"
        assert text in _seals(), "a value that was written anew opens"
    return f"{seal.scope.value} {seal.field.value} {value is not None}"


@cache
def _deliveries() -> tuple[bytes, ...]:
    fields = (Field.PRIVATE_KEY, Field.PASSPHRASE)
    return tuple(seal_for(RecipientKey(_X), _PLAIN, Delivery(NAMESPACE, NAME, 3, field)) for field in fields)


def _delivered(data: bytes) -> str:
    found = open_with(_OWN, data)
    assert found is None or data in _deliveries(), "a changed copy opens"
    return "none" if found is None else found[0].field.value


class _Document(Protocol):
    def to_bytes(self) -> bytes: ...


_READERS: Final[tuple[Callable[[bytes], _Document | None], ...]] = (
    KekDocument.from_bytes,
    CanaryDocument.from_bytes,
    SealingKeyDocument.from_bytes,
    RingBackup.from_bytes,
)


def _documents() -> list[bytes]:
    kek = wrap_kek(KEK, NAMESPACE, UID, ROOT, RootSource.SECRET)
    by_kms: dict[str, Any] = {
        "version": "sshcredentials.dev/v1",
        "kid": KEK.kid,
        "namespace": NAMESPACE,
        "namespaceUid": UID,
    }
    by_kms |= {"rootSource": "KMS", "rootKeyId": "key 1", "annotations": {"a.b/c": "AAAA"}, "wrapped": "AAAA"}
    new = NewSealingKey(_KID, _X, _NOW, _HALF)
    secret = stored_secret_of(
        {"metadata": {"name": "x"}, "type": "sshcredentials.dev/kek", "data": {"kek": base64.b64encode(b"x").decode()}}
    )
    backup = RingBackup(
        *(_NOW, "sshcredential-system", RootSource.SECRET, ROOT.kid, (ClearKek(NAMESPACE, UID, KEK),)),
        (ClearSealingKey(_KID, _HALF),),
        (secret,) if secret else (),
    )
    found = (kek, make_canary(ROOT, RootSource.FILE), wrap_sealing_key(new, ROOT, RootSource.SECRET), backup)
    roots = root_keys_to_bytes(RootKeys((ROOT, OTHER_ROOT)))
    return [*(one.to_bytes() for one in found), dumped(by_kms), roots]


def _ring_document(data: bytes) -> str:
    roots = root_keys_from_bytes(data)
    if roots:
        assert root_keys_to_bytes(roots) == data, "a root key in another spelling"
        return f"{len(roots.keys)} root keys"
    for read in _READERS:
        if (document := read(data)) is None:
            continue
        if not isinstance(document, RingBackup):
            assert document.to_bytes() == data, "a document in another spelling"
        return f"{type(document).__name__} {_what_opens(document)}"
    return "none"


def _what_opens(document: object) -> bool:
    match document:
        case KekDocument():
            kek = unwrap_kek(document, ROOT)
            assert kek is None or (kek == KEK and document.namespace_uid == UID), "a forged workspace key opens"
            return kek is not None
        case SealingKeyDocument():
            half = unwrap_sealing_key(document, ROOT)
            assert half in (None, _HALF), "a forged sealing key opens"
            return half is not None
        case CanaryDocument():
            return sings(document, ROOT)
    return True


def _jwks(data: bytes) -> str:
    keys = from_jwks(data)
    if keys is None:
        return "none"
    assert from_jwks(to_jwks(keys).encode()) == keys, "what is written is read otherwise"
    return f"{len(keys.keys)} {keys.newest is not None}"


def _public_keys() -> list[bytes]:
    other = b64url.encode(X25519PrivateKey.from_private_bytes(bytes(range(1, 33))).public_key().public_bytes_raw())
    keys = (SealingKey(sealing_kid(2, other), other, _NOW), SealingKey(_KID, _X, _NOW, retired=True))
    return [to_jwks(SealingKeys(keys)).encode(), to_jwks(SealingKeys(keys[:1])).encode()]


@cache
def _backups() -> tuple[bytes, ...]:
    return seal_backup(_PLAIN, RecipientKey(_X)), seal_backup(_PLAIN, _WORDS)


def _backup(data: bytes) -> str:
    told = []
    for by in (_WORDS, Identity(_X, _HALF)):
        plain = open_backup(data, by)
        if not isinstance(plain, Unopened):
            assert plain == _PLAIN, "a changed backup opens as another"
            assert data.strip() in {one.strip() for one in _backups()}, "a changed backup opens"
        told.append(plain.name if isinstance(plain, Unopened) else "opens")
    return " ".join(told)


def _identity(data: bytes) -> str:
    """Whatever a person gives for a private key: the octets of `d` are the input."""
    plain = open_backup(_backups()[0], Identity(_X, Sensitive(data)))
    assert isinstance(plain, Unopened) or _clamped(data) == _clamped(_HALF.reveal()), "another private key opens it"
    return plain.name if isinstance(plain, Unopened) else "opens"


def _clamped(octets: bytes) -> bytes:
    """Return the octets as X25519 takes them (RFC 7748, section 5): five bits of 256 do not count."""
    return bytes([octets[0] & 248, *octets[1:31], octets[31] & 127 | 64]) if len(octets) == 32 else octets


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


_COMPACT: Final = (*TEXT, flip_bits, within_base64(*JSON), within_base64(flip_bits), within_base64(*BYTES))

TARGETS: Final = (
    Target(
        "envelope", "No envelope that was changed in any bit opens.", _envelopes, (*JSON, flip_bits, *INSIDE), _opened
    ),
    Target(
        "credential-secret",
        "A Secret whose values were changed, swapped, taken from elsewhere or left out does not open.",
        _secrets,
        (*JSON, flip_bits),
        _credential,
    ),
    Target("record", "A record has one spelling, and nothing else is one.", _records, (*JSON, *TEXT), _record),
    Target(
        "sealed-value",
        "A sealed value is read without a key or is none; changed in any bit it does not open.",
        lambda: [text.encode() for text in _seals()],
        _COMPACT,
        _sealed,
    ),
    Target(
        "delivered-copy", "A copy for a recipient that was changed does not open.", _deliveries, _COMPACT, _delivered
    ),
    Target(
        "ring-document",
        "A document of the key ring has one spelling, and does not open after a change.",
        _documents,
        (*JSON, *TEXT, flip_bits),
        _ring_document,
    ),
    Target("sealing-keys", "A JWK Set is read or is none, and is written as it was read.", _public_keys, JSON, _jwks),
    Target("backup", "A backup that was changed does not open.", _backups, _COMPACT, _backup),
    Target(
        "backup-identity",
        "A private key that is none is no reason for anything but a sentence.",
        lambda: [_HALF.reveal(), bytes(32), b"", bytes(33)],
        BYTES,
        _identity,
    ),
)
