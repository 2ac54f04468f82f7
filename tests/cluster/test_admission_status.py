"""A status is the operator's word: only who has the verb report on the object may write it."""

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest

from cluster.credentials import Credentials, Exports, Objects, Targets, objects_of, said
from cluster.export_specs import PLAIN
from cluster.rights import Right, grant, grant_role, grant_targets_workspace, grant_workspace, revoke, wait_for_right
from cluster.target_specs import PINNED
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until

POLICY: Final = "sshcredential-operator-report"
GROUP: Final = "sshcredentials.dev"
SPECS: Final[dict[type[Objects], dict[str, Any]]] = {
    Credentials: {"generate": {}},
    Exports: PLAIN,
    Targets: PINNED,
}
FORGED: Final[dict[type[Objects], list[dict[str, Any]]]] = {
    Credentials: [{"keyNumber": 7}, {"usedBy": []}, {"exposure": "Encrypted"}],
    Exports: [
        {"admission": {"generation": 99, "policy": "any", "admitted": True}},
        {"expiresAt": "2099-01-01T00:00:00Z"},
    ],
    Targets: [
        {"authenticatedFingerprints": ["SHA256:" + "a" * 43]},
        {
            "hostKey": {
                "type": "t",
                "fingerprint": "SHA256:" + "a" * 43,
                "publicKey": "p",
                "since": "2026-01-01T00:00:00Z",
            }
        },
    ],
}
each_kind = pytest.mark.parametrize("kind", [Credentials, Exports, Targets], ids=lambda kind: kind.KIND)


class Place(NamedTuple):
    """A namespace with a credential, an export and a target of the same name."""

    cluster: Cluster
    namespace: str

    def let(self, user: str, resource: str, *verbs: str, name: str = "") -> str:
        """Give a user a right."""
        names = [name] if name else []
        return grant(self.cluster, self.namespace, user, f"{resource}.{GROUP}", verbs, names=names)

    def report(self, kind: type[Objects], status: dict[str, Any], user: str, name: str = "hpc-login") -> str:
        """Write a status; return what the API server objects to."""
        with objects_of(kind, self.cluster, self.namespace, user) as objects:
            return said(objects.patch_status(status, name))


@pytest.fixture(scope="module")
def place(cluster: Cluster, namespaces: Namespaces) -> Iterator[Place]:
    """Where carol may patch every status, and report on nothing. The policy is in force."""
    place = Place(cluster, namespaces.create())
    for kind, spec in SPECS.items():
        with objects_of(kind, cluster, place.namespace) as objects:
            assert [said(objects.create(spec, name)) for name in ("hpc-login", "another")] == ["", ""]
        place.let("carol", f"{kind.PLURAL}/status", "get", "update", "patch")
    wait_until(lambda: all(POLICY in place.report(kind, {}, "carol") for kind in SPECS), f"{POLICY} is in force")
    yield place
    namespaces.delete(place.namespace)


@each_kind
def test_who_may_not_report_is_told_whose_the_status_is(cluster: Cluster, place: Place, kind: type[Objects]) -> None:
    forged = json.dumps({"status": FORGED[kind][0]})
    command = ("patch", kind.PLURAL, "hpc-login", "-n", place.namespace, "--subresource=status", "--type=merge")
    stderr = cluster.kubectl(*command, "--patch", forged, user="carol", check=False).stderr.strip()

    assert stderr.startswith("Error from server (Forbidden): ")
    assert f"carol may not write the status of {kind.PLURAL}/hpc-login, which is what the operator found; " in stderr
    assert stderr.endswith(f"ask for the verb report on {kind.PLURAL} in namespace {place.namespace}")
    assert stderr.count("\n") == 0


@pytest.mark.parametrize(
    ("kind", "status"),
    [pytest.param(kind, status, id=next(iter(status))) for kind, forged in FORGED.items() for status in forged],
)
def test_nobody_forges(place: Place, kind: type[Objects], status: dict[str, Any]) -> None:
    assert "carol may not write the status" in place.report(kind, status, "carol")


@each_kind
def test_a_status_is_not_replaced_or_applied_either(cluster: Cluster, place: Place, kind: type[Objects]) -> None:
    where = ("--subresource=status", "-n", place.namespace, "-f", "-")
    found = json.loads(cluster.kubectl("get", kind.PLURAL, "hpc-login", "-n", place.namespace, "-o", "json").stdout)
    found["status"] |= FORGED[kind][0]
    applied = kind.manifest({}) | {"status": FORGED[kind][0]}
    del applied["spec"]

    for command, manifest in (("replace",), found), (("apply", "--server-side"), applied):
        refused = cluster.kubectl(*command, *where, user="carol", input=json.dumps(manifest), check=False)
        assert f"carol may not write the status of {kind.PLURAL}/hpc-login" in refused.stderr


@each_kind
def test_the_right_by_name_lets_that_one_status_be_written(place: Place, kind: type[Objects]) -> None:
    place.let("alice", f"{kind.PLURAL}/status", "patch")
    role = place.let("alice", kind.PLURAL, "report", name="hpc-login")

    assert place.report(kind, {"observedGeneration": 1}, "alice") == ""
    assert "alice may not write the status" in place.report(kind, {"observedGeneration": 1}, "alice", "another")
    revoke(place.cluster, place.namespace, role)
    gone = Right("report", kind.PLURAL, GROUP, place.namespace, "hpc-login")
    wait_for_right(place.cluster, "alice", gone, allowed=False)
    assert "alice may not write the status" in place.report(kind, {"observedGeneration": 2}, "alice")


def test_the_right_to_one_kind_is_none_to_the_others(place: Place) -> None:
    place.let("bob", "sshcredentials", "report")
    for kind in SPECS:
        place.let("bob", f"{kind.PLURAL}/status", "patch")

    assert place.report(Credentials, {"observedGeneration": 1}, "bob") == ""
    for other in (Exports, Targets):
        assert "bob may not write the status" in place.report(other, {"observedGeneration": 1}, "bob")


@each_kind
def test_the_verb_does_not_replace_the_right_to_the_status(
    cluster: Cluster, namespace: str, kind: type[Objects]
) -> None:
    with objects_of(kind, cluster, namespace) as objects:
        objects.create(SPECS[kind])
    place = Place(cluster, namespace)
    place.let("alice", kind.PLURAL, "get", "patch", "report")

    assert f'cannot patch resource "{kind.PLURAL}/status"' in place.report(kind, {"observedGeneration": 1}, "alice")


@each_kind
def test_an_administrator_of_the_namespace_writes_no_status(
    cluster: Cluster, namespace: str, kind: type[Objects]
) -> None:
    grant_role(cluster, namespace, "alice", "admin", Right("create", kind.PLURAL, GROUP))
    with objects_of(kind, cluster, namespace, "alice") as objects:
        granted = said(objects.create(SPECS[kind]))
        assert (granted == "") is (kind is not Exports), "an export asks for one right more than he has"
    with objects_of(kind, cluster, namespace) as objects:
        objects.create(SPECS[kind])

    assert f'cannot patch resource "{kind.PLURAL}/status"' in Place(cluster, namespace).report(kind, {}, "alice")


def test_each_process_writes_its_own(cluster: Cluster, namespace: str) -> None:
    grant_workspace(cluster, namespace, "operator")
    grant_targets_workspace(cluster, namespace, "bob")
    for kind, spec in SPECS.items():
        own, other = ("bob", "operator") if kind is Targets else ("operator", "bob")
        with objects_of(kind, cluster, namespace) as objects:
            objects.create(spec)
        place = Place(cluster, namespace)
        assert place.report(kind, {"observedGeneration": 1}, own) == ""
        assert f'cannot patch resource "{kind.PLURAL}/status"' in place.report(kind, {"observedGeneration": 1}, other)


@each_kind
def test_what_is_no_status_is_not_asked_about(place: Place, kind: type[Objects]) -> None:
    role = place.let("carol", kind.PLURAL, "patch", "delete")

    with objects_of(kind, place.cluster, place.namespace, "carol") as carol:
        assert said(carol.patch({"metadata": {"labels": {"team": "genomics"}}})) == ""
        assert said(carol.patch({"status": FORGED[kind][0]})) == "", "which is ignored"
        assert said(carol.delete("another")) == ""
    revoke(place.cluster, place.namespace, role)
