"""`controller/claims.py`: whatever comes, the holder is who the rule names, and whom it concerns is told."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.controller.claims import Claims
from unit.controller.objects import FACTS, credential

NAMES = ("aa", "bb", "cc", "dd")
STEP = st.tuples(
    st.sampled_from(["put", "put", "put", "drop", "ask"]),
    st.sampled_from(NAMES),
    st.sampled_from(["hpc", "hpc", "hpc", "git"]),
    st.sampled_from(["2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"]),
    st.booleans(),
)


class Rule:
    """The rule as it is told, computed from all that is known each time."""

    def __init__(self, known: dict[CredentialKey, Credential]) -> None:
        self._known, self._told = known, dict[str, CredentialKey]()

    def holder(self, name: str) -> CredentialKey | None:
        claimants = [one for one in self._known.values() if one.claimed_name == name]
        if not claimants:
            self._told.pop(name, None)
            return None
        return min(claimants, key=lambda one: self._place(one, self._told.get(name))).key

    def ask(self, name: str) -> None:
        if holder := self.holder(name):
            self._told[name] = holder

    def answers(self) -> dict[CredentialKey, CredentialKey | None]:
        return {key: self.holder(one.claimed_name) for key, one in self._known.items()}

    @staticmethod
    def _place(one: Credential, told: CredentialKey | None) -> tuple[bool, bool, str, str]:
        has_no_key = one.status.facts is None
        return has_no_key, has_no_key and one.key != told, one.created_at, one.uid


@settings(max_examples=400, deadline=None)
@given(st.lists(STEP, max_size=30))
def test_whatever_comes_the_holder_is_whom_the_rule_names(
    steps: list[tuple[str, str, str, str, bool]],
) -> None:
    known: dict[CredentialKey, Credential] = {}
    claims, rule = Claims(known), Rule(known)
    for version, (step, who, name, created, has_key) in enumerate(steps):
        one = credential(who, version, spec_name=name, created=created, status=FACTS if has_key else {})
        before, concerned = rule.answers(), set[CredentialKey]()
        old = known.get(one.key)
        if step == "ask":
            if old is not None:
                rule.ask(old.claimed_name)
                claims.rival(old)
        else:
            if old is not None and (step == "drop" or old.claimed_name != name):
                del known[one.key]
                concerned |= set(claims.drop(old))
                rule.holder(old.claimed_name)
            if step == "put":
                known[one.key] = one
                concerned |= set(claims.put(one))
        after = rule.answers()

        changed = {key for key in before.keys() & after.keys() if before[key] != after[key]}
        assert changed <= concerned | {one.key}
        assert {claimed(claims, each) for each in known.values()} == {
            (each.key, after[each.key]) for each in known.values()
        }


def claimed(claims: Claims, one: Credential) -> tuple[CredentialKey, CredentialKey | None]:
    """Return who holds the name of one, without telling it."""
    return one.key, next(iter(claims.claimants(one)), None)
