"""The flags of each part of the control plane. Pure: files and ports in, command lines out. Used by `plane`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controlplane.binaries import Command
from controlplane.certificates import CertificateFiles

LOOPBACK: Final = "127.0.0.1"
SERVICE_RANGE: Final = "10.0.0.0/24"
ISSUER: Final = "https://kubernetes.default.svc"

CONTROLLERS: Final = (
    "namespace-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "clusterrole-aggregation-controller",
    "root-ca-certificate-publisher-controller",
    "resourcequota-controller",
    "certificatesigningrequest-signing-controller",
    "validatingadmissionpolicy-status-controller",
)
"""What is of use where there are no nodes. The whole set would only watch more."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the parts listen, all on the loopback."""

    apiserver: int
    etcd: int
    etcd_peer: int


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a control plane runs, and for whom: by default on this machine's loopback, and without nodes."""

    entrance: Command = ()
    """What each command line begins with, where the parts run in a network namespace of their own."""
    ports: Ports | None = None
    """None for any that are free. There, the API server's is also reached at this port of the machine's loopback."""
    controllers: tuple[str, ...] = CONTROLLERS
    apiserver_args: tuple[str, ...] = ()
    """Added to the flags. Of two of the same name, the later one counts."""
    controller_manager_args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Credentials:
    """The files that let the parts trust each other."""

    authority: CertificateFiles
    front_proxy: CertificateFiles
    server: CertificateFiles
    controller_manager: CertificateFiles
    service_accounts: CertificateFiles
    tokens: Path


def etcd(command: Command, data: Path, ports: Ports) -> tuple[str, ...]:
    """Return etcd's command line. Its data is thrown away later, so that nothing waits for the disk."""
    client = f"http://{LOOPBACK}:{ports.etcd}"
    peer = f"http://{LOOPBACK}:{ports.etcd_peer}"
    return (
        *command,
        f"--data-dir={data}",
        "--unsafe-no-fsync",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--log-level=warn",
    )


def apiserver(command: Command, ports: Ports, files: Credentials, audit: tuple[str, ...]) -> tuple[str, ...]:
    """Return the API server's command line: verified TLS, real RBAC, tokens for people, an audit log."""
    return (
        *command,
        f"--etcd-servers=http://{LOOPBACK}:{ports.etcd}",
        f"--secure-port={ports.apiserver}",
        f"--bind-address={LOOPBACK}",
        f"--advertise-address={LOOPBACK}",
        # It does not put a loopback address into the endpoints of its own Service, and would complain for ever.
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--authorization-mode=Node,RBAC",
        f"--client-ca-file={files.authority.certificate}",
        f"--tls-cert-file={files.server.certificate}",
        f"--tls-private-key-file={files.server.key}",
        f"--token-auth-file={files.tokens}",
        f"--service-account-issuer={ISSUER}",
        f"--service-account-key-file={files.service_accounts.certificate}",
        f"--service-account-signing-key-file={files.service_accounts.key}",
        # Without an authority for aggregated API servers the log is flooded.
        f"--requestheader-client-ca-file={files.front_proxy.certificate}",
        "--requestheader-allowed-names=front-proxy-client",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        # Ends watches when it stops; without it, any open watch keeps it from stopping for a minute.
        "--shutdown-watch-termination-grace-period=2s",
        *audit,
    )


def controller_manager(
    command: Command, kubeconfig: Path, files: Credentials, controllers: Sequence[str] = CONTROLLERS
) -> tuple[str, ...]:
    """Return the controller manager's command line: one client for all controllers, which is ready seconds sooner."""
    return (
        *command,
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(controllers)}",
        "--use-service-account-credentials=false",
        "--leader-elect=false",
        "--secure-port=0",
        f"--service-account-private-key-file={files.service_accounts.key}",
        f"--root-ca-file={files.authority.certificate}",
        f"--cluster-signing-cert-file={files.authority.certificate}",
        f"--cluster-signing-key-file={files.authority.key}",
        # Tests make and delete namespaces faster than the default throttle lets them be emptied.
        "--kube-api-qps=200",
        "--kube-api-burst=400",
    )
