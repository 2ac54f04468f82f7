"""Up from the operator and the CRDs of an earlier commit, and back again, with credentials that live on.

The earlier operator is run from the clone's history on a control plane of its own. etcd tells every revision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from kubernetes import config

from cluster.desk import Desk, desk_in
from cluster.etcd_history import API_SERVER_FLAGS, CREDENTIALS, SECRETS, Revision, history, now
from cluster.export_desk import ExportDesk, exported
from cluster.keyfiles import KeyFiles
from cluster.opened import open_stored
from cluster.rights import grant_cluster, grant_operator_namespace, grant_workspace
from cluster.shown import Object, condition_of, generated, secret_of
from controlplane.clusters import install
from controlplane.fixtures import OwnControlPlane
from controlplane.plane import ControlPlane
from node.upgrade.credentials import LIVING, READY, STORED, make_all, read_record, recorded_form, rotate
from node.upgrade.earlier import COMMIT, Earlier
from operators.process import COMMAND, OperatorProcess

WORKSPACE: Final = "genomics"
OPERATOR_NAMESPACE: Final = "sshcredential-system"
USER: Final = "operator"


class Upgraded:
    """One workspace, and whichever operator serves it now."""

    operator: OperatorProcess

    def __init__(self, plane: ControlPlane, earlier: Earlier, folder: Path, desks: tuple[Desk, Desk]) -> None:
        self.plane, self.earlier, self.folder = plane, earlier, folder
        self.desk, self.key_ring = desks

    def start(self, program: Sequence[str] = (str(COMMAND),)) -> None:
        self.operator = OperatorProcess(
            self.plane.kubeconfig_for(USER),
            self.folder / "operator.log",
            operator_namespace=OPERATOR_NAMESPACE,
            workspaces=[WORKSPACE],
            options=["--debug", "--leader-election"],
            program=program,
        ).wait_until_ready()

    def upgrade(self) -> None:
        """First the CRDs and the rights, as a chart does, then the operator."""
        install(self.plane)
        assert self.operator.stop() == 0
        self.folder.joinpath("operator.log").rename(self.folder / f"{len(list(self.folder.iterdir()))}.log")
        self.start()

    def go_back(self) -> None:
        """The earlier CRD and operator. Rights and policies of today stay: they allow all that it did."""
        self.plane.kubectl("apply", "-f", str(self.earlier.crd))
        assert self.operator.stop() == 0
        self.folder.joinpath("operator.log").rename(self.folder / f"{len(list(self.folder.iterdir()))}.log")
        self.start(self.earlier.program)

    def end(self) -> None:
        """End whichever operator runs."""
        self.operator.stop()

    def until_all_was_looked_at(self, name: str) -> None:
        """A credential that comes after all others is answered after them."""
        self.desk.create(name, generated())
        self.desk.until(name, "Available")


@pytest.fixture
def upgraded(
    earlier: Earlier, own_control_plane: OwnControlPlane, tmp_path: Path, key_files: KeyFiles
) -> Iterator[Upgraded]:
    """The state that the earlier operator leaves."""
    plane = own_control_plane(apiserver_args=API_SERVER_FLAGS)
    for namespace, grant in ((WORKSPACE, grant_workspace), (OPERATOR_NAMESPACE, grant_operator_namespace)):
        plane.kubectl("create", "namespace", namespace)
        grant(plane, namespace, USER)
    grant_cluster(plane, USER)
    plane.kubectl("apply", *(argument for path in earlier.manifests for argument in ("-f", str(path))))
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(earlier.crd))
    with ExitStack() as until_the_end:
        desk, key_ring = (until_the_end.enter_context(desk_in(plane, name)) for name in (WORKSPACE, OPERATOR_NAMESPACE))
        prepared = Upgraded(plane, earlier, tmp_path, (desk, key_ring))
        prepared.start(earlier.program)
        until_the_end.callback(prepared.end)
        make_all(desk, key_files)
        yield prepared


@pytest.fixture(scope="module")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return KeyFiles(tmp_path_factory.mktemp("key-files"))


def test_an_upgrade_and_the_way_back_change_no_key_and_leave_ready_what_was(upgraded: Upgraded) -> None:
    desk = upgraded.desk
    assert recorded_form(desk) == read_record(), f"{COMMIT} makes something else than what is recorded"
    before = facts(desk)
    mark = now(upgraded.plane)

    upgraded.upgrade()
    upgraded.until_all_was_looked_at("made-by-the-present")
    assert_nothing_was_lost(upgraded, before, history(upgraded.plane, mark))
    rotated = rotate(desk, "with-previous", 2)
    copied = export(upgraded, "plain")

    before, mark = facts(desk), now(upgraded.plane)
    upgraded.go_back()
    upgraded.until_all_was_looked_at("made-by-the-earlier")
    assert_nothing_was_lost(upgraded, before, history(upgraded.plane, mark))
    assert desk.get("plain")["status"]["exposure"] == "Encrypted", "it knows of no copies"
    assert rotate(desk, "made-by-the-present", 1)["status"]["keyNumber"] == 2
    assert rotate(desk, "with-previous", 3)["status"]["previous"]["fingerprint"] == rotated["status"]["fingerprint"]
    assert desk.secret("plain-copy") == copied

    before, mark = facts(desk), now(upgraded.plane)
    upgraded.upgrade()
    upgraded.until_all_was_looked_at("made-by-the-present-again")
    assert_nothing_was_lost(upgraded, before, history(upgraded.plane, mark))
    desk.until_object("plain", lambda found: found["status"]["exposure"] == "Exported", "told to be exported again")
    assert desk.secret("plain-copy") == copied


def facts(desk: Desk) -> dict[str, Object]:
    """What must not change, of every credential."""
    return {name: facts_of(desk.get(name)) for name in LIVING}


def facts_of(found: Object) -> Object:
    kept = {name: found["status"].get(name) for name in KEPT}
    return kept | {"ready": (condition_of(found)["status"], condition_of(found)["reason"])} | {"spec": found["spec"]}


KEPT: Final = ("fingerprint", "publicKey", "keyNumber", "credentialId", "createdAt", "next", "previous", "name", "bits")


def assert_nothing_was_lost(upgraded: Upgraded, before: dict[str, Object], revisions: Sequence[Revision]) -> None:
    """At no revision since then, and as the key ring opens it."""
    desk, ours = upgraded.desk, [one for one in revisions if one.namespace == WORKSPACE]
    written = Counter((one.resource, one.name) for one in ours)
    changed = [
        (one.name, one.version, facts_of(one.object) if one.object else None)
        for one in ours
        if one.resource == CREDENTIALS
        and one.name in before
        and (not one.object or facts_of(one.object) != before[one.name])
    ]
    assert changed == []
    assert [
        one.name for one in ours if one.resource == SECRETS and one.name in {secret_of(name) for name in STORED}
    ] == []
    assert all(written[CREDENTIALS, name] <= 1 for name in before), written
    assert facts(desk) == before
    for name in (*READY, "suspended"):
        opened = open_stored(desk, name, upgraded.key_ring)
        assert opened.record.current_key.fingerprint == before[name]["fingerprint"]


def export(upgraded: Upgraded, name: str) -> Object:
    """Let a plain copy be made, of which the earlier operator knows nothing."""
    copy = f"{name}-copy"
    with config.new_client_from_config(str(upgraded.plane.kubeconfig_for("admin"))) as connection:
        exports = ExportDesk(connection, WORKSPACE)
        exports.create(copy, exported(name, copy))
        exports.until(copy, "Exported")
    upgraded.desk.until_object(name, lambda found: found["status"]["exposure"] == "Exported", "told to be exported")
    found = upgraded.desk.secret(copy)
    assert found is not None
    return found
