"""SSHTargets on real servers: tried, installed at, rotated through; operator and process of targets are real, too."""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.shown import Object, condition_of, reason_of
from cluster.target_doors import home, ready, rotate, until_key_number
from cluster.target_stage import Stage, at, installed_at, logs_in, stage, told
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from ssh.servers import Sshd, make_key, running
from sshcredential_operator.api.names import TRUST_HOST_KEY_ANNOTATION
from sshcredential_operator.controller.metric_catalogue import CATALOGUE, PREFIX
from tools.programs import program

PASSWORD = "test-only-secret-value-of-the-account"


@pytest.fixture(scope="module")
def staged(cluster: Cluster, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(cluster, namespaces, tmp_path_factory.mktemp("targets")) as made:
        yield made


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Sshd]:
    with running(tmp_path / "sshd") as server:
        yield server


def statuses_of(found: Object) -> dict[str, str]:
    return {c["type"]: c["status"] for c in found["status"]["conditions"]}


# --- it is tried


def test_a_key_that_lies_there_is_seen_to_open_the_door(staged: Stage, name: str, server: Sshd) -> None:
    server.let_in(ready(staged, name))
    staged.targets.create(name, at(server, name))
    found = staged.targets.until(name, "LoggedIn")

    status, credential = found["status"], staged.desk.get(name)["status"]
    assert status["authenticatedFingerprints"] == [credential["fingerprint"]]
    assert f"{status['hostKey']['type']} {status['hostKey']['publicKey'].split()[1]}" == server.host_keys[0]
    assert status["serverVersion"].startswith("OpenSSH_")
    assert status["lastProbeAt"] == status["lastSuccessAt"]
    assert statuses_of(found) == dict.fromkeys(("Ready", "HostKeyTrusted", "Authenticated", "Installed"), "True")
    assert server.accepted() == [credential["fingerprint"]]
    assert staged.desk.until_object(name, lambda one: bool(one["status"].get("usedBy")), "used")["status"][
        "usedBy"
    ] == [{"kind": "SSHTarget", "name": name}]


def test_a_key_that_does_not_lie_there_is_told_and_how_to_mend_it(staged: Stage, name: str, server: Sshd) -> None:
    public_key = ready(staged, name)
    staged.targets.create(name, at(server, name))
    found = staged.targets.until(name, "AuthenticationFailed")
    assert "authorized_keys" in condition_of(found)["message"]
    assert "authenticatedFingerprints" not in found["status"]

    server.let_in(public_key)
    staged.targets.probe(name)
    staged.targets.until(name, "LoggedIn")


def test_a_target_that_comes_before_its_credential_waits_for_it(staged: Stage, name: str, server: Sshd) -> None:
    staged.targets.create(name, at(server, name))
    staged.targets.until(name, "CredentialMissing")
    server.let_in(ready(staged, name))
    staged.targets.probe(name)

    staged.targets.until(name, "LoggedIn")


def test_a_wrong_host_gets_no_login_at_all(staged: Stage, name: str, server: Sshd, tmp_path: Path) -> None:
    server.let_in(ready(staged, name))
    other = make_key(tmp_path / "other").public
    staged.targets.create(name, at(server, name, hostKeys={"policy": "Pinned", "keys": [other]}))
    found = staged.targets.until(name, "HostKeyChanged")

    assert found["status"]["offeredHostKey"]["publicKey"] == server.host_keys[0]
    assert statuses_of(found)["Stalled"] == "True"
    assert server.accepted() == []


def test_the_first_host_key_is_recorded_and_another_one_waits_for_a_person(
    staged: Stage, name: str, tmp_path: Path
) -> None:
    public_key = ready(staged, name)
    keys = [make_key(tmp_path / f"host-{n}") for n in range(2)]
    with running(tmp_path / "first", host_keys=(keys[0].private,)) as server:
        server.let_in(public_key)
        staged.targets.create(name, at(server, name, hostKeys={"policy": "TrustOnFirstUse"}))
        recorded = staged.targets.until(name, "LoggedIn")["status"]["hostKey"]
        port = server.port
    assert recorded["publicKey"] == keys[0].public
    with running(tmp_path / "second", {"Port": port}, host_keys=(keys[1].private,)) as server:
        server.let_in(public_key)
        staged.targets.probe(name)
        found = staged.targets.until(name, "HostKeyChanged")
        offered = found["status"]["offeredHostKey"]["fingerprint"]
        assert (found["status"]["hostKey"], server.accepted()) == (recorded, [])

        staged.targets.annotate(name, {TRUST_HOST_KEY_ANNOTATION: recorded["fingerprint"]})
        request = staged.targets.probe(name)
        staged.targets.until_object(name, lambda one: one["status"].get("handledProbeRequest") == request, "probed")
        assert reason_of(staged.targets.get(name)) == "HostKeyChanged"

        staged.targets.annotate(name, {TRUST_HOST_KEY_ANNOTATION: offered})
        trusted = staged.targets.until(name, "LoggedIn")
        assert trusted["status"]["hostKey"]["publicKey"] == keys[1].public
        assert "offeredHostKey" not in trusted["status"]


def test_nothing_is_connected_to_that_is_not_allowed(staged: Stage, name: str, server: Sshd) -> None:
    server.let_in(ready(staged, name))
    staged.targets.create(name, at(server, name, host="169.254.169.254"))
    staged.targets.until(name, "DestinationRefused")


def test_a_target_behind_another_is_reached_through_it(staged: Stage, name: str, server: Sshd, tmp_path: Path) -> None:
    public_key = ready(staged, name)
    with running(tmp_path / "bastion") as bastion:
        for one in (server, bastion):
            one.let_in(public_key)
        staged.targets.create(f"{name}-in", at(server, name, jumpTargetRef={"name": f"{name}-b"}))
        staged.targets.until(f"{name}-in", "JumpTargetMissing")
        staged.targets.create(f"{name}-b", at(bastion, name))
        staged.targets.until(f"{name}-in", "LoggedIn", seconds=60)

        assert len(bastion.accepted()) >= 2
        assert len(server.accepted()) == 1


# --- what it shows


def test_prometheus_has_nothing_to_say_against_the_metrics(staged: Stage, name: str, server: Sshd) -> None:
    server.let_in(ready(staged, name))
    staged.targets.create(name, at(server, name))
    staged.targets.until(name, "LoggedIn")
    _, text = staged.process.get("/metrics")
    said = subprocess.run(
        [program("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )

    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    shown = set(re.findall(rf"^# TYPE {PREFIX}_(\w+) ", text, re.MULTILINE))
    assert shown >= {one for one, meaning in CATALOGUE.items() if "Of the process `targets`" in meaning.help}
    assert shown <= CATALOGUE.keys()
    assert name not in text
    assert staged.namespace not in text


# --- a restart


def test_a_restart_visits_nobody_and_writes_nothing(staged: Stage, name: str, server: Sshd) -> None:
    server.let_in(ready(staged, name))
    staged.targets.create(name, at(server, name))
    before = staged.targets.until(name, "LoggedIn")["metadata"]["resourceVersion"]
    assert staged.process.stop() == 0
    again = staged.start()
    wait_until(lambda: again.metric("sshcredential_operator_reconciles_total") > 0, "passes were made")
    wait_until(lambda: not again.metric("sshcredential_operator_queue_depth"), "all passes were made")

    assert staged.targets.get(name)["metadata"]["resourceVersion"] == before
    assert len(server.accepted()) == 1


# --- it is installed


def test_a_password_lets_the_first_key_in_and_is_needed_no_more(staged: Stage, name: str, tmp_path: Path) -> None:
    public_key = ready(staged, name)
    with home(tmp_path / "sshd", PasswordAuthentication="yes") as (server, person):
        person.set_password(PASSWORD)
        person.holds("# mine\nssh-ed25519 AAAA junk of somebody\n")
        staged.desk.make_secret(name, {"password": f"{PASSWORD}\n".encode()})
        bootstrap = {"bootstrap": {"passwordSecret": {"name": name}}, "options": "restrict,pty"}
        staged.targets.create(name, installed_at(server, person, name, authorizedKey=bootstrap))
        found = staged.targets.until(name, "LoggedIn")

        assert condition_of(found, "Installed")["reason"] == "Installed"
        assert found["status"]["notes"] == ["BootstrapPresent"]
        lines = person.content.splitlines()
        assert lines[:2] == ["# mine", "ssh-ed25519 AAAA junk of somebody"]
        assert lines[2].startswith("restrict,pty " + " ".join(public_key.split()[:2]))
        assert f"sshcredential-operator:{staged.namespace}/{name}:" in lines[2]

        staged.desk.delete_secret(name)
        staged.targets.edit(name, {"authorizedKey": {"bootstrap": None}})
        after = staged.targets.until_object(name, lambda one: "notes" not in one["status"], "without a note")
        assert reason_of(after) == "LoggedIn"
    for place in (told(found), staged.process.log.read_text(), json.dumps(staged.desk.events(name), default=str)):
        assert PASSWORD not in place


def test_without_any_way_in_it_says_what_is_missing(staged: Stage, name: str, tmp_path: Path) -> None:
    ready(staged, name)
    with home(tmp_path / "sshd") as (server, person):
        staged.targets.create(name, installed_at(server, person, name))
        staged.targets.until(name, "BootstrapMissing")
        assert not person.file.exists()


# --- it is rotated through


def private_key_of(staged: Stage, name: str, place: Path) -> Path:
    """Take a copy of the key in use, as an export gives it."""
    export = {"credentialRef": {"name": name}, "secretName": f"{name}-copy", "profile": "SSHAuth"}
    body = {"apiVersion": "sshcredentials.dev/v1alpha1", "kind": "SSHCredentialExport", "metadata": {"name": name}}
    staged.cluster.kubectl("apply", "-n", staged.namespace, "-f", "-", input=json.dumps(body | {"spec": export}))
    staged.cluster.kubectl("wait", "-n", staged.namespace, "--for=condition=Ready", f"sshcredentialexport/{name}")
    read = ("get", "secret", f"{name}-copy", "-n", staged.namespace, "-o", "jsonpath={.data.ssh-privatekey}")
    place.touch(0o600)
    place.write_bytes(b64decode(staged.cluster.kubectl(*read).stdout))
    staged.cluster.kubectl("delete", "-n", staged.namespace, f"sshcredentialexport/{name}")
    return place


def test_a_rotation_goes_through_and_the_old_key_opens_nothing(staged: Stage, name: str, tmp_path: Path) -> None:
    public_key = ready(staged, name)
    with home(tmp_path / "sshd") as (server, person):
        person.holds(f"# by hand\n{public_key} sshcredential-operator:elsewhere/x:{'0' * 32}\n")
        staged.targets.create(name, installed_at(server, person, name))
        staged.targets.until(name, "LoggedIn")
        person.holds("# by hand\n")
        staged.targets.probe(name)
        staged.targets.until(name, "BootstrapMissing")
        person.holds(f"# by hand\n{public_key}\n")
        staged.targets.probe(name)
        assert condition_of(staged.targets.until(name, "LoggedIn"), "Installed")["reason"] == "InstalledByHand"
        old = private_key_of(staged, name, tmp_path / "old")
        assert logs_in(server, person.name, old)

        rotate(staged, name)
        until_key_number(staged, name, 2)
        new = private_key_of(staged, name, tmp_path / "new")
        assert logs_in(server, person.name, new)
        noted = lambda one: "RetiredKeyAccepted" in one["status"].get("notes", [])  # noqa: E731 - said once
        found = staged.targets.until_object(name, noted, "left open", 60)
        assert [key["publicKey"].split()[1] for key in found["status"]["retiredKeys"]] == [public_key.split()[1]]
        assert person.content.startswith(f"# by hand\n{public_key}\n")

        person.holds("".join(line for line in person.content.splitlines(keepends=True) if public_key not in line))
        staged.targets.probe(name)
        after = staged.targets.until_object(name, lambda one: "retiredKeys" not in one["status"], "closed")
        assert reason_of(after) == "LoggedIn"
        assert not logs_in(server, person.name, old)
        assert logs_in(server, person.name, new)


def test_our_own_line_goes_after_the_overlap_and_the_key_is_refused(staged: Stage, name: str, tmp_path: Path) -> None:
    public_key = ready(staged, name)
    with home(tmp_path / "sshd") as (server, person):
        person.holds(f"{public_key}\n")
        staged.targets.create(name, installed_at(server, person, name))
        staged.targets.until(name, "LoggedIn")
        rotate(staged, name)
        until_key_number(staged, name, 2)
        person.holds("".join(line for line in person.content.splitlines(keepends=True) if public_key not in line))
        old = private_key_of(staged, name, tmp_path / "old")
        assert logs_in(server, person.name, old)

        rotate(staged, name, 2)
        until_key_number(staged, name, 3)
        current = staged.desk.get(name)["status"]["fingerprint"]
        wait_until(lambda: len(person.content.splitlines()) == 1, "one line is left", 60)
        staged.targets.until_object(
            name,
            lambda one: one["status"]["authenticatedFingerprints"] == [current] and "retiredKeys" not in one["status"],
            "closed for the old key",
            60,
        )
        assert not logs_in(server, person.name, old)
        assert logs_in(server, person.name, private_key_of(staged, name, tmp_path / "new"))


def test_one_target_that_is_away_holds_the_promotion_and_nothing_else(staged: Stage, name: str, tmp_path: Path) -> None:
    public_key = ready(staged, name)
    away = tmp_path / "away"
    with home(tmp_path / "sshd") as (server, person):
        person.holds(f"{public_key}\n")
        with running(away) as other:
            other.let_in(public_key)
            staged.targets.create(name, installed_at(server, person, name))
            staged.targets.create(f"{name}-away", at(other, name))
            for one in (name, f"{name}-away"):
                staged.targets.until(one, "LoggedIn")
        rotate(staged, name)
        held = staged.desk.until_object(
            name,
            lambda one: condition_of(one, "RotationStaged").get("reason") == "WaitingForTargets",
            "waiting for a target",
        )
        upcoming = held["status"]["next"]
        staged.targets.until_object(
            name, lambda one: upcoming["fingerprint"] in one["status"]["authenticatedFingerprints"], "open for both", 60
        )
        told_of = staged.desk.until_object(
            name, lambda one: f"{name}-away" in condition_of(one, "RotationStaged")["message"], "waiting for that one"
        )
        assert f"{name}," not in condition_of(told_of, "RotationStaged")["message"]
        assert (reason_of(told_of), told_of["status"]["keyNumber"]) == ("Available", 1)

        with running(away, {"Port": other.port}, host_keys=(away / "host_key",)) as other:
            other.let_in(upcoming["publicKey"])
            staged.targets.probe(f"{name}-away")
            until_key_number(staged, name, 2)
