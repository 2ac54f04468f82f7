"""The way to the cluster: the kubeconfig's context, or the pod's own account. Used by `cli/desk.py`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final, NamedTuple

from kubernetes import client, config

DEFAULT_NAMESPACE: Final = "default"
SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class NoClusterError(Exception):
    """There is no usable configuration."""


class Connection(NamedTuple):
    """A client, and the namespace that its context is in."""

    api: client.ApiClient
    namespace: str


def connect(kubeconfig: Path | None, context: str | None) -> Connection:
    """Return the connection that these describe; both None: KUBECONFIG, ~/.kube/config, or the pod's account."""
    configuration = client.Configuration()
    configuration.retries = False  # a person sees at once that nobody answers
    try:
        if kubeconfig is None and context is None and _only_in_pod():
            config.load_incluster_config(client_configuration=configuration)
            return Connection(client.ApiClient(configuration), _pod_namespace())
        file = None if kubeconfig is None else str(kubeconfig)
        api = config.new_client_from_config(file, context, persist_config=False, client_configuration=configuration)
        return Connection(api, _namespace_of(file, context))
    except Exception:  # noqa: BLE001 - the loader and its plugins raise anything, and their texts may hold credentials
        raise NoClusterError from None


def _namespace_of(file: str | None, context: str | None) -> str:
    contexts, active = config.list_kube_config_contexts(file)
    chosen: dict[str, Any] = active if context is None else next(one for one in contexts if one["name"] == context)
    return str(chosen["context"].get("namespace") or DEFAULT_NAMESPACE)


def _only_in_pod() -> bool:
    return (SERVICE_ACCOUNT / "token").exists() and not os.environ.get("KUBECONFIG")


def _pod_namespace() -> str:
    path = SERVICE_ACCOUNT / "namespace"
    return path.read_text().strip() if path.exists() else DEFAULT_NAMESPACE
