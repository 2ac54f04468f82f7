"""The main job: a credential is applied, and soon it is Ready."""

from __future__ import annotations

import json

from cluster.conftest import Workspace
from controlplane.clusters import Cluster


def test_a_generated_credential_becomes_ready(cluster: Cluster, workspace: Workspace, name: str) -> None:
    body = {
        "apiVersion": "sshcredentials.dev/v1alpha1",
        "kind": "SSHCredential",
        "metadata": {"name": name},
        "spec": {"generate": {}},
    }
    cluster.kubectl("apply", "-n", workspace.namespace, "-f", "-", input=json.dumps(body))
    cluster.kubectl(
        "wait", "-n", workspace.namespace, "--for=condition=Ready", "--timeout=20s", f"sshcredential/{name}"
    )
    got = json.loads(cluster.kubectl("get", "-n", workspace.namespace, "sshcredential", name, "-o", "json").stdout)
    assert got["status"]["algorithm"] == "Ed25519"
    assert got["status"]["observedGeneration"] == got["metadata"]["generation"]
