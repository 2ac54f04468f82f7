"""Names and addresses of the node. All of them exist in its network namespace only, so that they never collide."""

from __future__ import annotations

from typing import Final

NODE: Final = "node"
NODE_ADDRESS: Final = "10.89.0.2"
POD_RANGE: Final = "10.88.0.0/24"
DNS_ADDRESS: Final = "10.0.0.10"
"""In the range of Services, `controlplane.commandlines.SERVICE_RANGE`; coredns.yaml names it, too."""
DOMAIN: Final = "cluster.local"
ETCD_PORT: Final = 2379
ETCD_PEER_PORT: Final = 2380
