from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from sshcredential_operator.encryption.canary import (
    CANARY_DATA_KEY,
    CANARY_SECRET_TYPE,
    CANARY_TEXT,
    canary_aad,
    canary_secret_name,
    make_canary,
)
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE, kek_secret_name, wrap_kek
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_documents import kek_document_of, stored_kek_of
from sshcredential_operator.encryption.ring_look import look as see
from sshcredential_operator.encryption.root_check import RootProblem, Seen, Step, next_step
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    ROOT_SECRET_TYPE,
    RootKeys,
    RootSource,
    root_keys_to_bytes,
)
from sshcredential_operator.encryption.root_secret import RootInSecret, root_keys_of
from sshcredential_operator.encryption.roots import LocalRoot, RootLack, Roots
from sshcredential_operator.encryption.sealing_key import (
    SEALING_KEY_DATA_KEY,
    SEALING_KEY_SECRET_TYPE,
    new_sealing_key,
    sealing_key_secret_name,
    wrap_sealing_key,
)
from sshcredential_operator.encryption.wrapping import wrap
from unit.encryption.ring_memory import Cluster, Store
from unit.encryption.samples import KEK, NAMESPACE, OTHER_ROOT, OTHER_UID, ROOT, UID

SEALING_KEY = new_sealing_key(1, datetime(2026, 11, 29, tzinfo=UTC))
SAME_ID = Kek(ROOT.kid, OTHER_ROOT.key)


def root(*keys: Kek, type_: str = ROOT_SECRET_TYPE, **data: bytes) -> StoredSecret:
    return StoredSecret(ROOT_SECRET_NAME, type_, {ROOT_DATA_KEY: root_keys_to_bytes(RootKeys(keys)), **data})


def canary(key: Kek, *, cut: int = 0, **data: bytes) -> StoredSecret:
    text = make_canary(key, RootSource.SECRET).to_bytes()
    value = {CANARY_DATA_KEY: text[: len(text) - cut], **data}
    return StoredSecret(canary_secret_name(key.kid), CANARY_SECRET_TYPE, value)


def kek(
    key: Kek, *, cut: int = 0, name: str = "", type_: str = KEK_SECRET_TYPE, source: RootSource = RootSource.SECRET
) -> StoredSecret:
    text = wrap_kek(KEK, NAMESPACE, UID, key, source).to_bytes()
    return StoredSecret(name or kek_secret_name(UID, 1), type_, {KEK_DATA_KEY: text[: len(text) - cut]})


class Stored(NamedTuple):
    """What lies in the operator's namespace."""

    secrets: tuple[StoredSecret, ...]
    credentials: bool


def look(
    stored: StoredSecret | None,
    canaries: tuple[StoredSecret, ...] = (),
    keks: tuple[StoredSecret, ...] = (),
    *,
    credentials: bool = False,
    sealing: tuple[StoredSecret, ...] = (),
) -> Stored:
    return Stored((*((stored,) if stored else ()), *canaries, *keks, *sealing), credentials)


def in_memory(stored: Stored) -> Store:
    cluster = Cluster()
    cluster.credentials = stored.credentials
    for number, secret in enumerate(stored.secrets):  # two may have one name: it is what is listed that counts
        cluster.secrets[secret.name if secret.name not in cluster.secrets else f"{secret.name} {number}"] = secret
    return Store(cluster)


def sealing_key(key: Kek, *, cut: int = 0) -> StoredSecret:
    text = wrap_sealing_key(SEALING_KEY, key, RootSource.SECRET).to_bytes()
    data = {SEALING_KEY_DATA_KEY: text[: len(text) - cut]}
    return StoredSecret(sealing_key_secret_name(1), SEALING_KEY_SECRET_TYPE, data)


TWO = root(ROOT, OTHER_ROOT)
LOST, WRONG, MALFORMED = RootProblem.ROOT_LOST, RootProblem.ROOT_WRONG, RootProblem.ROOT_MALFORMED
CUT_CANARY, KEKS_LOST = RootProblem.CANARY_MALFORMED, RootProblem.KEKS_LOST

TABLE: list[tuple[str, Stored, Step | RootProblem]] = [
    ("nothing was ever encrypted", look(None), Step.MAKE_ROOT),
    ("credentials without a root", look(None, credentials=True), LOST),
    ("a canary without a root", look(None, (canary(ROOT),)), LOST),
    ("a cut canary without a root", look(None, (canary(ROOT, cut=9),)), LOST),
    ("a KEK without a root", look(None, (), (kek(ROOT),)), LOST),
    ("a cut KEK without a root", look(None, (), (kek(ROOT, cut=9),)), LOST),
    ("a crash after the root was made", look(root(ROOT)), Step.MAKE_CANARY),
    ("the root and credentials alone", look(root(ROOT), credentials=True), KEKS_LOST),
    ("root and canary", look(root(ROOT), (canary(ROOT),), credentials=True), Step.WORK),
    ("all is there", look(root(ROOT), (canary(ROOT),), (kek(ROOT),)), Step.WORK),
    ("only the canary is gone", look(root(ROOT), (), (kek(ROOT),)), Step.MAKE_CANARY),
    ("no canary, one KEK of two opens", look(root(ROOT), (), (kek(ROOT, cut=9), kek(ROOT))), Step.MAKE_CANARY),
    ("no canary, a cut KEK", look(root(ROOT), (), (kek(ROOT, cut=9),)), WRONG),
    ("no canary, another root's KEK", look(root(ROOT), (), (kek(OTHER_ROOT),)), WRONG),
    ("no canary, a KEK that does not open", look(root(ROOT), (), (kek(SAME_ID),)), WRONG),
    ("a sealing key without a root", look(None, sealing=(sealing_key(ROOT),)), LOST),
    ("a cut sealing key without a root", look(None, sealing=(sealing_key(ROOT, cut=9),)), LOST),
    ("no canary, a sealing key that opens", look(root(ROOT), sealing=(sealing_key(ROOT),)), Step.MAKE_CANARY),
    ("no canary, another root's sealing key", look(root(ROOT), sealing=(sealing_key(OTHER_ROOT),)), WRONG),
    ("no canary, a sealing key that does not open", look(root(ROOT), sealing=(sealing_key(SAME_ID),)), WRONG),
    ("no canary, a cut sealing key", look(root(ROOT), sealing=(sealing_key(ROOT, cut=9),)), WRONG),
    ("another root's canary", look(root(ROOT), (canary(OTHER_ROOT),)), WRONG),
    ("a canary that does not open", look(root(ROOT), (canary(SAME_ID),)), WRONG),
    ("a canary that does not open, a KEK that does", look(root(ROOT), (canary(SAME_ID),), (kek(ROOT),)), WRONG),
    ("a cut canary", look(root(ROOT), (canary(ROOT, cut=9),), (kek(ROOT),)), CUT_CANARY),
    ("a canary with another value", look(root(ROOT), (canary(ROOT, extra=b""),)), CUT_CANARY),
    ("root and canary replaced together", look(root(ROOT), (canary(ROOT),), (kek(OTHER_ROOT),)), WRONG),
    ("one KEK of another root", look(root(ROOT), (canary(ROOT),), (kek(OTHER_ROOT), kek(ROOT))), Step.WORK),
    ("one KEK that is cut", look(root(ROOT), (canary(ROOT),), (kek(ROOT, cut=9),)), Step.WORK),
    ("an older root's canary, too", look(root(ROOT), (canary(OTHER_ROOT), canary(ROOT))), Step.WORK),
    ("two roots, a KEK of the older", look(TWO, (canary(ROOT),), (kek(OTHER_ROOT),)), Step.WORK),
    ("a new root, only the older one's canary", look(TWO, (canary(OTHER_ROOT),)), Step.MAKE_CANARY),
    ("a new root without its canary", look(TWO, (canary(OTHER_ROOT),), (kek(OTHER_ROOT),)), Step.MAKE_CANARY),
    ("the root twice", look(root(ROOT, ROOT), (canary(ROOT),), (kek(ROOT),)), MALFORMED),
    ("a root of another type", look(root(ROOT, type_="Opaque"), (canary(ROOT),)), MALFORMED),
    ("a root with another value", look(root(ROOT, extra=b""), (canary(ROOT),)), MALFORMED),
    ("a cut root", look(root(ROOT, jwks=b"cut"), (canary(ROOT),)), MALFORMED),
    ("an empty root and nothing else", look(root(ROOT, jwks=b"")), MALFORMED),
]


@pytest.mark.parametrize(("stored", "step"), [pytest.param(stored, step, id=name) for name, stored, step in TABLE])
async def test_what_is_stored_gives_one_step_or_one_problem(stored: Stored, step: Step | RootProblem) -> None:
    store = in_memory(stored)
    assert next_step((await see(store, (RootInSecret(store),))).seen) is step


@pytest.mark.parametrize("source", [RootSource.FILE, RootSource.KMS])
def test_only_a_root_in_a_secret_is_made(source: RootSource) -> None:
    assert next_step(Seen(source, RootLack.ABSENT)) is RootProblem.ROOT_MISSING
    assert next_step(Seen(source, RootLack.ABSENT, encrypted=True)) is LOST
    assert next_step(Seen(RootSource.SECRET, RootLack.ABSENT)) is Step.MAKE_ROOT


def test_a_root_that_cannot_be_asked_is_neither_wrong_nor_lost() -> None:
    for encrypted in (True, False):
        assert next_step(Seen(RootSource.KMS, RootLack.AWAY, encrypted=encrypted)) is RootProblem.ROOT_AWAY


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(kek(ROOT, name="sshcredential-kek-" + UID + "-2"), id="under another slot's name"),
        pytest.param(kek(ROOT, name="sshcredential-kek-" + OTHER_UID + "-1"), id="under another namespace's name"),
        pytest.param(kek(ROOT, type_="Opaque"), id="in a Secret of another type"),
        pytest.param(kek(OTHER_ROOT), id="of another root"),
        pytest.param(kek(SAME_ID), id="of another root with the same id"),
        pytest.param(kek(ROOT, source=RootSource.FILE), id="of a root in a file"),
        pytest.param(kek(ROOT, cut=1), id="that is cut"),
        pytest.param(canary(ROOT), id="that is a canary"),
    ],
)
async def test_a_kek_is_not_taken_when_it_is(secret: StoredSecret) -> None:
    roots = Roots(LocalRoot(RootSource.SECRET, RootKeys((ROOT,))))
    assert await stored_kek_of(kek(ROOT), roots) is not None
    assert await stored_kek_of(secret, roots) is None


def test_a_kek_whose_kid_is_another_namespaces_is_not_taken() -> None:
    foreign = Kek("1.000000000000.00000000000000aa", KEK.key)
    text = wrap_kek(foreign, NAMESPACE, UID, ROOT, RootSource.SECRET).to_bytes()
    assert kek_document_of(StoredSecret(kek_secret_name(UID, 1), KEK_SECRET_TYPE, {KEK_DATA_KEY: text})) is None


def test_the_root_is_shown_by_nothing() -> None:
    secret = root(ROOT)
    keys = root_keys_of(secret)
    assert keys is not None
    shown = repr((secret, keys, Roots(LocalRoot(RootSource.SECRET, keys))))
    assert root_keys_to_bytes(keys).decode() not in shown
    assert "jwks" not in shown


def test_the_canary_is_what_the_reference_says() -> None:
    assert CANARY_TEXT == b"sshcredential-operator canary"
    assert wrap(KEK.key, ROOT, canary_aad(ROOT.kid), RootSource.SECRET).root_key_id == ROOT.kid
