"""What a copy holds: the values of its Secret for one key and one wish. Pure; used by the pass over an export."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from sshcredential_operator.api.export_spec import ExportSpec, Passphrase, Profile
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.credential_secret import KeyMaterial
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.recipient import Delivery, recipient_key, seal_for
from sshcredential_operator.encryption.record import RecordedKey
from sshcredential_operator.encryption.sealing import Scope, Seal, seal_value
from sshcredential_operator.exports.profiles import LAYOUTS, OPAQUE, Layout
from sshcredential_operator.keys.handed_out import KeyFormat, can_be_handed_out, handed_out


class Unfit(StrEnum):
    """Why a key cannot be copied as it is asked for."""

    PASSPHRASE_NOT_TAKEN = "PassphraseNotTaken"
    URL_MISSING = "UrlMissing"
    KNOWN_HOSTS_MISSING = "KnownHostsMissing"
    NO_SUCH_FORMAT = "NoSuchFormat"
    RECIPIENT_INVALID = "RecipientInvalid"


class Ignored(StrEnum):
    """What was given and this copy has no use for; the status notes it."""

    URL = "UrlIgnored"
    USERNAME = "UsernameIgnored"
    KNOWN_HOSTS = "KnownHostsIgnored"


class Copy(NamedTuple):
    """The Secret of a copy: type, labels and data."""

    type: str
    labels: Mapping[str, str]
    data: Mapping[str, bytes]


class SealTo(NamedTuple):
    """The sealing key, and where what is sealed may be used."""

    kid: str
    x: str
    scope: Scope


_FOR_A_RECIPIENT: Final = Layout("privateKey.jwe")


def layout_of(spec: ExportSpec) -> Layout:
    """Return the layout that a spec asks for."""
    return LAYOUTS[spec.profile] if spec.profile else _FOR_A_RECIPIENT


def unfit(spec: ExportSpec, key: RecordedKey) -> Unfit | None:
    """Return why this key cannot be copied as the spec asks for, if so."""
    layout = layout_of(spec)
    if spec.recipient and recipient_key(spec.recipient) is None:
        return Unfit.RECIPIENT_INVALID
    if not can_be_handed_out(key.algorithm, _format(spec)):
        return Unfit.NO_SUCH_FORMAT
    takes_it = layout.passphrase or spec.recipient or spec.passphrase is Passphrase.STRIP
    if key.passphrase_protected and not takes_it:
        return Unfit.PASSPHRASE_NOT_TAKEN
    if layout.needs_url and not spec.url:
        return Unfit.URL_MISSING
    return Unfit.KNOWN_HOSTS_MISSING if layout.needs_known_hosts and not spec.known_hosts else None


def ignored(spec: ExportSpec) -> tuple[Ignored, ...]:
    """Return what was given in vain."""
    layout = layout_of(spec)
    given = (
        (Ignored.URL, spec.url, layout.url),
        (Ignored.USERNAME, spec.username, layout.username),
        (Ignored.KNOWN_HOSTS, spec.known_hosts, layout.known_hosts),
    )
    return tuple(name for name, value, taken in given if value and not taken)


def render(
    spec: ExportSpec,
    key: RecordedKey,
    material: KeyMaterial,
    namespace: str,
    known_hosts: str | None = None,
    seal_to: SealTo | None = None,
) -> Copy:
    """Return the copy; `unfit` has said nothing against it.

    `known_hosts` are the lines, wherever they came from; `seal_to` is for the profile Sealed, and for it alone.
    """
    passphrase = None if spec.passphrase is Passphrase.STRIP else material.passphrase
    file = handed_out(material.private, passphrase, _format(spec))
    halves = {Field.PRIVATE_KEY: file} | ({Field.PASSPHRASE: passphrase} if passphrase else {})
    if spec.recipient:
        return Copy(OPAQUE, {}, _delivered(spec, spec.recipient, key, halves, namespace))
    if spec.profile is Profile.SEALED:
        return Copy(OPAQUE, {}, _sealed(spec, seal_to, key, halves, namespace))
    layout = layout_of(spec)
    return Copy(layout.secret_type, layout.labels, _plain(spec, key, halves, known_hosts))


Halves = Mapping[Field, Sensitive]


def _delivered(spec: ExportSpec, x: str, key: RecordedKey, halves: Halves, namespace: str) -> dict[str, bytes]:
    recipient = recipient_key(x)
    if recipient is None:  # `unfit` comes first
        raise TypeError
    return {
        f"{field.value}.jwe": seal_for(recipient, value, Delivery(namespace, spec.credential, key.key_number, field))
        for field, value in halves.items()
    }


def _sealed(spec: ExportSpec, to: SealTo | None, key: RecordedKey, halves: Halves, namespace: str) -> dict[str, bytes]:
    if to is None:  # the checks wait for it
        raise TypeError
    name = spec.credential if to.scope is Scope.STRICT else None
    seal = Seal(to.kid, to.scope, namespace, name, Field.PRIVATE_KEY, key.fingerprint)
    return {
        field.value: seal_value(value, to.x, seal._replace(field=field)).encode("ascii")
        for field, value in halves.items()
    }


def _plain(spec: ExportSpec, key: RecordedKey, halves: Halves, known_hosts: str | None) -> dict[str, bytes]:
    layout, passphrase = layout_of(spec), halves.get(Field.PASSPHRASE)
    values = {
        layout.private_key: halves[Field.PRIVATE_KEY].reveal(),
        layout.public_key: f"{key.public_key}\n".encode(),
        layout.passphrase: passphrase.reveal() if passphrase else None,
        layout.known_hosts: known_hosts.encode() if known_hosts else None,
        layout.url: spec.url.encode() if spec.url else None,
        layout.username: spec.username.encode() if spec.username else None,
    }
    fixed = {name: value.encode() for name, value in layout.fixed.items()}
    return fixed | {name: value for name, value in values.items() if name and value is not None}


def _format(spec: ExportSpec) -> KeyFormat:
    return KeyFormat.PEM if spec.pem else KeyFormat.OPENSSH
