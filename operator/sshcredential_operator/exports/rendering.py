"""What a copy holds: the values of its Secret for one key and one wish. Pure; used by the pass over an export."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from sshcredential_operator.api.export_spec import ExportSpec, Passphrase
from sshcredential_operator.encryption.credential_secret import KeyMaterial
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.recipient import Delivery, recipient_key, seal_for
from sshcredential_operator.encryption.record import RecordedKey
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


def render(spec: ExportSpec, key: RecordedKey, material: KeyMaterial, namespace: str, known_hosts: str | None) -> Copy:
    """Return the copy; `unfit` has said nothing against it. `known_hosts` are the lines, wherever they came from."""
    passphrase = None if spec.passphrase is Passphrase.STRIP else material.passphrase
    file = handed_out(material.private, passphrase, _format(spec))
    if spec.recipient:
        recipient = recipient_key(spec.recipient)
        if recipient is None:  # `unfit` comes first
            raise TypeError
        delivered = {Field.PRIVATE_KEY: file} | ({Field.PASSPHRASE: passphrase} if passphrase else {})
        sealed = {
            f"{field.value}.jwe": seal_for(
                recipient, value, Delivery(namespace, spec.credential, key.key_number, field)
            )
            for field, value in delivered.items()
        }
        return Copy(OPAQUE, {}, sealed)
    layout = layout_of(spec)
    values = {
        layout.private_key: file.reveal(),
        layout.public_key: f"{key.public_key}\n".encode(),
        layout.passphrase: passphrase.reveal() if passphrase else None,
        layout.known_hosts: known_hosts.encode() if known_hosts else None,
        layout.url: spec.url.encode() if spec.url else None,
        layout.username: spec.username.encode() if spec.username else None,
    }
    fixed = {name: value.encode() for name, value in layout.fixed.items()}
    return Copy(layout.secret_type, layout.labels, fixed | {n: v for n, v in values.items() if n and v is not None})


def _format(spec: ExportSpec) -> KeyFormat:
    return KeyFormat.PEM if spec.pem else KeyFormat.OPENSSH
