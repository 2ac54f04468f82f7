"""What is measured while a soak goes on: the operator's process, its queue, and its requests. Used by `soak`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.asked import words
from bench.cost import cost_of, handles_of
from controlplane import audit
from controlplane.plane import ControlPlane
from operators.process import OperatorProcess

ATTEMPTS: Final = 5
QUEUE: Final = "sshcredential_operator_queue_depth"
NOISE: Final = 2
"""A slope of fewer standard errors than this cannot be told from none."""


class Requests:
    """Counts a user's answered requests, and holds nothing of the log but the place up to which it was read."""

    def __init__(self, plane: ControlPlane, user: str) -> None:
        self._log, self._user, self._offset = plane.audit_log, user, plane.audit_mark()

    def since_last(self) -> dict[str, int]:
        """Return what came since the last call: `patch secrets` and how often. Watches are left out."""
        counts: Counter[str] = Counter()
        with self._log.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break  # is being written
                self._offset = audit.AuditMark(self._offset + len(line))
                event = audit.parse(line)
                if (event.user, event.stage) == (self._user, "ResponseComplete") and event.verb != "watch":
                    counts[words(event)] += 1
        return dict(counts.most_common())

    @property
    def log_mib(self) -> float:
        """How large the log is, on the disk."""
        return Path(self._log).stat().st_size / 2**20


def sample(operator: OperatorProcess, requests: Requests) -> dict[str, Any]:
    """Return one look at the operator: memory and log in MiB, CPU in seconds since it was started.

    Its processes that judge brought keys come and go, and are told apart from it: `workers` is their private memory.
    """
    cost, (files, threads) = cost_of(operator.pid, alone=True), handles_of(operator.pid)
    return {
        "resident": cost.resident,
        "proportional": cost.proportional,
        "private": cost.private,
        "workers": max(0.0, _private_of_all(operator.pid) - cost.private),
        "cpu": cost.cpu,
        "files": files,
        "threads": threads,
        "queue": operator.metric(QUEUE),
        "requests": requests.since_last(),
        "audit log": requests.log_mib,
    }


def _private_of_all(pid: int) -> float:
    for _ in range(ATTEMPTS):
        with suppress(OSError):  # a child has ended in between
            return cost_of(pid).private
    return cost_of(pid).private


class Slope(NamedTuple):
    """A straight line through points by least squares: its rise for one unit of x, and the standard error of that."""

    rise: float
    error: float

    @property
    def is_flat(self) -> bool:
        """Whether it cannot be told from a level line."""
        return abs(self.rise) <= NOISE * self.error


def slope(points: Sequence[tuple[float, float]]) -> Slope:
    """Return the line through at least three points with different x; else ValueError."""
    count = len(points)
    middle_x, middle_y = (sum(values) / (count or 1) for values in zip(*points, strict=True)) if points else (0.0, 0.0)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    if count < 3 or spread == 0:
        raise ValueError("a line needs three points that do not lie above each other")
    rise = sum((x - middle_x) * (y - middle_y) for x, y in points) / spread
    residue = sum((y - middle_y - rise * (x - middle_x)) ** 2 for x, y in points)
    return Slope(rise, (residue / (count - 2) / spread) ** 0.5)


def last_two_thirds(samples: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the samples after the first third of the time."""
    end = max((one["at"] for one in samples), default=0.0)
    return [one for one in samples if one["at"] >= end / 3]
