"""`make demo` as a stranger runs it: without a terminal, in a folder of its own, on a control plane of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from contract.tree import ROOT
from controlplane.waiting import wait_until
from demo.story import PASSPHRASE, STORY, THINGS_TO_TRY, Run

COMMAND: Final = (sys.executable, "-m", "demo", "--folder")


class Performance(NamedTuple):
    """A demo that was left running, and what it said."""

    folder: Path
    outcome: subprocess.CompletedProcess[str]

    def ask(self, command: str) -> str:
        """Run one of the commands that the demo suggests, in the environment that it tells to export."""
        exports = re.findall(r"^  (export \S+=\S+)", self.outcome.stdout, re.MULTILINE)
        script = "\n".join(["set -e", *exports, command])
        return subprocess.run(["/bin/sh", "-c", script], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if name not in {"KEEP", "KUBECONFIG"}}
    return {**clean, "PYTHONPATH": f"{ROOT / 'scripts'}{os.pathsep}{ROOT / 'tests'}", **more}


def run(folder: Path, *options: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, str(folder), *options]
    return subprocess.run(
        command, env=environment(**more), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def running_in(folder: Path) -> list[int]:
    """Return the processes that have the folder on their command line or in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:  # it ended, or is none of ours
            continue
        if f"{folder}/".encode() in told:
            found.append(int(process.name))
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Performance]:
    folder = tmp_path_factory.mktemp("demo")
    outcome = run(folder, KEEP="1")
    yield Performance(folder, outcome)
    run(folder, "--down")


def test_the_whole_story_is_told(kept: Performance) -> None:
    assert kept.outcome.returncode == 0, kept.outcome.stdout + kept.outcome.stderr
    commands = [step.command for chapter in STORY for step in chapter.steps if isinstance(step, Run)]
    shown = [command.replace(".demo/", f"{kept.folder}/") for command in commands]
    places = [kept.outcome.stdout.find(f"\n$ {command}\n") for command in shown]
    assert -1 not in places
    assert all(chapter.title in kept.outcome.stdout for chapter in STORY)


def test_the_fingerprint_is_the_one_that_ssh_keygen_shows(kept: Performance) -> None:
    shown = re.findall(r"^my-login .* (SHA256:\S+)|^256 (SHA256:\S+) alice@laptop", kept.outcome.stdout, re.MULTILINE)

    assert len(shown) > 2
    assert len({one or other for one, other in shown}) == 1


def test_a_wrong_passphrase_is_told_with_what_to_do(kept: Performance) -> None:
    assert re.search(r"^typo-login +False +WrongPassphrase ", kept.outcome.stdout, re.MULTILINE)
    assert "Correct the passphrase" in kept.outcome.stdout


def test_no_line_of_a_private_key_is_shown(kept: Performance) -> None:
    lines = (kept.folder / "id_ed25519").read_text().splitlines()[1:-1]

    assert lines
    assert not [line for line in lines if line in kept.outcome.stdout]
    assert PASSPHRASE not in (kept.folder / "operator.log").read_text()


def test_the_operator_may_not_do_more_than_its_roles_say(kept: Performance) -> None:
    asked = f"kubectl auth can-i --kubeconfig {kept.folder}/operator.kubeconfig"

    assert kept.ask(f"{asked} create secrets -n genomics").strip() == "yes"
    assert kept.ask(f"{asked} create secrets -n default || true").strip() == "no"


def test_what_it_suggests_works_on_what_it_left_running(kept: Performance) -> None:
    fingerprint = "kubectl get sshcredential hpc-login -o jsonpath='{.status.fingerprint}'"
    first = kept.ask(fingerprint)
    said = {command: kept.ask(command) for command, _ in THINGS_TO_TRY}

    assert first.startswith("SHA256:")
    assert "deletionGracePeriod" in said["kubectl explain sshcredential.spec"]
    lost = "kubectl wait --for=condition=Stalled sshcredential/hpc-login --timeout=30s"
    assert "condition met" in kept.ask(lost)
    assert kept.ask(fingerprint) == first
    assert "SecretLost" in kept.ask("kubectl get sshcredential hpc-login")


def test_it_is_ended_with_one_command(kept: Performance) -> None:
    assert running_in(kept.folder)

    ended = run(kept.folder, "--down")

    assert (ended.returncode, ended.stdout) == (0, "")
    assert "ended what was left running" in ended.stderr
    assert running_in(kept.folder) == []
    assert [path.name for path in kept.folder.iterdir()] == ["lock"]


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    (tmp_path / "of-somebody-else").touch()
    process = subprocess.Popen(
        [*COMMAND, str(tmp_path)], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout
        assert process.stderr
        assert any("kubectl config set-context" in line for line in process.stdout)
        assert len(running_in(tmp_path)) > 2
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert "interrupted; everything is ended" in process.stderr.read()
    wait_until(lambda: not running_in(tmp_path), "nothing of it runs")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "of-somebody-else"]


def test_a_machine_without_ssh_keygen_is_told_before_anything_starts(tmp_path: Path) -> None:
    outcome = run(tmp_path, PATH="/nowhere")

    assert outcome.returncode == 1
    assert outcome.stderr == (
        "demo: failed. ssh-keygen is not on this machine. Install OpenSSH's client (Debian: openssh-client).\n"
    )


def test_a_folder_without_a_control_plane_is_told(tmp_path: Path) -> None:
    outcome = run(tmp_path, KUBEBUILDER_ASSETS=str(tmp_path))

    assert outcome.returncode == 1
    assert outcome.stderr.startswith(f"demo: failed. KUBEBUILDER_ASSETS is {tmp_path}, which lacks ")
