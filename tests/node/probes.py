"""The pod that the node's own tests look through: a small program of ours, and how it is asked. Used by the tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, NamedTuple

from controlplane.gobuild import GoProgram, stripped
from node import images
from node.node import Node

IMAGE: Final = "localhost/probe:test"
PROGRAM: Final = GoProgram("probe", Path(__file__).with_name("probe"), stripped(), "building the tests' probe")
NAME: Final = "probe"
SERVICE: Final = "to-the-probe"
"""Another name than the pod's, which the pod knows from its own hosts file."""
PORT: Final = 8080


class Probe(NamedTuple):
    """A pod that runs, confined as the strictest of the Pod Security Standards wants it, and its Service."""

    node: Node
    namespace: str

    def kubectl(self, *arguments: str) -> str:
        return self.node.kubectl(*arguments, "--namespace", self.namespace).stdout

    def asked(self, *arguments: str) -> str:
        """Run the program once more in the container, and return what it said: nothing if it failed."""
        command = ("exec", NAME, "--namespace", self.namespace, "--", "/probe", *arguments)
        return self.node.kubectl(*command, check=False).stdout

    def told(self, path: str) -> str:
        """Return one member of the pod."""
        return self.kubectl("get", "pod", NAME, "-o", f"jsonpath={{{path}}}")


def start(node: Node) -> Probe:
    """Start the probe in a namespace that refuses every pod that is not restricted, and wait until it answers."""
    node.load_image(images.of_one_program(IMAGE, PROGRAM.built()))
    namespace = f"{NAME}-namespace"
    node.kubectl("create", "namespace", namespace)
    node.kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    probe = Probe(node, namespace)
    node.kubectl("apply", "--namespace", namespace, "-f", "-", input=json.dumps(_manifests()))
    probe.kubectl("wait", "--for=condition=Ready", "--timeout=60s", f"pod/{NAME}")
    return probe


def _manifests() -> dict[str, Any]:
    labels = {"app": NAME}
    service = {"selector": labels, "ports": [{"port": 80, "targetPort": PORT}]}
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": SERVICE}, "spec": service},
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": NAME, "labels": labels}, "spec": _pod()},
        ],
    }


def _pod() -> dict[str, Any]:
    container = {
        "name": NAME,
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1},
    }
    confined = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {"securityContext": confined, "containers": [container], "terminationGracePeriodSeconds": 1}
