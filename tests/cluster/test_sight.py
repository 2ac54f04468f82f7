"""What an operator at work shows: metrics that promtool accepts, logs that lead to a pass, and the note of a backup."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.conftest import Workspace
from cluster.desk import Desk
from cluster.installation import Installation, installation
from contract.tree import text_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from sshcredential_operator.controller.metric_catalogue import CATALOGUE, PREFIX
from tools.programs import program

OF_TARGETS = "Of the process `targets`"
BACKUP = "sshcredential_operator_root_key_backup_timestamp_seconds"


def test_prometheus_has_nothing_to_say_against_the_metrics(workspace: Workspace, desk: Desk, name: str) -> None:
    desk.apply({name: {"generate": {}}})
    desk.until(name, "Available")
    _, text = workspace.operator.get("/metrics")
    said = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )

    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    shown = set(re.findall(rf"^# TYPE {PREFIX}_(\w+) ", text, re.MULTILINE))
    assert shown == CATALOGUE.keys() - {one for one, meaning in CATALOGUE.items() if OF_TARGETS in meaning.help}
    assert name not in text
    assert workspace.namespace not in text


def test_the_lines_of_a_pass_lead_to_it(workspace: Workspace, desk: Desk, name: str) -> None:
    desk.apply({name: {"importFrom": {"privateKey": {"secretName": f"{name}-key", "key": "k"}}}})
    desk.until(name, "InputSecretMissing")

    def told() -> list[dict]:
        of_it = [one for one in workspace.operator.entries() if one.get("name") == name]
        return [one for one in of_it if one.get("result") == "InputSecretMissing" and one["reported"]]

    [line] = wait_until(told, "the pass that wrote the status is in the log")
    assert (line["level"], line["kind"], line["namespace"], line["generation"]) == (
        "info",
        "credential",
        workspace.namespace,
        1,
    )
    others = [one for one in workspace.operator.entries() if one.get("reconcile") == line["reconcile"]]
    assert {one["name"] for one in others} == {name}


@pytest.fixture
def installed(cluster: Cluster, namespaces: Namespaces, tmp_path: Path) -> Iterator[tuple[Installation, Desk]]:
    with installation(cluster, namespaces, tmp_path) as (prepared, desk, _):
        yield prepared, desk


def test_the_note_of_a_backup_is_read_at_the_start_as_the_page_says(
    cluster: Cluster, installed: tuple[Installation, Desk], tmp_path: Path
) -> None:
    installation, _ = installed
    installation.start()
    assert installation.operator.metric(BACKUP) == 0
    installation.operator.stop()

    page = text_of(Path("docs/operations.md"))
    found = re.search(r"^kubectl -n sshcredential-system (annotate .*?)^kubectl", page, re.MULTILINE | re.DOTALL)
    assert found
    moment = "2024-01-02T03:04:05Z"
    words = re.sub(r'"\$\(date .*?\)"', moment, found[1]).replace("\\\n", " ").split()
    cluster.kubectl("-n", installation.operator_namespace, *words)

    installation.start()
    assert installation.operator.metric(BACKUP) == 1704164645
