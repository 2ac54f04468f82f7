"""Observations of every kind, for properties: likely ones, odd ones, and those that contradict themselves.

Each is made from one number, so that thousands cost little and a failure can be repeated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.policy import Policy
from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import DeletionPolicy, Generate, InvalidSpec, Rotation, Source, Spec
from sshcredential_operator.api.status import Condition, KeyFacts, OtherKey, Status
from sshcredential_operator.encryption.credential_secret import Unreadability
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.record import FromGenerate, FromSealed, NextKey, PreviousKey, Record
from sshcredential_operator.encryption.rewrapping import Rewrap
from sshcredential_operator.encryption.sealing import Seal
from sshcredential_operator.keys.judge import Refused
from sshcredential_operator.keys.refusal import Fact
from sshcredential_operator.reconcile.key_facts import facts_of
from sshcredential_operator.reconcile.observed import (
    Door,
    Input,
    InputKeyMissing,
    InputSecretMissing,
    Observed,
    SealRefused,
    SecretSeen,
    Stored,
    Targets,
    Unseen,
)
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.reconcile.samples import (
    ACCEPTED,
    ANOTHER,
    CREDENTIAL_ID,
    FACTS,
    FOREIGN,
    FROM_IMPORT,
    GENERATE,
    IMPORT,
    IMPORT_WITH_PASSPHRASE,
    KEY,
    KID,
    NOW,
    OTHER_ID,
    OTHER_PAIR,
    PAIR,
    SEAL,
    SEALED,
    credential,
    record,
    recorded,
    stored,
    unopened,
)

NEWER_KEK = Kek("2.6f1c0a2b3c4d.00000000000000bb", Sensitive(bytes(32)))
SPANS = (timedelta(seconds=5), timedelta(hours=30), timedelta(days=400))
TIMES = [NOW, *(NOW + span for span in SPANS), *(NOW - span for span in SPANS)]
STAMPS = [time.strftime("%Y-%m-%dT%H:%M:%SZ") for time in TIMES]
BEYOND = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
RSA = Generate(Algorithm.RSA, 4096, "", passphrase=True)
SOURCES: list[Source] = [GENERATE, GENERATE, IMPORT, IMPORT_WITH_PASSPHRASE, RSA, SEALED]
SEAL_REFUSED = SealRefused(Reason.SEALED_ELSEWHERE, {"field": "privateKey", "place": "a/b"})
SEALS: list[Seal | SealRefused] = [SEAL, SEAL._replace(fingerprint=OTHER_PAIR.public.fingerprint), SEAL_REFUSED]
FINGERPRINTS = [None, None, PAIR.public.fingerprint, OTHER_PAIR.public.fingerprint]
KEYS = [recorded(PAIR if number % 2 else OTHER_PAIR, number) for number in range(1, 5)]
OTHER_KEYS = [None, *(OtherKey(pair.public.fingerprint, pair.public.line, STAMPS[0]) for pair in (PAIR, OTHER_PAIR))]
NOT_OURS: list[SecretSeen] = [FOREIGN, *(unopened(why) for why in Unreadability)]
DETAIL = (Fact("bits", 1024), Fact("least", 2048), Fact("most", 8192))
MISSING: list[Input] = [InputSecretMissing("my-key"), InputKeyMissing("my-key", "ssh-privatekey")]
RETRIED = [reason for reason in Reason if COURSE[reason] is Course.RETRY]
POLICIES = [Policy(), Policy(algorithms=frozenset({Algorithm.RSA})), Policy(longest_age=timedelta(hours=1))]

SAID: list[tuple[Condition, ...]] = [
    (),
    *(
        (Condition("Ready", status, reason, "", 1, STAMPS[0]),)
        for status, reason in (
            ("True", Reason.AVAILABLE),
            ("True", Reason.AVAILABLE),
            ("True", Reason.SUSPENDED),
            ("False", Reason.SECRET_LOST),
            ("False", Reason.ALGORITHM_CHANGED),
            ("False", Reason.SERVER_UNAVAILABLE),
            ("yes", "forged"),
        )
    ),
]

T = TypeVar("T")


class Dice:
    """Choices, all of them from one number."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def one(self, choices: Sequence[T]) -> T:
        return self._random.choice(choices)

    def odds(self, percent: int) -> bool:
        return self._random.random() * 100 < percent


def observation(seed: int) -> Observed:
    dice = Dice(seed)
    secret = a_secret(dice)
    live = dice.odds(40)
    found = a_credential(dice, secret) if dice.odds(80) else None
    return Observed(
        key=KEY,
        now=NOW,
        served=dice.odds(97),
        credential=found,
        sealed=dice.one(SEALS) if found and isinstance(found.spec, Spec) and found.spec.source is SEALED else None,
        reseal_recommended=dice.one([None, True, False]),
        targets=some_targets(dice),
        rival="first" if dice.odds(5) else None,
        secret=secret,
        policy=dice.one(POLICIES) if dice.odds(20) else POLICIES[0],
        secret_is_live=live,
        credential_is_live=dice.odds(60),
        input=an_input(dice) if dice.odds(60) else None,
        input_present=dice.one([None, True, False]),
        rewrap=Rewrap(NEWER_KEK) if dice.odds(10) else None,
        created=dice.odds(10),
        destroyed=dice.odds(10),
        trouble=TroubleError(dice.one(RETRIED), {"verb": "create", "resource": "x", "code": 403})
        if dice.odds(5)
        else None,
    )


def a_secret(dice: Dice) -> SecretSeen | None:
    if dice.odds(25):
        return None
    if dice.odds(10):
        return dice.one(NOT_OURS)
    mark = dice.one([*TIMES, *BEYOND]) if dice.odds(30) else None
    return stored(a_record(dice), mark)


def a_record(dice: Dice) -> Record:
    """Return a record as the parser lets it through: a key in use, perhaps a staged one, the others previous."""
    current, staged = dice.one([1, 1, 2, 3]), dice.odds(30)
    count = current + staged
    made = record(
        KEYS[0],
        credential_id=CREDENTIAL_ID if dice.odds(90) else OTHER_ID,
        current=current,
        next=NextKey(count, dice.one(STAMPS)) if staged else None,
        previous=tuple(PreviousKey(number, dice.one(STAMPS)) for number in range(1, current)),
        keys=tuple(KEYS[:count]),
        highest_key_number=count + dice.one([0, 0, 2]),
        rotation_serial=dice.one([0, 0, 1, 3]),
        rollback_to=dice.one(FINGERPRINTS) if dice.odds(20) else None,
        source=dice.one([FromGenerate(), FromGenerate(), FROM_IMPORT, FromSealed(PAIR.public.fingerprint)]),
        deletion_policy="Delete" if dice.odds(80) else "Retain",
        deletion_grace_period="168h" if dice.odds(80) else dice.one(["0s", "1.5h"]),
    )
    assert made.is_consistent
    return made


def a_credential(dice: Dice, secret: SecretSeen | None) -> Credential:
    held = secret.record if isinstance(secret, Stored) else record()
    rotation = Rotation(
        serial=held.rotation_serial if dice.odds(60) else dice.one([0, 1, 4]),
        every=dice.one([timedelta(hours=1), timedelta(days=90)]) if dice.odds(30) else None,
        prepare=dice.one([timedelta(0), timedelta(days=1)]),
        overlap=dice.one([timedelta(0), timedelta(days=1)]),
        rollback_to=held.rollback_to if dice.odds(70) else dice.one(FINGERPRINTS),
    )
    wanted = Spec(
        name="hpc-login",
        source=dice.one(SOURCES),
        deletion_policy=DeletionPolicy(held.deletion_policy) if dice.odds(90) else dice.one(list(DeletionPolicy)),
        deletion_grace_period=held.deletion_grace_period if dice.odds(90) else "1h",
        suspend=dice.odds(15),
        rotation=rotation,
    )
    return credential(
        wanted if dice.odds(97) else InvalidSpec("spec.generate"),
        deleting=dice.odds(5),
        forced_promotion=dice.one([None, None, None, PAIR.public.fingerprint, OTHER_PAIR.public.fingerprint]),
        status=Status(
            conditions=dice.one(SAID),
            facts=some_facts(dice, held),
            next=dice.one(OTHER_KEYS) if dice.odds(30) else None,
            previous=dice.one(OTHER_KEYS) if dice.odds(30) else None,
            notes=dice.one([(), ("InputSecretPresent", "forged")]),
        ),
    )


def some_facts(dice: Dice, held: Record) -> KeyFacts | None:
    if dice.odds(30):
        return None
    facts = facts_of(held, KID) if dice.odds(80) else FACTS
    if dice.odds(10):
        facts = replace(facts, key_number=dice.one([9, 1, -1]), rotation_serial=dice.one([0, 9]))
    return replace(facts, credential_id=dice.one([OTHER_ID, "forged"])) if dice.odds(10) else facts


def some_targets(dice: Dice) -> Targets | Unseen:
    if dice.odds(10):
        return dice.one(list(Unseen))
    let_in = [frozenset(), frozenset(dice.one(KEYS).fingerprint for _ in range(3))]
    return Targets(tuple(Door(f"target-{number}", dice.one(let_in)) for number in range(dice.one([0, 0, 0, 1, 2]))))


def an_input(dice: Dice) -> Input:
    if dice.odds(70):
        return dice.one([ACCEPTED, ANOTHER])
    return dice.one([*MISSING, SEAL_REFUSED, Refused(dice.one(list(KeyRefusal)), detail=DETAIL)])


def living(seen: Observed) -> Credential | None:
    """Return the credential, if there is one that can be worked with."""
    return seen.credential if seen.credential and isinstance(seen.credential.spec, Spec) else None


SEEDS = st.integers(0, 2**64 - 1)
