"""What `sshcred validate` passes, the API server takes, and the other way round, on hundreds of generated manifests."""

from __future__ import annotations

import random
from typing import Any, Final

from cluster.credentials import Objects, Refused, credentials_of, exports_of, said, targets_of
from cluster.mutated_manifests import kind_of, manifests
from controlplane.clusters import Cluster
from sshcredential_operator.manifests.finding import Fault, Level
from sshcredential_operator.manifests.judge import object_faults

NUMBER: Final = 600


def test_validate_and_the_server_agree(cluster: Cluster, rng: random.Random) -> None:
    with (
        credentials_of(cluster, "default") as credentials,
        exports_of(cluster, "default") as exports,
        targets_of(cluster, "default") as targets,
    ):
        servers: dict[str, Objects] = {objects.KIND: objects for objects in (credentials, exports, targets)}
        tried = [(manifest, servers[kind_of(manifest)].attempt(manifest)) for manifest in manifests(rng, NUMBER)]

    taken = sum(not isinstance(answer, Refused) for _, answer in tried)
    print(f"{taken} of {len(tried)} manifests were taken")
    disagreements = [found for manifest, answer in tried if (found := disagreement(manifest, answer))]
    assert not disagreements, "\n\n".join(disagreements[:20])
    assert min(taken, len(tried) - taken) > NUMBER // 10


def disagreement(manifest: dict[str, Any], answer: dict[str, Any] | Refused) -> str:
    errors = [fault for fault in object_faults(manifest) if fault.level is Level.ERROR and not unseen(fault)]
    if bool(errors) == isinstance(answer, Refused):
        return ""
    return f"{str(manifest)[:1000]}\nthe server: {said(answer)[:600] or 'takes it'}\nvalidate: {errors or 'passes it'}"


def unseen(fault: Fault) -> bool:
    """Whether only a creation that is meant would be refused for this: nothing is stored in a dry run."""
    return fault.rule == "NotAllowed" and fault.path == ("metadata", "resourceVersion")
