"""Alerts and dashboard before Prometheus' own judge: each alert fires when it should, every panel can be drawn."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from contract.tree import ROOT
from tools.programs import program

MONITORING = ROOT / "charts" / "sshcredential-operator" / "files" / "monitoring"
ALERTS = MONITORING / "alerts.yaml"
HERE = Path(__file__).resolve().parent
CASES = sorted(HERE.glob("*.yaml"))


@pytest.fixture(scope="session")
def promtool() -> Path:
    return program("promtool")


def judged(*command: Path | str) -> tuple[int, str]:
    ran = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def test_the_rules_are_rules(promtool: Path) -> None:
    code, said = judged(promtool, "check", "rules", "--lint=all", "--lint-fatal", ALERTS)

    assert code == 0, said


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_alerts_fire_when_they_should_and_only_then(promtool: Path, case: Path) -> None:
    code, said = judged(promtool, "test", "rules", case)

    assert code == 0, said


def test_every_alert_was_seen_to_fire_and_to_wait() -> None:
    asked = [
        (found[1], bool(one["exp_samples"]))
        for path in CASES
        for test in yaml.safe_load(path.read_text())["tests"]
        for one in test["promql_expr_test"]
        if (found := re.search(r'alertname="(\w+)"', one["expr"]))
    ]
    alerts = {rule["alert"] for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]}

    assert {name for name, fires in asked if fires} == alerts
    assert {name for name, fires in asked if not fires} == alerts


def test_an_alert_that_should_fire_and_does_not_is_noticed(promtool: Path, tmp_path: Path) -> None:
    blunted = tmp_path / "alerts.yaml"
    blunted.write_text(ALERTS.read_text().replace("sum(sshcredential_operator_leader) == 0", "vector(0) > 0"))
    case = tmp_path / "case.yaml"
    case.write_text(
        re.sub(r"rule_files: .*", "rule_files: [alerts.yaml]", (HERE / "alerts_that_fire.yaml").read_text())
    )

    code, said = judged(promtool, "test", "rules", case)

    assert code == 1
    assert re.findall(r'alertname=\\"(\w+)\\"', said) == ["SSHCredentialNoLeader"]


def test_every_panel_asks_something_that_prometheus_understands(promtool: Path, tmp_path: Path) -> None:
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    asked = [
        target["expr"].replace("$__rate_interval", "5m") for panel in panels for target in panel.get("targets", ())
    ]
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(asked)]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))

    code, said = judged(promtool, "check", "rules", file)

    assert code == 0, said
    assert f"{len(asked)} rules found" in said
