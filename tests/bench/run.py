"""`make bench`: speed and cost, beside the floor of the same run. Figures as JSON, and a report of them.

    make bench ARGS='--small'                          a few minutes: does everything work?
    make bench ARGS='--only bursts --bursts 1000'      what matters most
    make bench                                         everything

The floor is a bare writer that POSTs the object, POSTs a Secret of 2 KiB and PATCHes the status. No figure decides
anything; compare ratios, since machines differ.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

import orjson

from bench.contenders import Contender, ours, peer, plain
from bench.machine import look
from bench.measuring import place_of
from bench.report import write_report
from bench.section import SMALL, Asked, Section, Sizes
from bench.sections import arrival, bursts, cold_start, memory, neighbours, quiet, rotation, slow_api
from bench.stage import Stage, control_plane
from controlplane.places import CHECKOUT

SECTIONS: Final[dict[str, Section]] = {
    "bursts": bursts.SECTION,
    "arrival": arrival.SECTION,
    "memory": memory.SECTION,
    "cold-start": cold_start.SECTION,
    "quiet": quiet.SECTION,
    "rotation": rotation.SECTION,
    "neighbours": neighbours.SECTION,
    "slow-api": slow_api.SECTION,
}
FIGURES: Final = "figures.json"
REPORT: Final = CHECKOUT / "docs" / "performance"
TRIAL: Final = CHECKOUT / "dist" / "bench"


def measure(asked: Asked, names: Sequence[str], output: Path) -> None:
    """Measure on one control plane, and write figures and report after each section.

    Sections that are not measured now stay as they were: each tells when, and of which commit.
    """
    sections = {name: found for name, found in _measured_before(output).items() if name not in names}
    figures: dict[str, Any] = {"sections": sections, "sizes": _as_json(asked.sizes), "rounds": asked.rounds}
    with control_plane() as (plane, folder):
        stage = Stage(plane, folder)
        figures |= {"machine": look(), "operators": place_of(stage)}
        for contender in asked.contenders:
            contender.prepare(stage)
        for name in names:
            begun, load = time.monotonic(), look()
            print(f"{SECTIONS[name].title}:", flush=True)
            raw = SECTIONS[name].measure(stage, asked)
            sections[name] = {"raw": raw, "took": time.monotonic() - begun, "before": load, "after": look()}
            figures["sections"] = {one: sections[one] for one in SECTIONS if one in sections}
            write(figures, output)


def _measured_before(output: Path) -> dict[str, Any]:
    file = output / FIGURES
    found: dict[str, Any] = orjson.loads(file.read_bytes())["sections"] if file.exists() else {}
    return found


def write(figures: Mapping[str, Any], output: Path) -> None:
    """Write the figures, and the report that is made of nothing else."""
    output.mkdir(parents=True, exist_ok=True)
    (output / FIGURES).write_bytes(orjson.dumps(figures, option=orjson.OPT_NON_STR_KEYS))
    write_report(orjson.loads((output / FIGURES).read_bytes()), SECTIONS, output)


def main(arguments: Sequence[str]) -> None:
    """Measure what is asked for, or make the report anew of figures that are there."""
    options = _parser().parse_args(arguments)
    output = options.output or (TRIAL if options.small else REPORT)
    if options.report:
        write(orjson.loads((output / FIGURES).read_bytes()), output)
        return
    changed = {field.name: getattr(options, field.name) for field in fields(Sizes)}
    sizes = replace(SMALL if options.small else Sizes(), **{k: v for k, v in changed.items() if v is not None})
    contenders = (ours(), *([] if options.alone else [plain()]), *options.peer)
    measure(Asked(sizes, options.rounds, contenders), options.only or list(SECTIONS), output)
    print(f"report: {output / 'report.md'}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=_sections, help=f"some of: {', '.join(SECTIONS)}; default: all, in this order")
    parser.add_argument("--small", action="store_true", help="small counts, to try it out; into dist/bench")
    parser.add_argument("--rounds", type=int, default=1, help="how often A B B A; default: 1")
    parser.add_argument("--alone", action="store_true", help="leave the plain Kopf operator out")
    parser.add_argument("--peer", type=_peer, action="append", default=[], metavar="NAME=BINARY[,MANIFESTS]")
    parser.add_argument("--output", type=Path, help="a folder; default: docs/performance")
    parser.add_argument(
        "--report", action="store_true", help="measure nothing: make the report of the folder's figures"
    )
    for field in fields(Sizes):
        default = getattr(Sizes(), field.name)
        parser.add_argument(
            f"--{field.name.replace('_', '-')}", type=_like(default), help=f"default: {_shown(default)}"
        )
    return parser


def _sections(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - SECTIONS.keys():
        raise argparse.ArgumentTypeError(f"no such section: {', '.join(sorted(unknown))}")
    return names


def _peer(text: str) -> Contender:
    try:
        return peer(text)
    except ValueError as wrong:
        raise argparse.ArgumentTypeError(str(wrong)) from None


def _like(default: object) -> Callable[[str], object]:
    if isinstance(default, tuple):
        kind = type(default[-1])
        return lambda text: tuple(kind(part) for part in text.split(","))
    return type(default)


def _shown(default: object) -> str:
    return ",".join(map(str, default)) if isinstance(default, tuple) else str(default)


def _as_json(sizes: Sizes) -> dict[str, object]:
    return {field.name: getattr(sizes, field.name) for field in fields(sizes)}


if __name__ == "__main__":
    main(sys.argv[1:])
