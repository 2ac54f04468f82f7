"""Of keys: once told they stay, one for a number, and none that was put back passes for the latest (I1, I2, I10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from cluster.etcd_history import CREDENTIALS
from cluster.shown import Object, condition_of
from faults.oracles_story import Story, is_of_credential
from faults.run import Violation


class Told(NamedTuple):
    """Which key a status tells of."""

    credential_id: str
    key_number: int
    fingerprint: str


def told_by(found: Object | None) -> Told | None:
    """Return which key a credential's status tells of, if it does."""
    status = (found or {}).get("status", {})
    if not {"credentialId", "keyNumber", "fingerprint"} <= status.keys():
        return None
    return Told(status["credentialId"], status["keyNumber"], status["fingerprint"])


def one_key_for_a_number(story: Story) -> Iterator[Violation]:
    """No operator ever writes two private keys with one number: the halves are compared, not what is said of them."""
    owners: dict[tuple[str, int], frozenset[bytes]] = {}
    for step in story.secrets:
        opened = story.opened(step)
        if opened is None:
            continue
        identity = opened.record.credential_id
        if not step.by_operator:  # of numbers above those that a person put back nobody may know any more
            for place in [p for p in owners if p[0] == identity and p[1] > opened.record.highest_key_number]:
                del owners[place]
        for number, key in opened.keys.items():
            owner = owners.setdefault((identity, number), key.secret)
            if step.by_operator and owner != key.secret:
                yield Violation("I2", f"{step}: another private key has number {number} of {identity}")
            owners[identity, number] = key.secret


def told_keys_stay(story: Story) -> Iterator[Violation]:
    """A key that a status told of is replaced by a rotation of the same Secret only, never by a Secret made anew."""
    known: defaultdict[str, dict[str, set[Told]]] = defaultdict(lambda: defaultdict(set))
    living: dict[str, str] = {}
    for step in story.of_workspace:
        if step.revision.resource == CREDENTIALS:
            if step.object is None:
                living.pop(step.name, None)
                continue
            uid = living[step.name] = step.object["metadata"]["uid"]
            told, before = told_by(step.object), told_by(step.before)
            if not step.by_operator and step.before is not None and told != before:
                known[step.name].clear()  # somebody else wrote the status
            elif told:
                known[step.name][uid].add(told)
        elif is_of_credential(step) and step.by_operator and step.before is None:
            opened, told_before = story.opened(step), known[step.name].get(living.get(step.name, ""), set())
            if opened and told_before:
                key = opened.record.current_key
                made = Told(opened.record.credential_id, opened.record.current, key.fingerprint)
                if made not in told_before:
                    yield Violation(
                        "I1", f"{step}: a Secret was made anew with another key than the one that was told of"
                    )


def old_keys_are_never_green(story: Story) -> Iterator[Violation]:
    """Ready never stands over a number that is lower than one that the same status told of before."""
    highest: dict[str, int] = {}
    for step in story.credentials:
        if step.object is None:
            continue
        uid, told = step.object["metadata"]["uid"], told_by(step.object)
        if not step.by_operator or told is None:
            continue
        if condition_of(step.object).get("status") == "True" and told.key_number < highest.get(uid, 0):
            yield Violation("I10", f"{step}: Ready with number {told.key_number} after {highest[uid]}")
        highest[uid] = max(highest.get(uid, 0), told.key_number)
