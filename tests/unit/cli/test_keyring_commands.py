"""`sshcred keyring` beside an operator: what is asked is done once, what is refused is said, and keys in use stay."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sshcredential_operator.cli import keyring_desk
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE, kek_secret_name
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.root_key import ROOT_DATA_KEY, ROOT_SECRET_NAME, root_keys_from_bytes
from unit.cli.ring_shell import RingShell, Said, ring_shell
from unit.controller.conftest import Connect
from unit.encryption.samples import OTHER_UID
from unit.encryption.whole_ring import UIDS, spoilt

UID = UIDS["genomics"]
KEK_NAME = kek_secret_name(UID, 1)


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_desk, "LOOK_AGAIN_SECONDS", 0.05)


@pytest.fixture
async def shell(connected: Connect, tmp_path: Path) -> AsyncIterator[RingShell]:
    async with ring_shell(connected, tmp_path) as found:
        yield found


def state(shell: RingShell) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shell.api.sheet["state.json"])
    return found


def roots(shell: RingShell) -> list[str]:
    found = root_keys_from_bytes(shell.api.data(ROOT_SECRET_NAME)[ROOT_DATA_KEY])
    assert found
    return [key.kid for key in found.keys]


async def asked(shell: RingShell, *arguments: str) -> Said:
    """Run a command while an operator answers."""
    async with shell.place.running():
        return await shell.run(*arguments, "--timeout", "30s")


async def test_the_status_names_root_keys_and_what_is_missing(shell: RingShell) -> None:
    said = await shell.run("status")
    text, kek = "\n".join(said.lines), await shell.place.kek()
    assert said.code == 0
    assert f"Root key      {roots(shell)[0]}, in Secret {ROOT_SECRET_NAME}" in text
    assert "never backed up" in text
    assert f"wraps 2 keys: Secret {roots(shell)[0]}" in text
    assert kek.kid in text
    assert (await shell.backup()).code == 0
    shell.place.key_ring.upkeep.resume()
    await shell.place.key_ring.upkeep.look()
    assert "never backed up" not in "\n".join((await shell.run("status")).lines)
    found = json.loads("\n".join((await shell.run("status", "-o", "json")).lines))
    assert found == {"state": state(shell), "requests": {}}


async def test_all_that_opens_is_counted_and_what_does_not_is_an_error(shell: RingShell) -> None:
    said = await asked(shell, "verify")
    assert (said.code, said.lines) == (
        0,
        ["root key's canary: sings", "workspaces' keys:  2 open, 0 do not", "sealing keys:      0 open, 0 do not"],
    )
    shell.api.put_ring(spoilt(StoredSecret(KEK_NAME, KEK_SECRET_TYPE, shell.api.data(KEK_NAME))))
    said = await asked(shell, "verify")
    assert said.code == 1
    assert "workspaces' keys:  1 open, 1 do not" in said.lines
    assert f"does not open: {KEK_NAME}" in said.error


async def test_keys_that_secrets_name_are_counted_and_a_strange_one_is_an_error(shell: RingShell) -> None:
    kek = await shell.place.kek()
    shell.place.hold(kek)
    shell.place.hold(kek, "other")
    said = await asked(shell, "verify", "--credentials")
    assert said.code == 0
    assert f"2 Secrets of credentials name {kek.kid}" in said.lines
    shell.empty(*(name for name in shell.api.names() if name != KEK_NAME))
    shell.api.ask(reread__genomics="1")
    said = await asked(shell, "verify", "--credentials")
    assert said.code == 1
    assert f"2 Secrets name {kek.kid}, which the key ring does not have" in said.error


async def test_the_root_key_is_replaced_once_and_the_old_one_dropped(shell: RingShell) -> None:
    old = roots(shell)[0]
    said = await asked(shell, "rotate-root")
    new = roots(shell)[0]
    assert (said.code, roots(shell)) == (0, [new, old])
    assert f"the root key is {new}, and wraps every key of the key ring" in said.lines
    assert f"if this is broken off, go on with: sshcred keyring rotate-root --key {old}" in said.error
    said = await asked(shell, "rotate-root", "--key", old)
    assert (said.code, roots(shell)) == (0, [new, old])
    assert "nothing is asked for" in said.error
    said = await asked(shell, "drop", new)
    assert (said.code, f"{new} is the root key that is used" in said.error) == (1, True)
    said = await asked(shell, "drop", old)
    assert (said.code, said.lines, roots(shell)) == (0, [f"dropped {old}"], [new])
    said = await asked(shell, "drop", old)
    assert (said.code, roots(shell)) == (0, [new])  # it was dropped, whoever tells of it
    said = await asked(shell, "drop", "0" * 16)
    assert (said.code, "There is no key" in said.error) == (1, True)


async def test_a_workspaces_key_is_replaced_once_and_the_old_one_dropped_when_nothing_needs_it(
    shell: RingShell,
) -> None:
    old = await shell.place.kek()
    said = await asked(shell, "rotate-workspace", "genomics")
    new = await shell.place.kek()
    assert new != old
    assert said.lines[0] == f"genomics: the key is {new.kid}, and all credentials are under it"
    assert f"sshcred keyring drop {old.kid}" in said.lines[1]
    said = await asked(shell, "rotate-workspace", "genomics", "--key", old.kid)
    assert (said.code, await shell.place.kek()) == (0, new)
    assert "is replaced already" in said.error
    shell.place.hold(old)
    said = await asked(shell, "drop", old.kid)
    assert (said.code, f"The key {old.kid} is in use by 1" in said.error) == (1, True)
    shell.place.hold(new)
    assert (await asked(shell, "drop", old.kid)).lines == [f"dropped {old.kid}"]
    assert state(shell)["workspaces"]["genomics"]["olderKeyIds"] == []


async def test_all_workspaces_are_gone_through_and_one_that_is_gone_is_left(shell: RingShell) -> None:
    before = {name: (await shell.place.kek(name)).kid for name in UIDS}
    del shell.api.objects["/api/v1/namespaces/proteomics"]
    said = await asked(shell, "rotate-workspace", "--all")
    assert said.code == 0
    assert "proteomics: there is no such namespace any more" in said.error
    after = {name: one["keyId"] for name, one in state(shell)["workspaces"].items()}
    assert after["proteomics"] == before["proteomics"]
    assert after["genomics"] != before["genomics"]


MISTAKES: tuple[tuple[tuple[str, ...], int, str], ...] = (
    (("rotate-workspace",), 2, "Give either the name of a workspace or --all"),
    (("rotate-workspace", "genomics", "--all"), 2, "Give either the name of a workspace or --all"),
    (("rotate-workspace", "--all", "--key", "k"), 2, "--key is about one workspace"),
    (("rotate-workspace", "genomics", "--raise-serials"), 2, "belongs to --re-encrypt"),
    (("rotate-workspace", "genomics", "--re-encrypt", "--raise-serials", "--no-wait"), 2, "leave out --no-wait"),
    (("rotate-workspace", "genomics", "--key", "other"), 1, "has no key other"),
    (("rotate-workspace", "nowhere"), 1, "there is no namespace nowhere"),
    (("drop", "x"), 2, "is no name of a key"),
    (("drop", "1.000000010000.0000000000000000"), 1, "no workspace has a key"),
    (("shred", "genomics"), 2, "Nothing is destroyed without a terminal"),
    (("shred", "genomics", "--yes", "proteomics"), 2, "takes the name of the workspace once more"),
    (("shred", "nowhere", "--yes", "nowhere"), 1, "has no key that could be destroyed"),
    (("rebind", "genomics"), 1, "there is no key of an earlier namespace genomics"),
    (("rotate-root", "--timeout", "x"), 2, "timeout"),
)


@pytest.mark.parametrize(("arguments", "code", "says"), MISTAKES, ids=[" ".join(one[0]) for one in MISTAKES])
async def test_mistakes_are_told_and_change_nothing(
    shell: RingShell, arguments: tuple[str, ...], code: int, says: str
) -> None:
    before, sheet = shell.everything(), dict(shell.api.sheet)
    said = await shell.run(*arguments)
    assert (said.code, says in " ".join(said.error.replace("│", "").split())) == (code, True), said.error
    assert (shell.everything(), shell.api.sheet) == (before, sheet)


async def test_without_an_operator_a_command_says_so_and_what_was_asked_stays_asked(shell: RingShell) -> None:
    said = await shell.run("verify", "--timeout", "1s")
    assert said.code == 3
    said = await shell.run("rotate-workspace", "genomics", "--no-wait")
    assert (said.code, said.lines) == (0, ["genomics: asked for another key: sshcred keyring status"])
    kek = await shell.place.kek()
    assert shell.api.sheet["rotate.genomics"] == kek.kid
    said = await shell.run("rotate-workspace", "genomics", "--timeout", "1s")
    assert said.code == 3
    assert "a rotation is under way: watching that one" in said.error
    said = await asked(shell, "rotate-workspace", "genomics", "--key", kek.kid)
    assert said.code == 0, said.error
    assert len([name for name in shell.api.names() if UID in name]) == 2


async def test_shredding_destroys_the_keys_of_one_workspace_and_says_before_what_is_lost(shell: RingShell) -> None:
    kek, kept = await shell.place.kek(), await shell.place.kek("proteomics")
    shell.place.hold(kek)
    said = await asked(shell, "shred", "genomics", "--yes", "genomics")
    assert said.code == 0, said.error
    assert f"destroyed {kek.kid}" in said.lines
    assert "1 credentials: hpc-login" in said.error
    assert "who has an old dump of the operator's namespace" in said.error
    assert KEK_NAME not in shell.api.names()
    assert shell.place.ring.known(kek.kid, "genomics", UID) is None
    assert shell.place.ring.known(kept.kid, "proteomics", UIDS["proteomics"]) == kept
    assert (await shell.place.kek()) != kek


async def test_an_old_key_opens_in_the_namespace_made_anew_when_a_person_says_so(shell: RingShell) -> None:
    kek = await shell.place.kek()
    shell.api.put_namespace("genomics", OTHER_UID)
    shell.place.key_ring.workspaces.forget(None)
    assert shell.place.ring.known(kek.kid, "genomics", OTHER_UID) is None
    said = await asked(shell, "rebind", "genomics")
    assert (said.code, said.lines[0]) == (0, f"{kek.kid} opens values in genomics now"), said.error
    assert shell.place.ring.known(kek.kid, "genomics", OTHER_UID) == kek
    assert (await shell.place.kek()) != kek


async def test_where_no_operator_has_told_of_its_ring_that_is_said(shell: RingShell) -> None:
    shell.api.ask(state__json="")
    for arguments in (("status",), ("verify",), ("rotate-root",)):
        said = await shell.run(*arguments)
        assert (said.code, "no operator has told of its key ring" in said.error) == (1, True)
    shell.api.objects.pop(shell.api.path_of("sshcredential-key-ring", kind="configmaps"))
    assert (await shell.run("status")).code == 1
