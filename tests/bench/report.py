"""The report of a run: Markdown with its plots, made of the figures alone. Called by `run.py`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bench.section import Section
from bench.summary import summary

HEAD: Final = """\
# Performance: a run of `make bench`

Made by `make bench` from `figures.json` beside it, which has every figure; [README.md](README.md) tells what they are
and how to repeat them. Figures with a range are the median of the runs in the order A B B A, and least and most.

| | |
|---|---|
| date | {date} |
| machine | {cpu}, {cpus} processors, {memory}, {system} |
| load average before the run | {load} |
| commit | {commit} |
| versions | Python {python}, {libraries} |
| operators run | {operators} |
"""


def write_report(figures: Mapping[str, Any], sections: Mapping[str, Section], output: Path) -> None:
    """Write `report.md` and the plots."""
    machine = figures["machine"]
    libraries = ", ".join(f"{name} {number}" for name, number in machine["libraries"].items())
    known = {**machine, "libraries": libraries, "load": _load(machine), "operators": figures["operators"]}
    parts = [HEAD.format(**known), summary(figures["sections"])]
    for name, found in figures["sections"].items():
        parts.append(_part(sections[name], found, output))
    (output / "report.md").write_text("\n".join(part for part in parts if part))


def _part(section: Section, found: Mapping[str, Any], output: Path) -> str:
    text, plots = section.shown(found["raw"])
    for file, plot in plots.items():
        (output / file).write_text(plot)
    pictures = "\n".join(f"![{file.removesuffix('.svg')}]({file})" for file in plots)
    loads = f"load average {_load(found['before'])} before, {_load(found['after'])} after"
    when = f"on {found['before']['date'][:16].replace('T', ' at ')} UTC, commit {found['before']['commit']}"
    took = f"Took {found['took'] / 60:.1f} minutes {when}; {loads}."
    return f"## {section.title}\n\n{text}\n{pictures}\n\n{took}\n"


def _load(look: Mapping[str, Any]) -> str:
    return " ".join(map(str, look["load"]))
