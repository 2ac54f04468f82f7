"""Mistakes of whoever starts the operator: wrong words on the command line, and a cluster that is not ready for it.

All command lines are run at once; one control plane without anything goes from nothing to work, and is then shaken.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from cluster.desk import Desk, desk_in
from cluster.installation import USER, Installation
from cluster.keyfiles import KeyFiles
from cluster.rights import grant_cluster
from cluster.shown import generated, imported, message_of, secret_of, states_of
from controlplane.access import kubeconfig
from controlplane.audit import AuditMark
from controlplane.clusters import CRDS, Cluster
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from operators.process import COMMAND, OperatorProcess

NO_CLUSTER: Final = (
    "Error: No cluster to work with: set KUBECONFIG to a readable kubeconfig whose context works, or run in a pod.\n"
)
TOKEN: Final = "a-token-that-must-not-be-told"
NO_API: Final = "The API sshcredentials.dev is not served: install the CRDs (crds/); going on as soon as it is there."
API_GONE: Final = "the API is not served: install the CRDs (crds/); going on as soon as it is there"
NO_POLICY: Final = "the admission policy sshcredential-operator-import is missing"
OWN: Final = "sshcredential-system"


# --- the command line

USAGE: Final[dict[str, tuple[tuple[str, ...], str]]] = {
    "no namespace to serve": ((), "Give either --workspace NS (repeatable) or --all-namespaces."),
    "its own namespace as a workspace": (
        ("--workspace", OWN),
        f"Namespace {OWN} holds the key ring and cannot be a workspace.",
    ),
}
KUBECONFIGS: Final[dict[str, str | None]] = {
    "no such file": None,
    "broken YAML": f"users: [{{token: {TOKEN}",
    "no context": kubeconfig("https://127.0.0.1:1", b"", "ada", {"token": TOKEN}).replace('"current-context"', '"x"'),
}


class Ended(NamedTuple):
    """How a command line ended."""

    code: int
    said: str


def all_ended(started: Mapping[str, subprocess.Popen[str]]) -> dict[str, Ended]:
    return {what: Ended(process.wait(60), process.communicate()[1]) for what, process in started.items()}


def command_line(*options: str, kubeconfig: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    return subprocess.Popen([COMMAND, "run", *options], stderr=subprocess.PIPE, env=environment, text=True)


@pytest.fixture(scope="module")
def refused_lines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    folder, started = tmp_path_factory.mktemp("kubeconfigs"), {}
    for number, (what, content) in enumerate(KUBECONFIGS.items()):
        path = folder / str(number)
        if content is not None:
            path.write_text(content)
        started[what] = command_line("--workspace", "a", kubeconfig=path)
    for what, (options, _) in USAGE.items():
        started[what] = command_line(*options, kubeconfig=folder / "none")
    return all_ended(started)


@pytest.mark.parametrize("what", KUBECONFIGS)
def test_a_kubeconfig_that_is_none_gives_one_sentence(refused_lines: dict[str, Ended], what: str) -> None:
    assert refused_lines[what] == Ended(1, NO_CLUSTER)


@pytest.mark.parametrize("what", USAGE)
def test_a_command_line_that_makes_no_sense_gives_one_sentence(refused_lines: dict[str, Ended], what: str) -> None:
    code, said = refused_lines[what]
    assert code == 2
    assert said.splitlines()[-1].startswith(f"Error: {USAGE[what][1]}")


@pytest.mark.parametrize("where", ["where nobody listens", "that does not know the token"])
def test_a_server(cluster: Cluster, tmp_path: Path, where: str) -> None:
    server = "https://127.0.0.1:1" if where == "where nobody listens" else cluster.server
    config = tmp_path / "kubeconfig"
    config.write_text(kubeconfig(server, cluster.ca_file.read_bytes(), USER, {"token": TOKEN}))
    with OperatorProcess(config, tmp_path / "log", operator_namespace=OWN, workspaces=["a"]) as operator:
        sentence = f"The API server at {server} cannot be reached, or does not accept our credentials; trying again."
        wait_until(lambda: sentence in operator.get("/readyz")[1].splitlines(), "/readyz says so")
        assert sentence in operator.messages()
        assert TOKEN not in (tmp_path / "log").read_text()
        assert operator.stop() == 0


# --- the cluster


class Bare(NamedTuple):
    """A cluster that had nothing but rights for the operator, which serves all namespaces of it."""

    plane: ControlPlane
    installed: Installation
    said_first: str
    desk: Desk


@pytest.fixture(scope="module")
def bare(embedded: ControlPlane, key_files: KeyFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bare]:
    """It asks for `embedded` because it starts one of its own. The API is installed after the operator's start."""
    folder = tmp_path_factory.mktemp("bare")
    with ControlPlane(folder / "data") as plane, desk_in(plane, "default") as desk:
        plane.kubectl("create", "namespace", OWN)
        grant_cluster(plane, USER)
        roles = ("workspace", "operator-namespace")
        for role in roles:
            plane.kubectl(
                "create", "clusterrolebinding", role, f"--clusterrole=sshcredential-operator-{role}", f"--user={USER}"
            )
        installed = Installation(plane, folder, OWN, [])
        try:
            installed.start(ready=False)
            said = installed.until_not_ready(NO_API)
            plane.kubectl("apply", "-f", str(CRDS))
            installed.operator.wait_until_ready()
            plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
            yield Bare(plane, installed, said, desk)
        finally:
            installed.end()


def test_an_api_that_is_not_installed_is_told_and_taken_up_when_it_is(bare: Bare, name: str) -> None:
    assert NO_API in bare.said_first.splitlines()
    bare.desk.apply({name: generated()})
    bare.desk.wait_for_ready([name])


def test_a_missing_admission_policy_is_told_and_imports_work_all_the_same(
    bare: Bare, name: str, key_files: KeyFiles
) -> None:
    assert bare.installed.until_logged(NO_POLICY)["level"] == "warning"
    assert bare.installed.operator.metric("sshcredential_operator_import_policy_present") == 0
    bare.desk.make_secret(name, {"ssh-privatekey": key_files.key().content})
    bare.desk.create(name, imported(name))
    assert bare.desk.until(name, "Available")["status"]["fingerprint"] == key_files.key().fingerprint


def test_a_credential_beside_the_key_ring_is_refused(bare: Bare, name: str) -> None:
    with desk_in(bare.plane, OWN) as own:
        own.create(name, generated())
        refused = own.until(name, "OperatorNamespace")
        assert states_of(refused) == {"Ready": "False", "Stalled": "True"}
        assert message_of(refused) == (
            "Credentials cannot live in the operator's own namespace: the key ring lives there. "
            "Create this credential in a workspace namespace."
        )
        assert own.secret(secret_of(name)) is None


def test_an_api_server_that_goes_and_comes_back_is_waited_for(bare: Bare, name: str) -> None:
    before, after = f"{name}-before", f"{name}-after"
    bare.desk.create(before, generated())
    ready = bare.desk.until(before, "Available")
    pid = bare.installed.operator.pid

    bare.plane.stop_apiserver(crash=True)
    bare.plane.start_apiserver()

    bare.desk.create(after, generated())
    bare.desk.until(after, "Available")
    assert bare.desk.get(before) == ready
    assert bare.installed.operator.is_running
    assert bare.installed.operator.pid == pid


def test_an_api_that_is_removed_takes_no_key_with_it(bare: Bare, name: str) -> None:
    """All credentials vanish with the API, but nobody asked for the end of one."""
    back, at_once = f"{name}-back", f"{name}-at-once"
    bare.desk.create(back, generated())
    bare.desk.create(at_once, generated() | {"deletionGracePeriod": "0s"})
    ready = bare.desk.until(back, "Available")
    bare.desk.until(at_once, "Available")
    stored = [bare.desk.stored(each) for each in (back, at_once)]

    began = bare.plane.audit_mark()
    bare.plane.kubectl("delete", "--wait", "-f", str(CRDS))
    bare.installed.until_logged(API_GONE)
    # Asked twice, so it did nothing after the first answer.
    wait_until(lambda: min(not_found(bare, began, each) for each in (back, at_once)) >= 2, "it was asked for them")
    assert [bare.desk.stored(each) for each in (back, at_once)] == stored

    bare.plane.kubectl("apply", "-f", str(CRDS))
    bare.plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    bare.desk.apply({back: generated()})
    bare.desk.wait_for_ready([back])
    assert bare.desk.get(back)["status"]["fingerprint"] == ready["status"]["fingerprint"]


def not_found(bare: Bare, began: AuditMark, name: str) -> int:
    return sum(
        (event.user, event.verb, event.resource, event.name, event.code) == (USER, "get", "sshcredentials", name, 404)
        for event in bare.plane.audit_events(began)
    )
