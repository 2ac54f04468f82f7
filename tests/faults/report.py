"""What a campaign came to, as Markdown. Pure; used by `__main__`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from faults.misuse import is_misuse
from faults.plan import Plan

Kept = Mapping[str, Any]


def report(results: Sequence[Kept]) -> str:
    """Return it."""
    return "\n".join(_lines(results)) + "\n"


def _lines(results: Sequence[Kept]) -> Iterator[str]:
    level = sorted(one["seconds_to_level"] for one in results if one["seconds_to_level"] is not None)
    bad = [one for one in results if one["violations"]]
    yield "| | |"
    yield "|---|---|"
    yield f"| plans that ran | {len(results)} |"
    yield f"| of them with a fault that struck | {sum(one['struck'] > 0 for one in results)} |"
    yield f"| mistakes with a spec | {sum(is_misuse(one['plan']) for one in results)} |"
    struck, planned = (sum(one[member] for one in results) for member in ("struck", "planned"))
    yield f"| faults that struck | {struck} of {planned} |"
    yield f"| revisions checked | {sum(one['revisions'] for one in results)} |"
    yield f"| requests of operators | {sum(one['requests'] for one in results)} |"
    yield f"| plans with violations | {len(bad)} |"
    yield f"| seconds of plans, in all | {sum(one['seconds'] for one in results):.0f} |"
    if level:
        times = ", ".join([_at(level, 50), _at(level, 99), f"{level[-1]:.2f}"])
        yield f"| level again after the last fault: p50, p99, worst (s) | {times} |"
    yield from ("", "| kind | plans | struck | with violations |", "|---|---|---|---|")
    kinds: defaultdict[str, list[Kept]] = defaultdict(list)
    for one in results:
        kinds[_kind(Plan.of(one["plan"]))].append(one)
    for kind, of_kind in sorted(kinds.items()):
        struck = sum(one["struck"] > 0 for one in of_kind)
        yield f"| {kind} | {len(of_kind)} | {struck} | {sum(bool(one['violations']) for one in of_kind)} |"
    if bad:
        oracles = Counter(oracle for one in bad for oracle in {oracle for oracle, _ in one["violations"]})
        yield from ("", "| oracle | plans |", "|---|---|")
        yield from (f"| {oracle} | {count} |" for oracle, count in oracles.most_common())
        yield ""
        for one in bad:
            yield f"- `{one['plan']}`"
            yield from (f"  - {oracle}: {text[:400]}" for oracle, text in one["violations"][:4])


def _kind(plan: Plan) -> str:
    if is_misuse(plan.operation):
        return "mistakes with a spec"
    if plan.wall:
        return "clock"
    if plan.cast != "one":
        return {"two": "two operators", "elected": "election"}[plan.cast]
    if len(plan.strikes) > 1:
        return "two faults"
    return plan.strikes[0].phase if plan.strikes else "undisturbed"


def _at(values: Sequence[float], percent: int) -> str:
    return f"{values[min(len(values) - 1, len(values) * percent // 100)]:.2f}"
