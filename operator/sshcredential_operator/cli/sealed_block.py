"""`spec.sealed` for a key that a person brings: pure. Used by the commands that seal."""

from __future__ import annotations

from typing import NamedTuple

from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Scope, Seal, seal_value
from sshcredential_operator.encryption.sealing_keys import SealingKey
from sshcredential_operator.keys.handed_out import KeyFormat, handed_out
from sshcredential_operator.keys.verdict import Accepted


class SealedFor(NamedTuple):
    """Where the values may be used; `name` None is any credential of the namespace."""

    namespace: str
    name: str | None

    @property
    def in_words(self) -> str:
        """For whom the values are, and what that means."""
        if self.name is None:
            return f"any SSHCredential of namespace {self.namespace}"
        return f"SSHCredential {self.name} in namespace {self.namespace}, and no other"


def sealed_block(key: Accepted, to: SealingKey, place: SealedFor) -> dict[str, str]:
    """Return the sealed values: the canonical OpenSSH file, encrypted with its passphrase if it has one, and that."""
    values = {Field.PRIVATE_KEY: handed_out(key.pair.private, key.passphrase, KeyFormat.OPENSSH)}
    if key.passphrase is not None:
        values[Field.PASSPHRASE] = key.passphrase
    scope, fingerprint = (Scope.NAMESPACE if place.name is None else Scope.STRICT), key.pair.public.fingerprint
    return {
        field.value: seal_value(value, to.x, Seal(to.kid, scope, place.namespace, place.name, field, fingerprint))
        for field, value in values.items()
    }
