"""What every test may ask of its cluster, whichever it is, and what every cluster gets first. Used by `fixtures`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from subprocess import CompletedProcess
from typing import Final, Protocol

import yaml

from controlplane.places import CHECKOUT
from controlplane.waiting import wait_until

CRDS: Final = CHECKOUT / "crds"
CHART_FILES: Final = CHECKOUT / "charts" / "sshcredential-operator" / "files"
MANIFESTS: Final = (CRDS, CHART_FILES / "admission", CHART_FILES / "rbac")
SERVED_SECONDS: Final = 30.0


class Cluster(Protocol):
    """A Kubernetes cluster with the project's API in it. Users: see `controlplane.access.USERS`."""

    @property
    def server(self) -> str:
        """The API server's address."""
        ...

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that signed the API server's."""
        ...

    def kubeconfig_for(self, user: str) -> Path:
        """Return the path of a user's kubeconfig."""
        ...

    def kubectl(
        self,
        *arguments: str,
        user: str = ...,
        input: str | None = ...,  # noqa: A002 - as in subprocess.run
        check: bool = ...,
    ) -> CompletedProcess[str]:
        """Run kubectl as a user. Raises `KubectlFailed`, which shows what kubectl said, unless `check` is false."""
        ...


def install(cluster: Cluster) -> None:
    """Apply the project's manifests as they are, and return when the API server serves every kind of theirs.

    An admission policy or a role may still take a moment to be in force: a test of one asks for its effect.
    """
    present = [argument for folder in MANIFESTS if list(folder.glob("*.yaml")) for argument in ("-f", str(folder))]
    if present:
        cluster.kubectl("apply", *present)
    if list(CRDS.glob("*.yaml")):
        cluster.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", str(CRDS))
    for path in served_paths(CRDS):
        wait_until(partial(_is_served, cluster, path), f"the API server serves {path}", SERVED_SECONDS)


def served_paths(folder: Path) -> list[str]:
    """Return the path of every list that the CRDs in a folder define."""
    documents = [crd for file in sorted(folder.glob("*.yaml")) for crd in yaml.safe_load_all(file.read_text()) if crd]
    return [
        f"/apis/{crd['spec']['group']}/{version['name']}/{crd['spec']['names']['plural']}"
        for crd in documents
        for version in crd["spec"]["versions"]
        if version["served"]
    ]


def _is_served(cluster: Cluster, path: str) -> bool:
    return cluster.kubectl("get", "--raw", f"{path}?limit=1", check=False).returncode == 0
