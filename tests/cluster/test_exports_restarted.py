"""Exports and the operator's own life: what ended while it was down, and what a start costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest
from kubernetes import config

from cluster.conftest import StartOperator
from cluster.desk import Desk, desk_in
from cluster.export_desk import ExportDesk, exported
from cluster.rights import grant_cluster, grant_operator_namespace, grant_workspace
from cluster.shown import generated
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until


class Place(NamedTuple):
    """A workspace of this test's own."""

    desk: Desk
    exports: ExportDesk
    start: dict[str, object]


@pytest.fixture
def place(cluster: Cluster, namespaces: Namespaces) -> Iterator[Place]:
    workspace, own = namespaces.create(), namespaces.create()
    grant_workspace(cluster, workspace, "operator")
    grant_operator_namespace(cluster, own, "operator")
    grant_cluster(cluster, "operator")
    with (
        config.new_client_from_config(str(cluster.kubeconfig_for("admin"))) as connection,
        desk_in(cluster, workspace) as desk,
    ):
        yield Place(desk, ExportDesk(connection, workspace), {"operator_namespace": own, "workspaces": [workspace]})
    namespaces.delete(workspace)
    namespaces.delete(own)


def test_what_ended_while_it_was_down_is_taken_away(place: Place, start_operator: StartOperator) -> None:
    desk, exports = place.desk, place.exports
    first = start_operator(**place.start)
    for name in ("kept", "export-gone", "credential-gone", "moved"):
        desk.create(name, generated())
        exports.create(name, exported(name, f"{name}-copy"))
    for name in ("kept", "export-gone", "credential-gone", "moved"):
        exports.until(name, "Exported")
        desk.until_object(name, lambda found: "usedBy" in found["status"], "in use")
    kept, at_rest = desk.secret("kept-copy"), exports.get("kept")
    first.stop()

    exports.delete("export-gone")
    desk.annotate("credential-gone", {"sshcredentials.dev/delete-while-in-use": "true"})
    desk.delete("credential-gone")
    exports.edit("moved", {"secretName": "elsewhere"})
    desk.make_secret("foreign", {"a": b"b"})
    desk.change_secret("foreign", labels={"sshcredentials.dev/export": "export-gone"})
    start_operator(**place.start)

    wait_until(
        lambda: exports.copies().keys() == {"kept-copy", "elsewhere", "foreign"}, "only what is asked for is left"
    )
    exports.until("credential-gone", "CredentialMissing")
    exports.until("moved", "Exported")
    desk.until_object("export-gone", lambda found: "usedBy" not in found["status"], "used by nobody")
    assert desk.secret("kept-copy") == kept
    assert exports.get("kept") == at_rest, "a start that changes nothing writes nothing"


def test_a_copy_is_made_once_and_a_crash_loses_none(place: Place, start_operator: StartOperator) -> None:
    desk, exports = place.desk, place.exports
    first = start_operator(**place.start)
    desk.create("login", generated())
    names = [f"export-{number}" for number in range(8)]
    for name in names:
        exports.create(name, exported("login", name))
    wait_until(exports.copies, "the first copy is there")
    first.kill()

    start_operator(**place.start)

    for name in names:
        exports.until(name, "Exported")
    assert exports.copies().keys() == set(names)
    used = desk.until_object("login", lambda found: len(found["status"].get("usedBy", ())) == 8, "used by all")
    assert used["status"]["exposure"] == "Exported"
    for name in names:
        exports.delete(name)
    wait_until(lambda: not exports.copies(), "no copy is left")
    desk.until_object("login", lambda found: found["status"]["exposure"] == "Encrypted", "encrypted")
