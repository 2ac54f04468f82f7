"""What Argo CD is told of our kinds: each rule says of each case what it shall, and the ConfigMap has the rules.

The cases are made by scripts/generate/argocd.py, and laid out as Argo CD's own: `health_test.yaml` names the objects
and what shall be said of them, `action_test.yaml` which buttons there are and what they do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from contract.lua import RULES, answers
from contract.tree import ROOT

KINDS = ("SSHCredential", "SSHCredentialExport", "SSHTarget")
ACTIONS = RULES / "SSHCredential" / "actions"
HEALTHS = {"Healthy", "Progressing", "Degraded", "Suspended"}
NEVER = {"SSHTarget": {"Suspended"}}
"""A target does not rest."""


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def cases(path: Path, member: str) -> list[Any]:
    """Return the entries of a list of cases, each with its object in the place of its path."""
    found = read(path)[member]
    return [case | {"object": read(path.parent / case["inputPath"])} for case in found]


@pytest.mark.parametrize("kind", KINDS)
def test_argo_cd_says_of_each_object_what_it_shall(kind: str) -> None:
    found = cases(RULES / kind / "health_test.yaml", "tests")

    said = answers(RULES / kind / "health.lua", [case["object"] for case in found])

    assert said == [case["healthStatus"] for case in found]
    assert {one["status"] for one in said} == HEALTHS - NEVER.get(kind, set())


@pytest.mark.parametrize("kind", KINDS)
def test_every_object_is_a_case(kind: str) -> None:
    named = {case["inputPath"] for case in read(RULES / kind / "health_test.yaml")["tests"]}

    assert named == {f"testdata/{path.name}" for path in (RULES / kind / "testdata").glob("*")}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_behind_going_or_without_a_status_is_never_healthy(kind: str) -> None:
    [healthy] = [read(RULES / kind / "testdata" / "healthy.yaml")]
    metadata, status = healthy["metadata"], healthy["status"]
    behind = {"observedGeneration": metadata["generation"] - 1}
    old_conditions = {**status, "conditions": [{**one, **behind} for one in status["conditions"]]}
    others = [
        healthy | {"metadata": metadata | {"generation": metadata["generation"] + 1}},
        healthy | {"metadata": metadata | {"deletionTimestamp": "2026-01-31T12:00:00Z"}},
        healthy | {"status": {**status, **behind}},
        healthy | {"status": old_conditions},
        healthy | {"status": {**status, "conditions": []}},
        healthy | {"status": {}},
        {member: value for member, value in healthy.items() if member != "status"},
    ]

    assert {said["status"] for said in answers(RULES / kind / "health.lua", others)} == {"Progressing"}


def test_the_button_is_there_where_a_raised_serial_gives_a_key_at_once() -> None:
    found = cases(ACTIONS / "action_test.yaml", "discoveryTests")

    said = answers(ACTIONS / "discovery.lua", [case["object"] for case in found])

    shown = [[{"name": name, **button} for name, button in sorted(one.items())] for one in said]
    assert shown == [case["result"] for case in found]
    assert {case["result"][0]["disabled"] for case in found} == {True, False}


def test_the_button_raises_the_serial_and_touches_nothing_else() -> None:
    found = cases(ACTIONS / "action_test.yaml", "actionTests")

    pressed = answers(ACTIONS / "rotate" / "action.lua", [case["object"] for case in found])

    assert {case["action"] for case in found} == {"rotate"}
    assert pressed == [read(ACTIONS / case["expectedOutputPath"]) for case in found]
    for before, after in zip(found, pressed, strict=True):
        assert after["spec"]["rotation"]["serial"] == before["object"]["status"]["rotationSerial"] + 1


def test_a_serial_that_is_asked_for_already_is_never_lowered() -> None:
    waiting = read(RULES / "SSHCredential" / "testdata" / "progressing_rotation_asked_for.yaml")

    assert answers(ACTIONS / "rotate" / "action.lua", [waiting]) == [waiting]


def test_the_config_map_has_the_rules_word_for_word() -> None:
    config_map = read(ROOT / "examples" / "argocd" / "argocd-cm.yaml")
    data = config_map["data"]
    actions = yaml.safe_load(data.pop("resource.customizations.actions.sshcredentials.dev_SSHCredential"))

    assert config_map["metadata"] == {"name": "argocd-cm"}
    assert data == {
        f"resource.customizations.health.sshcredentials.dev_{kind}": (RULES / kind / "health.lua").read_text()
        for kind in KINDS
    }
    assert actions == {
        "discovery.lua": (ACTIONS / "discovery.lua").read_text(),
        "definitions": [{"name": "rotate", "action.lua": (ACTIONS / "rotate" / "action.lua").read_text()}],
    }


def test_one_rule_is_for_all_kinds() -> None:
    assert len({(RULES / kind / "health.lua").read_text() for kind in KINDS}) == 1
