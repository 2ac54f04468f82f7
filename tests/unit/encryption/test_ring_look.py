"""`encryption/ring_look.py` and `ring_documents.py`: what is seen of the ring, through the roots of now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.canary import CANARY_DATA_KEY, CANARY_SECRET_TYPE, canary_secret_name
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE, kek_aad
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_documents import (
    StoredKek,
    kek_document_of,
    secret_in,
    store_canary,
    stored_kek_of,
    stored_keks_of,
    wrapped_anew,
)
from sshcredential_operator.encryption.ring_look import look
from sshcredential_operator.encryption.root_check import Canary, Seen
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME, RootSource
from sshcredential_operator.encryption.root_kms import RootInKms
from sshcredential_operator.encryption.roots import LocalRoot, RootLack, Roots
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE, sealing_key_document_of
from unit.encryption.kms_memory import MemoryPlugin
from unit.encryption.samples import OTHER_UID
from unit.encryption.whole_ring import UIDS, Whole, rotate_root, spoilt, whole_ring

SOUND = Seen(RootSource.SECRET, None, Canary.SINGS, encrypted=True, proven=True)


async def seen(whole: Whole) -> Seen:
    return (await look(whole.store, whole.ring.places)).seen


def lose(whole: Whole, type_: str) -> None:
    for secret in whole.secrets(type_):
        del whole.cluster.secrets[secret.name]


async def test_a_sound_ring_is_seen_whole_in_three_reads() -> None:
    whole = await whole_ring()
    whole.cluster.requests.clear()
    found = await look(whole.store, whole.ring.places)
    assert found.seen == SOUND
    assert {one.document.namespace: one.kek for one in found.keks} == whole.keks
    assert (found.roots, found.unopened) == (whole.ring.roots, ())
    assert whole.cluster.requests == [
        ("get", ROOT_SECRET_NAME),
        ("list", CANARY_SECRET_TYPE),
        ("list", KEK_SECRET_TYPE),
    ]


async def test_without_a_canary_a_key_or_a_sealing_key_proves_the_root() -> None:
    whole = await whole_ring()
    lose(whole, CANARY_SECRET_TYPE)
    assert await seen(whole) == SOUND._replace(canary=Canary.ABSENT)
    lose(whole, KEK_SECRET_TYPE)
    assert await seen(whole) == SOUND._replace(canary=Canary.ABSENT)
    sealing = whole.secrets(SEALING_KEY_SECRET_TYPE)[0]
    whole.cluster.put(sealing.name, sealing.type, spoilt(sealing).data)
    assert await seen(whole) == SOUND._replace(canary=Canary.ABSENT, proven=False)
    lose(whole, SEALING_KEY_SECRET_TYPE)
    assert await seen(whole) == Seen(RootSource.SECRET, None)
    whole.cluster.credentials = True
    assert await seen(whole) == Seen(RootSource.SECRET, None, credentials_exist=True)


async def test_the_canary_of_the_root_key_before_proves_the_new_one() -> None:
    whole = await whole_ring()
    old = await rotate_root(whole)
    lose(whole, KEK_SECRET_TYPE)
    lose(whole, SEALING_KEY_SECRET_TYPE)
    del whole.cluster.secrets[canary_secret_name(whole.ring.roots.id.key_id)]
    assert [one.name for one in whole.secrets(CANARY_SECRET_TYPE)] == [canary_secret_name(old)]
    assert await seen(whole) == SOUND._replace(canary=Canary.ABSENT)


@pytest.mark.parametrize("cut", [False, True], ids=["changed", "cut"])
async def test_a_canary_that_was_changed_is_silent_and_one_that_was_cut_malformed(cut: bool) -> None:
    whole = await whole_ring()
    canary = whole.secrets(CANARY_SECRET_TYPE)[0]
    data = {CANARY_DATA_KEY: b"{"} if cut else spoilt(canary).data
    whole.cluster.put(canary.name, canary.type, data)
    assert (await seen(whole)).canary is (Canary.MALFORMED if cut else Canary.SILENT)


async def test_keys_that_all_are_of_strange_roots_are_told_of() -> None:
    whole, other = await whole_ring(), await whole_ring()
    lose(whole, KEK_SECRET_TYPE)
    for secret in other.secrets(KEK_SECRET_TYPE):
        whole.cluster.put(secret.name, secret.type, secret.data)
    found = await look(whole.store, whole.ring.places)
    assert found.seen == SOUND._replace(proven=False, strange=True)
    assert sorted(found.unopened) == sorted(secret.name for secret in other.secrets(KEK_SECRET_TYPE))
    own = await whole.ring.kek_for_writing("late", OTHER_UID)
    assert own
    assert await seen(whole) == SOUND


async def test_a_root_that_goes_away_in_the_middle_is_away_and_not_wrong() -> None:
    whole, plugin = await whole_ring(), MemoryPlugin()
    places = (RootInKms(plugin), *whole.ring.places)
    first = (await look(whole.store, places)).roots
    assert first
    assert await store_canary(whole.store, first)
    assert (await look(whole.store, places)).seen.canary is Canary.SINGS

    async def before(_: int, what: str) -> None:
        plugin.away = plugin.away or what == KEK_SECRET_TYPE

    whole.store.before = before
    found = await look(whole.store, places)
    assert found.seen == Seen(RootSource.KMS, RootLack.AWAY, encrypted=True)
    assert (found.roots, found.keks) == (None, ())


async def test_a_key_is_read_only_from_its_own_secret_and_of_its_own_size() -> None:
    whole = await whole_ring()
    secret = whole.secrets(KEK_SECRET_TYPE)[0]
    document = kek_document_of(secret)
    assert document
    assert kek_document_of(replace(secret, name=secret.name.replace("-1", "-2"))) is None
    assert kek_document_of(replace(secret, type=CANARY_SECRET_TYPE)) is None
    assert kek_document_of(replace(secret, data={**secret.data, "more": b""})) is None
    elsewhere = replace(document, kid="1.ffffffffffff.0000000000000000")
    assert kek_document_of(replace(secret, data={"kek": elsewhere.to_bytes()})) is None
    assert await stored_kek_of(spoilt(secret), whole.ring.roots) is None

    short = await whole.ring.roots.wrap(Sensitive(bytes(31)), document.aad())
    assert await secret_in(replace(document, wrapped=short), whole.ring.roots) is None
    other = await whole.ring.roots.wrap(Sensitive(bytes(32)), kek_aad("other", OTHER_UID, document.kid))
    assert await secret_in(replace(document, wrapped=other), whole.ring.roots) is None


async def test_a_sealing_key_that_is_not_the_public_halfs_is_none() -> None:
    whole = await whole_ring()
    document = sealing_key_document_of(whole.secrets(SEALING_KEY_SECRET_TYPE)[0])
    assert document
    other = await whole.ring.roots.wrap(Sensitive(bytes(range(32))), document.aad())
    assert await secret_in(replace(document, wrapped=other), whole.ring.roots) is None
    assert await wrapped_anew(replace(document, wrapped=other), whole.ring.roots) is None
    assert await secret_in(document, whole.ring.roots) is not None


async def test_wrapping_anew_changes_nothing_but_the_wrapping() -> None:
    whole = await whole_ring()
    document = kek_document_of(whole.secrets(KEK_SECRET_TYPE)[0])
    assert document
    old = whole.ring.roots
    await rotate_root(whole)
    roots = Roots(whole.ring.roots.writing, (old.writing,))
    anew = await wrapped_anew(document, roots)
    assert anew
    assert replace(anew, wrapped=document.wrapped) == document
    assert anew.wrapped.root_key_id == roots.id.key_id
    assert await secret_in(anew, roots) == await secret_in(document, old)
    assert isinstance(roots.writing, LocalRoot)


async def test_many_are_opened_by_the_names_of_their_secrets() -> None:
    whole = await whole_ring()
    secrets = whole.secrets(KEK_SECRET_TYPE)
    strange = StoredSecret("strange", KEK_SECRET_TYPE, {})
    found = await stored_keks_of([*secrets, strange], whole.ring.roots)
    assert found.pop("strange") is None
    assert {one.document.namespace: one.kek for one in found.values() if one} == whole.keks
    assert all(isinstance(one, StoredKek) and one.serves == UIDS[one.document.namespace] for one in found.values())
