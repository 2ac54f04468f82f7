"""`encryption/ring_gathering.py`: a backup has every key in the clear, and names what does not open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from sshcredential_operator.api.names import BACKED_UP_AT_ANNOTATION, REBOUND_TO_ANNOTATION
from sshcredential_operator.encryption.canary import CANARY_SECRET_TYPE, canary_secret_name
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE, kek_secret_name
from sshcredential_operator.encryption.keyring import Keyring
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_gathering import Gathered, gather
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE, sealing_key_secret_name
from sshcredential_operator.encryption.sealing_ring import SealingRing
from unit.encryption.ring_memory import Cluster, Store
from unit.encryption.whole_ring import UIDS, Whole, rotate_root, spoilt, whole_ring

NOW = datetime(2026, 11, 29, 5, 0, 0, 123_456, tzinfo=UTC)
OWN = "sshcredential-system"


async def gathered(whole: Whole, secrets: list[StoredSecret] | None = None) -> Gathered:
    return await gather(whole.listed() if secrets is None else secrets, whole.ring.roots, OWN, NOW)


async def test_every_key_is_in_the_clear_beside_the_secrets_as_they_were() -> None:
    whole = await whole_ring()
    backup, unopened = await gathered(whole)

    assert unopened == ()
    assert {(one.namespace, one.namespace_uid): one.kek for one in backup.keks} == {
        (name, UIDS[name]): kek for name, kek in whole.keks.items()
    }
    half = await SealingRing(whole.ring, whole.store).private_half(whole.sealing.kid)
    assert [(key.kid, key.private) for key in backup.sealing_keys] == [(whole.sealing.kid, half)]
    assert {one.name: one.data for one in backup.secrets} == {
        name: secret.data for name, secret in whole.cluster.secrets.items()
    }
    assert (backup.made_at, backup.namespace) == (NOW.replace(microsecond=0), OWN)
    assert (backup.root_source, backup.root_key_id) == (RootSource.SECRET, whole.ring.roots.id.key_id)


async def test_what_was_put_back_opens_with_a_new_operator() -> None:
    whole = await whole_ring()
    cluster = Cluster()
    for secret in (await gathered(whole)).backup.secrets:
        cluster.put(secret.name, secret.type, secret.data)
    ring = Keyring(Store(cluster))
    await ring.open()
    assert {name: ring.newest(name, uid) for name, uid in UIDS.items()} == whole.keks


async def test_a_note_of_another_backup_and_the_revision_are_left_out_and_other_notes_are_kept() -> None:
    whole = await whole_ring()
    kept = {REBOUND_TO_ANNOTATION: UIDS["genomics"]}
    noted = [
        replace(one, annotations={BACKED_UP_AT_ANNOTATION: "2026-01-01T00:00:00Z", **kept}) for one in whole.listed()
    ]
    backup = (await gathered(whole, noted)).backup
    assert {(tuple(one.annotations.items()), one.resource_version) for one in backup.secrets} == {
        (tuple(kept.items()), "")
    }


@pytest.mark.parametrize("kind", [KEK_SECRET_TYPE, SEALING_KEY_SECRET_TYPE, CANARY_SECRET_TYPE])
@pytest.mark.parametrize("cut", [False, True], ids=["changed", "cut"])
async def test_what_does_not_open_is_named_and_taken_as_it_is_stored(kind: str, cut: bool) -> None:
    whole = await whole_ring()
    before = whole.secrets(kind)[0]
    bad = replace(before, data=dict.fromkeys(before.data, b"{")) if cut else spoilt(before)
    whole.cluster.put(bad.name, bad.type, bad.data)
    backup, unopened = await gathered(whole)

    assert unopened == (bad.name,)
    assert next(one.data for one in backup.secrets if one.name == bad.name) == bad.data
    assert len(backup.keks) + len(backup.sealing_keys) == 3 - (kind != CANARY_SECRET_TYPE)


async def test_the_names_of_what_does_not_open_are_sorted() -> None:
    whole = await whole_ring()
    for secret in [*whole.secrets(SEALING_KEY_SECRET_TYPE), *whole.secrets(KEK_SECRET_TYPE)]:
        whole.cluster.put(secret.name, secret.type, spoilt(secret).data)
    names = {kek_secret_name(uid, 1) for uid in UIDS.values()} | {sealing_key_secret_name(1)}
    assert (await gathered(whole)).unopened == tuple(sorted(names))


async def test_the_canary_of_a_root_key_that_was_dropped_is_nobodys_loss() -> None:
    whole = await whole_ring()
    old = await rotate_root(whole, drop=True)
    backup, unopened = await gathered(whole)

    assert canary_secret_name(old) in {one.name for one in backup.secrets}
    assert unopened == ()
    assert backup.root_key_id != old
