"""Configuration files of the node's parts. Pure: paths in, texts out. Used by `node`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from controlplane.certificates import CertificateFiles
from node import addresses, cgroups
from node.images import PAUSE
from node.preflight import CNI_FOLDER

SOCKET: Final = "/run/containerd/containerd.sock"


def containerd(cni_configuration: Path) -> str:
    """Return containerd's configuration, for the version 1.6 of Debian 12."""
    return f"""\
version = 2
[grpc]
  address = "{SOCKET}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  # Without CAP_SYS_RESOURCE nothing may make itself less likely to be killed, and runc would end for trying.
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_FOLDER}"
    conf_dir = "{cni_configuration}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def cni() -> str:
    """Return the pods' network: a cable from each to the node, which routes.

    Not a common bridge: two pods of one would answer each other past the node, which then could not turn the address of
    a Service back, unless the kernel hands bridged packets to its filters.
    """
    ranges = [[{"subnet": addresses.POD_RANGE}]]
    addressing = {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}]}
    return _json({"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "ptp", "ipam": addressing}]})


def network() -> str:
    """Return the script that gives the node its address. It has no way out, to the machine or elsewhere."""
    return f"""
ip link set lo up
ip link add node0 type bridge
ip addr add {addresses.NODE_ADDRESS}/32 dev node0
ip link set node0 up
# What the node itself sends to a Service needs a route before it is redirected.
ip route add default dev node0 src {addresses.NODE_ADDRESS}
echo 1 >/proc/sys/net/ipv4/ip_forward
"""


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the kubelet believes, and how it shows itself."""

    authority: Path
    serving: CertificateFiles


def kubelet(trust: Trust, resolv_conf: Path) -> str:
    """Return the kubelet's configuration."""
    return _configuration(
        "kubelet.config.k8s.io/v1beta1",
        "KubeletConfiguration",
        failCgroupV1=False,
        cgroupDriver="cgroupfs",
        cgroupRoot=f"/{cgroups.NAME}",
        containerRuntimeEndpoint=f"unix://{SOCKET}",
        address=addresses.NODE_ADDRESS,
        healthzBindAddress="127.0.0.1",
        readOnlyPort=0,
        authentication={
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(trust.authority)},
        },
        authorization={"mode": "Webhook"},
        tlsCertFile=str(trust.serving.certificate),
        tlsPrivateKeyFile=str(trust.serving.key),
        clusterDomain=addresses.DOMAIN,
        clusterDNS=[addresses.DNS_ADDRESS],
        resolvConf=str(resolv_conf),
        volumePluginDir="/var/lib/kubelet/volume-plugins",
        makeIPTablesUtilChains=False,
        failSwapOn=False,
        seccompDefault=True,
        # The machine's disk may be nearly full for reasons of its own; images are only lent to the node.
        imageGCHighThresholdPercent=100,
        evictionHard={"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        nodeStatusUpdateFrequency="5s",
    )


def kube_proxy(kubeconfig: Path) -> str:
    """Return kube-proxy's configuration. Limits of connections are the machine's, so that it leaves them alone."""
    return _configuration(
        "kubeproxy.config.k8s.io/v1alpha1",
        "KubeProxyConfiguration",
        clientConnection={"kubeconfig": str(kubeconfig)},
        mode="nftables",
        clusterCIDR=addresses.POD_RANGE,
        hostnameOverride=addresses.NODE,
        bindAddress=addresses.NODE_ADDRESS,
        conntrack={"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        nftables={"minSyncPeriod": "100ms", "syncPeriod": "30s"},
    )


def _configuration(version: str, kind: str, **content: Any) -> str:
    return _json({"apiVersion": version, "kind": kind, **content})


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"
