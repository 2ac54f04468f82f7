"""Values that these tests share: one credential, its record and Secret, and what an input may bring."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, settings

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.api.names import CredentialKey, Namespace
from sshcredential_operator.api.spec import (
    DeletionPolicy,
    Generate,
    ImportFrom,
    InvalidSpec,
    Sealed,
    SecretKeyRef,
    Source,
    Spec,
)
from sshcredential_operator.api.status import KeyFacts, Status
from sshcredential_operator.encryption.credential_secret import Unreadability, Unreadable
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.record import FromGenerate, FromImport, Record, RecordedKey, SecretKey
from sshcredential_operator.encryption.sealing import Scope, Seal
from sshcredential_operator.keys.generate import generate
from sshcredential_operator.keys.judge import Accepted, Refused
from sshcredential_operator.keys.keypair import KeyPair
from sshcredential_operator.reconcile.key_facts import facts_of
from sshcredential_operator.reconcile.observed import Foreign, Observed, Stored, Unopened

KEY: Final = CredentialKey(Namespace("genomics"), "hpc-login")
NOW: Final = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
KID: Final = "1.6f1c0a2b3c4d.00000000000000aa"
CREDENTIAL_ID: Final = "0123456789abcdef0123456789abcdef"
OTHER_ID: Final = "fedcba9876543210fedcba9876543210"

unhurried = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For properties: a busy machine is no failure."""

PAIR: Final[KeyPair] = generate(Algorithm.ED25519, 256, "genomics@hpc")
OTHER_PAIR: Final[KeyPair] = generate(Algorithm.ED25519, 256, "")
RSA_BY_NAME: Final = Generate(Algorithm.RSA, 4096, "", passphrase=False)

GENERATE: Final = Generate(Algorithm.ED25519, 256, "", passphrase=False)
IMPORT: Final = ImportFrom(SecretKeyRef("my-key", "ssh-privatekey"), None)
IMPORT_WITH_PASSPHRASE: Final = ImportFrom(
    SecretKeyRef("my-key", "ssh-privatekey"), SecretKeyRef("my-passphrase", "passphrase")
)
ACCEPTED: Final = Accepted(PAIR, None, (Note.NO_PASSPHRASE,))
ANOTHER: Final = Accepted(OTHER_PAIR, None, (Note.NO_PASSPHRASE,))
REFUSED: Final = Refused(KeyRefusal.PUBLIC_KEY)


SEALED: Final = Sealed("a.b.c.d.e", None)
SEAL: Final = Seal(f"1.{'A' * 43}", Scope.STRICT, KEY.namespace, KEY.name, Field.PRIVATE_KEY, PAIR.public.fingerprint)


def spec(source: Source = GENERATE, **changes: Any) -> Spec:
    wanted = Spec(
        name="hpc-login",
        source=source,
        deletion_policy=DeletionPolicy.DELETE,
        deletion_grace_period="168h",
        suspend=False,
    )
    return replace(wanted, **changes)


def recorded(pair: KeyPair = PAIR, key_number: int = 1, **changes: Any) -> RecordedKey:
    key = RecordedKey(
        key_number=key_number,
        algorithm=pair.public.algorithm,
        bits=pair.public.bits,
        fingerprint=pair.public.fingerprint,
        public_key=pair.public.line,
        created_at="2026-01-30T12:00:00Z",
        passphrase_protected=False,
    )
    return replace(key, **changes)


def record(key: RecordedKey | None = None, **changes: Any) -> Record:
    held = key or recorded()
    made = Record(
        credential_id=CREDENTIAL_ID,
        current=held.key_number,
        next=None,
        previous=(),
        keys=(held,),
        highest_key_number=held.key_number,
        rotation_serial=0,
        rollback_to=None,
        source=FromGenerate(),
        deletion_policy="Delete",
        deletion_grace_period="168h",
    )
    return replace(made, **changes)


FROM_IMPORT: Final = FromImport(SecretKey("my-key", "ssh-privatekey"), None, PAIR.public.fingerprint)


def stored(held: Record | None = None, orphaned_since: datetime | None = None) -> Stored:
    return Stored("secret-uid", "7", held or record(), KID, orphaned_since)


def unopened(why: Unreadability) -> Unopened:
    return Unopened("secret-uid", "7", Unreadable(why, KID if why is Unreadability.UNKNOWN_KID else None))


FOREIGN: Final = Foreign("7")
FACTS: Final[KeyFacts] = facts_of(record(), KID)


def credential(wanted: Spec | InvalidSpec | None = None, facts: KeyFacts | None = None, **changes: Any) -> Credential:
    seen = Credential(
        key=KEY,
        uid="credential-uid",
        resource_version="5",
        generation=1,
        created_at="2026-01-31T11:00:00Z",
        deleting=False,
        spec=wanted or spec(),
        status=Status(facts=facts),
    )
    return replace(seen, **changes)


def observed(of: Credential | None = None, **changes: Any) -> Observed:
    return replace(
        Observed(key=KEY, now=NOW, served=True, credential=of, rival=None, secret=None),
        **changes,
    )


def ago(**duration: float) -> datetime:
    return NOW - timedelta(**duration)
