"""Whatever is changed in anything that is stored encrypted, it does not open, and nothing is raised.

One set of changes over every kind of document: values of credentials, workspaces' keys, canaries, sealing keys, roots.
Backups are in `test_backup_tampering.py`. What is never opened has no reason of its own: it is the one `None`.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.canary import CanaryDocument, make_canary, sings
from sshcredential_operator.encryption.credential_secret import (
    Unreadability,
    Unreadable,
    open_credential,
    seal_credential,
)
from sshcredential_operator.encryption.envelope import open_sealed, parse, seal
from sshcredential_operator.encryption.kek import KekDocument, unwrap_kek, wrap_kek
from sshcredential_operator.encryption.root_key import (
    RootKeys,
    RootSource,
    root_keys_from_bytes,
    root_keys_to_bytes,
)
from sshcredential_operator.encryption.roots import LocalRoot, root_id
from sshcredential_operator.encryption.sealing_key import (
    SealingKeyDocument,
    new_sealing_key,
    unwrap_sealing_key,
    wrap_sealing_key,
)
from sshcredential_operator.encryption.wrapping import Wrapped
from unit.encryption.samples import (
    KEK,
    NAME,
    NAMESPACE,
    OTHER_KEK,
    OTHER_ROOT,
    OTHER_UID,
    RECORD,
    ROOT,
    UID,
    material,
    public_half,
)

AAD = b'["where","it","belongs"]'
NOW = datetime(2026, 11, 29, 5, 0, tzinfo=UTC)
SECRET, FILE = RootSource.SECRET, RootSource.FILE
CANARY = make_canary(ROOT, SECRET)
SEALING, OTHER_SEALING = new_sealing_key(3, NOW), new_sealing_key(4, NOW.replace(hour=6))
Path = tuple[str, ...]


def is_ours(wrapped: Wrapped) -> bool:
    """Whether a root in the Secret would try it at all."""
    return LocalRoot(SECRET, RootKeys((ROOT,))).holds(root_id(wrapped))


def opens_value(data: bytes) -> bool:
    envelope = parse(data)
    return envelope is not None and open_sealed(envelope, KEK, AAD) is not None


def opens_kek(data: bytes) -> bool:
    document = KekDocument.from_bytes(data)
    return document is not None and is_ours(document.wrapped) and unwrap_kek(document, ROOT) is not None


def opens_canary(data: bytes) -> bool:
    document = CanaryDocument.from_bytes(data)
    return document is not None and is_ours(document.wrapped) and sings(document, ROOT)


def opens_sealing_key(data: bytes) -> bool:
    document = SealingKeyDocument.from_bytes(data)
    return document is not None and is_ours(document.wrapped) and unwrap_sealing_key(document, ROOT) is not None


def opens_root(data: bytes) -> bool:
    """A root key has nothing to open: it is right when it wraps, and opens its canary."""
    keys = root_keys_from_bytes(data)
    return keys is not None and sings(CANARY, keys.writing)


class Kind(NamedTuple):
    """A kind of document: one of it, another one, and whether bytes open as the first does."""

    data: bytes
    other: bytes
    opens: Callable[[bytes], bool]
    jwe: Path | None
    """Where in the document the JWE lies."""


KINDS = {
    "a value of a credential": Kind(
        seal(Sensitive(b"kept"), KEK, AAD), seal(Sensitive(b"other"), OTHER_KEK, b"[]"), opens_value, ()
    ),
    "a workspace's key": Kind(
        wrap_kek(KEK, NAMESPACE, UID, ROOT, SECRET).to_bytes(),
        wrap_kek(OTHER_KEK, "other", OTHER_UID, OTHER_ROOT, FILE).to_bytes(),
        opens_kek,
        ("wrapped",),
    ),
    "a canary": Kind(CANARY.to_bytes(), make_canary(OTHER_ROOT, FILE).to_bytes(), opens_canary, ("wrapped",)),
    "a sealing key": Kind(
        wrap_sealing_key(SEALING, ROOT, SECRET).to_bytes(),
        wrap_sealing_key(OTHER_SEALING, OTHER_ROOT, FILE).to_bytes(),
        opens_sealing_key,
        ("wrapped",),
    ),
    "a root key": Kind(
        root_keys_to_bytes(RootKeys((ROOT,))), root_keys_to_bytes(RootKeys((OTHER_ROOT,))), opens_root, None
    ),
}
WITH_JWE = {name: kind for name, kind in KINDS.items() if kind.jwe is not None}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
every_jwe = pytest.mark.parametrize("kind", WITH_JWE.values(), ids=WITH_JWE.keys())


def written(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def at(value: Any, path: Sequence[str | int]) -> Any:
    for step in path:
        value = value[step]
    return value


def paths(value: Any, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the way to every member, however deep."""
    steps = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for step in steps:
        yield (*before, step)
        yield from paths(value[step], (*before, step))


def changed(data: bytes, path: Sequence[str | int], to: object) -> bytes:
    value = json.loads(data)
    at(value, path[:-1])[path[-1]] = to
    return written(value)


@every_kind
def test_unchanged_it_opens_and_another_one_does_not(kind: Kind) -> None:
    assert written(json.loads(kind.data)) == kind.data
    assert kind.opens(kind.data)
    assert not kind.opens(kind.other)


@every_kind
def test_no_changed_bit_opens(kind: Kind) -> None:
    for place in range(len(kind.data) * 8):
        spoilt = bytearray(kind.data)
        spoilt[place // 8] ^= 1 << place % 8
        assert not kind.opens(bytes(spoilt)), place


@every_kind
def test_nothing_cut_doubled_or_added_to_opens(kind: Kind) -> None:
    assert [end for end in range(len(kind.data)) if kind.opens(kind.data[:end])] == []
    for spoilt in (kind.data * 2, kind.data + b"\n", b" " + kind.data, b"\xef\xbb\xbf" + kind.data, kind.data + b"\0"):
        assert not kind.opens(spoilt)


@every_kind
def test_no_part_of_another_one_fits(kind: Kind) -> None:
    own, other, tried = json.loads(kind.data), json.loads(kind.other), 0
    for path in paths(own):
        if at(own, path) == at(other, path):
            continue
        tried += 1
        assert not kind.opens(changed(kind.data, path, at(other, path))), path
    assert tried >= 3


@every_kind
def test_no_two_parts_may_change_places(kind: Kind) -> None:
    own = json.loads(kind.data)
    texts = [path for path in paths(own) if isinstance(at(own, path), str)]
    for one, two in itertools.combinations(texts, 2):
        if at(own, one) != at(own, two):
            assert not kind.opens(changed(changed(kind.data, one, at(own, two)), two, at(own, one))), (one, two)


@every_kind
def test_no_member_of_any_object_may_come_twice_and_none_may_be_added_or_missing(kind: Kind) -> None:
    own = json.loads(kind.data)
    for path in paths(own):
        if isinstance(path[-1], int):
            continue
        twin = written({path[-1]: at(own, path)})[1:-1]
        holder = written(at(own, path[:-1]))
        for doubled in (b"{" + twin + b"," + holder[1:], holder[:-1] + b"," + twin + b"}"):
            assert kind.data.count(holder) == 1
            assert json.loads(doubled) == at(own, path[:-1])
            assert not kind.opens(kind.data.replace(holder, doubled)), path
        without = copy.deepcopy(own)
        del at(without, path[:-1])[path[-1]]
        assert not kind.opens(written(without)), path
    for path in [(), *paths(own)]:
        if isinstance(at(own, path), dict):
            for name in ("x", "zip", "crit", "enc", "alg", "recipients", "unprotected", ""):
                more = copy.deepcopy(own)
                if name not in at(more, path):
                    at(more, path)[name] = "A256GCM"
                    assert not kind.opens(written(more)), (path, name)


ODD: dict[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "an empty text": b'""',
    "a huge integer": b"9" * 5000,
    "an infinite number": b"1e999",
    "a long fraction": b"0." + b"1" * 5000,
    "NaN": b"NaN",
    "2,000 nested lists": b"[" * 2000 + b"]" * 2000,
    "2,000 nested objects": b'{"a":' * 2000 + b"1" + b"}" * 2000,
    "100,000 opening brackets": b"[" * 100_000,
    "100,000 items": b"[" + b"0," * 99_999 + b"0]",
    "a long text": b'"' + b"A" * 200_000 + b'"',
}


@every_kind
@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_no_member_may_be_odd_deep_or_huge(kind: Kind, odd: bytes) -> None:
    mark = "a-mark-that-is-nowhere-else"
    for path in paths(json.loads(kind.data)):
        spoilt = changed(kind.data, path, mark).replace(json.dumps(mark).encode(), odd)
        assert not kind.opens(spoilt), path


def protected(**header: object) -> Callable[[dict[str, Any]], None]:
    return lambda jwe: jwe.update(protected=b64url.encode(written(header)))


def put(**members: object) -> Callable[[dict[str, Any]], None]:
    return lambda jwe: jwe.update(members)


def header(**members: object) -> Callable[[dict[str, Any]], None]:
    return lambda jwe: jwe["header"].update(members)


def as_recipients(count: int) -> Callable[[dict[str, Any]], None]:
    """Write it in general JSON, where the recipient may be one of several."""

    def change(jwe: dict[str, Any]) -> None:
        one = {name: jwe.pop(name) for name in ("header", "encrypted_key")}
        jwe["recipients"] = [one] * count

    return change


def as_second_recipient(jwe: dict[str, Any]) -> None:
    jwe["recipients"] = [{name: copy.deepcopy(jwe[name]) for name in ("header", "encrypted_key")}]


CHANGES: dict[str, Callable[[dict[str, Any]], None]] = {
    "zip in the protected header": protected(enc="A256GCM", zip="DEF"),
    "crit in the protected header": protected(enc="A256GCM", crit=["exp"], exp=1),
    "another enc": protected(enc="A128GCM"),
    "an enc with another mode": protected(enc="A256CBC-HS512"),
    "alg in the protected header": protected(enc="A256GCM", alg="A256GCMKW"),
    "the kid in the protected header": protected(enc="A256GCM", kid=KEK.kid),
    "an unprotected header": put(unprotected={}),
    "zip in the unprotected header": put(unprotected={"zip": "DEF"}),
    "enc in the unprotected header": put(unprotected={"enc": "A256GCM"}),
    "zip in the recipient's header": header(zip="DEF"),
    "crit in the recipient's header": header(crit=["kid"]),
    "enc in the recipient's header": header(enc="A256GCM"),
    "a key in the recipient's header": header(jwk={"kty": "oct", "k": "AAAA"}),
    "an address in the recipient's header": header(jku="https://example.com/keys"),
    "another alg": header(alg="A256KW"),
    "an alg with a shorter key": header(alg="A128GCMKW"),
    "no wrapping": header(alg="dir"),
    "no alg": header(alg="none"),
    "an alg with a passphrase": header(alg="PBES2-HS512+A256KW", p2s="AAAA", p2c=2**31),
    "a foreign kid": header(kid="2.another.kid"),
    "the other key's kid": header(kid=OTHER_ROOT.kid),
    "one recipient in a list": as_recipients(1),
    "two recipients in a list": as_recipients(2),
    "a second recipient beside the first": as_second_recipient,
}


@every_jwe
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_no_other_jwe_opens_in_any_document(kind: Kind, change: Callable[[dict[str, Any]], None]) -> None:
    value = json.loads(kind.data)
    change(at(value, kind.jwe or ()))
    assert written(value) != kind.data
    assert not kind.opens(written(value))


def test_no_changed_bit_of_a_credentials_record_opens_and_each_has_one_reason() -> None:
    data = seal_credential(RECORD, material(RECORD), KEK, NAMESPACE, NAME)
    reasons = set()
    for place in range(0, len(data["record"]) * 8, 3):
        spoilt = bytearray(data["record"])
        spoilt[place // 8] ^= 1 << place % 8
        found = open_credential({**data, "record": bytes(spoilt)}, NAMESPACE, NAME, {KEK.kid: KEK}.get, public_half)
        assert isinstance(found, Unreadable), place
        reasons.add(found.why)
    assert reasons == {Unreadability.DOES_NOT_OPEN, Unreadability.UNKNOWN_KID}
