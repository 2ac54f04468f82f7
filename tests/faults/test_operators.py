"""Forked operators are processes like any other: they are killed alone, and their clock can be set ahead."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controlplane.access import kubeconfig, write_kubeconfig
from controlplane.certificates import Authority
from controlplane.waiting import wait_until
from faults.operators import Operator, Zygote

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as zygote:
        yield zygote


def started(zygote: Zygote, folder: Path, name: str) -> Operator:
    """Start an operator for which there is no API server."""
    certificate = Authority(folder, f"nobody-{name}").files.certificate
    content = kubeconfig("https://127.0.0.1:1", certificate.read_bytes(), "operator", {"token": "none"})
    path = write_kubeconfig(folder / f"{name}.yaml", content)
    arguments = ["run", "--operator-namespace", "own", "--workspace", "work", "--log-format", "json"]
    operator = zygote.start(path, folder / f"{name}.log", folder / f"{name}.clock", arguments)
    wait_until(lambda: operator.get("/healthz")[0] == 200, "it listens")
    return operator


def test_each_is_a_process_of_its_own_and_dies_alone(zygote: Zygote, tmp_path: Path) -> None:
    one, other = started(zygote, tmp_path, "one"), started(zygote, tmp_path, "other")
    assert one.pid != other.pid
    assert not one.ended_by_itself

    one.kill()
    wait_until(lambda: not one.is_running, "it is gone")

    assert not one.ended_by_itself, "it was told"
    assert other.get("/healthz") == (200, "ok\n")
    for operator in (one, other):
        operator.end()


def test_its_clock_goes_on_at_once_when_it_is_set_ahead(zygote: Zygote, tmp_path: Path) -> None:
    operator = started(zygote, tmp_path, "hurried")
    assert "does not answer" not in operator.get("/readyz")[1], "that takes more than a moment of silence"

    operator.set_clock(ahead=HOUR.total_seconds())

    wait_until(lambda: "does not answer" in operator.get("/readyz")[1], "it has tried again after that hour")
    written = [line.split('"time":"')[1].split('"')[0] for line in operator.log.read_text().splitlines()]
    assert datetime.fromisoformat(written[-1]) > datetime.now(UTC) + HOUR / 2
    operator.end()


def test_its_clock_on_the_wall_alone_makes_nothing_due(zygote: Zygote, tmp_path: Path) -> None:
    operator = started(zygote, tmp_path, "mistaken")
    operator.set_clock(wall=HOUR.total_seconds())
    assert operator.get("/healthz") == (200, "ok\n"), "a loop that was stalled for an hour says so"
    operator.end()
