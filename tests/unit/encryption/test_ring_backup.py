"""`encryption/ring_backup.py`: a backup is read as it was written, and anything else is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.canary import CANARY_SECRET_TYPE
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE
from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_backup import (
    RING_TYPES,
    ClearKek,
    ClearSealingKey,
    RingBackup,
    manifest_of,
    stored_secret_of,
)
from sshcredential_operator.encryption.root_key import ROOT_SECRET_TYPE, RootSource
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE
from unit.encryption.samples import KEK, NAMESPACE, OTHER_KEK, OTHER_UID, ROOT, UID

SEALING_KID = f"1.{'A' * 43}"
SECRET = StoredSecret("sshcredential-kek-1", KEK_SECRET_TYPE, {KEK_DATA_KEY: b"\x00\xff"}, {"noted": "x"})
BACKUP = RingBackup(
    datetime(2026, 11, 29, 5, 0, tzinfo=UTC),
    "sshcredential-system",
    RootSource.SECRET,
    ROOT.kid,
    (ClearKek(NAMESPACE, UID, KEK), ClearKek("other", OTHER_UID, OTHER_KEK)),
    (ClearSealingKey(SEALING_KID, Sensitive(bytes(range(1, 33)))),),
    (SECRET,),
)
DATA = BACKUP.to_bytes()
MEMBERS = ("version", "madeAt", "namespace", "rootSource", "rootKeyId", "keks", "sealingKeys", "secrets")
KEK_MEMBERS = ("kid", "namespace", "namespaceUid", "k")
SEALING_MEMBERS = ("kid", "kty", "crv", "x", "d")
Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> bytes:
    value = json.loads(DATA)
    change(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def put(**members: object) -> Change:
    return lambda value: value.update(members)


def first(of: str, **members: object) -> Change:
    return lambda value: value[of][0].update(members)


def without(of: str, name: str) -> Change:
    return lambda value: value[of][0].pop(name)


def item(**members: object) -> Change:
    return lambda value: value["secrets"]["items"][0].update(members)


def test_a_backup_is_read_as_it_was_written() -> None:
    assert RingBackup.from_bytes(DATA) == BACKUP
    assert changed(lambda _: None) == DATA


def test_the_form_is_the_one_that_the_recovery_page_tells_of() -> None:
    value = json.loads(DATA)
    assert tuple(value) == MEMBERS
    assert value["version"] == "sshcredentials.dev/key-ring-backup/v1"
    assert value["madeAt"] == "2026-11-29T05:00:00Z"
    assert value["keks"][0] == {
        "kid": KEK.kid,
        "namespace": NAMESPACE,
        "namespaceUid": UID,
        "k": b64url.encode(KEK.key.reveal()),
    }
    assert tuple(value["sealingKeys"][0]) == SEALING_MEMBERS
    assert value["sealingKeys"][0]["d"] == b64url.encode(bytes(range(1, 33)))
    assert (value["secrets"]["apiVersion"], value["secrets"]["kind"]) == ("v1", "List")
    assert value["secrets"]["items"][0]["metadata"]["namespace"] == "sshcredential-system"


def test_keys_are_found_by_their_workspace_and_secrets_by_their_type() -> None:
    assert BACKUP.keks_of(NAMESPACE) == {KEK.kid: KEK}
    assert BACKUP.keks_of("nobody") == {}
    assert (BACKUP.of_type(KEK_SECRET_TYPE), BACKUP.of_type(ROOT_SECRET_TYPE)) == ([SECRET], [])


def test_a_backup_shows_no_key() -> None:
    shown = f"{BACKUP!r} {BACKUP}"
    for key in (KEK.key.reveal(), OTHER_KEK.key.reveal(), bytes(range(1, 33)), b"\x00\xff"):
        assert b64url.encode(key) not in shown
        assert repr(key) not in shown


def test_secrets_are_made_in_the_order_in_which_the_operator_makes_them() -> None:
    assert RING_TYPES == (ROOT_SECRET_TYPE, CANARY_SECRET_TYPE, KEK_SECRET_TYPE, SEALING_KEY_SECRET_TYPE)


@pytest.mark.parametrize("name", MEMBERS)
def test_no_member_may_be_missing_doubled_or_of_another_type(name: str) -> None:
    assert RingBackup.from_bytes(changed(lambda value: value.pop(name))) is None
    twin = json.dumps({name: json.loads(DATA)[name]}, separators=(",", ":")).encode()[1:-1]
    assert RingBackup.from_bytes(DATA.replace(b"{", b"{" + twin + b",", 1)) is None
    for value in (None, True, 0, 1.5, "", "\u00e4", [1], {"x": 1}):
        assert RingBackup.from_bytes(changed(put(**{name: value}))) is None, value


@pytest.mark.parametrize("of", ["keks", "sealingKeys"])
def test_no_member_of_a_key_may_be_missing_doubled_or_added(of: str) -> None:
    for name in KEK_MEMBERS if of == "keks" else SEALING_MEMBERS:
        twin = json.dumps({name: json.loads(DATA)[of][0][name]}, separators=(",", ":")).encode()[1:-1]
        before = f'"{of}":[{{'.encode()
        assert DATA.count(before) == 1
        assert RingBackup.from_bytes(DATA.replace(before, before + twin + b",")) is None, name
        assert RingBackup.from_bytes(changed(without(of, name))) is None, name
    assert RingBackup.from_bytes(changed(first(of, extra="x"))) is None


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put(version="sshcredentials.dev/key-ring-backup/v2"), id="another version"),
        pytest.param(put(extra=1), id="another member"),
        pytest.param(put(madeAt="yesterday"), id="no moment"),
        pytest.param(put(namespace="../kube-system"), id="a namespace that is none"),
        pytest.param(put(rootSource="secret"), id="a source in lower case"),
        pytest.param(put(rootKeyId="a\nb"), id="a line break in the root key's id"),
        pytest.param(first("keks", kid="a b"), id="a blank in a kid"),
        pytest.param(first("keks", kid="x" * 65), id="a long kid"),
        pytest.param(first("keks", namespaceUid=UID.upper()), id="a uid in upper case"),
        pytest.param(first("keks", k=b64url.encode(bytes(31))), id="a key of 31 bytes"),
        pytest.param(first("keks", k=b64url.encode(bytes(33))), id="a key of 33 bytes"),
        pytest.param(first("keks", k=b64url.encode(bytes(32)) + "="), id="a padded key"),
        pytest.param(first("keks", k=7), id="a number as key"),
        pytest.param(first("sealingKeys", kid="1.short"), id="another kid of a sealing key"),
        pytest.param(first("sealingKeys", d=b64url.encode(bytes(31))), id="a private half of 31 bytes"),
        pytest.param(first("sealingKeys", d=None), id="no private half"),
        pytest.param(item(type="Opaque"), id="a Secret of another type"),
        pytest.param(item(data={"kek": "AAA"}), id="a value that is no base64"),
        pytest.param(item(data={"kek": "A*==A"}), id="a value with stray characters"),
        pytest.param(item(data={"kek": None}), id="null as value"),
        pytest.param(item(data=["kek"]), id="a list of values"),
        pytest.param(item(metadata=None), id="no metadata"),
        pytest.param(item(metadata={"name": 7}), id="a number as name"),
        pytest.param(item(metadata={"name": "x", "annotations": {"a": 1}}), id="a number as annotation"),
        pytest.param(lambda value: value["secrets"].update(items={}), id="no list of Secrets"),
        pytest.param(lambda value: value["secrets"].pop("kind"), id="no kind of the list"),
        pytest.param(lambda value: value["secrets"]["items"].append("x"), id="a text among the Secrets"),
        pytest.param(put(keks=[[]]), id="a list among the keys"),
        pytest.param(put(madeAt=10**30), id="a huge number"),
    ],
)
def test_another_form_is_no_backup(change: Change) -> None:
    assert RingBackup.from_bytes(changed(change)) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(DATA[:-1], id="cut"),
        pytest.param(DATA + b"\n", id="a last newline"),
        pytest.param(b" " + DATA, id="a leading blank"),
        pytest.param(DATA + DATA, id="twice"),
        pytest.param(DATA.replace(b'"keks":[', b'"keks":' + b"[" * 5000, 1), id="5,000 brackets"),
        pytest.param(b"[" * 1_000_000, id="1 MB of brackets"),
        pytest.param(DATA.replace(b'"rootKeyId":"', b'"rootKeyId":' + b"9" * 5000 + b',"x":"', 1), id="many digits"),
    ],
)
def test_other_bytes_are_no_backup(data: bytes) -> None:
    assert RingBackup.from_bytes(data) is None


def test_a_secrets_manifest_comes_back_as_the_secret() -> None:
    assert stored_secret_of(manifest_of(SECRET, "somewhere")) == SECRET
    bare = StoredSecret("x", "Opaque", {})
    assert "annotations" not in manifest_of(bare, "somewhere")["metadata"]  # type: ignore[operator]  # a mapping
    assert stored_secret_of(manifest_of(bare, "somewhere")) == bare


def test_a_secret_as_an_api_server_gives_it_keeps_its_revision() -> None:
    metadata = {"name": "x", "resourceVersion": "7", "annotations": None}
    read = stored_secret_of({"metadata": metadata, "type": "Opaque", "data": None})
    assert read == StoredSecret("x", "Opaque", {}, {}, "7")
