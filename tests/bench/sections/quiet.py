"""At rest: what an operator with many credentials asks of the API server while nothing happens, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Sequence

from bench.asked import asked, watches, without_leases, writes
from bench.filled import filled
from bench.measuring import costs_between, settled, until_through
from bench.section import Asked, Raw, Section, Shown
from bench.stage import USER, Stage
from bench.tables import each, table


def measure(stage: Stage, wanted: Asked) -> Raw:
    """Return requests and CPU of so many minutes."""
    count, minutes = wanted.sizes.quiet, wanted.sizes.quiet_minutes
    with stage.operator([filled(stage, count)]) as operator:
        until_through(operator, count)
        settled(operator.pid)
        mark, before = stage.plane.audit_mark(), stage.costs(operator.pid)
        time.sleep(60 * minutes)
        after = stage.costs(operator.pid)
        requests, watched = asked(stage.plane, mark, USER), watches(stage.plane, mark, USER)
    return {
        "count": count,
        "minutes": minutes,
        "requests": requests,
        "watches": watched,
        "cpu": costs_between(before, after),
    }


def shown(raw: Raw) -> Shown:
    """Return the table."""
    others = without_leases(raw["requests"])
    leases = sum(raw["requests"].values()) - sum(others.values())
    rows: list[Sequence[object]] = [
        ["writes, the Lease aside", writes(raw["requests"])],
        ["other requests, the Lease aside", each(others, 1)],
        ["watches begun again", raw["watches"]],
        ["requests for the Lease", leases],
        *([f"CPU s a minute, {part}", f"{cpu / raw['minutes']:.2f}"] for part, cpu in raw["cpu"].items()),
    ]
    return Shown(table([f"{raw['minutes']:g} quiet minutes with {raw['count']:,} credentials", ""], rows))


SECTION = Section("At rest", "11 minutes, and 3 more to make 10,000 credentials", measure, shown)
