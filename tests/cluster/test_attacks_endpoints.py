"""Attacks on what an operator listens on, and with what it holds: odd requests, and its stolen credentials."""

from __future__ import annotations

import copy
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

import pytest
from kubernetes import client, config

from cluster.conftest import Workspace
from cluster.desk import Desk
from cluster.rights import ROLES
from cluster.shown import generated
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from operators.process import OperatorProcess

FORBIDDEN: Final = 403
BINDING: Final = {
    "metadata": {"name": "x"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
}
IDLE_CONNECTIONS: Final = 300

REQUESTS: Final[dict[str, bytes]] = {
    "bytes that are no request": bytes(range(256)) * 64,
    "the beginning of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "a path out of the folder": b"GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path in escapes": b"GET /%2e%2e/%2e%2e/proc/self/environ HTTP/1.1\r\nHost: x\r\n\r\n",
    "another server's address": b"GET http://10.96.0.1/api/v1/secrets HTTP/1.1\r\nHost: x\r\n\r\n",
    "a tunnel": b"CONNECT 10.96.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header of 1 MiB": b"GET /healthz HTTP/1.1\r\nX: " + b"x" * 1024 * 1024 + b"\r\n\r\n",
    "100,000 headers": b"GET /healthz HTTP/1.1\r\n" + b"a: b\r\n" * 100_000 + b"\r\n",
    "a body that lies about its length": b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\nx",
    "two lengths": b"POST /metrics HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 9\r\n\r\nx",
    "a profile": b"GET /debug/pprof/heap HTTP/1.1\r\nHost: x\r\n\r\n",
    "what was asked for is removed": b"DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
}
"""None of these gets 200."""


@pytest.fixture
def operator(workspace: Workspace) -> OperatorProcess:
    return workspace.operator


def connected(operator: OperatorProcess) -> socket.socket:
    host, _, port = str(operator.address).rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def answer_to(operator: OperatorProcess, request: bytes) -> bytes:
    """Return what comes until the other side is silent or hangs up."""
    with connected(operator) as asking:
        asking.settimeout(2)
        said = b""
        try:
            asking.sendall(request)
            asking.shutdown(socket.SHUT_WR)
            while chunk := asking.recv(65536):
                said += chunk
        except OSError:
            pass
        return said


@pytest.mark.parametrize("what", REQUESTS)
def test_an_odd_request_gets_nothing_and_changes_nothing(operator: OperatorProcess, what: str) -> None:
    said = answer_to(operator, REQUESTS[what])

    assert not said.startswith(b"HTTP/1.1 2")
    assert b"Traceback" not in said
    assert operator.get("/healthz") == (200, "ok\n")


def test_who_opens_connections_and_says_nothing_holds_up_no_probe(operator: OperatorProcess) -> None:
    with ExitStack() as open_connections:
        for number in range(IDLE_CONNECTIONS):
            idle = open_connections.enter_context(connected(operator))
            idle.sendall(b"GET /healthz HTTP/1.1\r\nHost:" if number % 2 else b"")

        assert operator.get("/healthz") == (200, "ok\n")
        assert operator.get("/readyz")[0] == 200
        assert operator.get("/metrics")[0] == 200


def test_the_metrics_of_an_operator_at_work_name_no_object(operator: OperatorProcess, desk: Desk, name: str) -> None:
    desk.create(name, generated(comment="a-comment-that-nobody-else-has"))
    status = desk.until(name, "Available")["status"]

    told = operator.get("/metrics")[1] + operator.get("/readyz")[1] + operator.get("/healthz")[1]

    for text in (name, desk.namespace, status["fingerprint"], status["publicKey"].split()[1], "a-comment-that"):
        assert text not in told
    assert not re.search("BEGIN [A-Z ]*PRIVATE KEY", told)


class Stolen(NamedTuple):
    """The token of an operator's ServiceAccount in a thief's hands, and the namespaces that the operator has."""

    connection: client.ApiClient
    served: str
    own: str
    bystander: str


@pytest.fixture
def stolen(cluster: Cluster, namespaces: Namespaces) -> Iterator[Stolen]:
    """A ServiceAccount with the roles of the chart in two namespaces. The third is nobody's."""
    served, own, bystander = (namespaces.create() for _ in range(3))
    cluster.kubectl("apply", "-f", str(ROLES))
    cluster.kubectl("create", "serviceaccount", "keeper", "-n", own)
    for namespace, role in ((served, "workspace"), (own, "operator-namespace")):
        bound = (f"--clusterrole=sshcredential-operator-{role}", f"--serviceaccount={own}:keeper")
        cluster.kubectl("create", "rolebinding", "keeper", "-n", namespace, *bound)
    for namespace in (served, own, bystander):
        cluster.kubectl("create", "secret", "generic", "precious", "-n", namespace, "--from-literal=password=hunter2")
    with config.new_client_from_config(str(cluster.kubeconfig_for("admin"))) as admin:
        having = copy.copy(admin.configuration)
        having.cert_file = having.key_file = having.refresh_api_key_hook = None
        token = cluster.kubectl("create", "token", "keeper", "-n", own).stdout.strip()
        having.api_key = {"BearerToken": f"Bearer {token}"}
    with client.ApiClient(having) as connection:
        yield Stolen(connection, served, own, bystander)
    for namespace in (served, own, bystander):
        namespaces.delete(namespace)


def test_a_stolen_token_of_the_operator_reads_the_secrets_of_its_own_namespaces_and_no_other(
    cluster: Cluster, stolen: Stolen
) -> None:
    """Whoever has it has what the operator has. It is counted over all namespaces, so that it never becomes more."""
    core: Any = client.CoreV1Api(stolen.connection)
    roles: Any = client.RbacAuthorizationV1Api(stolen.connection)
    every = cluster.kubectl("get", "namespaces", "-o", "name").stdout.replace("namespace/", "").split()
    wait_until(lambda: not refused(core.read_namespaced_secret, "precious", stolen.served), "the roles are in force")

    assert {stolen.served, stolen.own, stolen.bystander, "kube-system"} <= {*every}
    read = {namespace for namespace in every if not refused(core.read_namespaced_secret, "precious", namespace)}
    assert read == {stolen.served, stolen.own}
    listed = {namespace for namespace in every if not refused(core.list_namespaced_secret, namespace)}
    assert listed <= read
    assert refused(core.list_secret_for_all_namespaces)
    assert refused(core.create_namespaced_service_account_token, "default", "kube-system", {"spec": {}})
    for namespace in read:
        assert refused(core.create_namespaced_pod, namespace, {"metadata": {"name": "x"}})
        assert refused(core.create_namespaced_service_account_token, "default", namespace, {"spec": {}})
        assert refused(roles.create_namespaced_role_binding, namespace, BINDING)
    assert refused(roles.list_cluster_role)


def refused(request: Callable[..., Any], *arguments: Any) -> bool:
    """Tell whether the API server forbids it. What is allowed and not there is not refused."""
    try:
        request(*arguments, _preload_content=False)
    except client.ApiException as answer:
        return bool(answer.status == FORBIDDEN)
    return False


def test_the_operator_is_ready_after_all_of_this(operator: OperatorProcess) -> None:
    wait_until(lambda: operator.get("/readyz")[0] == 200, "it is ready")
    assert operator.is_running
