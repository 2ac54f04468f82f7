"""Without the admission policy, as the operator knows it, nobody was asked for the right: no copy is made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kubernetes import config

from cluster.conftest import StartOperator
from cluster.desk import Desk, desk_in
from cluster.export_desk import ExportDesk, exported
from cluster.rights import grant_operator_namespace, grant_workspace
from cluster.shown import Object, data_of, generated
from controlplane.clusters import CHART_FILES, Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until

POLICY = "validatingadmissionpolicy/sshcredential-operator-export"
BINDING = "validatingadmissionpolicybinding/sshcredential-operator-export"


class Guard:
    """The policy and its binding, in the hands of the cluster's administrator."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def apply(self, *, later_than: Object | None = None) -> None:
        """Apply both; if asked for, anew until they are younger than an object, whose time is told in seconds."""

        def is_applied() -> bool:
            self._cluster.kubectl("apply", "-f", str(CHART_FILES / "admission" / "export.yaml"))
            if later_than is None or self._made() > later_than["metadata"]["creationTimestamp"]:
                return True
            self.remove()
            return False

        wait_until(is_applied, "the policy is applied")

    def remove(self) -> None:
        """Delete both."""
        self._cluster.kubectl("delete", "--ignore-not-found", POLICY, BINDING)

    def patch(self, target: str, change: str) -> None:
        """Change one of them."""
        self._cluster.kubectl("patch", target, "--type=merge", "-p", change)

    def _made(self) -> str:
        return self._cluster.kubectl("get", POLICY, "-o", "jsonpath={.metadata.creationTimestamp}").stdout


@pytest.fixture
def guard(cluster: Cluster) -> Iterator[Guard]:
    """The policy; whatever the test did to it, it is there afterwards."""
    guard = Guard(cluster)
    yield guard
    guard.remove()
    guard.apply()


def test_what_was_made_while_it_was_away_is_refused_until_it_is_touched(
    desk: Desk, exports: ExportDesk, guard: Guard, name: str
) -> None:
    desk.create(name, generated())
    exports.create(f"{name}-changed", exported(name, f"{name}-changed"))
    exports.until(f"{name}-changed", "Exported")
    before = desk.secret(f"{name}-changed")

    guard.remove()
    exports.create(f"{name}-made", exported(name, f"{name}-made"))
    exports.edit(f"{name}-changed", {"profile": "ArgoCDRepository", "url": "ssh://git@git.example.org/repo.git"})
    exports.until(f"{name}-changed", "ExportNotGuarded")
    made = exports.until(f"{name}-made", "ExportNotGuarded")

    guard.apply(later_than=made)
    for export in (f"{name}-made", f"{name}-changed"):
        exports.annotate(export, {"looked": "at"})  # at once, and not after a minute
        exports.until(export, "ExportOlderThanPolicy")
    assert desk.secret(f"{name}-made") is None
    assert desk.secret(f"{name}-changed") == before, "a copy that is there stays as it is"

    exports.edit(f"{name}-made", {"username": "git"})
    exports.until(f"{name}-made", "Exported")
    exports.edit(f"{name}-changed", {"profile": "SSHAuth"})
    exports.until(f"{name}-changed", "Exported")


@pytest.mark.parametrize(
    ("target", "change"),
    [
        pytest.param(BINDING, '{"spec": {"validationActions": ["Audit"]}}', id="a binding that only audits"),
        pytest.param(
            BINDING,
            '{"spec": {"matchResources": {"namespaceSelector": {"matchLabels": {"guarded": "yes"}}}}}',
            id="a binding for some namespaces",
        ),
        pytest.param(POLICY, '{"spec": {"failurePolicy": "Ignore"}}', id="a policy that may fail"),
        pytest.param(POLICY, '{"spec": {"validations": [{"expression": "true"}]}}', id="a policy that says yes"),
    ],
)
def test_a_policy_with_another_content_is_none(
    desk: Desk, exports: ExportDesk, guard: Guard, name: str, target: str, change: str
) -> None:
    desk.create(name, generated())
    guard.patch(target, change)

    exports.create(name, exported(name, f"{name}-copy"))

    exports.until(name, "ExportNotGuarded")
    assert desk.secret(f"{name}-copy") is None


def test_an_option_with_an_honest_name_makes_copies_without_it(
    cluster: Cluster, namespaces: Namespaces, start_operator: StartOperator, guard: Guard, name: str
) -> None:
    workspace, own = namespaces.create(), namespaces.create()
    grant_workspace(cluster, workspace, "operator")
    grant_operator_namespace(cluster, own, "operator")
    guard.remove()
    with (
        config.new_client_from_config(str(cluster.kubeconfig_for("admin"))) as connection,
        desk_in(cluster, workspace) as desk,
    ):
        exports = ExportDesk(connection, workspace)
        start_operator(
            operator_namespace=own, workspaces=[workspace], options=["--allow-exports-without-admission-policy"]
        )
        desk.create(name, generated())
        exports.create(name, exported(name, f"{name}-copy"))

        assert "admission" not in exports.until(name, "Exported")["status"]
        assert "ssh-privatekey" in data_of(desk.secret(f"{name}-copy") or {})
    namespaces.delete(workspace)
    namespaces.delete(own)
