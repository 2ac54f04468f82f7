"""What Flux and Argo CD say of objects as the operator really leaves them, and what they do to them, by their own code.

- Flux: kstatus, its evaluator of `healthCheckExprs` (with those of examples/gitops), and what kustomize-controller
  applies with, all from its own modules.
- Argo CD: its Lua interpreter with the libraries that it gives to scripts of argocd-cm. Its way to compare is written
  down in tests/judges from its documentation, over the function of Kubernetes that it calls; its own module takes 1132
  packages to build, and was not tried.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
import yaml

from cluster.conftest import Workspace
from cluster.credentials import credential, export
from cluster.desk import Desk
from cluster.export_desk import ExportDesk, exported
from cluster.git_checkout import GitCheckout
from cluster.greens import kstatus
from cluster.judges import PROGRAM, Judges
from cluster.keyfiles import PASSPHRASE, KeyFiles
from cluster.seal_desk import published_keys, sealed
from cluster.shown import Object, generated, imported, secret_of
from contract.crd_schema import CREDENTIAL, with_defaults
from contract.lua import RULES
from contract.tree import ROOT
from controlplane.clusters import Cluster
from controlplane.fixtures import spoken
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until

FLUX: Final = ROOT / "examples" / "gitops" / "clusters" / "production" / "flux.yaml"
HOLD: Final = "example.org/hold"


class Verdict(NamedTuple):
    """What is expected of an object."""

    argo_cd: str
    kstatus: str
    health_checks: str


GREEN: Final = Verdict("Healthy", "Current", "Current")
AT_WORK: Final = Verdict("Progressing", "InProgress", "InProgress")
STUCK: Final = Verdict("Degraded", "Failed", "Failed")

VERDICTS: Final = {
    "available": GREEN,
    "next key announced": GREEN,
    "serial fell": GREEN,
    "suspended": Verdict("Suspended", "Current", "Current"),
    "suspended before there was a key": Verdict("Suspended", "InProgress", "InProgress"),
    "input missing": AT_WORK,
    "not served": AT_WORK,
    "edited and not answered yet": AT_WORK,
    "wrong passphrase": STUCK,
    "sealed for another": STUCK,
    "secret lost": STUCK,
    "algorithm changed": STUCK,
    "being deleted": Verdict("Progressing", "Terminating", "InProgress"),
    "exported": GREEN,
    "credential missing": AT_WORK,
    "export not served": AT_WORK,
    "export suspended": Verdict("Suspended", "Current", "Current"),
    "export of a copy that cannot be": STUCK,
}
EXPIRED: Final = Verdict("Degraded", "Failed", "Current")
"""Flux has it otherwise with the expressions of examples/gitops."""


@pytest.fixture(scope="module")
def judges(request: pytest.FixtureRequest) -> Judges:
    """The judges. The first run on a machine builds them."""
    with spoken(request.config):
        return Judges(PROGRAM.built())


@pytest.fixture(scope="module")
def states(
    cluster: Cluster,
    namespaces: Namespaces,
    workspace: Workspace,
    desk: Desk,
    exports: ExportDesk,
    key_files: KeyFiles,
) -> Iterator[dict[str, Object]]:
    """Objects in every state, by the state's name."""
    elsewhere = namespaces.create()
    sealing_keys = published_keys(cluster, workspace.operator.operator_namespace)
    apply_elsewhere(cluster, elsewhere, credential(generated(), "judged"), export(exported("judged", "copy"), "judged"))
    specs = {
        "judged-ready": generated(),
        "judged-staged": generated() | {"rotation": {"prepare": "1h"}},
        "judged-fell": generated() | {"rotation": {"serial": 2}},
        "judged-suspended": generated(),
        "judged-asleep": generated() | {"suspend": True},
        "judged-waiting": imported("judged-no-such-secret"),
        "judged-locked": imported("judged-locked", "judged-locked"),
        "judged-astray": sealed(key_files.key(), sealing_keys, desk.namespace, "judged-elsewhere"),
        "judged-lost": generated(),
        "judged-other": generated(),
        "judged-going": generated(),
    }
    locked = key_files.key(passphrase=PASSPHRASE).content
    desk.make_secret("judged-locked", {"ssh-privatekey": locked, "passphrase": b"not this one"})
    desk.apply(specs)
    for name in specs:
        if name not in {"judged-asleep", "judged-waiting", "judged-locked", "judged-astray"}:
            desk.until(name, "Available")
    made = {
        "judged-copy": exported("judged-ready", "judged-copy"),
        "judged-orphan": exported("judged-no-such-credential", "judged-orphan"),
        "judged-resting": exported("judged-suspended", "judged-resting"),
        "judged-no-url": exported("judged-ready", "judged-no-url", "ArgoCDRepository"),
    }
    for name, spec in made.items():
        exports.create(name, spec)
    exports.until("judged-resting", "Exported")
    desk.edit("judged-staged", {"rotation": {"serial": 1}})
    desk.edit("judged-fell", {"rotation": {"serial": 0}})
    desk.edit("judged-suspended", {"suspend": True})
    desk.edit("judged-other", {"generate": {"algorithm": "ECDSA"}})
    desk.delete_secret(secret_of("judged-lost"))
    cluster.kubectl(
        *("patch", "sshcredential", "judged-going", "-n", desk.namespace, "--type=merge"),
        *("-p", json.dumps({"metadata": {"finalizers": [HOLD]}})),
    )
    cluster.kubectl("delete", "sshcredential", "judged-going", "-n", desk.namespace, "--wait=false")
    available = desk.until("judged-ready", "Available")
    yield {
        "available": available,
        "next key announced": desk.until_object("judged-staged", lambda one: "next" in one["status"], "staged"),
        "serial fell": desk.until_object("judged-fell", lambda one: "notes" in one["status"], "told"),
        "suspended": desk.until("judged-suspended", "Suspended"),
        "suspended before there was a key": desk.until_object("judged-asleep", is_suspended, "suspended"),
        "input missing": desk.until("judged-waiting", "InputSecretMissing"),
        "not served": shown_elsewhere(cluster, elsewhere, "sshcredential"),
        # The real one is over in milliseconds.
        "edited and not answered yet": available | {"metadata": available["metadata"] | {"generation": 2}},
        "wrong passphrase": desk.until("judged-locked", "WrongPassphrase"),
        "sealed for another": desk.until("judged-astray", "SealedElsewhere"),
        "secret lost": desk.until("judged-lost", "SecretLost"),
        "algorithm changed": desk.until("judged-other", "AlgorithmChanged"),
        "being deleted": desk.get("judged-going"),
        "exported": exports.until("judged-copy", "Exported"),
        "credential missing": exports.until("judged-orphan", "CredentialMissing"),
        "export not served": shown_elsewhere(cluster, elsewhere, "sshcredentialexport"),
        "export suspended": exports.until_object("judged-resting", is_suspended, "suspended"),
        "export of a copy that cannot be": exports.until("judged-no-url", "UrlMissing"),
    }
    cluster.kubectl(
        *("patch", "sshcredential", "judged-going", "-n", desk.namespace, "--type=merge"),
        *("-p", json.dumps({"metadata": {"finalizers": None}})),
    )
    namespaces.delete(elsewhere)


def apply_elsewhere(cluster: Cluster, namespace: str, *manifests: Object) -> None:
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
    cluster.kubectl("apply", "-n", namespace, "-f", "-", input=body)


def shown_elsewhere(cluster: Cluster, namespace: str, kind: str) -> Object:
    found: Object = json.loads(cluster.kubectl("get", kind, "judged", "-n", namespace, "-o", "json").stdout)
    return found


def is_suspended(found: Object) -> bool:
    return bool(found["status"]["conditions"][0]["reason"] == "Suspended")


@pytest.fixture(scope="module")
def expressions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The healthCheckExprs of the example for Flux."""
    [kustomization] = [one for one in yaml.safe_load_all(FLUX.read_text()) if one["kind"] == "Kustomization"]
    file = tmp_path_factory.mktemp("flux") / "expressions.yaml"
    file.write_text(yaml.safe_dump(kustomization["spec"]["healthCheckExprs"]))
    return file


def test_every_state_is_judged_as_it_shall(judges: Judges, states: dict[str, Object], expressions: Path) -> None:
    seen = verdicts(judges, expressions, list(states.values()))

    assert dict(zip(states, seen, strict=True)) == VERDICTS


@pytest.mark.last
def test_an_export_whose_time_is_over_is_red_unless_flux_is_told_otherwise(
    judges: Judges, exports: ExportDesk, desk: Desk, expiring: str, expressions: Path
) -> None:
    wait_until(lambda: desk.secret(f"{expiring}-copy") is None, "the copy is gone", 70)

    assert verdicts(judges, expressions, [exports.until(expiring, "Expired")]) == [EXPIRED]


def verdicts(judges: Judges, expressions: Path, objects: list[Object]) -> list[Verdict]:
    healths = [argo_cd_health(judges, found) for found in objects]
    seen = zip(healths, judges.kstatus(objects), judges.health_checks(expressions, objects), strict=True)
    return [Verdict(*verdict) for verdict in seen]


def argo_cd_health(judges: Judges, found: Object) -> str:
    [said] = judges.lua(RULES / found["kind"] / "health.lua", [found])
    assert said["message"]
    return str(said["status"])


def test_the_tests_own_kstatus_says_what_the_library_says(judges: Judges, states: dict[str, Object]) -> None:
    objects = list(states.values())

    assert [kstatus(found) for found in objects] == judges.kstatus(objects)


@pytest.mark.parametrize("kind", ["SSHCredential", "SSHCredentialExport", "SSHTarget"])
def test_argo_cds_interpreter_says_of_each_case_what_it_shall(judges: Judges, kind: str) -> None:
    cases = yaml.safe_load((RULES / kind / "health_test.yaml").read_text())["tests"]
    objects = [yaml.safe_load((RULES / kind / case["inputPath"]).read_text()) for case in cases]

    assert judges.lua(RULES / kind / "health.lua", objects) == [case["healthStatus"] for case in cases]


def test_argo_cds_interpreter_presses_the_button(judges: Judges, states: dict[str, Object]) -> None:
    actions = RULES / "SSHCredential" / "actions"
    credentials = {name: found for name, found in states.items() if found["kind"] == "SSHCredential"}

    shown = judges.lua(actions / "discovery.lua", list(credentials.values()))

    enabled = {name for name, said in zip(credentials, shown, strict=True) if not said["rotate"]["disabled"]}
    assert enabled == {"available", "serial fell", "algorithm changed", "edited and not answered yet"}
    for name in enabled:
        [pressed] = judges.lua(actions / "rotate" / "action.lua", [states[name]])
        serial = states[name]["status"]["rotationSerial"] + 1
        spec = states[name]["spec"]
        assert pressed["spec"] == spec | {"rotation": spec["rotation"] | {"serial": serial}}
        assert pressed["status"] == states[name]["status"]


def test_what_the_button_makes_is_taken_and_gives_another_key(judges: Judges, desk: Desk, name: str) -> None:
    desk.create(name, generated())
    before = desk.until(name, "Available")
    [pressed] = judges.lua(RULES / "SSHCredential" / "actions" / "rotate" / "action.lua", [before])

    desk.edit(name, pressed["spec"])

    after = desk.until_object(name, lambda found: found["status"]["rotationSerial"] == 1, "rotated")
    assert after["status"]["previous"]["fingerprint"] == before["status"]["fingerprint"]


# --- what they would change


SPELLED: Final[dict[str, Object]] = {
    "as short as can be": generated(),
    "with a serial of none": generated() | {"rotation": {"serial": 0}},
    "with other defaults spelled out": generated(algorithm="Ed25519")
    | {"provider": "SSH", "deletionGracePeriod": "168h"},
    "with a schedule": generated(comment="a@b") | {"rotation": {"every": "2160h", "prepare": "24h"}},
}


@pytest.fixture
def checkout(cluster: Cluster, desk: Desk, tmp_path: Path, name: str) -> GitCheckout:
    checkout = GitCheckout(tmp_path, cluster, desk)
    checkout.commit({f"{name}-{number}": spec for number, spec in enumerate(SPELLED.values())})
    return checkout


@pytest.mark.parametrize("options", [[], ["--server-side"]], ids=["client-side", "server-side"])
def test_argo_cd_finds_nothing_to_sync_after_ready(
    judges: Judges, checkout: GitCheckout, desk: Desk, options: list[str]
) -> None:
    checkout.on_file("apply", *options)
    checkout.ready()
    live, targets = checkout.shown(), manifests(checkout)

    assert specs_to_sync(judges, [(targets[name], live[name]) for name in live]) == [{}] * len(SPELLED)
    # What the server added is in the CRD: its defaults, and nothing by anybody else.
    for name, found in live.items():
        assert found["spec"] == with_defaults(targets[name], CREDENTIAL.schema)["spec"]


def manifests(checkout: GitCheckout) -> dict[str, Any]:
    return {one["metadata"]["name"]: one for one in yaml.safe_load_all(checkout.file.read_text())}


def specs_to_sync(judges: Judges, pairs: list[tuple[Any, Any]]) -> list[Any]:
    """Return what would be synced of each spec; the metadata of Argo CD's own manifests are not these."""
    return [patch.get("spec", {}) for patch in judges.argo_diff(pairs)]


def test_argo_cd_sees_a_change_in_git_and_one_in_the_cluster(judges: Judges, checkout: GitCheckout, desk: Desk) -> None:
    checkout.on_file("apply")
    checkout.ready()
    name = checkout.names[1]  # the one whose serial stands in Git
    target = manifests(checkout)[name]
    edited: Any = json.loads(json.dumps(target))
    edited["spec"]["description"] = "another"
    desk.edit(name, {"rotation": {"serial": 5}})

    ahead = checkout.shown()[name]
    assert specs_to_sync(judges, [(edited, ahead), (target, ahead)]) == [
        {"description": "another", "rotation": {"serial": 0}},
        {"rotation": {"serial": 0}},
    ]


def test_flux_applies_waits_and_changes_nothing_the_second_time(
    judges: Judges, cluster: Cluster, checkout: GitCheckout
) -> None:
    namespaced = [
        one | {"metadata": one["metadata"] | {"namespace": checkout.desk.namespace}}
        for one in yaml.safe_load_all(checkout.file.read_text())
    ]
    checkout.file.write_text(yaml.safe_dump_all(namespaced))
    kubeconfig = cluster.kubeconfig_for("admin")

    assert set(judges.flux_apply(kubeconfig, checkout.file).values()) == {"created"}
    before = checkout.ready()
    assert set(judges.flux_apply(kubeconfig, checkout.file).values()) == {"unchanged"}
    assert checkout.ready() == before
