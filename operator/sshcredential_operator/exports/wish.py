"""What a copy is to be, of which export and key: pure. `checks` compare it, and `act` makes it."""

from __future__ import annotations

from typing import Final

from sshcredential_operator.api.export import Export
from sshcredential_operator.api.export_spec import ExportSpec, Profile
from sshcredential_operator.api.names import EXPORT_LABEL, FIELD_MANAGER, MANAGED_BY_LABEL
from sshcredential_operator.api.spec import Sealed, Spec
from sshcredential_operator.encryption import exact_json
from sshcredential_operator.encryption.copy_proof import CopyContent, Source, is_made_of, is_untouched
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.encryption.sealing import Scope, seal_of
from sshcredential_operator.exports.observed import HostKeys, Observed, Ours
from sshcredential_operator.exports.profiles import LAYOUTS
from sshcredential_operator.exports.rendering import SealTo
from sshcredential_operator.reconcile.observed import Stored

OUR_LABELS: Final = frozenset({EXPORT_LABEL, MANAGED_BY_LABEL}).union(*(row.labels for row in LAYOUTS.values()))
"""Labels of a copy that are ours to set and to take off; all others are left to others."""
LABEL_LENGTH: Final = 63


def spec_of(export: Export | None) -> ExportSpec:
    """Return the spec; `spec_unreadable` comes before all that ask."""
    if export is None or not isinstance(export.spec, ExportSpec):
        raise TypeError
    return export.spec


def record_of(observed: Observed) -> Record:
    """Return the credential's record; `key_is_not_good` comes before all that ask."""
    if not isinstance(observed.stored, Stored):
        raise TypeError
    return observed.stored.record


def source_of(export: Export) -> Source:
    """Return what the copy's proof says of where it comes from."""
    return Source(export.key.name, export.uid, spec_of(export).credential)


def labels_of(export: Export) -> dict[str, str]:
    """Return the labels that every copy of this export has."""
    return {MANAGED_BY_LABEL: FIELD_MANAGER, EXPORT_LABEL: export.key.name[:LABEL_LENGTH]}


def made_of(observed: Observed) -> str:
    """Return in one text all that the copy is made of; a copy that was made of another text is outdated."""
    spec, record = spec_of(observed.export), record_of(observed)
    hosts = observed.host_keys.text if isinstance(observed.host_keys, HostKeys) else None
    parts = {
        "credentialId": record.credential_id,
        "keyNumber": record.current,
        "fingerprint": record.current_key.fingerprint,
        "profile": spec.profile,
        "recipient": spec.recipient,
        "pem": spec.pem,
        "passphrase": spec.passphrase,
        "url": spec.url,
        "username": spec.username,
        "knownHosts": hosts,
    }
    if to := seal_to(observed):
        parts |= {"sealingKey": to.kid, "scope": to.scope}
    return exact_json.write(parts).decode()


def seal_to(observed: Observed) -> SealTo | None:
    """Return what a copy of the profile Sealed is sealed to, and the scope; None for all other copies.

    Nobody who asks for the copy says the scope: it is that of the same key in the credential's own spec.sealed, and
    strict where that holds no such value.
    """
    spec, key, credential = spec_of(observed.export), observed.sealing_key, observed.credential
    if spec.profile is not Profile.SEALED or key is None or credential is None:
        return None
    source = credential.spec.source if isinstance(credential.spec, Spec) else None
    seal = seal_of(source.private_key) if isinstance(source, Sealed) else None
    is_its_own = seal is not None and seal.fits(*credential.key)
    is_this_key = seal is not None and seal.fingerprint == record_of(observed).current_key.fingerprint
    return SealTo(key.kid, key.x, seal.scope if seal and is_its_own and is_this_key else Scope.STRICT)


def tells_of_its_copy(export: Export) -> bool:
    """Whether the status tells of a copy that was made for the spec as it is now."""
    status = export.status
    return (status.secret_name, status.observed_generation) == (spec_of(export).secret_name, export.generation)


def is_as_wished(copy: Ours, observed: Observed) -> bool:
    """Whether it was made of what it would be made of now."""
    return is_made_of(copy.proof, copy.place, made_of(observed), copy.kek)


def is_as_written(copy: Ours) -> bool:
    """Whether nobody has changed it since."""
    content = copy.raw.content
    ours = {name: value for name, value in content.labels.items() if name in OUR_LABELS}
    looked_at = CopyContent(content.type, ours, content.data)
    return is_untouched(copy.proof, copy.place, looked_at, copy.kek)
