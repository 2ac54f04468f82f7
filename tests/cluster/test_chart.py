"""The chart and install.yaml on a real API server, up to where a node would be needed.

The server takes every object, both Helms install, upgrade, roll back and uninstall, and the operator works with the
rights that the chart gives it. There is no node here, so the operator and `helm test`'s program run as processes, each
with a token of the ServiceAccount that its pod would have.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

import install_yaml
from chart.rendering import (
    CHART,
    HELMS,
    NAMESPACE,
    RELEASE,
    VALUES,
    Object,
    helm,
    is_hook,
    objects,
    of_kind,
    rendered,
)
from cluster.openapi import write_schemas
from controlplane.fixtures import EMBEDDED, OwnControlPlane, spoken
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from operators.process import OperatorProcess
from tools.programs import program

WORKSPACES: Final = ("genomics", "proteomics")
RESTRICTED: Final = "pod-security.kubernetes.io/enforce=restricted"
NOT_KNOWN_HERE: Final = "monitoring.coreos.com/v1"
"""Kinds of the Prometheus Operator, whose CRDs are no part of this project."""
ROOT_KEY: Final = ("secret", "sshcredential-root-key", "-n", NAMESPACE)
STORED: Final = ("secret", "hpc-login-sshcredential", "-n", "genomics")
CREDENTIAL: Final = """
apiVersion: sshcredentials.dev/v1alpha1
kind: SSHCredential
metadata: {name: hpc-login, namespace: genomics}
spec: {generate: {}}
"""
each_set = pytest.mark.parametrize("name", VALUES)
each_helm = pytest.mark.parametrize("which", HELMS)


@pytest.fixture(scope="module")
def plane(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane without the project's API, with the namespaces that somebody has to make before."""
    if request.config.option.cluster != EMBEDDED:
        pytest.skip("installs into a control plane of its own: only with --cluster=embedded")
    with spoken(request.config):
        started = ControlPlane(tmp_path_factory.mktemp("chart") / "data").start()
    with started:
        for namespace in (NAMESPACE, *WORKSPACES):
            started.kubectl("create", "namespace", namespace)
        started.kubectl("label", "namespace", NAMESPACE, RESTRICTED)
        yield started


def as_text(found: list[Object]) -> str:
    return yaml.safe_dump_all(found)


def exists(plane: ControlPlane, *what: str) -> bool:
    return bool(plane.kubectl("get", *what, "--ignore-not-found", "-o", "name").stdout)


# --- every object is taken


@each_set
def test_the_server_takes_every_object_and_knows_every_field(plane: ControlPlane, name: str) -> None:
    made = [found for found in objects(rendered("helm4", name)) if found["apiVersion"] != NOT_KNOWN_HERE]
    plain = [found for found in made if found["kind"] != "Pod"]

    dry = ("--server-side", "--dry-run=server", "--validate=strict", "--force-conflicts")
    taken = plane.kubectl("apply", *dry, "-f", "-", input=as_text(plain)).stdout

    assert taken.count("serverside-applied") == len(plain)


@each_set
def test_every_pod_is_let_into_a_restricted_namespace(plane: ControlPlane, name: str) -> None:
    made = objects(rendered("helm4", name))
    pods = [found for found in made if found["kind"] == "Pod"]
    for deployment in of_kind(made, "Deployment"):
        template = deployment["spec"]["template"]
        metadata = {**template["metadata"], "name": deployment["metadata"]["name"], "namespace": NAMESPACE}
        pods.append({"apiVersion": "v1", "kind": "Pod", **template, "metadata": metadata})
    accounts = [found for found in made if found["kind"] == "ServiceAccount"]
    plane.kubectl("apply", "-f", "-", input=as_text(accounts))

    taken = plane.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", input=as_text(pods)).stdout

    assert taken.count("created (server dry run)") == len(pods)
    plane.kubectl("delete", "-f", "-", input=as_text(accounts))


def test_a_pod_that_is_less_restricted_is_not(plane: ControlPlane) -> None:
    container = {"name": "one", "image": "one"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": NAMESPACE}}
    spec = {"containers": [container], "automountServiceAccountToken": False}
    refused = plane.kubectl("apply", "--dry-run=server", "-f", "-", input=as_text([{**pod, "spec": spec}]), check=False)

    assert 'violates PodSecurity "restricted' in refused.stderr


@pytest.fixture(scope="module")
def schemas(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> str:
    """What kubeconform goes by: the server's own word on each kind, which allows no other fields."""
    folder = tmp_path_factory.mktemp("schemas")
    write_schemas(lambda path: plane.kubectl("get", "--raw", path).stdout, folder)
    return f"{folder}/{{{{ .ResourceKind }}}}-{{{{ .ResourceAPIVersion }}}}.json"


def conform(schemas: str, text: str) -> subprocess.CompletedProcess[str]:
    command: list[str | Path] = [program("kubeconform"), "-strict", "-summary", "-schema-location", schemas, "-skip"]
    ran = [*command, "ServiceMonitor,PrometheusRule", "-"]
    return subprocess.run(ran, input=text, capture_output=True, text=True, check=False)


@each_set
def test_kubeconform_finds_nothing_wrong(schemas: str, name: str) -> None:
    checked = conform(schemas, rendered("helm4", name))

    assert checked.returncode == 0, checked.stdout
    assert "Invalid: 0, Errors: 0" in checked.stdout


def test_kubeconform_sees_a_field_that_does_not_exist(schemas: str) -> None:
    text = rendered("helm4", "one workspace")
    wrong = text.replace("terminationGracePeriodSeconds:", "terminationGraceSeconds:")

    assert "'terminationGraceSeconds'" in conform(schemas, wrong).stdout
    assert wrong != text


# --- the life of a release


def run(plane: ControlPlane, which: str, *arguments: str, values: dict[str, Any] | None = None) -> str:
    place = ("--namespace", NAMESPACE)
    done = helm(which, *arguments, *place, values=values, kubeconfig=plane.kubeconfig_for("admin"))
    assert done.returncode == 0, done.stderr
    return done.stdout


@each_helm
def test_a_release_comes_changes_goes_back_and_leaves_the_keys(plane: ControlPlane, which: str) -> None:
    workspace_role = ("role", "sshcredential-operator-workspace", "-n")
    cluster_role = ("clusterrolebinding", "sshcredential-operator-workspace")

    notes = run(plane, which, "install", RELEASE, str(CHART), values=VALUES["one workspace"])
    assert "genomics. Credentials of other namespaces stay Pending." in notes
    assert f"kubectl get secret sshcredential-root-key -n {NAMESPACE}" in notes
    plane.kubectl("wait", "--for=condition=Established", "crd/sshcredentials.sshcredentials.dev")
    wait_until(lambda: exists(plane, "sshcredentials", "-A") is False, "credentials are served")
    plane.kubectl("apply", "-f", "-", input=CREDENTIAL)
    for _, name, _, namespace in (ROOT_KEY, STORED):
        plane.kubectl("create", "secret", "generic", name, "-n", namespace)

    notes = run(plane, which, "upgrade", RELEASE, str(CHART), values=VALUES["all namespaces"])
    assert "Secrets of ALL namespaces" in notes
    assert exists(plane, *cluster_role)
    assert not exists(plane, *workspace_role, "genomics")

    run(plane, which, "rollback", RELEASE, "1")
    assert not exists(plane, *cluster_role)
    assert exists(plane, *workspace_role, "genomics")

    run(plane, which, "uninstall", RELEASE)
    assert not exists(plane, "deployment", RELEASE, "-n", NAMESPACE)
    assert not exists(plane, *workspace_role, "genomics")
    assert exists(plane, "sshcredential", "hpc-login", "-n", "genomics")

    # The CRDs that were kept are taken up again, and go when that is wanted. The Secrets stay.
    run(plane, which, "install", RELEASE, str(CHART), values={**VALUES["one workspace"], "crds": {"keep": False}})
    assert exists(plane, "sshcredential", "hpc-login", "-n", "genomics")
    run(plane, which, "uninstall", RELEASE)
    wait_until(lambda: not exists(plane, "crd"), "the CRDs are gone")
    for what in (ROOT_KEY, STORED):
        assert exists(plane, *what)
        plane.kubectl("delete", *what)


@each_helm
def test_a_namespace_that_does_not_exist_is_told_before_anything_is_made(plane: ControlPlane, which: str) -> None:
    place = ("--namespace", NAMESPACE)
    values = {"workspaces": ["genomics", "elsewhere"]}
    kubeconfig = plane.kubeconfig_for("admin")

    refused = helm(which, "install", RELEASE, CHART, *place, values=values, kubeconfig=kubeconfig)

    assert refused.returncode != 0
    assert "there is no such namespace: kubectl create namespace elsewhere" in refused.stderr
    assert not exists(plane, "crd")
    assert not exists(plane, "serviceaccount", RELEASE, "-n", NAMESPACE)


# --- kubectl and kustomize


@pytest.mark.parametrize("workspaces", [(), WORKSPACES], ids=["all namespaces", "two namespaces"])
def test_install_yaml_can_be_applied_and_applied_again(
    own_control_plane: OwnControlPlane, workspaces: tuple[str, ...], tmp_path: Path
) -> None:
    plane = own_control_plane()
    for namespace in workspaces:
        plane.kubectl("create", "namespace", namespace)
    file = tmp_path / "install.yaml"
    file.write_text(install_yaml.rendered(workspaces))

    first, second = (plane.kubectl("apply", "--validate=strict", "-f", str(file)).stdout for _ in range(2))

    assert first.count(" created\n") == len(objects(file.read_text()))
    assert " created\n" not in second
    assert "deployment.apps/sshcredential-operator unchanged" in second
    assert "restricted" in plane.kubectl("get", "namespace", NAMESPACE, "-o", "yaml").stdout


def test_kustomize_takes_install_yaml(plane: ControlPlane, tmp_path: Path) -> None:
    (tmp_path / "install.yaml").write_text(install_yaml.rendered(()))
    image = {"name": "localhost/sshcredential-operator", "newName": "example.com/operator", "newTag": "v1"}
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({"resources": ["install.yaml"], "images": [image]}))

    built = objects(plane.kubectl("kustomize", str(tmp_path)).stdout)

    assert len(built) == len(objects((tmp_path / "install.yaml").read_text()))
    [deployment] = of_kind(built, "Deployment")
    assert deployment["spec"]["template"]["spec"]["containers"][0]["image"] == "example.com/operator:v1"


def test_install_yaml_says_nothing_that_only_helm_would_keep_true() -> None:
    text = install_yaml.rendered(())

    assert "helm" not in text.replace("rendered from its Helm chart", "").lower()


# --- with the chart's own rights


class Installed:
    """The operator as a process, with the token of the chart's ServiceAccount, and the parts of `helm test`."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        self.plane, self.folder = plane, folder
        self._numbers = itertools.count(1)

    def operator(self, *options: str) -> OperatorProcess:
        """Start the operator, which serves one workspace."""
        token = self._token(RELEASE)
        cluster = {"server": self.plane.server, "certificate-authority": str(self.plane.ca_file)}
        kubeconfig = self.folder / "kubeconfig"
        one = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "one", "cluster": cluster}],
            "users": [{"name": "one", "user": {"token": token}}],
            "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
            "current-context": "one",
        }
        kubeconfig.write_text(yaml.safe_dump(one))
        log = self.folder / f"operator-{next(self._numbers)}.log"
        elected = ["--leader-election", *options]
        return OperatorProcess(kubeconfig, log, operator_namespace=NAMESPACE, workspaces=["genomics"], options=elected)

    def helm_test(self, address: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the program of `helm test` with the rights and the environment of its pod."""
        made = [found for found in objects(rendered("helm4", "one workspace")) if is_hook(found)]
        [pod] = [found["spec"]["containers"][0] for found in made if found["kind"] == "Pod"]
        self.plane.kubectl("apply", "-f", "-", input=as_text([found for found in made if found["kind"] != "Pod"]))
        (self.folder / "token").write_text(self._token("sshcredential-operator-test"))
        (self.folder / "ca.crt").write_bytes(self.plane.ca_file.read_bytes())
        host, port = self.plane.server.removeprefix("https://").split(":")
        own = {
            **{variable["name"]: variable["value"] for variable in pod["env"]},
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
            "SERVICE_ACCOUNT": str(self.folder),
            "OPERATOR": f"http://{address}",
            "PATH": os.environ["PATH"],
        }
        command: list[str | Path] = [sys.executable, "-I", CHART / "files" / "test" / "try_out.py"]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=own | environment)

    def _token(self, account: str) -> str:
        return self.plane.kubectl("create", "token", account, "-n", NAMESPACE).stdout.strip()


@pytest.fixture(scope="module")
def installed(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    run(plane, "helm4", "install", RELEASE, str(CHART), values=VALUES["one workspace"])
    yield Installed(plane, tmp_path_factory.mktemp("installed"))
    run(plane, "helm4", "uninstall", RELEASE)


def test_the_operator_works_with_the_rights_of_the_chart_and_helm_test_passes(installed: Installed) -> None:
    with installed.operator() as operator:
        operator.wait_until_ready()
        assert operator.address is not None
        tried = installed.helm_test(operator.address)

    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert "3. It is Ready, with the fingerprint: SHA256:" in tried.stdout
    assert tried.stdout.endswith("All is well.\n")
    assert not exists(installed.plane, "sshcredentials,secrets", "-n", "genomics")
    assert [entry for entry in operator.entries() if entry["level"] in {"warning", "error"}] == []


def test_a_stolen_token_reads_the_workspace_and_the_key_ring_and_no_other_secret(installed: Installed) -> None:
    plane = installed.plane
    thief = f"--as=system:serviceaccount:{NAMESPACE}:{RELEASE}"
    namespaces = plane.kubectl("get", "namespaces", "-o", "name").stdout.split()

    readable = {
        name
        for name in (namespace.removeprefix("namespace/") for namespace in namespaces)
        if plane.kubectl("get", "secrets", "-n", name, thief, check=False).returncode == 0
    }

    assert readable == {"genomics", NAMESPACE}
    assert len(namespaces) > len(readable) + 2
    assert plane.kubectl("get", "secrets", "-A", thief, check=False).returncode != 0
    for verb in ("update", "patch", "delete"):
        assert plane.kubectl("auth", "can-i", verb, "secrets", "-n", NAMESPACE, thief, check=False).returncode != 0


def test_a_failed_helm_test_tells_what_the_credential_says(installed: Installed) -> None:
    policy = installed.folder / "policy.yaml"
    policy.write_text("default: {algorithms: [RSA]}")
    with installed.operator("--policy", str(policy)) as operator:
        operator.wait_until_ready()
        assert operator.address is not None
        tried = installed.helm_test(operator.address)
        wait_until(lambda: not exists(installed.plane, "sshcredentials", "-n", "genomics"), "nothing is left")

    assert tried.returncode == 1
    assert "FAILED: The credential is stalled. Ready is False, NotAllowedByPolicy: " in tried.stdout
    assert tried.stderr == ""


def test_a_failed_helm_test_tells_why_the_api_server_refused(installed: Installed) -> None:
    with installed.operator() as operator:
        operator.wait_until_ready()
        assert operator.address is not None
        tried = installed.helm_test(operator.address, NAMESPACE="proteomics", SECONDS="0")

    assert tried.returncode == 1
    assert "The API server answers 403: sshcredentials" in tried.stdout
    assert tried.stderr == ""


def test_a_helm_test_without_an_operator_says_that_it_does_not_answer(installed: Installed) -> None:
    tried = installed.helm_test("127.0.0.1:1", SECONDS="0")

    assert tried.returncode == 1
    assert "http://127.0.0.1:1 does not answer: does a NetworkPolicy keep this pod from it?" in tried.stdout
    assert tried.stderr == ""
