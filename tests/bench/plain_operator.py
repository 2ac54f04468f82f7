"""A plain Kopf operator of the usual kind, to compare with: handlers for create, update and delete, and nothing more.

    kopf run --standalone --namespace NS tests/bench/plain_operator.py

For each PlainSecret it generates a key, POSTs a Secret with the Kubernetes client and lets Kopf PATCH the status, with
Kopf's settings as they are: what one gets who follows its documentation. It encrypts nothing and checks nothing.
"""

from __future__ import annotations

import base64
from typing import Any, Final

import kopf
import kubernetes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

GROUP, VERSION, PLURAL = "bench.sshcredentials.dev", "v1", "plainsecrets"

_OPEN: Final = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
CRD: Final[dict[str, Any]] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"{PLURAL}.{GROUP}"},
    "spec": {
        "group": GROUP,
        "names": {"kind": "PlainSecret", "plural": PLURAL, "singular": "plainsecret"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": VERSION,
                "served": True,
                "storage": True,
                "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _OPEN, "status": _OPEN}}},
            }
        ],
    },
}


@kopf.on.startup()
def connect(**_: Any) -> None:
    """Read the kubeconfig for the client of the handlers."""
    kubernetes.config.load_kube_config()


@kopf.on.create(GROUP, VERSION, PLURAL)
def make(name: str, namespace: str | None, patch: kopf.Patch, **_: Any) -> None:
    """Make the key and its Secret."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    body: Any = {
        "metadata": {"name": f"{name}-key"},
        "type": "Opaque",
        "data": {"private": base64.b64encode(private).decode(), "public": base64.b64encode(public).decode()},
    }
    kopf.adopt(body)
    kubernetes.client.CoreV1Api().create_namespaced_secret(str(namespace), body)
    patch.status["phase"] = "Ready"
    patch.status["publicKey"] = public.decode()


@kopf.on.update(GROUP, VERSION, PLURAL)
def change(patch: kopf.Patch, **_: Any) -> None:
    """Say that the change was seen."""
    patch.status["phase"] = "Ready"


@kopf.on.delete(GROUP, VERSION, PLURAL)
def remove(name: str, namespace: str | None, **_: Any) -> None:
    """Delete the Secret."""
    kubernetes.client.CoreV1Api().delete_namespaced_secret(f"{name}-key", str(namespace))
