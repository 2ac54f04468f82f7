"""Hears every revision of credentials and Secrets, and says what must never be. Used by both worlds.

What it looks at is what anybody can read who has the key ring: objects, not the operator. The names I1 ... I16 are
those of the house's invariants. What users do to a Secret or a status is no fault of the operator's: what follows from
it is excused where it cannot be otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from lives.licences import allow_change, allow_deletion, allow_use
from lives.revisions import CredentialWritten, Object, Revision, SecretWritten
from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.names import SECRET_TYPE
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.spec import Spec
from sshcredential_operator.api.status import KeyFacts, Status, parse_status
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.encryption.credential_secret import KekOf, OpenedCredential, open_credential
from sshcredential_operator.encryption.record import FromSealed, Record
from sshcredential_operator.keys.stored import stored_public_key
from sshcredential_operator.reconcile.observed import RawSecret


@dataclass
class Seen:
    """One credential and its Secret, and what was so since the operator was last at rest."""

    credential: Credential | None = None
    secret: RawSecret | None = None
    record: Record | None = None
    """What the Secret's record says, as far as it opens."""
    untouched: bool = True
    """Since it was Ready at rest, nobody but the operator wrote the Secret."""
    forged: bool = False
    """Since it was Ready at rest, somebody else wrote the status."""
    specs: list[Spec] = field(default_factory=list)
    facts: list[KeyFacts | None] = field(default_factory=lambda: [None])
    absent: bool = True
    """There was no credential for a moment."""
    excused: set[str] = field(default_factory=set)
    """Public keys whose private keys somebody else took away."""
    writes: int = 0
    """How often the operator wrote."""
    doors: dict[str, frozenset[str]] = field(default_factory=dict)
    """The targets that name it, and the keys that each let in."""
    doors_are_known: bool = True
    level: bool = False
    """When it was last at rest, it was Ready: whatever was written since answers a later change."""

    def may_be_used(self, fingerprint: str) -> bool:
        """Whether every target lets a new key in, or a person said that it does not matter."""
        if self.credential and self.credential.forced_promotion == fingerprint:
            return True
        return self.doors_are_known and all(fingerprint in let_in for let_in in self.doors.values())


class Witness:
    """What it has seen of one namespace. `heard` raises AssertionError on what must not be."""

    def __init__(self, namespace: str, kek_of: KekOf) -> None:
        self._namespace, self._kek_of = namespace, kek_of
        self.seen: defaultdict[str, Seen] = defaultdict(Seen)
        self.owners: dict[tuple[str, int], str] = {}
        """Whose number it is: (credentialId, keyNumber) -> fingerprint."""
        self.fingerprints: dict[str, None] = {}
        """All that were ever stored, in order."""
        self.left: dict[tuple[str, int], str] = {}
        """The sealed key that somebody went back from, by the credentialId and keyNumber that he went back to."""

    def heard(self, revision: Revision) -> None:
        """Take the next revision."""
        seen = self.seen[revision.name]
        seen.writes += revision.by_operator
        match revision:
            case CredentialWritten(credential=raw, by_operator=by_operator):
                self._credential(seen, raw, by_operator=by_operator)
            case SecretWritten():
                self._secret(seen, revision)

    def pass_begins(self) -> None:
        """Know that from here on nobody acts on what was so before."""
        for seen in self.seen.values():
            seen.absent = seen.credential is None

    def at_rest(self) -> None:
        """Forget what may have been seen before: from here on only what is so now counts."""
        for seen in self.seen.values():
            spec = seen.credential.spec if seen.credential else None
            seen.specs = [spec] if isinstance(spec, Spec) else []
            seen.facts = [seen.credential.status.facts if seen.credential else None]
            seen.absent = seen.credential is None
            seen.writes = 0
            seen.level = seen.credential is not None and seen.credential.status.reason is Reason.AVAILABLE
            if seen.level:
                seen.untouched, seen.forged = True, False
                seen.excused.clear()

    # --- credentials

    def _credential(self, seen: Seen, raw: Object | None, *, by_operator: bool) -> None:
        before, seen.credential = seen.credential, parse_credential(raw) if raw else None
        if seen.credential is None or raw is None:
            assert not by_operator, "an operator deleted a credential"
            seen.absent = True
            return
        if isinstance(seen.credential.spec, Spec):
            seen.specs.append(seen.credential.spec)
        status_is_new = before is None or before.status != seen.credential.status
        seen.forged |= status_is_new and before is not None and not by_operator
        if by_operator:
            assert before is not None, "an operator created a credential"
            assert (before.spec, before.generation) == (seen.credential.spec, seen.credential.generation)
            self._status(seen, before.status, raw)
        seen.facts.append(seen.credential.status.facts)

    def _status(self, seen: Seen, before: Status, raw: Object) -> None:
        conditions = raw["status"]["conditions"]
        generation = raw["metadata"]["generation"]
        kinds = [condition["type"] for condition in conditions]
        assert len(kinds) == len(set(kinds)), "I16: two conditions of one type"
        for observed in (raw["status"], *conditions):
            assert observed["observedGeneration"] <= generation, "I16: a generation from the future"
        for condition in conditions:
            old = before.condition(condition["type"])
            if old and parse_timestamp(old.last_transition_time):
                stays = old.last_transition_time == condition["lastTransitionTime"]
                same = old.status == condition["status"]
                assert stays or not same, f"I16: {condition['type']} has a new transition time and the same status"
        after = parse_status(raw["status"])
        self._facts(before.facts, after.facts)
        _shown_is_stored(seen, after)

    def _facts(self, before: KeyFacts | None, after: KeyFacts | None) -> None:
        if before is not None:
            assert after is not None, "I10: what the status knew of the key is forgotten"
            assert after.credential_id == before.credential_id, "I1: another identity"
            assert after.key_number >= before.key_number, "I10: keyNumber falls"
        # What somebody wrote may stay, where the Secret cannot speak against it.
        if after is not None and (before is None or after.fingerprint != before.fingerprint):
            owner = self.owners.get((after.credential_id, after.key_number))
            assert after.fingerprint == owner, "I1: the status names another key than the one of this number"

    # --- Secrets

    def _secret(self, seen: Seen, written: SecretWritten) -> None:
        before, record = seen.secret, seen.record
        seen.secret = written.secret
        seen.record = self.opened(written.name, written.secret)
        if not written.by_operator:
            self._touched(seen, record)
            return
        if written.secret is None:
            assert before is not None
            assert record is not None, "I5: an operator deleted what it cannot open"
            assert seen.absent, "I5: the key of a living credential was destroyed"
            allow_deletion(before, record, written.at)
            seen.untouched = True
            return
        assert seen.record is not None, "I9: an operator wrote a Secret that does not open"
        if before is None:
            self._allow_creation(seen, seen.record)
        else:
            assert record is not None, "I6: an operator changed what it cannot open"
            self._allow_patch(seen, before, record, written)
        for key in seen.record.keys:
            owner = self.owners.setdefault((seen.record.credential_id, key.key_number), key.fingerprint)
            assert owner == key.fingerprint, f"I2: two keys have the number {key.key_number}"
            self.fingerprints[key.fingerprint] = None
        seen.untouched = True
        if seen.credential:
            _shown_is_stored(seen, seen.credential.status)

    def _allow_creation(self, seen: Seen, record: Record) -> None:
        key = record.current_key
        assert [k.key_number for k in record.keys] == [record.current]
        known = [facts for facts in seen.facts if facts is not None]
        if None not in seen.facts:
            assert any(
                (f.credential_id, f.key_number, f.fingerprint)
                == (record.credential_id, record.current, key.fingerprint)
                for f in known
            ), "I1: a lost key was replaced by another one"
        announced = seen.credential.status.next if seen.credential and not seen.forged else None
        assert announced is None, "I9: a Secret was made anew without the key that was announced"
        # Of keys that were lost before the status told of them, nobody knows; nor where somebody else wrote the number.
        self._forget(record.credential_id, above=record.current - seen.forged)

    def _allow_patch(self, seen: Seen, before: RawSecret, record: Record, written: SecretWritten) -> None:
        assert seen.record is not None
        assert written.secret is not None
        assert written.secret.type == SECRET_TYPE == before.type, "I6: a foreign Secret was changed"
        if written.secret.orphaned_since and written.secret.orphaned_since != before.orphaned_since:
            assert seen.absent, "I5: the key of a living credential was marked for its end"
        if seen.record != record:
            assert seen.specs, "a record was changed for a credential that nobody made"
            allow_change(record, seen.record, seen.specs, written.at)
            allow_use(record, seen.record, seen.may_be_used)
            left = record.source.fingerprint if isinstance(record.source, FromSealed) else None
            if left and seen.record.current > record.highest_key_number and seen.record.source == record.source:
                self.left[seen.record.credential_id, seen.record.current] = left

    def _touched(self, seen: Seen, record: Record | None) -> None:
        seen.untouched = False
        if record:
            seen.excused |= {key.fingerprint for key in record.keys}
        if seen.credential:
            seen.excused |= set(shown_in(seen.credential.status))
        if seen.record:
            self._forget(seen.record.credential_id, above=seen.record.highest_key_number)
            for key in seen.record.keys:  # of two that were once forgotten, this one is back
                self.owners[seen.record.credential_id, key.key_number] = key.fingerprint

    def _forget(self, credential_id: str, *, above: int) -> None:
        for place in [place for place in self.owners if place[0] == credential_id and place[1] > above]:
            del self.owners[place]

    def opened(self, name: str, secret: RawSecret | None) -> Record | None:
        """Return the record of a Secret of ours in which everything opens."""
        if secret is None or secret.type != SECRET_TYPE:
            return None
        found = open_credential(secret.data, self._namespace, name, self._kek_of, stored_public_key)
        return found.record if isinstance(found, OpenedCredential) else None


def shown_in(status: Status) -> Iterator[str]:
    """Yield the fingerprints of the public keys that a status shows."""
    if status.facts is not None:
        yield status.facts.fingerprint
        yield from (key.fingerprint for key in (status.next, status.previous) if key)


def _shown_is_stored(seen: Seen, status: Status) -> None:
    if seen.untouched and not seen.forged:
        stored = {key.fingerprint for key in seen.record.keys} if seen.record else set()
        lacking = set(shown_in(status)) - seen.excused - stored
        assert not lacking, "I9: the status shows a key whose private key is not stored"
