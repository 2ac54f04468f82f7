"""Whatever kubectl and GitOps tools do with a manifest that stays the same, the credential is Ready with the same key.

Each step is done to one credential of every source at a time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from kubernetes import client, config

from cluster.conftest import Workspace
from cluster.desk import Desk
from cluster.export_desk import ExportDesk, exported
from cluster.git_checkout import GitCheckout, Held
from cluster.keyfiles import KeyFile, KeyFiles
from cluster.rights import Right, has_right
from cluster.seal_desk import published_keys, sealed
from cluster.shown import Object, data_of, generated, imported, message_of
from controlplane.clusters import Cluster
from sshcredential_operator.api.names import API_VERSION, FIELD_MANAGER, GROUP, KIND
from sshcredential_operator.encryption.sealing_keys import SealingKeys

LAST_APPLIED: Final = "kubectl.kubernetes.io/last-applied-configuration"
PRUNED: Final = f"--prune-allowlist={API_VERSION}/{KIND}"


@pytest.fixture(scope="module")
def key(key_files: KeyFiles) -> KeyFile:
    return key_files.key(which="from Git")


@pytest.fixture(scope="module")
def sealing_keys(cluster: Cluster, workspace: Workspace) -> SealingKeys:
    return published_keys(cluster, workspace.operator.operator_namespace)


@pytest.fixture
def specs(desk: Desk, name: str, key: KeyFile, sealing_keys: SealingKeys) -> dict[str, Object]:
    """A credential of each source, and what it needs."""
    desk.make_secret(f"{name}-input", {"ssh-privatekey": key.content})
    return {
        f"{name}-generated": generated(comment="from Git"),
        f"{name}-imported": imported(f"{name}-input"),
        f"{name}-sealed": sealed(key, sealing_keys, desk.namespace, f"{name}-sealed"),
    }


@pytest.fixture
def checkout(cluster: Cluster, desk: Desk, tmp_path: Path, specs: dict[str, Object]) -> GitCheckout:
    checkout = GitCheckout(tmp_path, cluster, desk)
    checkout.commit(specs)
    return checkout


@pytest.fixture
def before(checkout: GitCheckout) -> dict[str, Held]:
    """The keys after the first `kubectl apply`."""
    checkout.on_file("apply")
    return checkout.ready()


def test_nothing_differs_after_ready(checkout: GitCheckout, before: dict[str, Held]) -> None:
    assert checkout.differs() == []
    assert checkout.differs("--server-side") == []
    assert checkout.differs("--server-side", "--field-manager=argocd-controller") == []


def test_kubectl_spells_its_own_annotation_anew_whatever_the_kind(checkout: GitCheckout, name: str) -> None:
    """Why `differs` passes over it."""
    checkout.commit({})
    checkout.file.write_text(f"{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}}}, data: {{a: b}}}}")
    checkout.on_file("apply")

    shown = checkout.on_file("diff", "--server-side", check=False).stdout

    assert '-      {"apiVersion":"v1","data":{"a":"b"},"kind":"ConfigMap","metadata":{"annotations":{}' in shown
    assert checkout.differs("--server-side") == []


def test_a_difference_is_seen(checkout: GitCheckout, before: dict[str, Held], specs: dict[str, Object]) -> None:
    checkout.commit({name: spec | {"description": "another"} for name, spec in specs.items()})

    for options in ((), ("--server-side",)):
        assert checkout.differs(*options).count("+  description: another") == len(specs)


def test_the_operator_writes_to_nothing_but_the_status(
    cluster: Cluster, checkout: GitCheckout, before: dict[str, Held]
) -> None:
    for name in checkout.names:
        checkout.desk.edit(name, {"description": "read me"})
    checkout.ready()

    for found in checkout.shown().values():
        metadata = found["metadata"]
        ours = [entry for entry in metadata["managedFields"] if entry["manager"] == FIELD_MANAGER]
        assert [(entry["subresource"], set(entry["fieldsV1"])) for entry in ours] == [("status", {"f:status"})]
        others = [entry for entry in metadata["managedFields"] if entry["manager"] != FIELD_MANAGER]
        assert all("f:status" not in entry["fieldsV1"] for entry in others)
        assert metadata["generation"] == 2  # the edit above, and nothing else
        assert set(metadata["annotations"]) == {LAST_APPLIED}
        assert not metadata.keys() & {"finalizers", "ownerReferences", "labels"}


def test_the_operator_may_write_to_nothing_but_the_status(cluster: Cluster, desk: Desk) -> None:
    with config.new_client_from_config(str(cluster.kubeconfig_for("admin"))) as connection:
        api = client.AuthorizationV1Api(connection)
        allowed = [
            verb
            for verb in ("create", "update", "patch", "delete")
            if has_right(api, "operator", Right(verb, "sshcredentials", GROUP, desk.namespace))
        ]
        status = Right("patch", "sshcredentials", GROUP, desk.namespace, subresource="status")
        assert has_right(api, "operator", status)
    assert allowed == []


def test_the_same_file_again_changes_nothing(checkout: GitCheckout, before: dict[str, Held]) -> None:
    versions = {name: found["metadata"]["resourceVersion"] for name, found in checkout.shown().items()}

    said = checkout.on_file("apply").stdout

    assert said.count(" unchanged\n") == len(versions)
    assert {name: found["metadata"]["resourceVersion"] for name, found in checkout.shown().items()} == versions


def test_from_client_side_to_server_side_apply_and_back(checkout: GitCheckout, before: dict[str, Held]) -> None:
    for options in (["--server-side"], ["--server-side"], [], ["--server-side", "--field-manager=flux"], []):
        checkout.on_file("apply", *options)
        assert checkout.ready() == before
    assert checkout.differs() == []
    assert checkout.differs("--server-side") == []


def test_a_conflict_of_two_managers_is_refused_and_costs_nothing(
    checkout: GitCheckout, before: dict[str, Held], specs: dict[str, Object]
) -> None:
    first = ("apply", "--server-side", "--field-manager=first")
    second = ("apply", "--server-side", "--field-manager=second")
    checkout.commit({name: spec | {"description": "first"} for name, spec in specs.items()})
    checkout.on_file(*first)
    checkout.commit({name: spec | {"description": "second"} for name, spec in specs.items()})

    refused = checkout.on_file(*second, check=False)

    assert refused.returncode != 0
    assert 'conflict with "first": .spec.description' in refused.stderr
    assert checkout.ready() == before
    checkout.on_file(*second, "--force-conflicts")
    assert checkout.ready() == before


def test_replacing_the_object(checkout: GitCheckout, before: dict[str, Held]) -> None:
    checkout.on_file("replace")
    assert checkout.ready() == before

    checkout.on_file("apply")
    assert checkout.ready() == before
    assert checkout.differs() == []


def test_replacing_an_older_revision_is_refused_and_costs_nothing(
    checkout: GitCheckout, before: dict[str, Held], specs: dict[str, Object]
) -> None:
    old = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(checkout.shown().values())})
    for name in specs:
        checkout.desk.edit(name, {"description": "newer"})
    checkout.file.write_text(old)

    refused = checkout.on_file("replace", check=False)

    assert refused.stderr.count("the object has been modified") == len(specs)
    assert checkout.ready() == before


def test_replacing_by_force_deletes_and_makes_anew(checkout: GitCheckout, before: dict[str, Held]) -> None:
    uids = {found["metadata"]["uid"] for found in checkout.shown().values()}

    checkout.on_file("replace", "--force")

    assert checkout.ready() == before
    assert not uids & {found["metadata"]["uid"] for found in checkout.shown().values()}
    for name in before:
        checkout.desk.until_event(name, "Adopted")


def test_deleting_and_applying_again_within_the_grace_period(checkout: GitCheckout, before: dict[str, Held]) -> None:
    checkout.on_file("delete")
    for name in before:
        checkout.desk.until_marked(name)

    checkout.on_file("apply", "--server-side")

    assert checkout.ready() == before
    for name in before:
        checkout.desk.until_marked(name, marked=False)


def test_what_leaves_git_is_pruned_and_has_its_key_when_it_comes_back(
    checkout: GitCheckout, specs: dict[str, Object], name: str
) -> None:
    stays = {f"{name}-stays": generated()}
    everything = ("apply", "--prune", PRUNED, "--selector", f"from={name}")
    checkout.commit(specs | stays, **{"from": name})
    checkout.on_file(*everything)
    before = checkout.ready()

    checkout.commit(stays, **{"from": name})
    said = checkout.on_file(*everything).stdout
    assert said.count(" pruned\n") == len(specs)

    checkout.commit(specs | stays, **{"from": name})
    checkout.on_file(*everything)
    assert checkout.ready() == before


def test_edits_that_ask_for_no_other_key(
    checkout: GitCheckout, before: dict[str, Held], monkeypatch: pytest.MonkeyPatch
) -> None:
    resources = [f"sshcredential/{name}" for name in before]
    checkout.kubectl("patch", *resources, "--type=merge", '--patch={"spec":{"description":"merged"}}')
    checkout.kubectl(
        "patch", *resources, "--type=json", '--patch=[{"op":"replace","path":"/spec/description","value":"by JSON"}]'
    )
    checkout.kubectl("label", *resources, "team=genomics")
    checkout.kubectl("annotate", *resources, "example.org/owner=ada")
    monkeypatch.setenv("KUBE_EDITOR", "sed -i 's/description: by JSON/description: edited/'")
    checkout.kubectl("edit", *resources)

    assert checkout.ready() == before
    assert {found["spec"]["description"] for found in checkout.shown().values()} == {"edited"}


# --- Git and a cluster that went ahead of it


def test_a_key_that_was_replaced_in_the_cluster_stays_when_git_is_applied_again(
    checkout: GitCheckout, before: dict[str, Held], specs: dict[str, Object]
) -> None:
    """Git says nothing of the serial, so nothing differs and nothing is put back."""
    rotated = rotate(checkout, before, specs, 1)
    again: tuple[tuple[str, ...], ...] = (("apply",), ("apply", "--server-side", "--field-manager=argocd-controller"))
    for command in again:
        checkout.on_file(*command)
        assert checkout.ready() == rotated
        assert checkout.differs() == []


def test_a_serial_that_git_puts_back_is_ignored_and_told(
    checkout: GitCheckout, specs: dict[str, Object], desk: Desk
) -> None:
    """As a tool with self-heal does, or `kubectl replace`: the serial falls, and the key that is newer stays."""
    fixed = {name: spec | {"rotation": {"serial": 1}} for name, spec in specs.items()}
    checkout.commit(fixed)
    checkout.on_file("apply")
    rotated = rotate(checkout, checkout.ready(), specs, 2)
    assert "-    serial: 2" in checkout.differs()

    checkout.on_file("apply")

    assert checkout.ready() == rotated
    for found in checkout.shown().values():
        assert "SerialIgnored" in found["status"]["notes"]
        assert "raise it above 2 for another key" in message_of(found)

    checkout.commit({name: spec | {"rotation": {"serial": 3}} for name, spec in specs.items()})
    checkout.on_file("apply")
    [generated_name] = [name for name, spec in specs.items() if "generate" in spec]
    again = desk.until_object(generated_name, lambda found: found["status"].get("rotationSerial") == 3, "rotated")
    assert again["status"]["fingerprint"] != rotated[generated_name].fingerprint


def rotate(checkout: GitCheckout, before: dict[str, Held], specs: dict[str, Object], serial: int) -> dict[str, Held]:
    """Raise the serial in the cluster alone; what is generated gets another key, the others bring the same one."""
    for name in before:
        checkout.desk.edit(name, {"rotation": {"serial": serial}})
    for name in before:
        checkout.desk.until_object(name, lambda found: found["status"].get("rotationSerial") == serial, "answered")
    after = checkout.ready()
    changed = {name for name in before if after[name].fingerprint != before[name].fingerprint}
    assert changed == {name for name, spec in specs.items() if "generate" in spec}
    return after


def test_a_revert_of_a_sealed_key_brings_the_one_before_back(
    checkout: GitCheckout, name: str, key: KeyFile, key_files: KeyFiles, sealing_keys: SealingKeys
) -> None:
    """Another sealed key in Git is a rotation, also back; the same one sealed anew is none."""

    def committed(brought: KeyFile) -> Held:
        checkout.commit({name: sealed(brought, sealing_keys, checkout.desk.namespace, name)})
        checkout.on_file("apply")
        checkout.desk.until_object(name, lambda found: found["status"].get("fingerprint") == brought.fingerprint, "it")
        return checkout.ready()[name]

    first, again = committed(key), committed(key)
    other = committed(key_files.key(which="another from Git"))
    back = committed(key)

    assert (first.key_number, again.key_number) == (1, 1)
    assert first.key_number < other.key_number < back.key_number


def test_a_key_that_the_operator_made_is_kept_by_sealing_it_into_git(
    checkout: GitCheckout, exports: ExportDesk, name: str, sealing_keys: SealingKeys
) -> None:
    checkout.commit({name: generated()})
    checkout.on_file("apply")
    made = checkout.ready()
    exports.create(name, exported(name, f"{name}-copy"))
    exports.until(name, "Exported")
    copy = data_of(checkout.desk.secret(f"{name}-copy") or {})["ssh-privatekey"]
    exports.delete(name)

    mine = KeyFile(copy, "", made[name].fingerprint)
    checkout.commit({name: sealed(mine, sealing_keys, checkout.desk.namespace, name)})
    checkout.on_file("apply")

    assert checkout.ready() == made


# --- in any order


@pytest.mark.parametrize(
    "order",
    [
        pytest.param("SCE", id="Secret, credential, export"),
        pytest.param("SEC", id="Secret, export, credential"),
        pytest.param("CSE", id="credential, Secret, export"),
        pytest.param("CES", id="credential, export, Secret"),
        pytest.param("ESC", id="export, Secret, credential"),
        pytest.param("ECS", id="export, credential, Secret"),
    ],
)
def test_objects_come_in_any_order(desk: Desk, exports: ExportDesk, name: str, key: KeyFile, order: str) -> None:
    make = {
        "S": lambda: desk.make_secret(f"{name}-input", {"ssh-privatekey": key.content}),
        "C": lambda: desk.create(name, imported(f"{name}-input")),
        "E": lambda: exports.create(name, exported(name, f"{name}-copy")),
    }
    reasons = {"C": "InputSecretMissing", "E": "CredentialMissing"}
    there = ""
    for each in order:
        make[each]()
        there += each
        # What comes first has been looked at before the next one comes.
        if each == "C" and "S" not in there:
            desk.until(name, reasons["C"])
        if each == "E" and "C" not in there:
            exports.until(name, reasons["E"])

    assert desk.until(name, "Available")["status"]["fingerprint"] == key.fingerprint
    assert exports.until(name, "Exported")["status"]["fingerprint"] == key.fingerprint
