"""`encryption/ring_reread.py`: what a person did to a workspace's keys is taken over, and no other key is lost."""

from __future__ import annotations

import pytest

from sshcredential_operator.api.names import REBOUND_TO_ANNOTATION
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE, kek_secret_name
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_reread import drop_gone, held_by, learn_new, reread
from unit.encryption.samples import OTHER_UID
from unit.encryption.whole_ring import UIDS, Whole, spoilt, whole_ring

UID = UIDS["genomics"]


def known(whole: Whole) -> dict[str, bool]:
    return {name: whole.ring.known(kek.kid, name, UIDS[name]) is not None for name, kek in whole.keks.items()}


def annotate(whole: Whole, name: str, uid: str) -> None:
    seen = whole.cluster.secrets[name]
    whole.cluster.secrets[name] = StoredSecret(name, seen.type, seen.data, {REBOUND_TO_ANNOTATION: uid}, "900")


async def test_a_key_that_was_deleted_is_forgotten_and_the_others_serve_on() -> None:
    whole = await whole_ring()
    del whole.cluster.secrets[kek_secret_name(UID, 1)]
    await reread(whole.ring, whole.store, "genomics")
    assert known(whole) == {"genomics": False, "proteomics": True}


async def test_a_key_of_another_workspace_that_is_gone_is_forgotten_with_it() -> None:
    whole = await whole_ring()
    del whole.cluster.secrets[kek_secret_name(UIDS["proteomics"], 1)]
    await reread(whole.ring, whole.store, "genomics")
    assert known(whole) == {"genomics": True, "proteomics": False}


async def test_a_key_that_a_person_bound_opens_in_the_namespace_made_anew_and_in_no_other() -> None:
    whole = await whole_ring()
    kid = whole.keks["genomics"].kid
    annotate(whole, kek_secret_name(UID, 1), OTHER_UID)
    assert whole.ring.known(kid, "genomics", OTHER_UID) is None
    await reread(whole.ring, whole.store, "genomics")
    assert whole.ring.known(kid, "genomics", OTHER_UID) == whole.keks["genomics"]
    assert whole.ring.known(kid, "proteomics", OTHER_UID) is None
    assert whole.ring.newest("genomics", OTHER_UID) is None


async def test_a_binding_of_another_workspace_is_not_taken_over() -> None:
    whole = await whole_ring()
    annotate(whole, kek_secret_name(UIDS["proteomics"], 1), OTHER_UID)
    await reread(whole.ring, whole.store, "genomics")
    assert whole.ring.known(whole.keks["proteomics"].kid, "proteomics", OTHER_UID) is None


@pytest.mark.parametrize("uid", ["", "x", OTHER_UID.upper(), f"{OTHER_UID}\n"])
async def test_what_is_no_uid_binds_to_nothing(uid: str) -> None:
    whole = await whole_ring()
    annotate(whole, kek_secret_name(UID, 1), uid)
    await reread(whole.ring, whole.store, "genomics")
    assert known(whole) == {"genomics": True, "proteomics": True}
    assert {stored.rebound_to for stored in whole.ring.documents} == {None}


async def test_a_key_whose_secret_does_not_open_any_more_goes_on_serving() -> None:
    whole = await whole_ring()
    secret = whole.cluster.secrets[kek_secret_name(UID, 1)]
    whole.cluster.put(secret.name, secret.type, spoilt(secret).data)
    await reread(whole.ring, whole.store, "genomics")
    assert known(whole) == {"genomics": True, "proteomics": True}


async def test_a_key_that_is_made_while_they_are_listed_is_not_forgotten() -> None:
    whole = await whole_ring()
    held = held_by(whole.ring)
    names = {secret.name for secret in whole.secrets(KEK_SECRET_TYPE)}
    late = await whole.ring.kek_for_writing("late", OTHER_UID)
    drop_gone(whole.ring, held, names)
    assert late
    assert whole.ring.known(late.kid, "late", OTHER_UID) == late
    assert held == {kek.kid: kek_secret_name(UIDS[name], 1) for name, kek in whole.keks.items()}


async def test_it_reads_once_and_writes_nothing() -> None:
    whole = await whole_ring()
    whole.cluster.requests.clear()
    await reread(whole.ring, whole.store, "genomics")
    assert whole.cluster.requests == [("list", KEK_SECRET_TYPE)]


async def test_a_key_that_an_earlier_list_did_not_hold_is_taken_when_a_later_one_does() -> None:
    whole = await whole_ring()
    names = {secret.name for secret in whole.secrets(KEK_SECRET_TYPE)}
    whole.ring.drop(whole.keks["genomics"].kid)
    assert known(whole) == {"genomics": False, "proteomics": True}
    await learn_new(whole.ring, whole.store, names)
    assert known(whole) == {"genomics": True, "proteomics": True}


async def test_where_all_that_was_listed_is_known_nothing_is_asked() -> None:
    whole = await whole_ring()
    names = {secret.name for secret in whole.secrets(KEK_SECRET_TYPE)}
    whole.cluster.requests.clear()
    await learn_new(whole.ring, whole.store, names)
    assert whole.cluster.requests == []
