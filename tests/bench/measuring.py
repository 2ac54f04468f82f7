"""What the sections have in common: when something is at rest, and what was spent meanwhile."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from bench.cost import Cost, cost_of
from bench.stage import Stage
from operators.process import OperatorProcess

PATIENCE: Final = 3600
_LOOK: Final = 0.5
_REST: Final = 0.02
"""So little CPU in one look is rest: two ticks of the clock that CPU is counted by."""


def settled(pid: int, seconds: float = 60) -> None:
    """Return when a process has come to rest; what takes longer is no rest and is measured as it is."""
    deadline = time.monotonic() + seconds
    before = cost_of(pid).cpu
    while time.monotonic() < deadline:
        time.sleep(_LOOK)
        now = cost_of(pid).cpu
        if now - before <= _REST:
            return
        before = now


def costs_between(before: Mapping[str, Cost], after: Mapping[str, Cost]) -> dict[str, float]:
    """Return the CPU seconds that every part has spent."""
    return {part: after[part].cpu - before[part].cpu for part in before}


def memory_of(pid: int) -> dict[str, float]:
    """Return the memory of a process and its children, in MiB."""
    cost = cost_of(pid)
    return {"resident": cost.resident, "proportional": cost.proportional, "private": cost.private}


def until_through(operator: OperatorProcess, passes: int) -> None:
    """Return when so many passes were made and nobody waits. Asks seldom: an answer costs the operator something."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        done = operator.metric("sshcredential_operator_reconciles_total")
        if done >= passes and operator.metric("sshcredential_operator_queue_depth") == 0:
            return
        time.sleep(_LOOK)
    raise TimeoutError(f"not within {PATIENCE} s: {passes} passes")


def place_of(stage: Stage) -> str:
    """Return how operators are started, for the report."""
    if stage.in_pods:
        return "as in a pod: by a service account's files, with leader election"
    return "by a kubeconfig, with leader election"
