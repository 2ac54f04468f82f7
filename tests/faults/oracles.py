"""Judges a run. Called by `performance` for every plan."""

from __future__ import annotations

from faults.run import Run, Violation


def judge(run: Run) -> list[Violation]:
    """Return everything that must not be."""
    return [] if run.namespace else [Violation("story", "no workspace")]
