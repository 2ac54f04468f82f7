"""The stored form of a record: compact JSON in exactly one spelling. Used by `credential_secret`.

Reading is strict: version, members and their order, types, bounds, and that all of it fits together. What another
version of the operator wrote in another form is not this form, and gives None.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final, assert_never

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.shared import shared
from sshcredential_operator.api.spec import FINGERPRINT, DeletionPolicy
from sshcredential_operator.encryption import exact_json, public_line
from sshcredential_operator.encryption.exact_json import Malformed, choice, flag, items, members, number, text
from sshcredential_operator.encryption.place import CREDENTIAL_ID, FORMAT, MAX_KEY_NUMBER
from sshcredential_operator.encryption.record import (
    MAX_KEYS,
    MAX_PREVIOUS,
    FromGenerate,
    FromImport,
    FromSealed,
    NextKey,
    PreviousKey,
    Record,
    RecordedKey,
    RecordedSource,
    SecretKey,
)

MAX_RECORD: Final = 48 * 1024
MAX_NOTES: Final = 16
MAX_SERIAL: Final = 2**63 - 1
MAX_BITS: Final = 8192

_NOTE: Final = re.compile(r"[A-Za-z0-9]{1,64}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_LABEL: Final = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_SECRET_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
_SECRET_KEY: Final = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_DURATION: Final = re.compile(r"(?=.{2,64}\Z)(?:[0-9]{1,10}(?:\.[0-9]{1,9})?(?:ns|us|ms|s|m|h))+")


def to_bytes(record: Record) -> bytes:
    """Return the stored form. A record that could not be read again raises ValueError: it must never be written."""
    data = exact_json.write(_json(record))
    if from_bytes(data) != record:
        msg = "this record breaks its own rules and could not be read again"
        raise ValueError(msg)
    return data


def from_bytes(data: bytes) -> Record | None:
    """Return the record, or None for anything else."""
    try:
        record = _record(exact_json.read(data, MAX_RECORD))
    except Malformed:
        return None
    return record if record.is_consistent else None


def _json(record: Record) -> dict[str, object]:
    following = record.next
    return {
        "version": FORMAT,
        "credentialId": record.credential_id,
        "current": record.current,
        "next": following and {"keyNumber": following.key_number, "promotesAt": following.promotes_at},
        "previous": [{"keyNumber": old.key_number, "until": old.until} for old in record.previous],
        "keys": [_key_json(key) for key in record.keys],
        "highestKeyNumber": record.highest_key_number,
        "rotationSerial": record.rotation_serial,
        "rollbackTo": record.rollback_to,
        "source": _source_json(record.source),
        "deletionPolicy": record.deletion_policy,
        "deletionGracePeriod": record.deletion_grace_period,
    }


def _key_json(key: RecordedKey) -> dict[str, object]:
    return {
        "keyNumber": key.key_number,
        "algorithm": key.algorithm,
        "bits": key.bits,
        "fingerprint": key.fingerprint,
        "publicKey": key.public_key,
        "createdAt": key.created_at,
        "passphraseProtected": key.passphrase_protected,
        "notes": key.notes,
    }


def _source_json(source: RecordedSource) -> dict[str, object]:
    match source:
        case FromGenerate():
            return {"kind": "generate"}
        case FromImport():
            return {
                "kind": "importFrom",
                "privateKey": _reference_json(source.private_key),
                "passphrase": None if source.passphrase is None else _reference_json(source.passphrase),
                "fingerprint": source.fingerprint,
            }
        case FromSealed():
            return {"kind": "sealed", "fingerprint": source.fingerprint}
    assert_never(source)


def _reference_json(reference: SecretKey) -> dict[str, object]:
    return {"secretName": reference.secret_name, "key": reference.key}


def _record(value: object) -> Record:
    version, credential_id, current, following, previous, keys, highest, serial, rollback, source, policy, grace = (
        members(
            value,
            *("version", "credentialId", "current", "next", "previous", "keys", "highestKeyNumber"),
            *("rotationSerial", "rollbackTo", "source", "deletionPolicy", "deletionGracePeriod"),
        )
    )
    if version != FORMAT:
        raise Malformed
    return Record(
        credential_id=text(credential_id, CREDENTIAL_ID),
        current=_key_number(current),
        next=None if following is None else NextKey(*_numbered_time(following, "promotesAt")),
        previous=tuple(PreviousKey(*_numbered_time(old, "until")) for old in items(previous, MAX_PREVIOUS)),
        keys=tuple(_key(key) for key in items(keys, MAX_KEYS)),
        highest_key_number=_key_number(highest),
        rotation_serial=number(serial, 0, MAX_SERIAL),
        rollback_to=None if rollback is None else text(rollback, FINGERPRINT),
        source=_source(source),
        deletion_policy=choice(policy, DeletionPolicy).value,
        deletion_grace_period=shared(text(grace, _DURATION)),
    )


def _key_number(value: object) -> int:
    return number(value, 1, MAX_KEY_NUMBER)


def _time(value: object) -> str:
    moment = text(value, _TIME)
    try:
        datetime.fromisoformat(moment)
    except ValueError:
        raise Malformed from None
    return moment


def _numbered_time(value: object, name: str) -> tuple[int, str]:
    key_number, moment = members(value, "keyNumber", name)
    return _key_number(key_number), _time(moment)


def _key(value: object) -> RecordedKey:
    key_number, algorithm, bits, fingerprint, line, created_at, protected, notes = members(
        value,
        *("keyNumber", "algorithm", "bits", "fingerprint", "publicKey", "createdAt", "passphraseProtected", "notes"),
    )
    key = RecordedKey(
        key_number=_key_number(key_number),
        algorithm=choice(algorithm, Algorithm),
        bits=number(bits, 1, MAX_BITS),
        fingerprint=text(fingerprint, FINGERPRINT),
        public_key=text(line, public_line.LINE),
        created_at=shared(_time(created_at)),
        passphrase_protected=flag(protected),
        notes=tuple(text(note, _NOTE) for note in items(notes, MAX_NOTES)),
    )
    if not public_line.fits(key.public_key, key.algorithm, key.bits, key.fingerprint):
        raise Malformed
    return key


def _source(value: object) -> RecordedSource:
    match value:
        case {"kind": "generate"}:
            members(value, "kind")
            return FromGenerate()
        case {"kind": "importFrom"}:
            _, private_key, passphrase, fingerprint = members(value, "kind", "privateKey", "passphrase", "fingerprint")
            return FromImport(
                _reference(private_key),
                None if passphrase is None else _reference(passphrase),
                text(fingerprint, FINGERPRINT),
            )
        case {"kind": "sealed"}:
            _, fingerprint = members(value, "kind", "fingerprint")
            return FromSealed(text(fingerprint, FINGERPRINT))
    raise Malformed


def _reference(value: object) -> SecretKey:
    secret_name, key = members(value, "secretName", "key")
    return SecretKey(text(secret_name, _SECRET_NAME), text(key, _SECRET_KEY))
