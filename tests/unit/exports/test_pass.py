"""Passes over exports: what they ask and write, whom they never touch, and that no fault changes the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from sshcredential_operator.api.credential import parse_credential
from sshcredential_operator.api.names import ExportKey
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.copy_proof import CopyContent, CopyPlace
from sshcredential_operator.exports.observed import RawCopy, Unguarded
from sshcredential_operator.exports.one_pass import follow
from sshcredential_operator.keys.stored import stored_public_key
from sshcredential_operator.reconcile.one_pass import Outcome
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.exports.export_memory import EXPORT, PLACE, POLICY, SPEC, Lab
from unit.reconcile.operator_memory import Crashed, unavailable
from unit.reconcile.samples import KEY

SOMEBODYS = RawCopy("theirs", "1", CopyContent("Opaque", {"sshcredentials.dev/export": EXPORT.name}, {"a": b"b"}))
HOST = "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


@pytest.fixture
async def lab() -> Lab:
    return await Lab().with_credential()


async def test_a_copy_costs_two_writes_and_a_look_at_it_none(lab: Lab) -> None:
    lab.apply()
    await lab.settle()

    assert lab.reason() == "Exported"
    assert lab.server.writes == ["create copy", "patch export status"]
    assert lab.server.asked.count("get policy") == 1
    assert [event for event, _, _ in lab.events] == ["Exported"]
    lab.server.asked.clear()

    await lab.settle()

    assert lab.server.writes == ["create copy", "patch export status"]
    assert [what for what in lab.server.asked if "kek" not in what] == ["get copy"]


async def test_everything_that_it_tells_is_of_the_copy(lab: Lab) -> None:
    lab.apply({**SPEC, "expiresAfter": "8h", "url": "ssh://git@git.example.org/x"})
    await lab.settle()
    status, key = lab.status(), lab.server.status()

    assert (status["keyNumber"], status["fingerprint"]) == (1, key["fingerprint"])
    assert (status["secretName"], status["expiresAt"]) == (PLACE.secret_name, "2026-01-31T19:30:00Z")
    assert status["notes"] == ["UrlIgnored"]
    assert status["admission"] == {"generation": 1, "policy": POLICY.identity, "admitted": True}


async def removed(lab: Lab) -> None:
    lab.remove()


async def expired(lab: Lab) -> None:
    lab.operator.now += timedelta(hours=8)


async def moved(lab: Lab) -> None:
    lab.apply({**SPEC, "secretName": "elsewhere", "expiresAfter": "8h"})


async def credential_removed(lab: Lab) -> None:
    lab.server.remove()
    lab.operator.catch_up()


async def rotated(lab: Lab) -> None:
    lab.server.apply({"generate": {"algorithm": "Ed25519", "bits": 256}, "rotation": {"serial": 1}})
    await lab.operator.settle()


async def tampered(lab: Lab) -> None:
    found = lab.copies[PLACE]
    lab.put(PLACE, replace(found, content=found.content._replace(data={"mine": b"x"})))


async def made_immutable(lab: Lab) -> None:
    found = lab.copies[PLACE]
    lab.put(PLACE, replace(found, immutable=True, content=found.content._replace(labels={})))


async def taken_away(lab: Lab) -> None:
    lab.put(PLACE, None)


async def of_another_type(lab: Lab) -> None:
    lab.apply({**SPEC, "profile": "GitSync", "knownHosts": {"inline": HOST}, "expiresAfter": "8h"})


Story = Callable[[Lab], Awaitable[None]]
ENDS: dict[Story, tuple[str | None, list[str], list[str]]] = {
    removed: (None, [], ["Withdrawn"]),
    expired: ("Expired", [], ["Withdrawn"]),
    moved: ("Exported", ["elsewhere"], ["Withdrawn", "Exported"]),
    credential_removed: ("CredentialMissing", [], ["Withdrawn"]),
    rotated: ("Exported", ["git-auth"], []),
    tampered: ("Exported", ["git-auth"], ["Repaired"]),
    made_immutable: ("Exported", ["git-auth"], ["Repaired"]),
    taken_away: ("Exported", ["git-auth"], ["Repaired"]),
    of_another_type: ("Exported", ["git-auth"], []),
}
"""For each story: the reason in the end, the copies that are left, and the events."""


async def told(story: Story) -> Lab:
    lab = await Lab().with_credential()
    lab.apply({**SPEC, "expiresAfter": "8h"})
    await lab.settle()
    lab.events.clear()
    await story(lab)
    lab.server.asked.clear()
    lab.server.writes.clear()
    return lab


def hold(lab: Lab, story: Story) -> None:
    reason, copies, _ = ENDS[story]
    assert [place.secret_name for place in lab.copies] == copies
    assert EXPORT not in lab.exports if reason is None else lab.reason() == reason
    if reason is None:
        return
    assert lab.status().get("secretName") == (copies[0] if copies else None)
    if reason == "Exported":
        assert lab.status()["fingerprint"] == lab.server.status()["fingerprint"]
        data = lab.copies[CopyPlace(KEY.namespace, copies[0])].content.data
        assert stored_public_key(Sensitive(data.get("ssh-privatekey") or data["ssh"])) == stored_public_key(
            lab.operator.keys.made[-1].private
        )


@pytest.mark.parametrize("story", ENDS)
async def test_it_comes_to_its_end(story: Story) -> None:
    lab = await told(story)

    await lab.settle()

    hold(lab, story)
    assert [event for event, _, _ in lab.events] == ENDS[story][2]
    lab.server.writes.clear()
    await lab.settle()
    assert lab.server.writes == []


@pytest.mark.parametrize("story", ENDS)
async def test_a_fault_at_any_request_changes_nothing_of_the_end(story: Story) -> None:
    lab = await told(story)
    await lab.settle()
    requests = len(lab.server.asked)
    assert requests

    for number in range(requests):
        for fault in ("fault_before", "fault_after"):
            lab = await told(story)
            getattr(lab.server, fault)[number] = unavailable()
            await lab.settle()
            hold(lab, story)


@pytest.mark.parametrize("story", ENDS)
async def test_a_crash_at_any_request_changes_nothing_of_the_end(story: Story) -> None:
    lab = await told(story)
    await lab.settle()

    for number in range(len(lab.server.asked)):
        for fault in ("fault_before", "fault_after"):
            lab = await told(story)
            getattr(lab.server, fault)[number] = Crashed()
            with pytest.raises(Crashed):
                await lab.settle()
            getattr(lab.server, fault).clear()
            lab.start()
            await lab.settle()
            hold(lab, story)


@pytest.mark.parametrize("story", [removed, expired, moved, credential_removed, tampered, made_immutable])
async def test_a_secret_that_somebody_puts_in_its_place_meanwhile_is_not_touched(story: Story) -> None:
    lab = await told(story)
    await lab.settle()

    for number in range(len(lab.server.asked)):
        lab = await told(story)

        async def swap(lab: Lab = lab) -> None:
            lab.put(PLACE, SOMEBODYS)

        lab.server.meanwhile[number] = swap
        await lab.settle()
        if lab.server.asked[number] == "delete copy":
            assert "Withdrawn" not in [event for event, _, _ in lab.events], "it was not we who took it away"
        await lab.settle()
        assert lab.copies[PLACE].content == SOMEBODYS.content


async def test_of_a_foreign_secret_only_what_it_is_is_read(lab: Lab) -> None:
    lab.put(PLACE, SOMEBODYS)
    lab.apply()

    await lab.settle()

    assert lab.reason() == "SecretConflict"
    assert "secretName" not in lab.status()
    lab.remove()
    await lab.settle()
    assert lab.copies[PLACE].content == SOMEBODYS.content
    assert lab.server.writes == ["patch export status"]


async def test_an_answer_from_before_the_credentials_end_does_not_keep_its_copy(lab: Lab) -> None:
    lab.apply()
    await lab.settle()
    before = lab.server.credentials[KEY]
    await credential_removed(lab)
    lab.server.credentials[KEY] = before

    assert (await follow(EXPORT, lab.world)).retry

    assert PLACE in lab.copies
    del lab.server.credentials[KEY]
    await lab.settle()
    assert lab.reason() == "CredentialMissing"
    assert PLACE not in lab.copies


async def test_an_answer_that_the_credential_is_gone_takes_no_copy_if_the_watch_tells_of_it_meanwhile(lab: Lab) -> None:
    lab.apply()
    await lab.settle()
    there = lab.server.credentials[KEY]
    await credential_removed(lab)

    async def comes_back() -> None:
        again = {**there, "metadata": {**there["metadata"], "resourceVersion": "9000"}}
        lab.operator.store.saw_credential(parse_credential(again), deleted=False)

    lab.server.meanwhile[len(lab.server.asked)] = comes_back

    assert (await follow(EXPORT, lab.world)).retry

    assert PLACE in lab.copies


@pytest.mark.parametrize("forged", ["another place", "another export"])
async def test_a_copied_proof_makes_nothing_ours(lab: Lab, forged: str) -> None:
    lab.apply()
    await lab.settle()
    copied = lab.copies[PLACE]
    proof = copied.proof if forged == "another place" else (copied.proof or "").replace(EXPORT.name, "other")
    elsewhere = CopyPlace(KEY.namespace, "elsewhere") if forged == "another place" else PLACE
    lab.put(elsewhere, replace(copied, proof=proof))

    lab.remove()
    await lab.settle()
    await lab.settle(ExportKey(KEY.namespace, "other"))

    assert elsewhere in lab.copies


async def test_without_the_policy_nothing_is_written_and_what_is_there_stays(lab: Lab) -> None:
    lab.apply()
    await lab.settle()
    lab.policy = Unguarded()
    before = dict(lab.copies)
    lab.apply({**SPEC, "passphrase": "Strip", "privateKeyFormat": "OpenSSH", "knownHosts": {"inline": HOST}})

    [outcome] = await lab.settle()

    assert isinstance(outcome, Outcome)
    assert (lab.reason(), outcome.due_in) == ("ExportNotGuarded", 60)
    assert lab.copies == before


async def test_what_nobody_was_asked_for_is_not_made_until_it_is_touched(lab: Lab) -> None:
    lab.apply(made="2025-12-31T00:00:00Z")
    await lab.settle()
    assert (lab.reason(), lab.copies) == ("ExportOlderThanPolicy", {})

    await lab.settle()
    assert lab.server.writes == ["patch export status"]

    lab.apply({**SPEC, "username": "git"})
    await lab.settle()
    assert lab.reason() == "Exported"


async def test_an_export_that_only_the_watch_has_lost_keeps_its_copy(lab: Lab) -> None:
    lab.apply()
    await lab.settle()
    lab.store.remember_export(EXPORT, None)

    await lab.settle()

    assert lab.copies.keys() == {PLACE}
    assert lab.store.export(EXPORT) is not None


async def test_the_copy_follows_the_config_map(lab: Lab) -> None:
    lab.hosts = {("hosts", "known_hosts"): HOST}
    lab.apply({**SPEC, "knownHosts": {"configMapName": "hosts"}})
    await lab.settle()
    lab.events.clear()

    lab.hosts = {("hosts", "known_hosts"): f"# new\n{HOST}"}
    await lab.settle()

    assert lab.copies[PLACE].content.data["known_hosts"].decode() == f"# new\n{HOST}\n"
    assert lab.events == [], "nobody tampered with it"


async def test_an_option_does_without_the_policy() -> None:
    lab = Lab()
    lab.guarded, lab.policy = False, Unguarded()
    lab.start()
    await lab.with_credential()
    lab.apply()

    await lab.settle()

    assert lab.reason() == "Exported"
    assert "get policy" not in lab.server.asked


async def test_the_older_of_two_has_the_secret_and_the_other_comes_after_it(lab: Lab) -> None:
    second = ExportKey(KEY.namespace, "second")
    lab.apply()
    lab.apply(key=second, made="2026-01-31T11:31:00Z")
    for key in (second, EXPORT, second):
        await lab.settle(key)
    assert (lab.reason(), lab.reason(second)) == ("Exported", "ExportConflict")

    lab.remove()
    await lab.settle(second)
    await lab.settle(EXPORT)

    assert lab.reason(second) == "Exported"
    assert lab.copies.keys() == {PLACE}


async def test_a_copy_waits_for_its_credential() -> None:
    lab = Lab()
    lab.apply()
    await lab.settle()
    assert lab.reason() == "CredentialMissing"

    lab.server.apply({"generate": {"algorithm": "Ed25519", "bits": 256}})
    lab.operator.catch_up()
    await lab.settle()
    assert lab.reason() == "CredentialNotReady"

    await lab.operator.settle()
    await lab.settle()
    assert lab.reason() == "Exported"


async def test_a_moment_of_a_rotation_is_waited_for_without_a_word(lab: Lab) -> None:
    """The Secret has the new key already, and the credential's status has not said so."""
    lab.apply()
    await lab.settle()
    before = lab.status()
    lab.server.apply({"generate": {"algorithm": "Ed25519", "bits": 256}, "rotation": {"serial": 1}})
    lab.operator.catch_up()
    lab.server.refuses["patch status"] = unavailable()
    with pytest.raises(TroubleError):
        await lab.operator.one_pass()

    await lab.settle()
    assert lab.status() == before

    lab.server.refuses.clear()
    await lab.operator.settle()
    await lab.settle()
    assert lab.status()["keyNumber"] == 2


@pytest.mark.parametrize(
    ("data", "reason", "due"),
    [
        pytest.param({}, "KnownHostsConfigMapMissing", 60, id="no ConfigMap"),
        pytest.param({("hosts", "known_hosts"): "nonsense"}, "KnownHostsInvalid", 300, id="no host"),
        pytest.param({("hosts", "known_hosts"): HOST}, "Exported", 300, id="a host"),
    ],
)
async def test_a_config_map_is_looked_at_again(
    lab: Lab, data: dict[tuple[str, str], str], reason: str, due: float
) -> None:
    lab.hosts = data
    lab.apply({**SPEC, "knownHosts": {"configMapName": "hosts"}})

    came: Any = await lab.settle()

    assert (lab.reason(), came[-1].due_in) == (reason, due)
