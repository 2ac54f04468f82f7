"""The report of `make bench` is made of its figures alone, and its plots are pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench.machine import look
from bench.report import write_report
from bench.run import SECTIONS
from bench.svg import bars, lines, over_time
from bench.tables import spread, table

COSTS = {"operator": 2.0, "apiserver": 4.0, "etcd": 1.0}
MEMORY = {"resident": 70.0, "proportional": 60.0, "private": 50.0}
REQUESTS = {"create secrets": 20, "patch sshcredentials/status": 20}
RUN = {"seconds": 3.0, "waits": [0.1, 0.2], "cpu": COSTS, "requests": REQUESTS, "memory": MEMORY}
FLOOR = {"seconds": 2.0, "cpu": {"apiserver": 3.0, "etcd": 1.0}}
START = {
    "floor": 0.5,
    "ready": 1.0,
    "through": 4.0,
    "cpu": 3.0,
    "memory": MEMORY,
    "requests": REQUESTS,
    "writes for those that were there": 0,
    "new ones": [1.5, 0.03],
}
ROTATION = {"seconds": 7.0, "writing": 6.0, "cpu": COSTS, "requests": {"patch secrets": 60}}
RAW: dict[str, Any] = {
    "bursts": {
        "floor": "floor, 32 connections",
        "runs": {
            count: {"floor, 32 connections": [FLOOR, FLOOR], "this operator": [RUN, {**RUN, "seconds": 5.0}]}
            for count in ("20", "60")
        },
    },
    "arrival": {"runs": {"this operator": [{"singles": [0.01, 0.02], "5": [0.02], "20": [0.03, 0.3]}]}},
    "memory": {
        "grown": {"0": MEMORY, "20": MEMORY},
        "restarted": {"20": MEMORY},
        "foreign": {"count": 2, "kib": 64, "before": MEMORY, "beside": MEMORY, "restarted beside": MEMORY},
    },
    "cold-start": {"starts": {"20": [START], "60": [START, START]}},
    "quiet": {"count": 60, "minutes": 0.5, "requests": {"update leases": 10}, "watches": 2, "cpu": COSTS},
    "rotation": {"rotations": {"20": ROTATION, "60": ROTATION}},
    "neighbours": {"rsa": 3, "alone": [0.01], "beside": [0.02, 0.2], "flood": 9.0},
    "slow-api": {
        "count": 60,
        "ms": 100,
        "slow": {"floor": {"seconds": 2.0}, "operator": {**RUN, "refused": 0}},
        "limited": {**RUN, "refused": 3},
        "limits": ["--max-requests-inflight=4"],
    },
}


def figures(*names: str) -> dict[str, Any]:
    machine = look()
    sections = {name: {"raw": RAW[name], "took": 61.0, "before": machine, "after": machine} for name in names}
    return {"machine": machine, "operators": "by a kubeconfig", "sections": sections}


def test_every_section_is_known_here() -> None:
    assert RAW.keys() == SECTIONS.keys()


def test_the_report_of_everything_has_every_section_and_shows_the_plots_that_lie_beside_it(tmp_path: Path) -> None:
    write_report(figures(*SECTIONS), SECTIONS, tmp_path)
    report = (tmp_path / "report.md").read_text()

    assert [line for line in report.splitlines() if line.startswith("## ")] == [
        "## In short",
        *(f"## {section.title}" for section in SECTIONS.values()),
    ]
    assert {path.name for path in tmp_path.glob("*.svg")} == {
        "burst-20.svg",
        "burst-60.svg",
        "arrival.svg",
        "memory.svg",
    }
    assert all(f"]({path.name})" in report for path in tmp_path.glob("*.svg"))
    assert "2.00 (1.50 to 2.50) x" in report  # the median of the operator's runs over the floor's, and the range


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_alone_makes_a_report(name: str, tmp_path: Path) -> None:
    write_report(figures(name), SECTIONS, tmp_path)

    assert f"## {SECTIONS[name].title}" in (tmp_path / "report.md").read_text()


@pytest.mark.parametrize(
    "picture",
    [
        pytest.param(bars("a < b", "x", {"one & two": 1.0, "three": 0}), id="bars"),
        pytest.param(bars("none", "x", {}), id="no bars"),
        pytest.param(lines("t", "x", "y", {"a": [(0, 1), (1000, 2)], "b": [(0, 0), (1000, 0)]}), id="lines"),
        pytest.param(lines("t", "x", "y", {"a": [(5, 1)]}), id="one point"),
        pytest.param(over_time("t", "x", "y", {"a": [(0, 1), (2.99682, 2)]}), id="lines over time"),
        pytest.param(over_time("t", "x", "y", {"a": [(0, 1)]}), id="one point in time"),
        pytest.param(over_time("t", "x", "y", {}), id="no time"),
    ],
)
def test_a_plot_is_well_formed_and_has_no_place_that_is_no_number(picture: str) -> None:
    root = ET.fromstring(picture)  # noqa: S314 - our own text

    assert root.tag.endswith("svg")
    assert not {"nan", "inf"} & {word.lower() for element in root.iter() for word in element.attrib.values()}


@pytest.mark.parametrize(
    ("last", "ticks"),
    [
        (2.99682, ["0", "0.5", "1", "1.5", "2", "2.5"]),
        (30.02, ["0", "10", "20", "30"]),
        (0.1, ["0", "0.02", "0.04", "0.06", "0.08", "0.1"]),
    ],
)
def test_time_is_marked_at_round_numbers(last: float, ticks: list[str]) -> None:
    root = ET.fromstring(over_time("t", "x", "y", {"a": [(0, 1), (last, 2)]}))  # noqa: S314 - our own text

    assert [one.text for one in root.iter() if one.get("text-anchor") == "middle"] == ticks


def test_tables_and_ranges_are_written_as_people_read_them() -> None:
    assert table(["a", "b"], [[1, "x"]]) == "| a | b |\n|---|---|\n| 1 | x |\n"
    assert spread([3.0, 1.0, 2.0]) == "2.00 (1.00 to 3.00)"
    assert spread([2.0, 2.0]) == "2.00"
