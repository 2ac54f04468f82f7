"""All pods are replaced while a client goes on creating credentials: none is lost, none has two keys.

Longer runs are part of `make bench-failover-node`.
"""

from __future__ import annotations

from typing import Final

from node.installation import WORKSPACES, Installation
from node.replicas import Asked, pod_of
from node.steady_client import SteadyClient

WORKSPACE: Final = WORKSPACES[1]
PER_SECOND: Final = 5


def test_credentials_that_come_during_a_rolling_upgrade_have_one_key_each(installed: Installation) -> None:
    asked, before = Asked(installed, WORKSPACE), installed.until_ready()
    with SteadyClient(installed.node, WORKSPACE, "meanwhile", PER_SECOND) as client:
        asked.until_stored(SOME)
        installed.upgrade(podAnnotations={"example.com/changed": "now"})
        stored = len(asked.stored())
        asked.until_stored(stored + SOME)

    assert not set(installed.until_ready()) & set(before)
    assert asked.twice(client.names) == []
    makers = {pod_of(event) for event in asked.stored()}
    assert makers & set(before)
    assert makers - set(before)
    slowest = max(client.waits, key=lambda name: client.waits[name])
    print(
        f"{len(client.names)} credentials while the pods were replaced; the longest wait: {client.waits[slowest]:.1f} s"
    )


SOME: Final = 10
"""So many keys are stored before, and after."""
