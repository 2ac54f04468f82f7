"""`controller/ring_state.py`: what the ConfigMap tells of the key ring is so, is public, and has one spelling."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.controller.ring_state import RingState, kids_of
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.canary import canary_secret_name
from sshcredential_operator.encryption.kek import kek_secret_name
from sshcredential_operator.encryption.ring_rotation import users_of_roots
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.roots import RootId
from unit.encryption.samples import OTHER_UID
from unit.encryption.whole_ring import UIDS, Whole, whole_ring

GENOMICS = Namespace("genomics")
UID_BEFORE = "00000000-0000-4000-8000-000000000000"
UID_AFTER = "ffffffff-0000-4000-8000-000000000000"
MADE = datetime(2026, 11, 29, 4, 0, tzinfo=UTC)


def said(state: RingState, whole: Whole, pending: Counter[Namespace] | None = None) -> dict[str, Any]:
    text = state.text(whole.ring, pending or Counter())
    found: dict[str, Any] = json.loads(text)
    assert json.dumps(found, separators=(",", ":"), ensure_ascii=False, sort_keys=True) == text
    return found


async def test_it_tells_of_the_root_of_every_workspace_and_of_who_is_under_what() -> None:
    whole = await whole_ring()
    state, root = RingState(), whole.ring.roots.id.key_id
    state.count(whole.ring, await users_of_roots(whole.store))
    state.history.made = {canary_secret_name(root): MADE, kek_secret_name(UIDS["genomics"], 1): MADE}
    state.history.changed_at = MADE
    found = said(state, whole, Counter({GENOMICS: 3}))

    assert found == {
        "root": {
            "source": "Secret",
            "keyId": root,
            "where": "Secret sshcredential-root-key",
            "madeAt": "2026-11-29T04:00:00Z",
        },
        "backedUpAt": None,
        "changedAt": "2026-11-29T04:00:00Z",
        "verified": None,
        "wrappedBy": [{"source": "Secret", "keyId": root, "count": 3}],
        "left": [],
        "unopened": [],
        "refused": {},
        "workspaces": {
            "genomics": {
                "keyId": whole.keks["genomics"].kid,
                "olderKeyIds": [],
                "madeAt": "2026-11-29T04:00:00Z",
                "pending": 3,
            },
            "proteomics": {
                "keyId": whole.keks["proteomics"].kid,
                "olderKeyIds": [],
                "madeAt": None,
                "pending": 0,
            },
        },
    }


async def test_it_tells_of_no_key() -> None:
    whole = await whole_ring()
    text = RingState().text(whole.ring, {})
    for kek in whole.keks.values():
        assert b64url.encode(kek.key.reveal()) not in text


async def test_the_newest_key_comes_first_and_the_others_are_older() -> None:
    whole = await whole_ring()
    first = whole.keks["genomics"]
    kids = [first.kid]
    for _ in range(10):  # past the slot of two digits
        made = await whole.ring.make_next("genomics", UIDS["genomics"], kids[-1])
        assert made
        kids.append(made.kid)
    one = said(RingState(), whole)["workspaces"]["genomics"]
    assert (one["keyId"], one["olderKeyIds"]) == (kids[-1], kids[:-1])


@pytest.mark.parametrize("uid", [UID_BEFORE, UID_AFTER], ids=["that sorts before", "that sorts after"])
async def test_a_namespace_made_anew_is_told_of_with_the_key_that_it_has_now(uid: str) -> None:
    whole, state = await whole_ring(), RingState()
    first = whole.keks["genomics"]
    second = await whole.ring.make_next("genomics", UIDS["genomics"], first.kid)
    new = await whole.ring.kek_for_writing("genomics", uid)
    assert new
    assert second
    state.history.made = {
        kek_secret_name(UIDS["genomics"], 1): MADE,
        kek_secret_name(UIDS["genomics"], 2): MADE + timedelta(days=1),
        kek_secret_name(uid, 1): MADE + timedelta(days=2),
    }
    one = said(state, whole)["workspaces"]["genomics"]
    assert (one["keyId"], one["olderKeyIds"]) == (new.kid, [first.kid, second.kid])
    assert one["madeAt"] == "2026-12-01T04:00:00Z"


async def test_refusals_are_told_until_the_same_is_asked_and_done() -> None:
    whole, state = await whole_ring(), RingState()
    state.refused = {"drop-root": "it is in use", "rotate-root": None}
    assert said(state, whole)["refused"] == {"drop-root": "it is in use"}
    state.refused["drop-root"] = None
    assert said(state, whole)["refused"] == {}


async def test_a_key_that_was_made_since_is_counted_once_and_without_a_list() -> None:
    whole, state = await whole_ring(), RingState()
    root = whole.ring.roots.id
    state.count(whole.ring, await users_of_roots(whole.store))
    await whole.ring.kek_for_writing("late", OTHER_UID)
    whole.cluster.requests.clear()
    for _ in range(2):
        state.count(whole.ring)
        assert state.users == {root: 4}
    assert whole.cluster.requests == []
    state.count(whole.ring, {RootId(RootSource.SECRET, "other"): 1})
    assert state.users == {RootId(RootSource.SECRET, "other"): 1}


async def test_it_remembers_what_it_has_told() -> None:
    whole, state = await whole_ring(), RingState()
    state.text(whole.ring, Counter({GENOMICS: 1}))
    assert (state.told_pending, state.told_keys) == (True, kids_of(whole.ring))
    state.text(whole.ring, Counter())
    assert not state.told_pending
    assert kids_of(whole.ring) == {kek.kid for kek in whole.keks.values()}
