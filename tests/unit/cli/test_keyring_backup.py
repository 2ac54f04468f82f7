"""`sshcred keyring backup` and `restore`: what is there stays, what is said is so, and broken off it goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from sshcredential_operator.api.names import BACKED_UP_AT_ANNOTATION
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.cli.keyring_restore import _is_same
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.backup_seal import Identity, open_backup
from sshcredential_operator.encryption.canary import CANARY_SECRET_TYPE
from sshcredential_operator.encryption.credential_secret import open_credential, peek_kids
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE, kek_secret_name, new_kek
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_backup import RingBackup
from sshcredential_operator.encryption.ring_documents import wrapped_kek
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    ROOT_SECRET_TYPE,
    new_root_keys,
    root_keys_to_bytes,
)
from sshcredential_operator.encryption.root_secret import RootInSecret
from unit.cli.ring_shell import RingShell, ring_shell
from unit.controller.api_memory import OWN
from unit.controller.conftest import Connect
from unit.encryption.samples import NAME, OTHER_UID, RECORD, public_half
from unit.encryption.test_recipient import PRIVATE
from unit.encryption.whole_ring import UIDS, spoilt

KEK_NAME = kek_secret_name(UIDS["genomics"], 1)
HELD = f"{NAME}-sshcredential"


@pytest.fixture
async def shell(connected: Connect, tmp_path: Path) -> AsyncIterator[RingShell]:
    async with ring_shell(connected, tmp_path) as found:
        yield found


def noted(shell: RingShell, name: str = ROOT_SECRET_NAME) -> str | None:
    metadata = shell.api.objects[shell.api.path_of(name)]["metadata"]
    found: str | None = metadata.get("annotations", {}).get(BACKED_UP_AT_ANNOTATION)
    return found


def read(shell: RingShell) -> RingBackup:
    own = Identity(str(PRIVATE["x"]), Sensitive(b64url.decode(PRIVATE["d"]) or b""))
    plain = open_backup((shell.folder / "backup").read_bytes(), own)
    assert isinstance(plain, Sensitive)
    backup = RingBackup.from_bytes(plain.reveal())
    assert backup
    return backup


async def test_a_backup_is_for_its_owner_is_noted_and_has_everything(shell: RingShell) -> None:
    said = await shell.backup()
    assert (said.code, said.lines) == (
        0,
        [f"backup: keys of 2 workspaces (2), 0 sealing keys, root {shell.place.ring.roots.id.key_id} (Secret)"],
    ), said.error
    assert (shell.folder / "backup").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in shell.folder.iterdir()) == ["backup", "key.json", "kubeconfig"]
    assert {one.name: dict(one.data) for one in read(shell).secrets} == shell.everything()
    assert noted(shell) == f"{read(shell).made_at:%Y-%m-%dT%H:%M:%SZ}"
    assert "verify" in shell.api.sheet  # so that an operator tells of it at once


async def test_a_backup_after_the_root_key_was_replaced_and_dropped_counts(shell: RingShell) -> None:
    old = shell.place.ring.roots.id.key_id
    shell.api.ask(rotate_root=old)
    for _ in range(2):
        shell.place.key_ring.upkeep.resume()
        await shell.place.key_ring.upkeep.look()
    shell.api.ask(drop_root=old)
    shell.place.key_ring.upkeep.resume()
    await shell.place.key_ring.upkeep.look()
    assert shell.place.key_ring.upkeep.state.refused["drop-root"] is None
    said = await shell.backup()
    assert (said.code, said.error) == (0, "")
    assert noted(shell)


async def test_a_backup_of_what_does_not_open_is_written_and_not_noted(shell: RingShell) -> None:
    raw = shell.api.data(KEK_NAME)
    shell.api.put_ring(spoilt(StoredSecret(KEK_NAME, KEK_SECRET_TYPE, raw)))
    said = await shell.backup()
    assert said.code == 1
    assert f"does not open, and is in the file only as it is stored: {KEK_NAME}" in said.error
    assert noted(shell) is None
    assert [one.namespace for one in read(shell).keks] == ["proteomics"]


async def test_with_a_root_elsewhere_its_canary_bears_the_note(shell: RingShell) -> None:
    keys = new_root_keys()
    (shell.folder / "root").write_bytes(root_keys_to_bytes(keys))
    sources = ("--root-source", f"file:{shell.folder / 'root'}", "--root-source", "secret")
    said = await shell.backup(*sources)
    assert said.code == 1
    assert "there is no canary yet that could bear the time" in said.error
    canary = f"sshcredential-canary-{keys.writing.kid}"
    shell.api.put_ring(StoredSecret(canary, CANARY_SECRET_TYPE, {"canary": b"{}"}))
    said = await shell.backup("--force", *sources)
    assert (said.code, canary in said.error) == (1, True)


async def test_a_backup_needs_one_thing_that_opens_it_and_leaves_what_is_there(shell: RingShell) -> None:
    (shell.folder / "backup").write_text("mine")
    said = await shell.backup()
    assert (said.code, "may be the only backup" in said.error) == (1, True)
    assert (shell.folder / "backup").read_text() == "mine"
    assert (await shell.run("backup", "--out", "new")).code == 2
    assert (await shell.backup("--passphrase-file", "key.json")).code == 2
    assert (await shell.backup("--force")).code == 0
    assert read(shell).namespace == OWN


async def test_what_is_lost_is_made_again_and_what_is_there_is_left_however_often(shell: RingShell) -> None:
    before = shell.everything()
    assert (await shell.backup()).code == 0
    shell.empty(ROOT_SECRET_NAME)
    said = await shell.restore()
    assert (said.code, said.error) == (0, "3 made, 1 there already\n")
    assert shell.everything() == before
    said = await shell.restore()
    assert (said.code, said.error) == (0, "0 made, 4 there already\n")
    ring = Keyring(shell.place.key_ring.secrets)
    await ring.open()
    assert (ring.unopened, ring.size) == ((), 2)


async def test_a_restored_ring_has_no_note_of_a_backup_that_was_another_one(shell: RingShell) -> None:
    assert (await shell.backup()).code == 0
    assert (await shell.backup("--force")).code == 0
    shell.empty()
    assert (await shell.restore()).code == 0
    assert noted(shell) is None


async def test_where_a_root_key_is_that_cannot_be_read_nothing_is_made(shell: RingShell) -> None:
    assert (await shell.backup()).code == 0
    shell.empty()
    shell.api.put_ring(StoredSecret(ROOT_SECRET_NAME, ROOT_SECRET_TYPE, {ROOT_DATA_KEY: b"cut"}))
    assert (await shell.restore()).code == 1
    assert shell.everything() == {ROOT_SECRET_NAME: {ROOT_DATA_KEY: b"cut"}}


async def test_a_newer_root_key_before_the_old_one_is_no_other_root(shell: RingShell) -> None:
    assert (await shell.backup()).code == 0
    assert await RootInSecret(shell.place.key_ring.secrets).put_new_key_before(shell.place.ring.roots.id.key_id)
    before = shell.everything()
    said = await shell.restore()
    assert (said.code, said.error) == (0, "0 made, 4 there already\n")
    assert shell.everything() == before


async def test_another_key_in_a_place_is_left_alone_and_told(shell: RingShell) -> None:
    assert (await shell.backup()).code == 0
    kek = new_kek(UIDS["genomics"], 1)
    document = await wrapped_kek(kek, "genomics", UIDS["genomics"], shell.place.ring.roots)
    shell.api.put_ring(StoredSecret(KEK_NAME, KEK_SECRET_TYPE, {KEK_DATA_KEY: document.to_bytes()}))
    before = shell.everything()
    said = await shell.restore()
    assert (said.code, "1 are not there as in the backup" in said.error) == (1, True)
    assert f"{KEK_NAME}: there already, and another one: left alone" in said.lines
    assert shell.everything() == before


async def test_secrets_of_a_namespace_made_anew_go_under_a_key_of_it_and_a_second_time_nothing_does(
    shell: RingShell,
) -> None:
    old = await shell.place.kek()
    shell.place.hold(old)
    assert (await shell.backup()).code == 0
    shell.empty()
    shell.api.put_namespace("genomics", OTHER_UID)
    said = await shell.restore("--rebind")
    assert said.code == 0, said.error
    ring = Keyring(shell.place.key_ring.secrets)
    await ring.open()
    new = ring.newest("genomics", OTHER_UID)
    assert new
    assert f"genomics: 1 Secrets rebound to key {new.kid}" in said.lines
    assert "proteomics: nothing to rebind" in said.lines
    data = shell.api.data(HELD, "genomics")
    assert peek_kids(data) == {new.kid}
    assert getattr(open_credential(data, "genomics", NAME, {new.kid: new}.get, public_half), "record", None) == RECORD
    before = (shell.everything(), data)
    said = await shell.restore("--rebind")
    assert (said.code, "genomics: nothing to rebind" in said.lines) == (0, True)
    assert (shell.everything(), shell.api.data(HELD, "genomics")) == before


async def test_what_does_not_open_is_not_rebound_and_named(shell: RingShell) -> None:
    shell.place.hold(await shell.place.kek())
    shell.place.hold(new_kek(OTHER_UID, 1), "strange")
    assert (await shell.backup()).code == 0
    shell.empty()
    shell.api.put_namespace("genomics", OTHER_UID)
    before = shell.api.data("strange-sshcredential", "genomics")
    said = await shell.restore("--rebind")
    assert said.code == 1
    assert "do not open with this backup: genomics/strange-sshcredential" in said.error
    assert shell.api.data("strange-sshcredential", "genomics") == before
    assert len(peek_kids(shell.api.data(HELD, "genomics"))) == 1


async def test_a_namespace_that_is_not_there_is_told_and_no_key_is_made_for_it(shell: RingShell) -> None:
    assert (await shell.backup()).code == 0
    del shell.api.objects["/api/v1/namespaces/genomics"]
    said = await shell.restore("--rebind")
    assert said.code == 0
    assert "genomics: there is no such namespace now" in said.error
    assert shell.place.kinds().count("kek") == 2


async def test_a_secret_that_changed_since_it_was_listed_is_not_overwritten(shell: RingShell) -> None:
    shell.place.hold(await shell.place.kek())
    assert (await shell.backup()).code == 0
    shell.api.put_namespace("genomics", OTHER_UID)

    async def before(request: object) -> None:
        if getattr(request, "method", "") == "PATCH" and str(getattr(request, "path", "")).endswith(HELD):
            raw = shell.api.objects[shell.api.path_of(HELD, "genomics")]
            shell.api.put(shell.api.path_of(HELD, "genomics"), {**raw, "data": {"record": "AAAA"}})

    shell.api.before = before
    said = await shell.restore("--rebind")
    assert said.code == 1
    assert shell.api.data(HELD, "genomics") == {"record": b"\x00\x00\x00"}


def test_the_same_key_wrapped_anew_is_the_same() -> None:
    one = StoredSecret("x", CANARY_SECRET_TYPE, {"canary": b"1"})
    assert _is_same(one, replace(one, resource_version="9", annotations={"a": "b"}))
    assert not _is_same(one, replace(one, data={"canary": b"2"}))
    assert not _is_same(one, replace(one, type=KEK_SECRET_TYPE))
