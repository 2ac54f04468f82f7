"""The spec of an SSHCredential as a frozen value, parsed once when the object arrives. Used by `reconcile`.

The API server has checked all this by the CRD's schema; what still does not fit becomes an `InvalidSpec`, not an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final, NamedTuple, TypeVar, assert_never

from sshcredential_operator.api.algorithms import GENERATED_BITS, Algorithm
from sshcredential_operator.api.durations import parse_duration
from sshcredential_operator.api.shared import shared

_LABEL: Final = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
SECRET_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
SECRET_KEY: Final = re.compile("[-._a-zA-Z0-9]{1,253}")
FINGERPRINT: Final = re.compile("SHA256:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]")
"""32 octets in base64: the last of 43 characters holds four bits."""

_Choice = TypeVar("_Choice", bound=StrEnum)


class DeletionPolicy(StrEnum):
    """What happens to the Secret after its credential was deleted."""

    DELETE = "Delete"
    RETAIN = "Retain"


class Generate(NamedTuple):
    """A key pair that the operator makes."""

    algorithm: Algorithm
    bits: int
    comment: str
    passphrase: bool

    @property
    def kind_of_key(self) -> str:
        """Algorithm and size in words, such as `RSA 4096`; Ed25519 has only one size."""
        return describe_key(self.algorithm, self.bits)


class SecretKeyRef(NamedTuple):
    """One key of a Secret in the credential's own namespace."""

    secret_name: str
    key: str


class ImportFrom(NamedTuple):
    """A key pair that the user already has."""

    private_key: SecretKeyRef
    passphrase: SecretKeyRef | None


class Sealed(NamedTuple):
    """A key pair that the user has encrypted to the operator; the values are read by `reconcile`."""

    private_key: str
    passphrase: str | None


Source = Generate | ImportFrom | Sealed


class Rotation(NamedTuple):
    """When the key is replaced. Durations are as the API writes them; `every` None means never by itself."""

    serial: int = 0
    every: timedelta | None = None
    prepare: timedelta = timedelta(0)
    overlap: timedelta = timedelta(days=1)
    rollback_to: str | None = None


NO_ROTATION: Final = Rotation()


@dataclass(frozen=True, slots=True)
class Spec:
    """A spec that can be worked with."""

    name: str
    source: Source
    deletion_policy: DeletionPolicy
    deletion_grace_period: str
    suspend: bool
    rotation: Rotation = NO_ROTATION


@dataclass(frozen=True, slots=True)
class InvalidSpec:
    """A spec that cannot: `field` is the path of the first field that does not fit."""

    field: str


def describe_key(algorithm: Algorithm, bits: int) -> str:
    """Return algorithm and size in words, such as `RSA 4096`."""
    return algorithm.value if algorithm is Algorithm.ED25519 else f"{algorithm.value} {bits}"


def describe_source(source: Source) -> str:
    """Return the source in the words of the spec, such as `importFrom Secret my-key`."""
    match source:
        case Generate():
            return "generate"
        case ImportFrom():
            return f"importFrom Secret {source.private_key.secret_name}"
        case Sealed():
            return "sealed"
    assert_never(source)


class _InvalidError(Exception):
    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.field = field


def parse_spec(raw: object, object_name: str) -> Spec | InvalidSpec:
    """Return the parsed spec; `object_name` is the default of `spec.name`."""
    if not isinstance(raw, Mapping):
        return InvalidSpec("spec")
    try:
        return Spec(
            name=_text(raw, "name", object_name, "spec.name"),
            source=_source(raw),
            rotation=shared(_rotation(raw.get("rotation") or {})),
            deletion_policy=_choice(DeletionPolicy, raw.get("deletionPolicy", "Delete"), "spec.deletionPolicy"),
            deletion_grace_period=shared(_duration(raw.get("deletionGracePeriod", "168h"), "spec.deletionGracePeriod")),
            suspend=raw.get("suspend", False) is True,
        )
    except _InvalidError as error:
        return InvalidSpec(error.field)


def _source(raw: Mapping[str, Any]) -> Source:
    given = {name: raw[name] for name in _SOURCES if raw.get(name) is not None}
    if len(given) != 1:
        raise _InvalidError("spec.generate")
    [(name, source)] = given.items()
    if not isinstance(source, Mapping):
        raise _InvalidError(f"spec.{name}")
    return _SOURCES[name](source)


def _generate(raw: Mapping[str, Any]) -> Generate:
    algorithm = _choice(Algorithm, raw.get("algorithm", "Ed25519"), "spec.generate.algorithm")
    bits = raw.get("bits", GENERATED_BITS[algorithm][0])
    if type(bits) is not int or bits not in GENERATED_BITS[algorithm]:
        raise _InvalidError("spec.generate.bits")
    comment = _text(raw, "comment", "", "spec.generate.comment").strip(" ")  # ssh-keygen and others drop blanks there
    if not (comment.isascii() and (comment.isprintable() or not comment)):
        raise _InvalidError("spec.generate.comment")
    return shared(Generate(algorithm, bits, comment, raw.get("passphrase", "None") == "Generate"))


def _import_from(raw: Mapping[str, Any]) -> ImportFrom:
    passphrase = raw.get("passphrase")
    return ImportFrom(
        _reference(raw.get("privateKey"), "ssh-privatekey", "spec.importFrom.privateKey"),
        None if passphrase is None else _reference(passphrase, "passphrase", "spec.importFrom.passphrase"),
    )


def _sealed(raw: Mapping[str, Any]) -> Sealed:
    private_key = _text(raw, "privateKey", "", "spec.sealed.privateKey")
    passphrase = None if raw.get("passphrase") is None else _text(raw, "passphrase", "", "spec.sealed.passphrase")
    return Sealed(private_key, passphrase)


_SOURCES: Final[dict[str, Callable[[Mapping[str, Any]], Source]]] = {
    "generate": _generate,
    "importFrom": _import_from,
    "sealed": _sealed,
}


def _rotation(raw: object) -> Rotation:
    if not isinstance(raw, Mapping):
        raise _InvalidError("spec.rotation")
    serial, every, rollback_to = raw.get("serial", 0), raw.get("every"), raw.get("rollbackTo")
    if type(serial) is not int or serial < 0:
        raise _InvalidError("spec.rotation.serial")
    if rollback_to is not None and not (isinstance(rollback_to, str) and FINGERPRINT.fullmatch(rollback_to)):
        raise _InvalidError("spec.rotation.rollbackTo")
    return Rotation(
        serial,
        None if every is None else _parsed(every, "spec.rotation.every"),
        _parsed(raw.get("prepare", "0s"), "spec.rotation.prepare"),
        _parsed(raw.get("overlap", "24h"), "spec.rotation.overlap"),
        rollback_to,
    )


def _reference(raw: object, default_key: str, field: str) -> SecretKeyRef:
    if not isinstance(raw, Mapping):
        raise _InvalidError(field)
    reference = SecretKeyRef(_text(raw, "secretName", "", field), _text(raw, "key", default_key, field))
    if SECRET_NAME.fullmatch(reference.secret_name) is None or SECRET_KEY.fullmatch(reference.key) is None:
        raise _InvalidError(field)  # the name becomes part of a request's path
    return reference


def _text(raw: Mapping[str, Any], member: str, default: str, field: str) -> str:
    value = raw.get(member, default)
    if not isinstance(value, str):
        raise _InvalidError(field)
    return value


def _duration(value: object, field: str) -> str:
    _parsed(value, field)
    return str(value)


def _parsed(value: object, field: str) -> timedelta:
    parsed = parse_duration(value) if isinstance(value, str) else None
    if parsed is None:
        raise _InvalidError(field)
    return parsed


def _choice(kind: type[_Choice], value: object, field: str) -> _Choice:
    for member in kind:
        if member.value == value:
            return member
    raise _InvalidError(field)
