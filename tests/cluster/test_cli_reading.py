"""`sshcred list`, `status`, `wait` and `public-key` on the real API server, with the real operator."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.conftest import Workspace
from cluster.desk import Desk
from cluster.export_desk import ExportDesk, exported
from cluster.rights import grant, revoke
from controlplane.clusters import Cluster
from controlplane.waiting import wait_until
from sshcredential_operator.api.names import GROUP
from unit.cli.command import SSHCRED, Said, sshcred

Run = Callable[..., Said]
MISSING: dict[str, Any] = {"importFrom": {"privateKey": {"secretName": "nobody-made-this"}}}


@pytest.fixture(scope="module")
def generated(desk: Desk) -> dict[str, Any]:
    """A credential that is ready."""
    name = "shown-by-the-command-line"
    desk.create(name, {"generate": {"algorithm": "ECDSA"}, "name": "Shown_by", "description": "for the list"})
    return desk.until(name, "Available")


@pytest.fixture(scope="module")
def waiting(desk: Desk) -> str:
    """A credential that waits for its input."""
    desk.create("waits-before-the-command-line", MISSING)
    desk.until("waits-before-the-command-line", "InputSecretMissing")
    return "waits-before-the-command-line"


@pytest.fixture(scope="module")
def stalled(desk: Desk) -> str:
    """A credential that only its user can help."""
    desk.make_secret("no-key-at-all", {"ssh-privatekey": b"prose"})
    desk.create("stalls-before-the-command-line", {"importFrom": {"privateKey": {"secretName": "no-key-at-all"}}})
    desk.until("stalls-before-the-command-line", "NotAKey")
    return "stalls-before-the-command-line"


@pytest.fixture
def run(cluster: Cluster, workspace: Workspace, tmp_path: Path) -> Run:
    def run(*arguments: str, user: str = "admin", where: tuple[str, ...] = ("-n", workspace.namespace)) -> Said:
        return sshcred(tmp_path, *arguments, "--kubeconfig", cluster.kubeconfig_for(user), *where)

    return run


def row_of(name: str, said: Said) -> list[str]:
    [row] = [line.split() for line in said.lines if name in line.split()]
    return row


def test_the_list_is_the_tab_of_credentials(run: Run, generated: dict[str, Any], waiting: str) -> None:
    said = run("list")

    assert said.code == 0
    assert said.lines[0].split("   ")[0] == "NAME"
    assert "USED BY" in said.lines[0]
    name, fingerprint = generated["metadata"]["name"], generated["status"]["fingerprint"]
    assert row_of(name, said)[:6] == [name, "SSH", "ECDSA", "256", fingerprint, "True"]
    assert row_of(waiting, said)[2:4] == ["False", "(InputSecretMissing)"]
    assert not any("\x1b" in line for line in said.lines)


def test_the_wide_list_has_whole_messages(run: Run, waiting: str) -> None:
    [line] = [line for line in run("list", "-o", "wide").lines if line.startswith(waiting)]

    assert line.endswith("Create it; the key is taken as soon as it is there.")


def test_who_uses_a_credential_is_in_the_list_and_the_view(
    run: Run, desk: Desk, exports: ExportDesk, name: str
) -> None:
    desk.create(name, {"generate": {}})
    exports.create("a-copy-to-list", exported(name, "a-copy-to-list"))
    exports.until("a-copy-to-list", "Exported")
    wait_until(lambda: "SSHCredentialExport/a-copy-to-list" in row_of(name, run("list")), "the list shows the export")

    assert any("a-copy-to-list" in line and "True (Exported)" in line for line in run("status", name).lines)


def test_all_namespaces_have_a_column(run: Run, generated: dict[str, Any]) -> None:
    said = run("list", "-A", where=())

    assert said.lines[0].startswith("NAMESPACE")
    assert row_of(generated["metadata"]["name"], said)[0] == generated["metadata"]["namespace"]


@pytest.mark.parametrize("command", [["list"], ["status", "shown-by-the-command-line"]], ids=["list", "status"])
def test_objects_are_those_of_the_api(run: Run, generated: dict[str, Any], command: list[str]) -> None:
    name = generated["metadata"]["name"]
    found = [json.loads("\n".join(run(*command, "-o", "json").lines))]
    found += [yaml.safe_load("\n".join(run(*command, "-o", "yaml").lines))]
    for shown in found:
        items = shown["items"] if shown["kind"] == "List" else [shown]
        [one] = [item for item in items if item["metadata"]["name"] == name]
        assert one["status"]["fingerprint"] == generated["status"]["fingerprint"]
    assert f"sshcredential.{GROUP}/{name}" in run(*command, "-o", "name").lines


def test_keys_that_were_left_behind_are_listed(run: Run, desk: Desk, name: str) -> None:
    desk.create(name, {"generate": {}})
    desk.until(name, "Available")
    assert name not in " ".join(run("list", "--orphans").lines).split()
    desk.delete(name)

    def marked() -> list[str]:
        rows = [line.split() for line in run("list", "--orphans").lines if name in line.split()]
        return [cell for row in rows for cell in row if "(not" not in row]

    assert wait_until(marked, "the Secret is marked")[:2] == [f"{name}-sshcredential", name]
    assert f"secret/{name}-sshcredential" in run("list", "--orphans", "-o", "name").lines
    shown = json.loads("\n".join(run("list", "--orphans", "-o", "json").lines))["items"]
    assert {one["kind"] for one in shown} == {"Secret"}
    assert all("data" not in one for one in shown)


def test_an_empty_list_says_so_on_standard_error(run: Run) -> None:
    said = run("list", where=("-n", "default"))

    assert (said.code, said.lines) == (0, [])
    assert said.error == "there are no credentials in namespace default\n"


def test_the_view_tells_everything_and_what_to_do(run: Run, generated: dict[str, Any], stalled: str) -> None:
    ready = run("status", generated["metadata"]["name"])
    text = "\n".join(ready.lines)
    for part in ("Shown_by", "for the list", generated["status"]["fingerprint"], "sshcred public-key", "Conditions"):
        assert part in text

    lines = run("status", stalled).lines
    assert "NotAKey" in "\n".join(lines)
    after = lines[lines.index("Next step") + 1 :]
    assert after[0].startswith("  What lies in Secret no-key-at-all is no private key")
    assert any("Warning" in line and "Stalled" in line for line in lines)


def test_waiting_ends_when_it_is_ready_and_says_what_it_waits_for(run: Run, desk: Desk, name: str) -> None:
    desk.create(name, {"generate": {}})
    said = run("wait", name)

    assert (said.code, said.lines) == (0, [f"{desk.namespace}/{name} is ready"])


def test_waiting_ends_at_once_when_only_a_person_can_help(run: Run, stalled: str) -> None:
    said = run("wait", stalled, "--timeout", "1h")

    assert said.code == 1
    assert "NotAKey: What lies in Secret no-key-at-all" in said.error


def test_waiting_ends_when_its_time_is_over(run: Run, waiting: str) -> None:
    said = run("wait", waiting, "--timeout", "1s")

    assert said.code == 3
    assert "waiting for" in said.error
    assert "Secret nobody-made-this" in said.error


def test_waiting_for_the_end(run: Run, desk: Desk, name: str) -> None:
    assert run("wait", name, "--for", "deleted").code == 0


def test_the_end_of_what_is_stalled_is_waited_for(run: Run, stalled: str) -> None:
    said = run("wait", stalled, "--for", "deleted", "--timeout", "1s")

    assert said.code == 3
    assert said.error.endswith("is still waited for: it is still there\n")


def test_a_public_key_is_one_line_with_its_options(run: Run, generated: dict[str, Any]) -> None:
    name, line = generated["metadata"]["name"], generated["status"]["publicKey"]

    assert run("public-key", name).lines == [line]
    assert run("public-key", name, "--options", "restrict,pty").lines == [f"restrict,pty {line}"]
    assert run("public-key", name, "--options", "restrict pty").code == 2


def test_next_and_previous_keys_are_there_while_a_key_is_replaced(run: Run, desk: Desk, name: str) -> None:
    desk.create(name, {"generate": {}, "rotation": {"prepare": "1h"}})
    first = desk.until(name, "Available")["status"]["publicKey"]
    said = run("public-key", name, "--next")
    assert said.code == 1
    assert "no next key" in said.error
    desk.edit(name, {"rotation": {"serial": 1}})
    staged = desk.until_object(name, lambda found: "next" in found["status"], "staged")

    assert run("public-key", name, "--next").lines == [staged["status"]["next"]["publicKey"]]
    assert run("public-key", name).lines == [first]
    assert f"sshcred public-key {name} -n {desk.namespace} --next" in "\n".join(run("status", name).lines)


@pytest.mark.parametrize("command", ["status", "public-key"])
def test_a_credential_that_is_not_there_is_said_to_be_elsewhere_perhaps(run: Run, command: str) -> None:
    said = run(command, "nobody-made-me")

    assert said.code == 1
    assert "there is no SSHCredential nobody-made-me in namespace" in said.error
    assert "sshcred list -A" in said.error


@pytest.mark.parametrize("command", [["list"], ["status", "a-name"], ["wait", "a-name"]], ids=lambda one: one[0])
def test_without_the_right_the_servers_sentence_is_shown(run: Run, command: list[str]) -> None:
    said = run(*command, user="alice")

    assert said.code == 1
    assert 'User "alice" cannot' in said.error
    assert "Traceback" not in said.error


def test_without_a_right_to_exports_or_events_the_rest_is_shown(
    run: Run, cluster: Cluster, workspace: Workspace, generated: dict[str, Any]
) -> None:
    given = grant(cluster, workspace.namespace, "carol", f"sshcredentials.{GROUP}", ["get"])
    said = run("status", generated["metadata"]["name"], user="carol")
    revoke(cluster, workspace.namespace, given)

    assert said.code == 0
    assert generated["status"]["fingerprint"] in "\n".join(said.lines)
    assert "(they may not be read)" in "\n".join(said.lines)


def test_a_wrong_context_is_no_cluster(run: Run) -> None:
    said = run("list", "--context", "elsewhere")

    assert said.code == 4
    assert "no cluster to work with" in said.error


def test_on_a_terminal_there_is_colour_and_nothing_is_cut(
    cluster: Cluster, workspace: Workspace, generated: dict[str, Any]
) -> None:
    shown = {}
    for no_color in ("", "1"):
        reader, terminal = pty.openpty()
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(filter(None, sys.path)), "TERM": "xterm"}
        environment |= {"COLUMNS": "80", "NO_COLOR": no_color} if no_color else {"COLUMNS": "80"}
        command: list[str | Path] = [
            *SSHCRED,
            "list",
            "-n",
            workspace.namespace,
            "--kubeconfig",
            cluster.kubeconfig_for("admin"),
        ]
        with subprocess.Popen(command, stdout=terminal, env=environment) as running:
            os.close(terminal)
            shown[no_color] = _all_of(reader)  # while it writes: a terminal takes a few kilobytes that nobody reads
        assert running.returncode == 0

    folded = "".join(shown["1"].split())
    assert "\x1b[32m" in shown[""]
    assert "\x1b[32m" not in shown["1"]
    assert "…" not in shown["1"]
    assert generated["status"]["fingerprint"][:12] in folded


def _all_of(reader: int) -> str:
    found = b""
    try:
        while part := os.read(reader, 65_536):
            found += part
    except OSError:  # so a terminal says that its other end is closed
        pass
    os.close(reader)
    return found.decode()


def test_names_are_completed_from_the_cluster_without_a_word_of_trouble(
    cluster: Cluster, workspace: Workspace, generated: dict[str, Any]
) -> None:
    def completed(kubeconfig: str) -> tuple[list[str], str]:
        words = f"sshcred status --kubeconfig {kubeconfig} -n {workspace.namespace} shown-"
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": ":".join(filter(None, sys.path))}
        environment |= {"_SSHCRED_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": "6"}
        done = subprocess.run(SSHCRED, env=environment, capture_output=True, text=True, check=False)
        return done.stdout.split(), done.stderr

    assert completed(str(cluster.kubeconfig_for("admin"))) == ([f"plain,{generated['metadata']['name']}"], "")
    assert completed(str(cluster.kubeconfig_for("alice"))) == ([], "")
