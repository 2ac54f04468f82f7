"""`make soak` works: some seconds of it on a control plane of its own. How memory behaves takes the half hour."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.soak import soak
from bench.soak_run import Sizes
from controlplane.fixtures import OwnControlPlane

pytestmark = pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="memory is told by /proc")


def test_some_seconds_of_everything_end_without_drift(own_control_plane: OwnControlPlane, tmp_path: Path) -> None:
    sizes = Sizes(minutes=0.1, population=20, overlap=2, every=2, quiet=2)

    figures = soak(own_control_plane(with_api=True), tmp_path, sizes)

    assert figures["drift"] == []
    assert sum(figures["operations"].values()) == 30
    assert {kind for kind, _, _ in figures["waits"]} == {"create", "rotate"}
    assert figures["credentials"] == figures["samples"][-1]["credentials"] > 0
    assert all(one["private"] > 0 and one["requests"] is not None for one in figures["samples"])
