"""Where the API server is and how to be let in: what a pod's service account or a kubeconfig says. For `connection.py`.

In a pod that is two files and two variables, read here. The official client package, which reads kubeconfigs with all
that they may ask for, takes 20 MiB once it is imported, and so is imported only outside of a pod.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from sshcredential_operator.controller.http_proxy import Proxy

SERVICE_ACCOUNT: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")


class NoConfigurationError(Exception):
    """Neither a kubeconfig nor a pod's service account is there."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An API server's address, whom to trust there, and who we are: by certificate, or by a header."""

    server: str
    ca_file: str | None
    authorization: Mapping[str, str]
    cert_file: str | None = None
    key_file: str | None = None
    verified: bool = True
    proxy: str | None = None


async def load_endpoint() -> Endpoint:
    """Read what KUBECONFIG, ~/.kube/config or the pod says now; raises NoConfigurationError with no library's text."""
    try:
        if in_pod() and not os.environ.get("KUBECONFIG"):
            return _usable(_of_pod(os.environ))
        return _usable(await _of_kubeconfig())
    except Exception:  # noqa: BLE001 - loaders and exec plugins raise anything, and their texts may hold credentials
        raise NoConfigurationError from None


def in_pod() -> bool:
    """Whether a service account's token is mounted here."""
    return (SERVICE_ACCOUNT / "token").exists()


def pod_namespace() -> str | None:
    """Return the namespace of the pod that this process runs in."""
    path = SERVICE_ACCOUNT / "namespace"
    return path.read_text().strip() if path.exists() else None


def _usable(found: Endpoint) -> Endpoint:
    urlsplit(found.server).port  # noqa: B018 - it raises where there is none
    if found.proxy:
        Proxy.at(found.proxy)
    return found


def _of_pod(environ: Mapping[str, str]) -> Endpoint:
    host, port = environ["KUBERNETES_SERVICE_HOST"], environ["KUBERNETES_SERVICE_PORT"]
    token, ca_file = (SERVICE_ACCOUNT / "token").read_text().strip(), SERVICE_ACCOUNT / "ca.crt"
    if not (host and port and token and ca_file.read_text().strip()):
        raise NoConfigurationError
    address = f"[{host}]" if ":" in host else host
    return Endpoint(f"https://{address}:{port}", str(ca_file), {"authorization": f"Bearer {token}"})


async def _of_kubeconfig() -> Endpoint:
    from kubernetes.aio.client import Configuration  # noqa: PLC0415 - costly, and needless in a pod
    from kubernetes.aio.config import load_kube_config  # noqa: PLC0415 - the same

    found: Any = Configuration()
    files = os.environ.get("KUBECONFIG") or "~/.kube/config"  # the library knows what it was when it was imported
    await load_kube_config(config_file=files, client_configuration=found, persist_config=False)
    settings: Mapping[str, Mapping[str, Any]] = await found.auth_settings()
    headers = (entry for entry in settings.values() if entry.get("in") == "header" and entry.get("value"))
    return Endpoint(
        server=found.host.rstrip("/"),
        ca_file=found.ssl_ca_cert,
        authorization={entry["key"]: entry["value"] for entry in headers},
        cert_file=found.cert_file,
        key_file=found.key_file,
        verified=found.verify_ssl,
        proxy=found.proxy,
    )
