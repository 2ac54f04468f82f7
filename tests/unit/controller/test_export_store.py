"""`controller/export_store.py`: who wants which Secret, who uses which credential, and what copies claim."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sshcredential_operator.api.export import Export, parse_export
from sshcredential_operator.api.names import CredentialKey, ExportKey, Namespace
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.status import User
from sshcredential_operator.controller.export_store import ExportStore
from sshcredential_operator.encryption.copy_proof import CopyContent, CopyPlace, Source, prove
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.reconcile.observed import Use

NAMESPACE = Namespace("genomics")
LOGIN = CredentialKey(NAMESPACE, "login")
MADE = "2026-01-31T12:00:00Z"
NOW = datetime(2026, 1, 31, 13, 0, tzinfo=UTC)
PLACE = CopyPlace(NAMESPACE, "git-auth")
PROOF = prove(Kek("k", Sensitive(bytes(32))), PLACE, Source("a", "uid", "login"), "", CopyContent("Opaque", {}, {}))


def export(name: str, *, version: int = 1, made: str = MADE, status: Any = None, **spec: Any) -> Export:
    metadata = {"namespace": NAMESPACE, "name": name, "uid": f"uid-{name}", "creationTimestamp": made}
    wanted = {"credentialRef": {"name": "login"}, "secretName": "git-auth", "profile": "SSHAuth"} | spec
    return parse_export(
        {"metadata": metadata | {"resourceVersion": str(version)}, "spec": wanted, "status": status or {}}
    )


@pytest.fixture
def store() -> ExportStore:
    return ExportStore()


def test_the_older_has_the_secret_then_the_smaller_uid(store: ExportStore) -> None:
    young, old, twin = export("a", made="2026-01-31T12:00:01Z"), export("c"), export("b")
    for one in (young, old):
        store.saw_export(one, deleted=False)
    assert (store.rival(young, NOW), store.rival(old, NOW)) == ("c", None)

    store.saw_export(twin, deleted=False)
    assert (store.rival(old, NOW), store.rival(twin, NOW)) == ("b", None)
    assert store.neighbours(old) == {young.key, twin.key}


def test_who_has_expired_or_asks_for_another_secret_is_no_rival(store: ExportStore) -> None:
    young = export("young", made="2026-01-31T12:30:00Z")
    for one in (young, export("over", expiresAfter="5m"), export("elsewhere", secretName="other")):
        store.saw_export(one, deleted=False)

    assert store.rival(young, NOW) is None


def test_nobody_is_told_who_uses_a_credential_before_that_is_known(store: ExportStore) -> None:
    assert store.use(LOGIN, NOW) is None

    store.listed(NAMESPACE, (), ())
    assert store.use(LOGIN, NOW) == Use((), exported=False)


def test_users_are_the_living_and_a_plain_copy_is_what_a_status_names(store: ExportStore) -> None:
    store.listed(NAMESPACE, (), ())
    recipient: Any = {"profile": None, "recipient": {"publicKey": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}}}
    for one in (
        export("b", secretName="b"),
        export("a", secretName="a", status={"secretName": "a"}, **recipient),
        export("over", secretName="over", expiresAfter="1m"),
        export("other", secretName="other", credentialRef={"name": "other"}, status={"secretName": "other"}),
    ):
        store.saw_export(one, deleted=False)
    users = (User("SSHCredentialExport", "a"), User("SSHCredentialExport", "b"))
    assert store.use(LOGIN, NOW) == Use(users, exported=False)
    assert store.use(LOGIN, NOW - timedelta(hours=1)) != store.use(LOGIN, NOW)

    store.remember_export(ExportKey(NAMESPACE, "b"), export("b", version=2, secretName="b", status={"secretName": "b"}))
    assert store.use(LOGIN, NOW) == Use(users, exported=True)


def test_an_older_word_is_no_news(store: ExportStore) -> None:
    newest = export("a", version=5, secretName="new")
    assert store.saw_export(newest, deleted=False)

    assert not store.saw_export(export("a", version=4), deleted=False)
    store.remember_export(newest.key, export("a", version=3))

    assert store.export(newest.key) == newest
    assert store.neighbours(export("z")) == frozenset()


def test_a_copy_is_known_by_what_it_says_and_forgotten_when_it_goes(store: ExportStore) -> None:
    key = ExportKey(NAMESPACE, "a")

    assert store.saw_copy(PLACE, PROOF, "1", deleted=False) == {key}
    assert [copy.secret_name for copy in store.copies(key)] == ["git-auth"]
    assert store.owners(None) == store.owners(NAMESPACE) == {key}
    assert store.saw_copy(PLACE, PROOF, "1", deleted=False) == frozenset(), "nothing new"
    assert store.saw_copy(PLACE, "no proof", "2", deleted=False) == {key}, "somebody took the proof away"
    assert store.copies(key) == ()


def test_a_copy_that_vanished_while_nobody_watched_is_found_by_the_next_list(store: ExportStore) -> None:
    store.saw_copy(PLACE, PROOF, "1", deleted=False)

    assert store.copies_listed(NAMESPACE, []) == {ExportKey(NAMESPACE, "a")}
    assert store.copies_listed(NAMESPACE, []) == set()


def test_who_wants_a_secret_is_told_of_it_whatever_it_says(store: ExportStore) -> None:
    store.saw_export(export("b"), deleted=False)

    assert store.saw_copy(PLACE, None, "1", deleted=True) == {ExportKey(NAMESPACE, "b")}


def test_it_is_ready_when_exports_and_copies_are_listed(store: ExportStore) -> None:
    store.listed(NAMESPACE, (), ())
    assert not store.is_ready(NAMESPACE)

    store.copies_listed(NAMESPACE, ())
    assert store.is_ready(NAMESPACE)
    assert not store.is_ready(None)


def test_an_export_that_vanished_is_swept(store: ExportStore) -> None:
    gone, stays = export("a"), export("b", secretName="b")
    for one in (gone, stays):
        store.saw_export(one, deleted=False)

    assert store.listed(None, {stays.key}, {gone.key, stays.key}) == {gone.key}
    assert store.keys(None) == {stays.key}
    assert store.of_credential(LOGIN) == {stays.key}
