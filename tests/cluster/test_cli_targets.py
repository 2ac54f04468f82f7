"""`sshcred target` and `rotate --force` on the real API server. The tests report probes as the targets process does."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest
import yaml

from cluster.conftest import Workspace
from cluster.credentials import Refused, Targets, said, targets_of
from cluster.desk import Desk
from cluster.export_desk import ExportDesk
from cluster.rights import grant, revoke
from cluster.shown import Object, data_of, generated
from cluster.target_specs import HOST_KEY, PINNED, TRUST_ON_FIRST_USE
from controlplane.clusters import Cluster
from controlplane.waiting import wait_until
from pages.typist import typed
from sshcredential_operator.api.names import (
    FORCE_PROMOTION_ANNOTATION,
    GROUP,
    PROBE_REQUESTED_ANNOTATION,
    TRUST_HOST_KEY_ANNOTATION,
)
from sshcredential_operator.keys.public import public_key
from unit.cli.command import SSHCRED, Said, sshcred

Run = Callable[..., Said]
OTHER_HOST_KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
MOMENT: Final = "2026-01-31T12:00:00Z"
LATER: Final = "2026-01-31T13:00:00Z"
STAYS: Final = {"overlap": "1h"}


def fingerprint_of(line: str) -> str:
    return public_key(base64.b64decode(line.split()[1])).fingerprint


def host_key(line: str) -> Object:
    return {"type": line.partition(" ")[0], "fingerprint": fingerprint_of(line), "publicKey": line, "since": MOMENT}


def ready(status: str, reason: str, message: str) -> Object:
    """Return what a status says of Ready."""
    condition = {"type": "Ready", "status": status, "reason": reason, "message": message, "observedGeneration": 1}
    return {"conditions": [condition | {"lastTransitionTime": MOMENT}]}


WELL: Final = ready("True", "LoggedIn", "Every key logs in.") | {"lastProbeAt": MOMENT, "lastSuccessAt": MOMENT}
CHANGED: Final = ready("False", "HostKeyChanged", "Another host key is shown.") | {
    "hostKey": host_key(HOST_KEY),
    "offeredHostKey": host_key(OTHER_HOST_KEY),
}


@pytest.fixture(scope="module")
def targets(cluster: Cluster, workspace: Workspace) -> Iterator[Targets]:
    """The targets of the shared workspace, as its administrator sees them."""
    with targets_of(cluster, workspace.namespace) as targets:
        yield targets


@pytest.fixture
def run(cluster: Cluster, workspace: Workspace, tmp_path: Path) -> Run:
    def run(*arguments: str, user: str = "admin", where: tuple[str, ...] = ("-n", workspace.namespace)) -> Said:
        return sshcred(tmp_path, *arguments, "--kubeconfig", cluster.kubeconfig_for(user), *where)

    return run


def found(targets: Targets, name: str) -> Object:
    seen = targets.patch({}, name)
    assert not isinstance(seen, Refused)
    return seen


def annotation(targets: Targets, name: str, which: str) -> str | None:
    value: str | None = found(targets, name)["metadata"].get("annotations", {}).get(which)
    return value


def report(targets: Targets, name: str, status: Object, **members: Any) -> None:
    """Report a probe of the target's spec as it is."""
    generation = {"observedGeneration": found(targets, name)["metadata"]["generation"]}
    assert said(targets.patch_status(generation | status | members, name)) == ""


def aim(targets: Targets, name: str, status: Object | None = None, **members: Any) -> None:
    """Make a target, and report what its probe found."""
    assert said(targets.create(PINNED | members, name)) == ""
    if status:
        report(targets, name, status)


def answer_probe(targets: Targets, name: str, status: Object) -> Thread:
    """Play the targets process for one request, beside the command."""

    def play() -> None:
        asked = wait_until(lambda: annotation(targets, name, PROBE_REQUESTED_ANNOTATION), "a probe is asked for")
        report(targets, name, status, handledProbeRequest=asked)

    playing = Thread(target=play)
    playing.start()
    return playing


def row_of(name: str, said: Said) -> list[str]:
    [row] = [line.split("   ") for line in said.lines if name in line.split()]
    return [cell.strip() for cell in row if cell.strip()]


# --- list


def test_the_list_tells_whether_it_logs_in_and_where(run: Run, targets: Targets, name: str) -> None:
    aim(targets, name, WELL)
    aim(targets, f"{name}-b", CHANGED, hostKeys=TRUST_ON_FIRST_USE, port=2222)
    listed = run("target", "list")

    assert listed.code == 0, listed.error
    assert listed.lines[0].split("   ")[0].strip() == "NAME"
    first = row_of(name, listed)
    assert first[:6] == [name, "True", "LoggedIn", "login.hpc.example.org:22", "nextflow", "hpc-login"]
    assert first[6].endswith(" ago")
    assert row_of(f"{name}-b", listed)[1:4] == ["False", "HostKeyChanged", "login.hpc.example.org:2222"]
    [wide] = [line for line in run("target", "list", "-o", "wide").lines if line.startswith(f"{name}-b ")]
    assert "TrustOnFirstUse" in wide
    assert wide.endswith("Another host key is shown.")
    everywhere = run("target", "list", "-A", where=())
    assert everywhere.lines[0].startswith("NAMESPACE")
    assert row_of(name, everywhere)[0] == targets.namespace


@pytest.mark.parametrize("command", ["list", "status"])
def test_objects_are_those_of_the_api(run: Run, targets: Targets, name: str, command: str) -> None:
    aim(targets, name, WELL)
    words = ["target", command, *([name] if command == "status" else [])]

    for form, read in (("json", json.loads), ("yaml", yaml.safe_load)):
        shown = read("\n".join(run(*words, "-o", form).lines))
        items = shown["items"] if shown["kind"] == "List" else [shown]
        assert name in [one["metadata"]["name"] for one in items]
    assert f"sshtarget.{GROUP}/{name}" in run(*words, "-o", "name").lines


def test_a_namespace_without_targets_is_no_mistake(run: Run) -> None:
    said = run("target", "list", where=("-n", "kube-system"))

    assert (said.code, said.lines, said.error) == (0, [], "there are no targets in namespace kube-system\n")


# --- status


def test_the_view_tells_which_keys_log_in_and_which_still_do(run: Run, desk: Desk, targets: Targets, name: str) -> None:
    desk.create(name, generated() | {"rotation": STAYS})
    current = desk.until(name, "Available")["status"]["fingerprint"]
    old = {"fingerprint": fingerprint_of(OTHER_HOST_KEY), "publicKey": OTHER_HOST_KEY}
    members = {"authenticatedFingerprints": [current], "retiredKeys": [old], "notes": ["RetiredKeyAccepted"]}
    aim(targets, name, WELL | members | {"hostKey": host_key(HOST_KEY)}, credentialRef={"name": name})
    lines = run("target", "status", name).lines
    text = "\n".join(lines)

    for part in (f"in use    {current}", f"retired   {old['fingerprint']}"):
        assert part in text
    assert any(current in line and line.endswith("logs in") for line in lines)
    assert any(old["fingerprint"] in line and line.endswith("still opens the door") for line in lines)
    assert "nextflow at login.hpc.example.org:22" in text
    assert "trusted   ssh-ed25519" in text
    after = lines[lines.index("Next step") + 1 :]
    assert after[0].startswith("  Keys that were replaced still open the door.")
    assert after[1].strip() == OTHER_HOST_KEY


def test_the_view_leads_to_the_comparison_of_a_changed_host_key(run: Run, targets: Targets, name: str) -> None:
    aim(targets, name, CHANGED, hostKeys=TRUST_ON_FIRST_USE)
    lines = run("target", "status", name).lines

    assert f"  sshcred target trust {name} -n {targets.namespace}" in lines
    assert any("not trusted" in line and fingerprint_of(OTHER_HOST_KEY) in line for line in lines)


# --- probe


def test_a_probe_is_asked_for_and_its_result_told(run: Run, targets: Targets, name: str) -> None:
    aim(targets, name)
    playing = answer_probe(targets, name, WELL | {"authenticatedFingerprints": [fingerprint_of(HOST_KEY)]})
    told = run("target", "probe", name)
    playing.join()

    assert told.code == 0, told.error
    assert told.lines == [
        f"{targets.namespace}/{name} is ready: Every key logs in.",
        f"Keys that log in: {fingerprint_of(HOST_KEY)}",
    ]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        pytest.param(CHANGED, "is not ready: HostKeyChanged: Another host key is shown.", id="it does not log in"),
        pytest.param(WELL | {"lastProbeAt": LATER}, "did not answer as it should at this probe", id="it fails once"),
    ],
)
def test_a_probe_that_does_not_succeed_ends_with_1(
    run: Run, targets: Targets, name: str, status: Object, told: str
) -> None:
    aim(targets, name)
    playing = answer_probe(targets, name, status)
    ended = run("target", "probe", name)
    playing.join()

    assert (ended.code, ended.lines) == (1, [])
    assert told in ended.error


def test_a_probe_that_nobody_makes_is_told_of_when_the_time_is_over(run: Run, targets: Targets, name: str) -> None:
    aim(targets, name)
    said = run("target", "probe", name, "--timeout", "1s")

    assert (said.code, said.lines) == (3, [])
    assert "does the targets process run" in said.error
    assert run("target", "probe", name, "--no-wait").code == 0


# --- trust


def test_a_compared_host_key_is_trusted(run: Run, targets: Targets, name: str) -> None:
    aim(targets, name, CHANGED, hostKeys=TRUST_ON_FIRST_USE)
    said = run("target", "trust", name, "--fingerprint", fingerprint_of(OTHER_HOST_KEY))

    assert said.code == 0, said.error
    assert annotation(targets, name, TRUST_HOST_KEY_ANNOTATION) == fingerprint_of(OTHER_HOST_KEY)
    assert f"trusted  ssh-ed25519 {fingerprint_of(HOST_KEY)} since {MOMENT}" in said.error
    assert f"offered  ssh-ed25519 {fingerprint_of(OTHER_HOST_KEY)} since {MOMENT}" in said.error
    assert "another machine answers in its place" in said.error


@pytest.mark.parametrize(("answer", "trusted"), [("yes", True), ("y", False), ("no", False), ("", False)])
def test_on_a_terminal_the_whole_word_yes_is_asked_for(
    cluster: Cluster, targets: Targets, tmp_path: Path, name: str, *, answer: str, trusted: bool
) -> None:
    aim(targets, name, CHANGED, hostKeys=TRUST_ON_FIRST_USE)
    config = str(cluster.kubeconfig_for("admin"))
    words = [*SSHCRED, "target", "trust", name, "-n", targets.namespace, "--kubeconfig", config]
    path = {"PYTHONPATH": ":".join(entry for entry in sys.path if entry), "PATH": "/usr/bin:/bin"}
    code, shown = typed(shlex.join(words), tmp_path, path, answer, asks=rb"yes or no: ?\Z")

    assert f"Trust {fingerprint_of(OTHER_HOST_KEY)} as {targets.namespace}/{name}?" in shown
    assert code == int(not trusted)
    wanted = fingerprint_of(OTHER_HOST_KEY) if trusted else None
    assert annotation(targets, name, TRUST_HOST_KEY_ANNOTATION) == wanted


Mistake = tuple[Object, Object | None, list[str], int, str]
"""The target's spec, what was reported, the words after its name, and how the command ends."""
MISTAKES: Final[dict[str, Mistake]] = {
    "another fingerprint": (
        {"hostKeys": TRUST_ON_FIRST_USE},
        CHANGED,
        ["--fingerprint", fingerprint_of(HOST_KEY)],
        1,
        f"shows {fingerprint_of(OTHER_HOST_KEY)}, and not {fingerprint_of(HOST_KEY)}: nothing was changed",
    ),
    "no terminal": ({"hostKeys": TRUST_ON_FIRST_USE}, CHANGED, [], 2, "or --fingerprint with the host key that you"),
    "yes to anything": ({"hostKeys": TRUST_ON_FIRST_USE}, CHANGED, ["--yes"], 2, "--yes alone compares nothing"),
    "no fingerprint": ({}, None, ["--fingerprint", "SHA256:x"], 2, "is no fingerprint such as ssh-keygen -l shows"),
    "nothing seen yet": ({"hostKeys": TRUST_ON_FIRST_USE}, None, [], 1, "the first one is recorded by itself"),
    "nothing to compare": (
        {"hostKeys": TRUST_ON_FIRST_USE},
        WELL | {"hostKey": host_key(HOST_KEY)},
        [],
        1,
        "there is none to compare",
    ),
    "pinned keys": ({}, CHANGED, [], 1, f'  - "{OTHER_HOST_KEY}"'),
    "pinned in a ConfigMap": (
        {"port": 2222, "hostKeys": {"policy": "Pinned", "knownHosts": {"configMapName": "hosts", "key": "k"}}},
        CHANGED,
        [],
        1,
        f"  [login.hpc.example.org]:2222 {OTHER_HOST_KEY}",
    ),
    "an authority": (
        {"hostKeys": {"policy": "CertificateAuthority", "keys": [HOST_KEY]}},
        CHANGED,
        ["--fingerprint", fingerprint_of(OTHER_HOST_KEY)],
        1,
        "Put the public key of the CA there",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_what_is_not_compared_or_not_to_be_trusted_so_is_refused(
    run: Run, targets: Targets, name: str, mistake: Mistake
) -> None:
    members, status, words, code, told = mistake
    aim(targets, name, status, **members)
    ended = run("target", "trust", name, *words)

    assert (ended.code, ended.lines) == (code, [])
    assert " ".join(told.split()) in " ".join(ended.error.split())
    assert annotation(targets, name, TRUST_HOST_KEY_ANNOTATION) is None


# --- rotate --force


def test_a_staged_key_is_used_without_the_targets_that_are_named_before(
    run: Run, desk: Desk, targets: Targets, name: str
) -> None:
    desk.create(name, generated() | {"rotation": STAYS})
    desk.until(name, "Available")
    aim(targets, f"{name}-b", CHANGED, credentialRef={"name": name})
    desk.until_object(name, lambda found: "usedBy" in found["status"], "used")
    desk.edit(name, {"rotation": {"serial": 1}})
    staged = desk.until_object(name, lambda found: "next" in found["status"], "staged")["status"]["next"]
    refused = run("rotate", name, "--force")
    assert (refused.code, refused.lines) == (2, [])
    assert FORCE_PROMOTION_ANNOTATION not in desk.get(name)["metadata"].get("annotations", {})

    forced = run("rotate", name, "--force", "--yes")

    assert forced.code == 0, forced.error
    assert f"  {name}-b (login.hpc.example.org:22): Another host key is shown." in forced.error
    assert desk.get(name)["status"]["fingerprint"] == staged["fingerprint"]
    assert forced.lines[0].startswith(f"{desk.namespace}/{name} is ready: ")


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(["--force", "--yes"], 1, "no next key of", id="nothing is staged"),
        pytest.param(["--force", "--private-key", "f"], 2, "is about the key that is staged", id="another key"),
        pytest.param(["--force", "--timeout", "soon"], 2, "is no duration", id="no time to wait"),
    ],
)
def test_a_key_that_cannot_be_forced_is_told_of(
    run: Run, desk: Desk, name: str, words: list[str], code: int, told: str
) -> None:
    desk.create(name, generated())
    desk.until(name, "Available")
    said = run("rotate", name, *words)

    assert (said.code, said.lines) == (code, [])
    assert told in said.error


# --- exports


def test_an_export_takes_and_follows_the_host_keys_of_a_target(
    run: Run, desk: Desk, exports: ExportDesk, targets: Targets, name: str
) -> None:
    desk.create(name, generated())
    desk.until(name, "Available")
    ended = run("export", name, "--profile", "Flux", "--target", name, "--export-name", name, "--timeout", "1s")
    assert ended.code == 1
    assert f"TargetMissing: There is no SSHTarget {name} in this namespace" in ended.error

    aim(targets, name, hostKeys=TRUST_ON_FIRST_USE, credentialRef={"name": name}, port=2222)
    exports.until(name, "TargetHostKeyUnknown")
    report(targets, name, WELL | {"hostKey": host_key(HOST_KEY)})
    exports.until(name, "Exported")
    assert known_hosts(desk, name) == f"[login.hpc.example.org]:2222 {HOST_KEY}\n"

    report(targets, name, WELL | {"hostKey": host_key(OTHER_HOST_KEY)})
    wait_until(lambda: OTHER_HOST_KEY in known_hosts(desk, name), "the copy follows the target")


def known_hosts(desk: Desk, name: str) -> str:
    secret = desk.secret(name)
    assert secret is not None
    return data_of(secret)["known_hosts"].decode()


# --- all of them


@pytest.mark.parametrize("command", ["status", "probe", "trust"])
def test_a_target_that_is_not_there_is_said_to_be_elsewhere_perhaps(run: Run, command: str) -> None:
    said = run("target", command, "nobody-made-me")

    assert (said.code, said.lines) == (1, [])
    assert "there is no SSHTarget nobody-made-me in namespace" in said.error
    assert "sshcred target list -A" in said.error


def test_without_the_right_the_servers_sentence_is_shown(
    cluster: Cluster, run: Run, targets: Targets, name: str
) -> None:
    aim(targets, name, CHANGED, hostKeys=TRUST_ON_FIRST_USE)
    for command in (["list"], ["status", name], ["probe", name], ["trust", name]):
        said = run("target", *command, user="alice")
        assert (said.code, said.lines) == (1, [])
        assert 'User "alice" cannot' in said.error
    given = grant(cluster, targets.namespace, "alice", f"sshtargets.{GROUP}", ["get"])
    for command in (["probe", name], ["trust", name, "--fingerprint", fingerprint_of(OTHER_HOST_KEY)]):
        said = run("target", *command, user="alice")
        assert (said.code, said.lines) == (1, [])
        assert 'User "alice" cannot patch' in said.error
    revoke(cluster, targets.namespace, given)


def test_names_of_targets_are_completed(cluster: Cluster, targets: Targets, name: str) -> None:
    aim(targets, name)
    config = str(cluster.kubeconfig_for("admin"))
    words = f"sshcred target probe --kubeconfig {config} -n {targets.namespace} {name}"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(filter(None, sys.path))}
    environment |= {"_SSHCRED_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "7"}
    done = subprocess.run(SSHCRED, env=environment, capture_output=True, text=True, check=False)

    assert (done.stdout.split(), done.stderr) == ([f"plain,{name}"], "")
