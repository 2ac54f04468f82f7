"""Metrics, alerts, runbooks and dashboard say the same: what one of them names, the others have."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from contract.tree import ROOT, text_of
from sshcredential_operator.api.names import Namespace
from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.controller.export_store import ExportStore
from sshcredential_operator.controller.metric_catalogue import CATALOGUE, PREFIX, VALUES, Type
from sshcredential_operator.controller.metrics import Metrics, ProcessMetrics
from sshcredential_operator.controller.rewrapping import Rewrapping
from sshcredential_operator.controller.ring_desk import ApiRingDesk
from sshcredential_operator.controller.ring_requests import RingRequests
from sshcredential_operator.controller.ring_store import RingHistory
from sshcredential_operator.controller.ring_upkeep import RingUpkeep
from sshcredential_operator.controller.sealing import OwnSealing
from sshcredential_operator.controller.sealing_config_map import ApiSealingConfigMap
from sshcredential_operator.controller.state_metrics import (
    ExportCollector,
    KeyringCollector,
    RotationCollector,
    SealingCollector,
)
from sshcredential_operator.controller.store import Kind, Store
from sshcredential_operator.controller.targets.known import Known
from sshcredential_operator.controller.targets.metrics import TargetMetrics
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.sealing_ring import SealingRing
from unit.encryption.ring_memory import Cluster
from unit.encryption.ring_memory import Store as RingStore

MONITORING = Path("charts/sshcredential-operator/files/monitoring")
OPERATIONS = Path("docs/operations.md")
PAGE = Path("docs/reference/metrics.md")
SCRIPT = ROOT / "scripts" / "generate" / "metrics.py"

FROM_LIBRARIES = {"process_resident_memory_bytes", "process_cpu_seconds_total"}
ADDED_BY_PROMETHEUS = {"instance", "job"}


@cache
def alerts() -> tuple[dict[str, Any], ...]:
    groups = yaml.safe_load(text_of(MONITORING / "alerts.yaml"))["groups"]
    return tuple(rule for group in groups for rule in group["rules"])


@cache
def dashboard() -> dict[str, Any]:
    return json.loads(text_of(MONITORING / "dashboard.json"))


def drawn() -> Iterator[tuple[str, str]]:
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


EXPRESSIONS = [(rule["alert"], rule["expr"]) for rule in alerts()] + list(drawn())


def selectors(expression: str) -> list[tuple[str, str]]:
    """Return each metric that is named, and what stands in its braces."""
    return re.findall(r"\b((?:sshcredential_operator|process)_\w+)(?:\{([^}]*)\})?", expression)


def declared(name: str) -> str | None:
    """Return the name in the catalogue that a name in an expression stands for."""
    short = name.removeprefix(f"{PREFIX}_")
    stem = re.sub(r"_(?:bucket|count|sum)$", "", short)
    if stem in CATALOGUE and CATALOGUE[stem].type is Type.HISTOGRAM:
        return stem if stem != short else None  # a histogram is never there by its own name
    return short if short in CATALOGUE else None


# --- the catalogue and the registry


async def shown() -> dict[str, tuple[str, str, tuple[str, ...]]]:
    """Return name, type, help and labels of all that a whole operator shows, and the process of targets beside it."""
    store, ring = Store(), Keyring(RingStore(Cluster()))
    await ring.open()
    metrics = Metrics(store, WorkQueue())
    metrics.heard(Kind.SECRETS, Namespace("genomics"))
    metrics.registry.register(ExportCollector(ExportStore()))
    metrics.registry.register(KeyringCollector(ring, RingHistory()))
    sealing = OwnSealing(SealingRing(ring, RingStore(Cluster())), cast("ApiSealingConfigMap", None), Namespace("own"))
    sealing.state.published = True
    metrics.registry.register(SealingCollector(sealing, store))
    rewrapping = Rewrapping(store, WorkQueue(), ring, 1)
    desk, answers = cast("ApiRingDesk", None), cast("RingRequests", None)
    upkeep = RingUpkeep(ring, RingStore(Cluster()), desk, answers, rewrapping)
    metrics.registry.register(RotationCollector(upkeep, rewrapping))
    return families_of(TargetMetrics(Known())) | families_of(metrics)


def families_of(metrics: ProcessMetrics) -> dict[str, tuple[str, str, tuple[str, ...]]]:
    families: dict[str, tuple[str, str, tuple[str, ...]]] = {}
    for collector in metrics.registry._collector_to_names:
        for family in collector.collect():
            # A counter or histogram knows its labels before it has any; a family that was looked up brings its own.
            labels = getattr(collector if isinstance(collector, MetricWrapperBase) else family, "_labelnames", ())
            name = f"{family.name}_total" if family.type == "counter" else family.name
            families[name] = (family.type, family.documentation, tuple(labels))
    return families


async def test_what_is_shown_is_what_the_catalogue_says_and_nothing_else() -> None:
    ours = {name: facts for name, facts in (await shown()).items() if name.startswith(PREFIX)}

    assert ours == {f"{PREFIX}_{name}": (m.type.value, m.help, m.labels) for name, m in CATALOGUE.items()}


async def test_beside_ours_there_are_only_the_process_and_its_interpreter() -> None:
    assert {name.split("_")[0] for name in await shown() if not name.startswith(PREFIX)} == {"process", "python"}
    assert (await shown()).keys() >= FROM_LIBRARIES


@pytest.mark.parametrize("name", CATALOGUE)
def test_a_name_keeps_to_the_conventions(name: str) -> None:
    meaning = CATALOGUE[name]

    assert re.fullmatch(r"[a-z]+(?:_[a-z]+)*", name)
    assert name.endswith("_total") == (meaning.type is Type.COUNTER)
    assert meaning.type is not Type.HISTOGRAM or name.endswith("_seconds")
    assert not re.search(r"_(?:ms|minutes|hours|days|count|sum|bucket|gauge|histogram)$", name)
    assert re.fullmatch(r"[A-Z1].*\.", meaning.help)


def test_every_label_is_explained_and_none_names_an_object() -> None:
    used = {label for meaning in CATALOGUE.values() for label in meaning.labels}

    assert used == set(VALUES)
    assert not used & {"name", "namespace", "workspace", "credential", "secret", "uid", "fingerprint"}


def test_the_courses_are_those_of_the_reasons() -> None:
    assert set(re.findall(r"`(\w+)`", VALUES["course"])) == {course.value for course in Course} | {"other"}


# --- the page


def test_the_page_is_what_the_catalogue_says() -> None:
    checked = subprocess.run([sys.executable, SCRIPT, "--check"], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_page_that_is_not_what_the_catalogue_says_is_noticed(tmp_path: Path) -> None:
    copy = tmp_path / "scripts" / "generate" / SCRIPT.name
    copy.parent.mkdir(parents=True)
    copy.write_text(SCRIPT.read_text())
    page = tmp_path / PAGE
    page.parent.mkdir(parents=True)
    page.write_text(text_of(PAGE).replace("| gauge |", "| counter |", 1))

    assert subprocess.run([sys.executable, copy, "--check"], capture_output=True, check=False).returncode == 1
    assert subprocess.run([sys.executable, copy], capture_output=True, check=False).returncode == 0
    assert page.read_text() == text_of(PAGE)


# --- alerts and runbooks


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    names = [rule["alert"] for rule in alerts()]

    assert re.findall(r"^### (SSHCredential\w+)$", text_of(OPERATIONS), re.MULTILINE) == names
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_says_how_bad_it_is_what_it_means_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook"}
    assert rule["annotations"]["runbook"] == f"{OPERATIONS}#{rule['alert'].lower()}"
    assert rule["annotations"]["description"].endswith(".")
    assert not rule["annotations"]["summary"].endswith(".")


@pytest.mark.parametrize("rule", alerts(), ids=lambda rule: rule["alert"])
def test_an_alert_speaks_only_of_labels_that_it_has(rule: dict[str, Any]) -> None:
    told = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
    kept = set(re.findall(r"\bby \((\w+)\)", rule["expr"]))
    if not re.search(r"\b(?:sum|max|absent|count)\b", rule["expr"]):
        kept = {label for name, _ in selectors(rule["expr"]) for label in CATALOGUE[declared(name) or ""].labels}
        kept |= ADDED_BY_PROMETHEUS

    assert told <= kept


def test_reasons_that_tell_of_a_lost_key_are_critical_and_the_other_stops_a_warning() -> None:
    lost = next(rule["expr"] for rule in alerts() if rule["alert"] == "SSHCredentialKeyLost")
    stalled = next(rule["expr"] for rule in alerts() if rule["alert"] == "SSHCredentialStalled")
    reasons = re.findall(r'reason=~"([\w|]+)"', lost)

    assert re.findall(r'reason!~"([\w|]+)"', stalled) == reasons
    assert {COURSE[Reason(reason)] for reason in reasons[0].split("|")} == {Course.STOP}


# --- expressions


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_an_expression_names_only_metrics_and_labels_that_there_are(where: str, expression: str) -> None:
    assert selectors(expression)
    for name, matchers in selectors(expression):
        short = declared(name)
        assert short or name in FROM_LIBRARIES, name
        labels = set(re.findall(r"(\w+)(?:=|!)", matchers))
        assert labels <= (set(CATALOGUE[short].labels) if short else set()) | ADDED_BY_PROMETHEUS


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_a_reason_or_course_in_an_expression_is_one_of_ours(where: str, expression: str) -> None:
    known = {reason.value for reason in Reason} | {course.value for course in Course} | {"other"}
    asked = re.findall(r'(?:reason|course)(?:=|!=|=~|!~)"([\w|]+)"', expression)

    assert {word for words in asked for word in words.split("|")} <= known


@pytest.mark.parametrize(
    ("name", "found"),
    [
        pytest.param("sshcredential_operator_leader", "leader", id="a gauge"),
        pytest.param("sshcredential_operator_queue_wait_seconds_bucket", "queue_wait_seconds", id="a histogram"),
        pytest.param("sshcredential_operator_queue_wait_seconds", None, id="a histogram without its suffix"),
        pytest.param("sshcredential_operator_leader_count", None, id="a suffix that is none"),
        pytest.param("sshcredential_operator_leaders", None, id="a slip of the pen"),
    ],
)
def test_a_name_that_nothing_shows_is_noticed(name: str, found: str | None) -> None:
    assert declared(name) == found


# --- the dashboard


def test_the_dashboard_belongs_to_no_instance_of_grafana() -> None:
    assert "id" not in dashboard()
    assert "${datasource}" in text_of(MONITORING / "dashboard.json")
    assert [v["name"] for v in dashboard()["templating"]["list"]] == ["datasource", "instance"]
    for panel in dashboard()["panels"]:
        assert "id" not in panel
        sources = [panel.get("datasource"), *(target["datasource"] for target in panel.get("targets", ()))]
        assert all(source is None or source["uid"] == "${datasource}" for source in sources)


def test_panels_say_what_they_show_and_lie_beside_each_other() -> None:
    taken = set[tuple[int, int]]()
    for panel in dashboard()["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        assert panel["type"] == "row" or panel["description"].endswith(".")
        taken |= cells
