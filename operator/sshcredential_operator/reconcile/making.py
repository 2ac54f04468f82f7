"""Make or take a key, and what the record tells of it. Used where a key is made first and where it is replaced."""

from __future__ import annotations

from typing import NamedTuple

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import Generate, Spec
from sshcredential_operator.encryption.credential_secret import KeyMaterial
from sshcredential_operator.encryption.record import RecordedKey
from sshcredential_operator.keys.judge import Accepted
from sshcredential_operator.keys.keypair import PublicKey
from sshcredential_operator.reconcile.decision import Act, Decision, Look
from sshcredential_operator.reconcile.observed import Observed
from sshcredential_operator.reconcile.ports import KeyWork


class NewKey(NamedTuple):
    """A key that is not stored yet."""

    public: PublicKey
    material: KeyMaterial
    notes: tuple[str, ...]

    def recorded(self, key_number: int, created_at: str) -> RecordedKey:
        """Return what the record tells of it."""
        return RecordedKey(
            key_number=key_number,
            algorithm=self.public.algorithm,
            bits=self.public.bits,
            fingerprint=self.public.fingerprint,
            public_key=self.public.line,
            created_at=created_at,
            passphrase_protected=self.material.passphrase is not None,
            notes=self.notes,
        )


def needs_key_work(decision: Decision, observed: Observed) -> bool:
    """Whether what comes next makes the processor work for long: an RSA key is made, or a user's key is judged.

    Only where an input is read is it judged, so it is not read before there is a place.
    """
    spec = observed.credential.spec if observed.credential else None
    match spec:
        case Spec(source=Generate(algorithm=Algorithm.RSA)):
            return decision.act in {Act.CREATE, Act.ROTATE}
    return decision.look is Look.INPUT


async def new_key(observed: Observed, spec: Spec, keys: KeyWork) -> NewKey:
    """Generate the key that the spec asks for, or take the one that the input brought."""
    passphrase: Sensitive | None
    if isinstance(spec.source, Generate):
        pair, passphrase = await keys.generate(spec.source)
        return NewKey(pair.public, KeyMaterial(pair.private, passphrase), ())
    if not isinstance(observed.input, Accepted):  # the checks ask for the input first
        raise TypeError
    found = observed.input
    notes = tuple(note.value for note in found.notes)
    return NewKey(found.pair.public, KeyMaterial(found.pair.private, found.passphrase), notes)
