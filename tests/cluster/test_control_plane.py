"""The control plane that all cluster tests run on is a real one: TLS, rights, audit log, data that outlive a stop."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from controlplane import access, standing
from controlplane.audit import AuditEvent
from controlplane.binaries import find_binaries
from controlplane.certificates import Authority
from controlplane.clusters import Cluster, install
from controlplane.elsewhere import ForeignCluster
from controlplane.fixtures import OwnControlPlane
from controlplane.places import SOURCES
from controlplane.plane import ControlPlane
from controlplane.readiness import get
from controlplane.waiting import wait_until

FORBIDDEN = "Error from server (Forbidden)"


def port_of(plane: ControlPlane) -> int:
    return int(plane.server.rpartition(":")[2])


def test_the_api_server_is_ready(cluster: Cluster) -> None:
    assert cluster.kubectl("get", "--raw", "/readyz").stdout == "ok"


def test_the_projects_kinds_are_served(cluster: Cluster, namespace: str) -> None:
    assert cluster.kubectl("get", "sshcredentials", "--namespace", namespace).stderr.startswith("No resources found")


def test_another_authority_is_not_trusted(embedded: ControlPlane, tmp_path: Path) -> None:
    other = Authority(tmp_path, "other").files.certificate
    assert get(port_of(embedded), "/readyz", embedded.ca_file, embedded.token("alice")).code == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        get(port_of(embedded), "/readyz", other, embedded.token("alice"))


def test_the_certificate_passes_the_strict_checks_of_newer_pythons(embedded: ControlPlane) -> None:
    trust = ssl.create_default_context(cafile=str(embedded.ca_file))
    trust.verify_flags |= ssl.VERIFY_X509_STRICT
    connection = http.client.HTTPSConnection("localhost", port_of(embedded), context=trust)
    connection.request("GET", "/version")
    assert json.loads(connection.getresponse().read())["major"] == "1"
    connection.close()


def test_a_wrong_token_is_refused(embedded: ControlPlane) -> None:
    assert get(port_of(embedded), "/api", embedded.ca_file, "guessed").code == 401


@pytest.mark.parametrize("user", [user for user in access.USERS if user != access.ADMIN])
def test_users_begin_without_rights(cluster: Cluster, namespace: str, user: str) -> None:
    outcome = cluster.kubectl("get", "secrets", "--namespace", namespace, user=user, check=False)
    assert outcome.stderr.startswith(FORBIDDEN)
    assert f'User "{user}"' in outcome.stderr


def test_the_audit_log_tells_who_asked_for_what(embedded: ControlPlane, namespace: str) -> None:
    since = embedded.audit_mark()
    embedded.kubectl("get", "secrets", "--namespace", namespace, user="alice", check=False)

    def refused() -> list[AuditEvent]:
        return [event for event in embedded.audit_events(since) if event.user == "alice" and event.resource]

    (event,) = wait_until(refused, "the request is in the audit log")
    assert (event.verb, event.resource, event.namespace, event.code) == ("list", "secrets", namespace, 403)


def test_a_watch_is_in_the_audit_log_while_it_lasts(embedded: ControlPlane, namespace: str) -> None:
    since = embedded.audit_mark()
    path = f"/api/v1/namespaces/{namespace}/configmaps?watch=1"
    connection = http.client.HTTPSConnection(
        "127.0.0.1", port_of(embedded), context=ssl.create_default_context(cafile=str(embedded.ca_file))
    )
    connection.request("GET", path, headers={"Authorization": f"Bearer {embedded.token('admin')}"})
    assert connection.getresponse().status == 200

    def begun() -> list[str]:
        return [event.stage for event in embedded.audit_events(since) if event.uri == path]

    assert wait_until(begun, "the watch is in the audit log") == ["ResponseStarted"]
    connection.close()


def test_a_controller_manager_is_at_work(cluster: Cluster, namespace: str) -> None:
    cluster.kubectl("wait", "--for=create", "--timeout=60s", "serviceaccount/default", "--namespace", namespace)


def test_another_administrators_cluster_serves_as_well(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    """What `--cluster=current` does, shown on the cluster of this run: users are made there, without rights."""
    foreign = ForeignCluster(tmp_path, cluster.kubeconfig_for("admin"))
    install(foreign)
    outcome = foreign.kubectl("get", "secrets", "--namespace", namespace, user="bob", check=False)
    assert 'User "bob"' in outcome.stderr


def test_data_outlive_a_stop_of_the_api_server_and_a_crash_of_its_store(own_control_plane: OwnControlPlane) -> None:
    plane = own_control_plane(audit_level="RequestResponse", apiserver_args=("--max-requests-inflight=100",))
    address = plane.server
    plane.kubectl("create", "configmap", "kept", "--from-literal=said=before")
    plane.stop_apiserver()
    assert "refused" in plane.kubectl("get", "configmap", "kept", check=False).stderr
    plane.start_apiserver()
    plane.restart_etcd()
    assert plane.server == address
    assert plane.kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.said}").stdout == "before"
    bodies = [event.raw.get("requestObject", {}).get("data") for event in plane.audit_events()]
    assert {"said": "before"} in bodies


def test_ports_that_somebody_else_took_meanwhile_are_given_up(embedded: ControlPlane, tmp_path: Path) -> None:
    """It asks for `embedded` because it starts one of its own."""
    plane = ControlPlane(tmp_path / "data")
    with socket.create_server(("127.0.0.1", plane._ports.etcd)), plane:
        assert plane.kubectl("get", "--raw", "/readyz").stdout == "ok"


def run_command(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", "controlplane", command, "--folder", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES.parent)}
    return subprocess.run(arguments, env=environment, capture_output=True, text=True, check=True)


def test_up_outlives_its_command_and_prints_one_line_for_the_shell_and_down_ends_it(
    embedded: ControlPlane, tmp_path: Path
) -> None:
    """It asks for `embedded` because it starts one of its own."""
    folder = tmp_path / "a folder"
    try:
        line = run_command("up", folder).stdout
        running = standing.recorded(folder)
        again = run_command("up", folder)
        script = f"{line}\nexec {shlex.join(find_binaries().kubectl)} get namespaces -o name"
        seen = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)
    finally:
        ended = run_command("down", folder)
    assert line == f"export KUBECONFIG='{folder}/kubeconfig'\n"
    assert (again.stdout, "already up" in again.stderr) == (line, True)
    assert "namespace/default" in seen.stdout.splitlines()
    assert ended.stdout == ""
    assert [part for part, daemon in running.items() if daemon.is_running()] == []
    assert standing.recorded(folder) == {}
