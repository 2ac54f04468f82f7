"""The pod that leads is deleted in the middle of its work: it ends in order, and nothing is half done."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from kubernetes import client, config

from chart.rendering import NAMESPACE
from cluster.history import History
from cluster.one_key_each import broken, is_ready
from cluster.opened import kek_of
from cluster.shown import Object, generated
from controlplane.binaries import find_binaries
from controlplane.waiting import wait_until
from node.installation import WORKSPACES, Installation

WORKSPACE: Final = WORKSPACES[0]
COSTLY: Final = [f"made-while-it-ends-{number}" for number in range(12)]
"""RSA keys of 4096 bits take a second each, so that some are in the making and some have to wait."""


@contextmanager
def following_the_log(installation: Installation, pod: str) -> Iterator[subprocess.Popen[str]]:
    command = [*find_binaries().kubectl, "logs", "--follow", pod, "--namespace", NAMESPACE]
    environment = {**os.environ, "KUBECONFIG": str(installation.node.kubeconfig_for("admin"))}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as following:
        try:
            yield following
        finally:
            following.terminate()


def deleted(installation: Installation, pod: str) -> Object:
    """Delete a pod, and return how its container ended."""
    last: Object = {}
    with config.new_client_from_config(str(installation.node.kubeconfig_for("admin"))) as connection:
        core: Any = client.CoreV1Api(connection)
        before = core.delete_namespaced_pod(pod, NAMESPACE, _preload_content=False)
        since = json.loads(before.data)["metadata"]["resourceVersion"]
        which = {"field_selector": f"metadata.name={pod}", "resource_version": since}
        watch = core.list_namespaced_pod(NAMESPACE, watch=True, timeout_seconds=60, _preload_content=False, **which)
        for event in map(json.loads, watch):
            [container] = event["object"]["status"]["containerStatuses"]
            last = container["state"].get("terminated") or last
            if event["type"] == "DELETED":
                break
    return last


def test_the_leader_finishes_what_it_began_hands_over_and_ends(installed: Installation) -> None:
    leader, began = installed.leader(), dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    asked = {name: generated(algorithm="RSA", bits=4096) for name in COSTLY}
    with (
        History(installed.node, [WORKSPACE]) as history,
        following_the_log(installed, leader) as following,
        installed.desk(WORKSPACE) as desk,
        installed.desk(NAMESPACE) as key_ring,
    ):
        desk.apply(asked)
        wait_until(lambda: sum(is_ready(one) for one in ours(desk.all())) >= 2, "some are made", 60)
        assert not all(is_ready(one) for one in ours(desk.all()))

        ended = deleted(installed, leader)
        log, _ = following.communicate(timeout=30)

        assert (ended["exitCode"], ended["reason"]) == (0, "Completed")
        entries = [json.loads(line) for line in log.splitlines()]
        assert entries[-1]["message"] == "stopped"
        assert [one for one in entries if one["time"] > began and one["level"] in {"warning", "error"}] == []
        assert installed.leader() != leader

        desk.wait_for_ready(COSTLY)
        kek = kek_of(desk.namespace_uid(), key_ring)
        assert broken(history.complete(), [(WORKSPACE, name) for name in COSTLY], {kek.kid: kek}.get) == []


def ours(found: list[Object]) -> list[Object]:
    return [one for one in found if one["metadata"]["name"] in COSTLY]
