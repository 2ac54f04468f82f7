"""Command lines and certificates of what a node needs beside its control plane. Used by `node`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controlplane.binaries import Command
from controlplane.commandlines import Ports, Surroundings
from controlplane.files import Files
from node import addresses, settings
from node.enclosure import Enclosure
from node.programs import path_of

KUBELET_CLIENT: Final = "kube-apiserver-kubelet-client"


def surroundings(enclosure: Enclosure, pki: Path, port: int) -> Surroundings:
    """Return what makes a control plane that of a node: `port` is the API server's, `pki` its certificates' folder."""
    return Surroundings(
        entrance=enclosure.network,
        ports=Ports(port, addresses.ETCD_PORT, addresses.ETCD_PEER_PORT),
        controllers=("*",),
        apiserver_args=(
            # The loopback for the relay and for the node's parts, the node's address for pods.
            "--bind-address=0.0.0.0",
            f"--advertise-address={addresses.NODE_ADDRESS}",
            "--endpoint-reconciler-type=lease",
            f"--kubelet-certificate-authority={pki / 'ca.crt'}",
            f"--kubelet-client-certificate={pki / KUBELET_CLIENT}.crt",
            f"--kubelet-client-key={pki / KUBELET_CLIENT}.key",
            "--kubelet-preferred-address-types=InternalIP",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
        ),
        # It would make its folder for them on the machine.
        controller_manager_args=(f"--flex-volume-plugin-dir={pki.parent / 'volume-plugins'}",),
    )


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs beside the control plane. Each method writes what its part reads, and returns its command line."""

    folder: Path
    program: str
    """The one binary."""
    files: Files
    server: str

    def containerd(self) -> Command:
        cni = self.folder / "cni"
        cni.mkdir()
        (cni / "pods.conflist").write_text(settings.cni())
        return (path_of("containerd"), "--config", str(self._written("containerd.toml", settings.containerd(cni))))

    def scheduler(self) -> Command:
        kubeconfig = self._kubeconfig("scheduler", "system:kube-scheduler")
        return (
            self.program,
            "scheduler",
            f"--kubeconfig={kubeconfig}",
            f"--authentication-kubeconfig={kubeconfig}",
            f"--authorization-kubeconfig={kubeconfig}",
            "--bind-address=127.0.0.1",
            "--leader-elect=false",
        )

    def kubelet(self) -> Command:
        authority = self.files.authority
        serving = authority.server(addresses.NODE, (addresses.NODE_ADDRESS,), (addresses.NODE,))
        # Pods that use the node's own resolver find nothing, at once.
        resolv_conf = self._written("resolv.conf", "")
        trust = settings.Trust(authority.files.certificate, serving)
        return (
            self.program,
            "kubelet",
            f"--config={self._written('kubelet.yaml', settings.kubelet(trust, resolv_conf))}",
            f"--kubeconfig={self._kubeconfig('kubelet', f'system:node:{addresses.NODE}', 'system:nodes')}",
            f"--hostname-override={addresses.NODE}",
            f"--node-ip={addresses.NODE_ADDRESS}",
        )

    def kube_proxy(self) -> Command:
        settings_of_it = settings.kube_proxy(self._kubeconfig("kube-proxy", "system:kube-proxy"))
        return (self.program, "proxy", f"--config={self._written('kube-proxy.yaml', settings_of_it)}")

    def _kubeconfig(self, name: str, user: str, group: str = "system:parts-of-the-node") -> Path:
        return self.files.write_kubeconfig_of_part(name, self.server, self.files.authority.client(user, group))

    def _written(self, name: str, content: str) -> Path:
        path = self.folder / name
        path.write_text(content)
        return path
