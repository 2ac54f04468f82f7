"""The workflows take nothing that can change, have no right that they do not need, and run no text of strangers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from contract.tree import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
RIGHTS = {
    ("test.yml", "test"): {"contents": "read"},
    ("release.yml", "check"): {"contents": "read"},
    ("release.yml", "image"): {
        "contents": "read",
        "packages": "write",
        "id-token": "write",
        "attestations": "write",
    },
    ("release.yml", "release"): {
        "actions": "read",
        "contents": "write",
        "packages": "write",
        "id-token": "write",
        "attestations": "write",
    },
}
"""Every right that a job has: one more is a decision that is taken here, too."""

NOT_OURS_TO_SAY = frozenset({"pull_request_target", "workflow_run", "issue_comment"})
"""Triggers that run with the repository's rights on what strangers wrote."""


def problems(name: str, text: str) -> Iterator[str]:
    """Yield what is wrong with a workflow."""
    workflow: dict[Any, Any] = yaml.safe_load(text)
    triggers = workflow[True]  # YAML 1.1 reads the key `on` so
    yield from (f"is started by {trigger}" for trigger in NOT_OURS_TO_SAY & set(triggers))
    if workflow.get("permissions") != {}:
        yield "gives rights to all of its jobs"
    for line in text.splitlines():
        if "uses:" in line and not re.search(r"uses: [\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line):
            yield f"takes an action that can change: {line.strip()}"
    for job, content in workflow["jobs"].items():
        if content.get("permissions") != RIGHTS.get((name, job)):
            yield f"{job} has other rights than it needs"
        if "timeout-minutes" not in content:
            yield f"{job} may run for ever"
        for step in content["steps"]:
            yield from (f"{job} {problem}" for problem in problems_of_step(step))


def problems_of_step(step: dict[str, Any]) -> Iterator[str]:
    if "${{" in step.get("run", ""):
        yield f"puts an expression into a command, instead of into env: {step['run'].splitlines()[0]}"
    if (
        step.get("uses", "").startswith("actions/checkout@")
        and step.get("with", {}).get("persist-credentials") is not False
    ):
        yield "leaves the token in the checkout"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_careful(path: Any) -> None:
    assert list(problems(path.name, path.read_text(encoding="utf-8"))) == []


def test_there_is_one_for_every_change_and_one_for_releases() -> None:
    assert [path.name for path in WORKFLOWS] == ["release.yml", "test.yml"]


SHA = "0" * 40
CAREFUL = f"""\
on: {{push: {{}}}}
permissions: {{}}
jobs:
  test:
    timeout-minutes: 5
    permissions: {{contents: read}}
    steps:
      - uses: actions/checkout@{SHA} # v1.2.3
        with: {{persist-credentials: false}}
      - run: make test
"""


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        pytest.param("", "", "", id="nothing"),
        pytest.param("on: {push", "on: {pull_request_target", "started by", id="strangers' pull requests with rights"),
        pytest.param("permissions: {}", "permissions: write-all", "all of its jobs", id="rights for all jobs"),
        pytest.param("contents: read", "contents: write", "other rights", id="a right too many"),
        pytest.param(SHA, "v5", "can change", id="an action by tag"),
        pytest.param(" # v1.2.3", "", "can change", id="an action whose version nobody can read"),
        pytest.param("make test", "echo ${{ github.head_ref }}", "expression", id="a branch's name as a command"),
        pytest.param("persist-credentials: false", "fetch-depth: 0", "token", id="a token left behind"),
        pytest.param("    timeout-minutes: 5\n", "", "for ever", id="no end"),
    ],
)
def test_a_careless_workflow_is_seen(was: str, becomes: str, said: str) -> None:
    found = list(problems("test.yml", CAREFUL.replace(was, becomes) if was else CAREFUL))
    assert (len(found), said in "".join(found)) == (1 if said else 0, True)
