"""`reconcile/decide.py` and `checks.py`: one table from what was observed to what is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.policy import Policy
from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import DeletionPolicy, Generate, InvalidSpec, Rotation, SecretKeyRef
from sshcredential_operator.api.status import Condition, OtherKey, Status
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.encryption.credential_secret import Unreadability
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.record import FromSealed, NextKey, PreviousKey
from sshcredential_operator.encryption.rewrapping import Rewrap
from sshcredential_operator.keys.judge import Refused
from sshcredential_operator.keys.refusal import Fact
from sshcredential_operator.reconcile.checks import CHECKS
from sshcredential_operator.reconcile.decide import decide
from sshcredential_operator.reconcile.decision import NOTHING, Act, Decision, Look
from sshcredential_operator.reconcile.observed import InputKeyMissing, InputSecretMissing, Observed, SealRefused
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.reconcile.samples import (
    ACCEPTED,
    ANOTHER,
    FACTS,
    FOREIGN,
    FROM_IMPORT,
    GENERATE,
    IMPORT,
    IMPORT_WITH_PASSPHRASE,
    NOW,
    OTHER_ID,
    OTHER_PAIR,
    PAIR,
    REFUSED,
    SEAL,
    SEALED,
    ago,
    credential,
    observed,
    record,
    recorded,
    spec,
    stored,
    unopened,
)

NEW, HAS_KEY = credential(), credential(facts=FACTS)
IMPORTS, IMPORTED = credential(spec(IMPORT)), credential(spec(IMPORT), FACTS)
FROM_MY_KEY = stored(record(source=FROM_IMPORT))
LIVE: dict[str, Any] = {"secret_is_live": True}
ANNOUNCED = Status(facts=FACTS, next=OtherKey(OTHER_PAIR.public.fingerprint, OTHER_PAIR.public.line, ""))
GREEN = Status(conditions=(Condition("Ready", "True", "Available", "", 1, ""),), facts=FACTS)
AVAILABLE = Decision(Reason.AVAILABLE)
CREATE = Decision(Reason.CREATING, act=Act.CREATE)
UPDATE = Decision(Reason.UPDATING, act=Act.UPDATE_RECORD)
MY_KEY = {"origin": "Secret my-key", "passphrase_field": "spec.importFrom.passphrase"}
TROUBLE = TroubleError(Reason.FORBIDDEN, {"verb": "create", "resource": "secrets", "code": 403})
UNKNOWN, BROKEN = unopened(Unreadability.UNKNOWN_KID), unopened(Unreadability.DOES_NOT_OPEN)
SECOND = recorded(OTHER_PAIR, 2)
TWO_KEYS = replace(
    record(SECOND),
    previous=(PreviousKey(1, "2026-02-01T12:00:00Z"),),
    keys=(recorded(), SECOND),
)
STAGED = replace(record(), next=NextKey(2, "2026-02-01T12:00:00Z"), keys=(recorded(), SECOND), highest_key_number=2)


def first_a_look(reason: Reason, **facts: str | int) -> Decision:
    return Decision(reason, facts, look=Look.SECRET)


def row(name: str, seen: Observed, expected: Decision) -> Any:
    return pytest.param(seen, expected, id=name)


IDENTITY = [
    row(
        "status has a credential, record opens with the same id: the status follows it",
        observed(HAS_KEY, secret=stored(), **LIVE),
        AVAILABLE,
    ),
    row(
        "status has a credential that is not ready, record opens with the same id: looked at live first",
        observed(HAS_KEY, secret=stored()),
        first_a_look(Reason.UPDATING),
    ),
    row(
        "status has a credential that is ready, record opens with the same id: nothing to do",
        observed(credential(status=GREEN), secret=stored()),
        AVAILABLE,
    ),
    row(
        "status has a credential, record opens with a higher key number: the status follows it",
        observed(HAS_KEY, secret=stored(record(recorded(key_number=2))), **LIVE),
        AVAILABLE,
    ),
    row(
        "status has a credential, record opens with a higher key number: looked at live first",
        observed(HAS_KEY, secret=stored(record(recorded(key_number=2)))),
        first_a_look(Reason.UPDATING),
    ),
    row(
        "status has a credential, record opens under another workspace key: looked at live first",
        observed(HAS_KEY, secret=replace(stored(), key_id="another")),
        first_a_look(Reason.UPDATING),
    ),
    row(
        "status has a credential, record opens with another id: looked at live first",
        observed(HAS_KEY, secret=stored(record(credential_id=OTHER_ID))),
        first_a_look(Reason.SECRET_TAMPERED),
    ),
    row(
        "status has a credential, record opens with another id: tampered",
        observed(HAS_KEY, secret=stored(record(credential_id=OTHER_ID)), **LIVE),
        Decision(Reason.SECRET_TAMPERED),
    ),
    row(
        "status has a credential, Secret does not open: looked at live first",
        observed(HAS_KEY, secret=BROKEN),
        first_a_look(Reason.SECRET_TAMPERED),
    ),
    row(
        "status has a credential, Secret does not open: tampered",
        observed(HAS_KEY, secret=BROKEN, **LIVE),
        Decision(Reason.SECRET_TAMPERED),
    ),
    row(
        "status has a credential, Secret has no record: tampered",
        observed(HAS_KEY, secret=unopened(Unreadability.NO_RECORD), **LIVE),
        Decision(Reason.SECRET_TAMPERED),
    ),
    row(
        "status has a credential, kid unknown or lost: looked at live first",
        observed(HAS_KEY, secret=UNKNOWN),
        first_a_look(Reason.KEY_UNAVAILABLE),
    ),
    row(
        "status has a credential, kid unknown or lost: unavailable",
        observed(HAS_KEY, secret=UNKNOWN, **LIVE),
        Decision(Reason.KEY_UNAVAILABLE),
    ),
    row(
        "status has a credential, lower key number than status: looked at live first",
        observed(credential(facts=replace(FACTS, key_number=2)), secret=stored()),
        first_a_look(Reason.ROLLBACK_DETECTED, stored_number=1, status_number=2),
    ),
    row(
        "status has a credential, lower key number than status: rollback",
        observed(credential(facts=replace(FACTS, key_number=2)), secret=stored(), **LIVE),
        Decision(Reason.ROLLBACK_DETECTED, {"stored_number": 1, "status_number": 2}),
    ),
    row(
        "status has a credential, a key that it announced is missing: rollback",
        observed(credential(status=ANNOUNCED), secret=stored(), **LIVE),
        Decision(Reason.ROLLBACK_DETECTED, {"stored_number": 1, "status_number": 2}),
    ),
    row(
        "status has a credential, a serial that was honoured is forgotten: rollback",
        observed(credential(facts=replace(FACTS, rotation_serial=1)), secret=stored(), **LIVE),
        Decision(Reason.ROLLBACK_DETECTED, {"stored_number": 1, "status_number": 2}),
    ),
    row(
        "status has a credential, an announced key is in use now: the status follows it",
        observed(credential(status=ANNOUNCED), secret=stored(TWO_KEYS), **LIVE),
        replace(AVAILABLE, due=parse_timestamp("2026-02-01T12:00:00Z")),
    ),
    row(
        "status has a credential, Secret gone: looked at live first",
        observed(HAS_KEY),
        first_a_look(Reason.SECRET_LOST),
    ),
    row(
        "status has a credential, Secret gone, generate: lost",
        observed(HAS_KEY, **LIVE),
        Decision(Reason.SECRET_LOST),
    ),
    row(
        "status has a credential, Secret gone, importFrom: looked at live first",
        observed(IMPORTED, input=ACCEPTED),
        first_a_look(Reason.SECRET_LOST),
    ),
    row(
        "status has a credential, Secret gone, importFrom: its input is read",
        observed(IMPORTED, **LIVE),
        Decision(Reason.SECRET_LOST, look=Look.INPUT),
    ),
    row(
        "status has a credential, Secret gone, importFrom brings the same key: taken again",
        observed(IMPORTED, input=ACCEPTED, **LIVE),
        CREATE,
    ),
    row(
        "status has a credential, Secret gone with an announced key, importFrom brings the current one: lost",
        observed(credential(spec(IMPORT), status=ANNOUNCED), input=ACCEPTED, **LIVE),
        Decision(Reason.SECRET_LOST),
    ),
    row(
        "status has a credential, Secret gone, importFrom brings another key: lost",
        observed(IMPORTED, input=ANOTHER, **LIVE),
        Decision(Reason.SECRET_LOST),
    ),
    row(
        "status has a credential, Secret gone, importFrom is refused: lost",
        observed(IMPORTED, input=REFUSED, **LIVE),
        Decision(Reason.SECRET_LOST),
    ),
    row(
        "status has a credential, Secret gone, input gone: lost",
        observed(IMPORTED, input=InputSecretMissing("my-key"), **LIVE),
        Decision(Reason.SECRET_LOST),
    ),
    row(
        "status has a credential that no record can hold, Secret gone: lost",
        observed(credential(spec(IMPORT), replace(FACTS, credential_id="mine")), input=ACCEPTED, **LIVE),
        Decision(Reason.SECRET_LOST),
    ),
    row("status empty, opens: looked at live first", observed(NEW, secret=stored()), first_a_look(Reason.CREATING)),
    row("status empty, opens: adopted", observed(NEW, secret=stored(), **LIVE), AVAILABLE),
    row(
        "status empty, opens, importFrom: its input is read",
        observed(IMPORTS, secret=FROM_MY_KEY, **LIVE),
        Decision(Reason.CREATING, look=Look.INPUT),
    ),
    row(
        "status empty, opens, importFrom brings the same key: adopted",
        observed(IMPORTS, secret=FROM_MY_KEY, input=ACCEPTED, **LIVE),
        AVAILABLE,
    ),
    row(
        "status empty, opens, but importFrom brings another key: differs",
        observed(IMPORTS, secret=FROM_MY_KEY, input=ANOTHER, **LIVE),
        Decision(
            Reason.ADOPTED_KEY_DIFFERS,
            {
                "stored_fingerprint": PAIR.public.fingerprint,
                "input_fingerprint": OTHER_PAIR.public.fingerprint,
                "serial": 0,
            },
        ),
    ),
    row(
        "status empty, opens, input gone: adopted",
        observed(IMPORTS, secret=FROM_MY_KEY, input=InputSecretMissing("my-key"), **LIVE),
        AVAILABLE,
    ),
    row(
        "status empty, opens, input refused: adopted",
        observed(IMPORTS, secret=FROM_MY_KEY, input=REFUSED, **LIVE),
        AVAILABLE,
    ),
    row(
        "status empty, our type and name, kid unknown or of another namespace: unavailable",
        observed(NEW, secret=UNKNOWN, **LIVE),
        Decision(Reason.KEY_UNAVAILABLE),
    ),
    row(
        "status empty, our type and name, kid known, does not open: tampered",
        observed(NEW, secret=BROKEN, **LIVE),
        Decision(Reason.SECRET_TAMPERED),
    ),
    row("status empty, no Secret, generate: made", observed(NEW), CREATE),
    row(
        "status empty, no Secret, importFrom: its input is read",
        observed(IMPORTS),
        Decision(Reason.CREATING, look=Look.INPUT),
    ),
    row("status empty, no Secret, importFrom brings a key: taken", observed(IMPORTS, input=ACCEPTED), CREATE),
    row(
        "any status, a Secret of another type with our name: looked at live first",
        observed(NEW, secret=FOREIGN),
        first_a_look(Reason.SECRET_CONFLICT),
    ),
    row(
        "status empty, a Secret of another type with our name: conflict",
        observed(NEW, secret=FOREIGN, **LIVE),
        Decision(Reason.SECRET_CONFLICT),
    ),
    row(
        "status has a credential, a Secret of another type with our name: conflict",
        observed(HAS_KEY, secret=FOREIGN, **LIVE),
        Decision(Reason.SECRET_CONFLICT),
    ),
]

INPUTS = [
    row(
        "the input Secret is missing",
        observed(IMPORTS, input=InputSecretMissing("my-key")),
        Decision(Reason.INPUT_SECRET_MISSING, {"input_secret": "my-key"}),
    ),
    row(
        "the passphrase's Secret is missing",
        observed(credential(spec(IMPORT_WITH_PASSPHRASE)), input=InputSecretMissing("my-passphrase")),
        Decision(Reason.INPUT_SECRET_MISSING, {"input_secret": "my-passphrase"}),
    ),
    row(
        "the input Secret has no such key",
        observed(IMPORTS, input=InputKeyMissing("my-key", "ssh-privatekey")),
        Decision(Reason.INPUT_KEY_MISSING, {"input_secret": "my-key", "input_key": "ssh-privatekey"}),
    ),
    row(
        "the key is refused, with what the message tells",
        observed(IMPORTS, input=Refused(KeyRefusal.RSA_TOO_SMALL, None, (Fact("bits", 1024), Fact("least", 2048)))),
        Decision(Reason.RSA_TOO_SMALL, {"bits": 1024, "least": 2048, **MY_KEY}),
    ),
    row(
        "an encrypted key says which one it is",
        observed(IMPORTS, input=Refused(KeyRefusal.PASSPHRASE_REQUIRED, PAIR.public)),
        Decision(
            Reason.PASSPHRASE_REQUIRED, MY_KEY | {"origin": f"Secret my-key (Ed25519, {PAIR.public.fingerprint})"}
        ),
    ),
]

ONLY_RSA = {"policy": Policy(algorithms=frozenset({Algorithm.RSA}))}
NOT_ALLOWED = Decision(Reason.NOT_ALLOWED_BY_POLICY, {"key": "Ed25519", "allowed": "RSA from 2048 bits"})

POLICY = [
    row("the policy forbids what is to be generated", observed(NEW, **ONLY_RSA), NOT_ALLOWED),
    row("the policy forbids what the input brings", observed(IMPORTS, input=ACCEPTED, **ONLY_RSA), NOT_ALLOWED),
    row(
        "the policy says nothing of a key that is stored",
        observed(HAS_KEY, secret=stored(), **ONLY_RSA, **LIVE),
        AVAILABLE,
    ),
    row(
        "the policy forbids the key that a raised serial asks for",
        observed(credential(spec(rotation=Rotation(serial=1)), FACTS), secret=stored(), **ONLY_RSA),
        NOT_ALLOWED,
    ),
]

SPEC = [
    row(
        "the spec asks for another algorithm: the key stays",
        observed(credential(spec(Generate(Algorithm.RSA, 4096, "", passphrase=False)), FACTS), secret=stored()),
        Decision(Reason.ALGORITHM_CHANGED, {"wanted": "RSA 4096", "stored": "Ed25519", "serial": 0}),
    ),
    row(
        "the spec asks for another size: the key stays",
        observed(
            credential(spec(Generate(Algorithm.ECDSA, 521, "", passphrase=False)), FACTS),
            secret=stored(record(recorded(algorithm=Algorithm.ECDSA, bits=384))),
            **LIVE,
        ),
        Decision(Reason.ALGORITHM_CHANGED, {"wanted": "ECDSA 521", "stored": "ECDSA 384", "serial": 0}),
    ),
    row(
        "the spec asks for another comment or a passphrase: nothing to do now",
        observed(credential(spec(GENERATE._replace(comment="new", passphrase=True)), FACTS), secret=stored(), **LIVE),
        AVAILABLE,
    ),
    row(
        "from generate to importFrom: the key stays",
        observed(IMPORTED, secret=stored()),
        Decision(Reason.SOURCE_CHANGED, {"stored_source": "generate", "serial": 0}),
    ),
    row(
        "from importFrom to generate: the key stays",
        observed(HAS_KEY, secret=FROM_MY_KEY),
        Decision(Reason.SOURCE_CHANGED, {"stored_source": "importFrom Secret my-key, key ssh-privatekey", "serial": 0}),
    ),
    row(
        "importFrom another Secret: the key stays",
        observed(credential(spec(IMPORT._replace(private_key=SecretKeyRef("b", "k"))), FACTS), secret=FROM_MY_KEY),
        Decision(Reason.SOURCE_CHANGED, {"stored_source": "importFrom Secret my-key, key ssh-privatekey", "serial": 0}),
    ),
    row(
        "importFrom with another passphrase: the key stays",
        observed(credential(spec(IMPORT_WITH_PASSPHRASE), FACTS), secret=FROM_MY_KEY),
        Decision(Reason.SOURCE_CHANGED, {"stored_source": "importFrom Secret my-key, key ssh-privatekey", "serial": 0}),
    ),
    row(
        "a key that came sealed, and a spec that generates: the key stays",
        observed(HAS_KEY, secret=stored(record(source=FromSealed(PAIR.public.fingerprint)))),
        Decision(Reason.SOURCE_CHANGED, {"stored_source": "sealed", "serial": 0}),
    ),
    row(
        "another deletion policy gets into the record",
        observed(credential(spec(deletion_policy=DeletionPolicy.RETAIN), FACTS), secret=stored()),
        UPDATE,
    ),
    row(
        "another grace period gets into the record",
        observed(credential(spec(deletion_grace_period="1h"), FACTS), secret=stored()),
        UPDATE,
    ),
    row(
        "who lives is no orphan: the mark comes off",
        observed(HAS_KEY, secret=stored(orphaned_since=ago(days=1))),
        UPDATE,
    ),
]

OTHERS = [
    row(
        "the operator's own namespace is no workspace",
        observed(NEW, served=False),
        Decision(Reason.OPERATOR_NAMESPACE),
    ),
    row(
        "a spec that cannot be read",
        observed(credential(InvalidSpec("spec.generate"), FACTS), secret=stored()),
        Decision(Reason.SPEC_INVALID, {"field": "spec.generate"}),
    ),
    row("trouble", observed(NEW, trouble=TROUBLE), Decision(Reason.FORBIDDEN, TROUBLE.facts)),
    row(
        "another credential holds the name",
        observed(NEW, rival="first"),
        Decision(Reason.NAME_CONFLICT, {"name": "hpc-login", "rival": "first"}),
    ),
    row("on its way out: nothing is begun", observed(credential(deleting=True)), NOTHING),
    row("on its way out with its key: nothing to do", observed(credential(facts=FACTS, deleting=True)), NOTHING),
]


@pytest.mark.parametrize(("seen", "expected"), [*IDENTITY, *INPUTS, *POLICY, *SPEC, *OTHERS])
def test_a_living_credential(seen: Observed, expected: Decision) -> None:
    assert decide(seen) == expected


@pytest.mark.parametrize("refusal", list(KeyRefusal))
def test_every_refusal_of_a_key_is_a_reason_that_only_the_user_can_mend(refusal: KeyRefusal) -> None:
    decision = decide(observed(IMPORTS, input=Refused(refusal)))

    assert decision == Decision(Reason(refusal.value), MY_KEY)
    assert COURSE[Reason(refusal.value)] is Course.STOP


# --- the order of the checks


NEWER_KEK = Kek("2.6f1c0a2b3c4d.00000000000000bb", Sensitive(bytes(32)))

BROKEN_IN_EVERY_WAY = [
    ("in_operator_namespace", {"served": False}),
    ("spec_unreadable", {"credential": credential(InvalidSpec("spec"), FACTS)}),
    ("in_trouble", {"trouble": TROUBLE}),
    ("secret_is_foreign", {"secret": FOREIGN}),
    ("secret_does_not_open", {"secret": BROKEN}),
    ("secret_is_anothers", {"secret": stored(record(SECOND, credential_id=OTHER_ID))}),
    ("secret_is_older", {"credential": credential(facts=replace(FACTS, key_number=9))}),
    ("being_deleted", {"credential": credential(facts=FACTS, deleting=True)}),
    ("record_is_outdated", {"secret": stored(orphaned_since=ago(days=1))}),
    ("previous_has_ended", {"secret": stored(TWO_KEYS), "now": NOW + timedelta(days=30)}),
    ("staged_key_is_outdated", {"secret": stored(STAGED), "sealed": SEAL._replace(fingerprint="SHA256:another")}),
    ("next_has_come", {"secret": stored(STAGED), "now": NOW + timedelta(days=30)}),
    ("key_encryption_is_outdated", {"rewrap": Rewrap(NEWER_KEK)}),
    ("name_is_taken", {"rival": "first"}),
    ("key_is_unproven", {"credential": NEW, "secret": stored()}),
    ("sealed_is_refused", {"sealed": SealRefused(Reason.SEALED_VALUE_INVALID, {})}),
    ("secret_is_gone", {"secret": None}),
    ("key_is_to_be_made", {"credential": NEW, "secret": None}),
    ("serial_is_raised", {"credential": credential(spec(rotation=Rotation(serial=1)), FACTS)}),
    ("rollback_is_asked", {"credential": credential(spec(rotation=Rotation(rollback_to="SHA256:x")), FACTS)}),
    ("another_key_is_sealed", {"credential": credential(spec(SEALED), FACTS), "sealed": SEAL}),
    ("adopted_key_differs", {"credential": IMPORTS, "secret": FROM_MY_KEY, "input": ANOTHER, **LIVE}),
    ("source_changed", {"credential": IMPORTED, "secret": stored()}),
    ("algorithm_changed", {"credential": credential(spec(Generate(Algorithm.RSA, 3072, "", passphrase=False)), FACTS)}),
    ("schedule_is_due", {"credential": credential(spec(rotation=Rotation(every=timedelta(hours=1))), FACTS)}),
    ("all_is_well", {}),
]
"""For each check, in order, what makes it speak: a change of an observation in which all is well."""


def test_the_order_of_the_checks_is_this() -> None:
    assert [check.__name__ for check in CHECKS] == [name for name, _ in BROKEN_IN_EVERY_WAY]


@pytest.mark.parametrize(("name", "change"), BROKEN_IN_EVERY_WAY, ids=[name for name, _ in BROKEN_IN_EVERY_WAY])
def test_each_check_is_the_first_to_speak_of_its_own_subject(name: str, change: dict[str, Any]) -> None:
    seen = replace(observed(HAS_KEY, secret=stored()), **change)
    assert seen.credential

    assert next(check.__name__ for check in CHECKS if check(seen, seen.credential)) == name


@pytest.mark.parametrize(
    ("first", "second", "seen"),
    [
        pytest.param(Reason.OPERATOR_NAMESPACE, Reason.SPEC_INVALID, {"served": False}, id="place before spec"),
        pytest.param(Reason.SPEC_INVALID, Reason.FORBIDDEN, {"trouble": TROUBLE}, id="spec before trouble"),
    ],
)
def test_what_the_user_did_comes_before_trouble(first: Reason, second: Reason, seen: dict[str, Any]) -> None:
    unreadable = observed(credential(InvalidSpec("spec")), **seen)

    assert decide(unreadable).reason is first
    assert first is not second


@pytest.mark.parametrize(
    ("endangered", "reason"),
    [
        pytest.param({"secret": FOREIGN}, Reason.SECRET_CONFLICT, id="a foreign Secret"),
        pytest.param({"secret": BROKEN}, Reason.SECRET_TAMPERED, id="a Secret that does not open"),
        pytest.param({"secret": UNKNOWN}, Reason.KEY_UNAVAILABLE, id="a lost workspace key"),
        pytest.param(
            {"secret": stored(record(credential_id=OTHER_ID, source=FROM_IMPORT))},
            Reason.SECRET_TAMPERED,
            id="a swapped Secret",
        ),
    ],
)
def test_what_endangers_a_key_comes_before_what_the_spec_asks_for(endangered: dict[str, Any], reason: Reason) -> None:
    wish = spec(Generate(Algorithm.RSA, 4096, "", passphrase=False), deletion_policy=DeletionPolicy.RETAIN)
    seen = observed(credential(wish, FACTS), rival="first", **LIVE)

    assert decide(replace(seen, **endangered)) == Decision(reason)


def test_an_old_mark_comes_off_even_where_another_holds_the_name_or_the_spec_asks_for_another_key() -> None:
    marked = stored(orphaned_since=ago(days=1))

    assert decide(observed(HAS_KEY, secret=marked, rival="first")) == UPDATE
    assert decide(observed(IMPORTED, secret=marked)) == UPDATE
    assert decide(observed(NEW, secret=marked)) == UPDATE
