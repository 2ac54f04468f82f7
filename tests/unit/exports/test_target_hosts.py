"""Known hosts that come from an SSHTarget: which lines, when none, and that a copy follows and is never taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import pytest

from sshcredential_operator.api.export_spec import ConfigMapKnownHosts, TargetKnownHosts, parse_export_spec
from sshcredential_operator.api.names import TargetKey
from sshcredential_operator.api.spec import InvalidSpec
from sshcredential_operator.api.target import Target, parse_target
from sshcredential_operator.controller.export_store import ExportStore
from sshcredential_operator.exports.observed import HostKeys, TargetBehind, TargetLacks
from sshcredential_operator.exports.target_hosts import config_map_of, hosts_changed, hosts_of
from unit.exports.export_memory import EXPORT, PLACE, SPEC, Lab
from unit.reconcile.samples import KEY, NOW

FIRST: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIsvUCeHXCOIgQ6yTV8XAJmKPY1rAG05zAdwf22CPDq3"
SECOND: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
NODE: Final = TargetKey(KEY.namespace, "login-node")
FROM_TARGET: Final[dict[str, Any]] = {**SPEC, "profile": "Flux", "targetRef": {"name": NODE.name}}
PINNED: Final = {"policy": "Pinned", "keys": [f"{FIRST} of the first", SECOND]}
AUTHORITY: Final = {"policy": "CertificateAuthority", "keys": [FIRST]}
ELSEWHERE: Final = {"policy": "Pinned", "knownHosts": {"configMapName": "hosts", "key": "k"}}
RECORDED: Final = {"policy": "TrustOnFirstUse"}


def seen(line: str) -> dict[str, str]:
    return {"type": "ssh-ed25519", "fingerprint": "SHA256:x", "publicKey": line, "since": "2026-01-01T00:00:00Z"}


def target(host_keys: object, *, answered: int = 1, spec: object = None, **status: object) -> Target:
    fields = {"credentialRef": {"name": KEY.name}, "host": "login.example.org", "username": "me", "port": 2222}
    metadata = {"namespace": NODE.namespace, "name": NODE.name, "uid": "u", "resourceVersion": "1", "generation": 1}
    told = {"observedGeneration": answered, **status}
    return parse_target({"metadata": metadata, "spec": spec or {**fields, "hostKeys": host_keys}, "status": told})


NAME: Final = "[login.example.org]:2222"
UNKNOWN: Final = TargetLacks(NODE.name, exists=True)


@pytest.mark.parametrize(
    ("node", "text", "hosts"),
    [
        pytest.param(target(PINNED), None, HostKeys(f"{NAME} {FIRST}\n{NAME} {SECOND}\n"), id="pinned"),
        pytest.param(
            target(PINNED, answered=0), None, HostKeys(f"{NAME} {FIRST}\n{NAME} {SECOND}\n"), id="no probe yet"
        ),
        pytest.param(target(AUTHORITY), None, HostKeys(f"@cert-authority {NAME} {FIRST}\n"), id="an authority"),
        pytest.param(
            target(ELSEWHERE),
            f"other.example.org {SECOND}\n{NAME} {FIRST}\n",
            HostKeys(f"{NAME} {FIRST}\n"),
            id="those of this host, out of a ConfigMap",
        ),
        pytest.param(target(ELSEWHERE), f"other.example.org {FIRST}\n", UNKNOWN, id="a ConfigMap of other hosts"),
        pytest.param(target(ELSEWHERE), "no lines at all", UNKNOWN, id="a ConfigMap that cannot be read"),
        pytest.param(target(RECORDED, hostKey=seen(FIRST)), None, HostKeys(f"{NAME} {FIRST}\n"), id="recorded"),
        pytest.param(
            target(RECORDED, hostKey=seen(FIRST), offeredHostKey=seen(SECOND)),
            None,
            HostKeys(f"{NAME} {FIRST}\n"),
            id="recorded, and another one is offered",
        ),
        pytest.param(target(RECORDED), None, UNKNOWN, id="nothing recorded"),
        pytest.param(target(RECORDED, offeredHostKey=seen(SECOND)), None, UNKNOWN, id="only offered"),
        pytest.param(target(RECORDED, hostKey=seen("ssh-ed25519 A")), None, UNKNOWN, id="a status that is no key"),
        pytest.param(
            target(RECORDED, answered=0, hostKey=seen(FIRST)),
            None,
            TargetBehind(NODE.name),
            id="recorded for an earlier spec",
        ),
        pytest.param(target(None, spec={"host": "x"}), None, UNKNOWN, id="a spec that cannot be read"),
    ],
)
def test_the_lines_say_what_the_target_trusts(node: Target, text: str | None, hosts: object) -> None:
    assert hosts_of(node, text, NOW) == hosts


def test_a_config_map_is_read_where_the_target_names_one() -> None:
    assert config_map_of(target(ELSEWHERE)) == ConfigMapKnownHosts("hosts", "k")
    assert config_map_of(target(PINNED)) is None


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        pytest.param(None, target(PINNED), True, id="it comes"),
        pytest.param(target(PINNED), None, True, id="it goes"),
        pytest.param(target(PINNED), target(AUTHORITY), True, id="another policy"),
        pytest.param(target(RECORDED, hostKey=seen(FIRST)), target(RECORDED, hostKey=seen(SECOND)), True, id="a key"),
        pytest.param(target(RECORDED, answered=0), target(RECORDED), True, id="it is answered"),
        pytest.param(target(PINNED), target(PINNED, lastProbeAt="2026-01-01T00:00:00Z"), False, id="one more probe"),
    ],
)
def test_exports_are_looked_at_only_when_host_keys_may_differ(
    before: Target | None, after: Target | None, changed: bool
) -> None:
    assert hosts_changed(before, after) is changed


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"targetRef": {"name": "My_Target"}}, "spec.targetRef.name"),
        ({"targetRef": {"name": NODE.name}, "knownHosts": {"inline": "x"}}, "spec.targetRef"),
        ({"targetRef": "login-node"}, "spec.targetRef"),
    ],
    ids=["no name", "beside known hosts", "no mapping"],
)
def test_a_reference_that_does_not_fit_is_told(members: dict[str, Any], field: str) -> None:
    assert parse_export_spec(SPEC | members) == InvalidSpec(field)


def test_a_reference_is_read() -> None:
    read = parse_export_spec(FROM_TARGET)

    assert not isinstance(read, InvalidSpec)
    assert read.known_hosts == TargetKnownHosts(NODE.name)


@pytest.fixture
async def lab() -> Lab:
    lab = await Lab().with_credential()
    lab.apply(FROM_TARGET)
    return lab


def hosts(lab: Lab) -> bytes:
    return lab.copies[PLACE].content.data["known_hosts"]


async def test_a_copy_waits_for_its_target_and_follows_it(lab: Lab) -> None:
    await lab.settle()
    assert (lab.reason(), lab.copies) == ("TargetMissing", {})
    lab.targets[NODE] = target(RECORDED)
    await lab.settle()
    assert (lab.reason(), lab.copies) == ("TargetHostKeyUnknown", {})
    lab.targets[NODE] = target(RECORDED, hostKey=seen(FIRST))
    await lab.settle()
    assert (lab.reason(), hosts(lab)) == ("Exported", f"{NAME} {FIRST}\n".encode())
    lab.targets[NODE] = target(RECORDED, hostKey=seen(SECOND))
    outcomes = await lab.settle()
    assert (lab.reason(), hosts(lab)) == ("Exported", f"{NAME} {SECOND}\n".encode())
    assert getattr(outcomes[-1], "due_in", None) == 300


@pytest.mark.parametrize(
    ("node", "reason"),
    [
        pytest.param(None, "TargetMissing", id="the target is deleted"),
        pytest.param(target(RECORDED), "TargetHostKeyUnknown", id="its host key is forgotten"),
        pytest.param(target(RECORDED, answered=0, hostKey=seen(SECOND)), "Exported", id="its spec was just changed"),
        pytest.param(target(ELSEWHERE), "KnownHostsConfigMapMissing", id="its ConfigMap is not there"),
    ],
)
async def test_a_copy_that_is_there_stays_as_it_is(lab: Lab, node: Target | None, reason: str) -> None:
    lab.targets[NODE] = target(RECORDED, hostKey=seen(FIRST))
    await lab.settle()
    lab.targets.clear()
    if node:
        lab.targets[NODE] = node
    lab.server.writes.clear()
    outcomes = await lab.settle()

    assert (lab.reason(), hosts(lab)) == (reason, f"{NAME} {FIRST}\n".encode())
    assert "patch copy" not in lab.server.writes
    assert getattr(outcomes[-1], "due_in", None) == 60


async def test_the_store_finds_the_exports_of_a_target(lab: Lab) -> None:
    assert lab.store.of_target(NODE) == {EXPORT}
    assert lab.store.of_target(replace(NODE, name="another")) == frozenset()
    assert ExportStore().of_target(NODE) == frozenset()
