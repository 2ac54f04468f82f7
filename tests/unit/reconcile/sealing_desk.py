"""A desk at which keys are sealed: for tests of what becomes of spec.sealed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Scope, Seal, seal_value
from sshcredential_operator.encryption.sealing_keys import SealingKey, sealing_kid
from sshcredential_operator.keys.handed_out import KeyFormat, handed_out
from sshcredential_operator.keys.keypair import KeyPair
from unit.reconcile.samples import KEY

PASSPHRASE: Final = Sensitive(b"correct horse battery staple")


class DeskKey:
    """A sealing key with both halves."""

    def __init__(self, slot: int) -> None:
        private = X25519PrivateKey.generate()
        self.private = Sensitive(private.private_bytes_raw())
        self.x = b64url.encode(private.public_key().public_bytes_raw())
        self.kid = sealing_kid(slot, self.x)


FIRST: Final = DeskKey(1)
SECOND: Final = DeskKey(2)


def public_half(kid: str, private: Sensitive) -> SealingKey:
    octets = X25519PrivateKey.from_private_bytes(private.reveal()).public_key().public_bytes_raw()
    return SealingKey(kid, b64url.encode(octets), datetime(2026, 1, 1, tzinfo=UTC))


def sealed(
    pair: KeyPair, *, to: DeskKey | SealingKey = FIRST, passphrase: Sensitive | None = None, **changes: Any
) -> dict[str, Any]:
    """Return a spec with the key sealed; `changes` are of what both values say they are."""
    seal = Seal(to.kid, Scope.STRICT, KEY.namespace, KEY.name, Field.PRIVATE_KEY, pair.public.fingerprint)
    seal = seal._replace(**changes)
    values = {"privateKey": seal_value(_file(pair, passphrase), to.x, seal)}
    if passphrase:
        values["passphrase"] = seal_value(passphrase, to.x, seal._replace(field=Field.PASSPHRASE))
    return {"sealed": values}


def _file(pair: KeyPair, passphrase: Sensitive | None) -> Sensitive:
    return handed_out(pair.private, passphrase, KeyFormat.OPENSSH)
