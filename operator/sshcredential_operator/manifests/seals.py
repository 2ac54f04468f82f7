"""spec.sealed of a manifest: form, place, and whether it can be opened. Used by `inspect`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.api.messages import message
from sshcredential_operator.api.names import KIND, CredentialKey, Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.spec import Sealed
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import seal_of
from sshcredential_operator.encryption.sealing_keys import SealingKeys
from sshcredential_operator.manifests.finding import Fault, Level
from sshcredential_operator.reconcile.observed import SealRefused
from sshcredential_operator.reconcile.seals import read_seals

HERE: Final = ("spec", "sealed")
NO_NAMESPACE: Final = (
    "This was sealed for a namespace, and the manifest names none, so the place was not checked. "
    "Give it: sshcred validate --namespace NAME."
)
RESEAL: Final = (
    "This was sealed to an older sealing key, which still opens it. "
    "Seal it again to the newest: sshcred sealing-key, sshcred seal."
)

NOT_IN_FILE: Final = (
    "This was sealed to the sealing key {kid}, which is not in the given file. If it is a newer one, get the file "
    "again: sshcred sealing-key. Otherwise seal the key again: sshcred seal."
)


def seal_faults(value: dict[str, Any], namespace: str | None, keys: SealingKeys | None) -> Iterator[Fault]:
    """Find what is wrong with the sealed values of a sound object; `namespace` is what it has, or will get."""
    source = _source(value)
    if source is None:
        return
    seal = seal_of(source.private_key)
    name = value["metadata"].get("name")
    if seal is not None and namespace is None:
        yield Fault((*HERE, "privateKey"), "NoNamespace", NO_NAMESPACE, Level.WARNING)
    place = namespace or (seal.namespace if seal else "")
    read = read_seals(source, CredentialKey(Namespace(place), name or ""), strict_only=False)
    if isinstance(read, SealRefused):
        yield _refused(read)
    elif keys is not None:
        yield from _key_faults(source, keys)


def _source(value: dict[str, Any]) -> Sealed | None:
    sealed = value["spec"].get("sealed") if value.get("kind") == KIND else None
    return Sealed(sealed["privateKey"], sealed.get("passphrase")) if sealed else None


def _refused(refused: SealRefused) -> Fault:
    field = refused.facts.get("field", Field.PASSPHRASE)
    return Fault((*HERE, str(field)), refused.reason.value, message(refused.reason, refused.facts))


def _key_faults(source: Sealed, keys: SealingKeys) -> Iterator[Fault]:
    newest = keys.newest
    for field, text in ((Field.PRIVATE_KEY, source.private_key), (Field.PASSPHRASE, source.passphrase)):
        seal = seal_of(text) if text else None
        if seal is None:
            continue
        key = keys.find(seal.kid)
        if key is None:  # the operator may have it: what is said of an operator without it would mislead
            said = NOT_IN_FILE.format(kid=seal.kid)
            yield Fault((*HERE, field.value), Reason.SEALING_KEY_UNKNOWN.value, said)
        elif key.retired:
            facts = {"field": field.value, "kid": seal.kid}
            yield _refused(SealRefused(Reason.SEALING_KEY_RETIRED, facts))
        elif key != newest:
            yield Fault((*HERE, field.value), Note.RESEAL_RECOMMENDED.value, RESEAL, Level.WARNING)
