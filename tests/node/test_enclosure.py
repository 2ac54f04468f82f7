"""The namespaces of a node take everything with them when they end, and one node at a time has the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from controlplane import processes
from controlplane.places import SOURCES
from controlplane.processes import Daemon
from controlplane.waiting import wait_until
from node import cgroups, enclosure, preflight
from node.containers import Process, processes_of
from node.enclosure import Enclosure
from node.listening import processes_in
from node.lock import if_free, one_node
from node.preflight import NoNode
from node.programs import path_of

needs_namespaces = pytest.mark.skipif(
    bool(preflight.missing()), reason=preflight.refusal(preflight.missing() or ["nothing"])
)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Enclosure]:
    (tmp_path / "mounted").mkdir()
    made = Enclosure.open(tmp_path, [str(tmp_path / "mounted")])
    yield made
    enclosure.close(made.first, made.keeper)


@needs_namespaces
def test_what_is_mounted_and_made_inside_is_not_there_for_the_machine(opened: Enclosure, tmp_path: Path) -> None:
    script = f"ip link add device0 type bridge && touch {tmp_path}/mounted/file && cat /proc/mounts && ls /proc"
    said = subprocess.run([*opened.whole, "sh", "-ec", script], capture_output=True, text=True, check=True).stdout
    assert f" {tmp_path}/mounted tmpfs " in said
    assert f" {tmp_path}/mounted tmpfs " not in Path("/proc/mounts").read_text()
    assert "device0" not in Path("/proc/net/dev").read_text()
    assert list((tmp_path / "mounted").iterdir()) == []
    assert str(os.getpid()) not in said.split()


@needs_namespaces
def test_everything_inside_ends_with_the_namespaces(opened: Enclosure, tmp_path: Path) -> None:
    """Also what a daemon started, and has let go of."""
    script = f"setsid sleep 1000000 & echo $! >{tmp_path}/orphan; exec sleep 1000000"
    daemon = processes.start((*opened.whole, "sh", "-c", script), tmp_path / "log")
    wait_until((tmp_path / "orphan").exists, "the orphan was started")
    inside = processes_in(opened.first.pid)
    assert len(inside) >= 3
    enclosure.close(opened.first, opened.keeper)
    assert [pid for pid in inside if (seen := processes.look(pid)) and seen.state not in processes.ENDED] == []
    wait_until(lambda: not daemon.is_running(), "who brought the daemon in has ended")


OWNER = """
import sys
from pathlib import Path
from controlplane.guard import Guard
from node.enclosure import Enclosure

guard = Guard()
opened = Enclosure.open(Path(sys.argv[1]), [])
guard.watch(opened.keeper)
guard.watch(opened.first)
print(opened.first.pid, opened.first.born, flush=True)
sys.stdin.read()
"""


@needs_namespaces
def test_the_namespaces_end_when_their_owner_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(SOURCES.parent)}
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, born = owner.stdout.readline().split()
        first = Daemon(int(pid), born, tmp_path / "log")
        assert first.is_running()
        owner.kill()
    wait_until(lambda: not first.is_running(), "the guard has ended the namespaces")


@needs_namespaces
def test_the_lock_is_held_as_long_as_the_namespaces_last(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with one_node(tmp_path, standing=False, lock=lock):
        opened = Enclosure.open(tmp_path, [])
    with if_free(lock) as free:
        assert not free
    enclosure.close(opened.first, opened.keeper)
    with if_free(lock) as free:
        assert free


def test_nobody_waits_for_a_node_that_stands_until_a_person_ends_it(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with (
        one_node(tmp_path / "standing", standing=True, lock=lock),
        pytest.raises(NoNode, match=r"/standing: end it with `make node-down`"),
        one_node(tmp_path / "another", standing=False, lock=lock),
    ):
        pytest.fail("two nodes at a time")


def test_cgroups_are_found_in_both_versions() -> None:
    lines = [
        "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755",
        "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:7 - cgroup cgroup rw,memory",
        "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:8 master:2 - cgroup2 cgroup2 rw",
    ]
    found = cgroups.roots("\n".join(lines))
    assert found == [Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup/unified")]


def test_a_process_is_found_by_its_cgroup_with_both_of_its_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("node.containers.PROCESSES", tmp_path)
    for pid, group, state, inner in (
        (21, "c0ffee", "S (sleeping)", "21\t7\t12"),
        (20, "c0ffee", "S (sleeping)", "20\t6\t1"),
        (22, "c0ffee", "Z (zombie)", "22\t8\t13"),
        (30, "beef", "S (sleeping)", "30\t9\t1"),
    ):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "cgroup").write_text(f"8:pids:/sshcredential-node/kubepods/pod1/{group}\n")
        (tmp_path / str(pid) / "status").write_text(f"Name:\tx\nState:\t{state}\nNSpid:\t{inner}\n")
    assert processes_of("c0ffee") == [Process(20, 1), Process(21, 12)]


@needs_namespaces
def test_a_missing_program_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("node.programs.PATH", str(tmp_path))
    with pytest.raises(NoNode, match=r"lacks containerd \(Debian package containerd\), "):
        preflight.require()
    assert path_of("containerd") == "containerd"
