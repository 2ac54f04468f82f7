"""`controller/target_store.py` and `target_feed.py`: whom a target makes a difference to, and what it lets in."""

from __future__ import annotations

from typing import Any

import pytest

from sshcredential_operator.api.names import CredentialKey, Namespace, TargetKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.store import Kind, Scope, Store
from sshcredential_operator.controller.target_feed import TargetFeed
from sshcredential_operator.controller.target_store import TargetStore
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.reconcile.observed import NO_TARGETS, Door, Targets, Unseen
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.controller.objects import GENOMICS, PHYSICS, credential, key

LOGIN, OTHER = key("login"), key("other")
FORBIDDEN = TroubleError(Reason.FORBIDDEN, {"verb": "list", "resource": "sshtargets"})
NEXT = "SHA256:next"


def raw_target(name: str, version: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a target; `changes` are `credential`, `bootstrap`, `deleting`, `generation` and members of the status."""
    generation = changes.pop("generation", 1)
    metadata = {
        "namespace": changes.pop("namespace", GENOMICS),
        "name": name,
        "uid": f"uid-of-{name}",
        "resourceVersion": str(version),
        "generation": generation,
    }
    if changes.pop("deleting", False):
        metadata["deletionTimestamp"] = "2026-01-31T12:00:00Z"
    spec: dict[str, Any] = {
        "credentialRef": {"name": changes.pop("credential", "login")},
        "host": "login.hpc.example.org",
        "username": "nextflow",
        "hostKeys": {"policy": "TrustOnFirstUse"},
    }
    if bootstrap := changes.pop("bootstrap", None):
        spec["authorizedKey"] = {"manage": "Install", "bootstrap": {"credentialRef": {"name": bootstrap}}}
    return {"metadata": metadata, "spec": spec, "status": {"observedGeneration": generation} | changes}


class Fed:
    """A feed with everything behind it, and two credentials of one namespace that are known."""

    def __init__(self) -> None:
        self.credentials, self.targets = Store(), TargetStore()
        self.queue = WorkQueue[CredentialKey](share=100)
        self.feed = TargetFeed(self.credentials, self.targets, self.queue)
        for one in (LOGIN, OTHER):
            self.credentials.saw_credential(credential(one.name, 1), deleted=False)

    def ready(self, scope: Scope = GENOMICS) -> None:
        for kind in (Kind.CREDENTIALS, Kind.SECRETS):
            self.credentials.listed(kind, scope, (LOGIN, OTHER), frozenset())

    def listed(self, *targets: dict[str, Any], scope: Scope = GENOMICS) -> set[CredentialKey]:
        before = self.feed.known(scope)
        seen = frozenset(self.feed.saw(raw, scope, deleted=False) for raw in targets)
        self.feed.listed(scope, seen, before)
        return self.taken()

    def saw(self, raw: dict[str, Any], *, deleted: bool = False) -> set[CredentialKey]:
        self.feed.saw(raw, GENOMICS, deleted=deleted)
        return self.taken()

    def taken(self) -> set[CredentialKey]:
        taken = set(iter(self.queue._next, None))
        for one in taken:
            self.queue.done(one)
        return taken


@pytest.fixture
def fed() -> Fed:
    fed = Fed()
    fed.ready()
    return fed


# --- what is known


def test_before_the_list_is_complete_nobody_can_tell(fed: Fed) -> None:
    fed.saw(raw_target("a"))

    assert fed.targets.of_credential(LOGIN) is Unseen.NOT_LISTED


@pytest.mark.parametrize("scope", [GENOMICS, None], ids=["of the namespace", "of all namespaces"])
def test_a_list_tells_who_has_to_let_a_key_in_and_who_only_begins_with_it(fed: Fed, scope: Scope) -> None:
    fed.listed(
        raw_target("b", authenticatedFingerprints=[NEXT]),
        raw_target("a"),
        raw_target("c", credential="other", bootstrap="login"),
        raw_target("d", deleting=True),
        raw_target("e", namespace=PHYSICS),
        scope=scope,
    )

    assert fed.targets.of_credential(LOGIN) == Targets((Door("a", frozenset()), Door("b", frozenset({NEXT}))), ("c",))
    assert fed.targets.of_credential(OTHER) == Targets((Door("c", frozenset()),))
    assert fed.targets.of_credential(key("nobodys")) == NO_TARGETS


def test_the_list_of_another_namespace_tells_nothing(fed: Fed) -> None:
    fed.listed(scope=PHYSICS)

    assert fed.targets.of_credential(LOGIN) is Unseen.NOT_LISTED


def test_what_a_status_tells_of_an_earlier_spec_lets_nobody_in(fed: Fed) -> None:
    """The target names another host by now."""
    told = raw_target("a", generation=2, observedGeneration=1, authenticatedFingerprints=[NEXT])
    fed.listed(told)

    assert fed.targets.of_credential(LOGIN) == Targets((Door("a", frozenset()),))


def test_what_vanished_while_nobody_watched_is_swept(fed: Fed) -> None:
    fed.listed(raw_target("a"), raw_target("b", credential="other", bootstrap="login"))

    assert fed.listed() == {LOGIN, OTHER}
    assert fed.targets.of_credential(LOGIN) == NO_TARGETS
    assert fed.targets.keys(None) == frozenset()


def test_an_older_revision_changes_nothing(fed: Fed) -> None:
    fed.listed(raw_target("a", 5, authenticatedFingerprints=[NEXT]))

    assert fed.saw(raw_target("a", 4)) == set()
    assert fed.targets.of_credential(LOGIN) == Targets((Door("a", frozenset({NEXT})),))


# --- who is looked at


@pytest.mark.parametrize(
    ("before", "after", "concerned"),
    [
        pytest.param({}, {"authenticatedFingerprints": [NEXT]}, {LOGIN}, id="it lets a key in"),
        pytest.param({"authenticatedFingerprints": [NEXT]}, {}, {LOGIN}, id="it lets a key in no more"),
        pytest.param({}, {"lastProbeAt": "2026-01-31T12:00:00Z", "notes": ["BootstrapPresent"]}, set(), id="a probe"),
        pytest.param({}, {"credential": "other"}, {LOGIN, OTHER}, id="it names another credential"),
        pytest.param({"bootstrap": "other"}, {}, {LOGIN, OTHER}, id="its bootstrap is taken away"),
        pytest.param({}, {"generation": 2, "observedGeneration": 1}, set(), id="another spec, and it let nobody in"),
        pytest.param(
            {"authenticatedFingerprints": [NEXT]},
            {"authenticatedFingerprints": [NEXT], "generation": 2, "observedGeneration": 1},
            {LOGIN},
            id="another spec, and what it let in counts no more",
        ),
        pytest.param({}, {"deleting": True}, {LOGIN}, id="it is being deleted"),
    ],
)
def test_an_event_is_a_pass_only_over_those_to_whom_it_makes_a_difference(
    fed: Fed, before: dict[str, Any], after: dict[str, Any], concerned: set[CredentialKey]
) -> None:
    fed.listed(raw_target("a", 1, **before))

    assert fed.saw(raw_target("a", 2, **after)) == concerned


def test_a_target_that_comes_and_one_that_goes_are_passes(fed: Fed) -> None:
    fed.listed()

    assert fed.saw(raw_target("a", 1)) == {LOGIN}
    assert fed.saw(raw_target("a", 2), deleted=True) == {LOGIN}
    assert fed.targets.of_credential(LOGIN) == NO_TARGETS


def test_the_first_list_looks_at_everything_and_a_later_one_at_what_has_changed(fed: Fed) -> None:
    assert fed.listed() == {LOGIN, OTHER}
    assert fed.listed(raw_target("a", 1)) == {LOGIN}
    assert fed.listed(raw_target("a", 1)) == set()


def test_nobody_is_looked_at_before_credentials_and_secrets_are_known() -> None:
    fed = Fed()

    assert fed.listed(raw_target("a")) == set()
    assert fed.feed.known(GENOMICS) == {TargetKey(GENOMICS, "a")}


# --- not permitted


def test_a_list_that_is_not_permitted_is_told_once_to_everybody(fed: Fed) -> None:
    fed.listed(raw_target("a", authenticatedFingerprints=[NEXT]))
    fed.feed.forbidden(GENOMICS, FORBIDDEN)
    assert fed.taken() == {LOGIN, OTHER}
    assert fed.targets.of_credential(LOGIN) is Unseen.FORBIDDEN
    assert list(fed.credentials.blocked_scopes()) == [(Kind.TARGETS, GENOMICS)]

    fed.feed.forbidden(GENOMICS, FORBIDDEN)
    assert fed.taken() == set()


def test_when_it_is_permitted_again_everybody_is_looked_at(fed: Fed) -> None:
    fed.feed.forbidden(GENOMICS, FORBIDDEN)
    fed.taken()

    assert fed.listed(raw_target("a")) == {LOGIN, OTHER}
    assert isinstance(fed.targets.of_credential(LOGIN), Targets)
    assert list(fed.credentials.blocked_scopes()) == []


def test_namespaces_are_apart() -> None:
    fed = Fed()
    fed.ready(None)
    fed.listed(raw_target("a", namespace=Namespace("physics")), scope=None)

    assert fed.targets.of_credential(LOGIN) == NO_TARGETS
