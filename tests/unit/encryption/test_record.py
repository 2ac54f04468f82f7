from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.encryption import record_json
from sshcredential_operator.encryption.record import (
    FromGenerate,
    FromImport,
    FromSealed,
    NextKey,
    PreviousKey,
    Record,
    RecordedKey,
    SecretKey,
    first_record,
    new_credential_id,
)
from unit.encryption.samples import CREDENTIAL_ID, FULL_RECORD, RECORD, fingerprint, line, recorded_key, unhurried, wire

IMPORTED = FromImport(
    SecretKey("my-key", "ssh-privatekey"), SecretKey("my.key", "pass_phrase"), fingerprint(b"imported")
)
FULL = replace(FULL_RECORD, source=IMPORTED)

TIMES = st.datetimes().map(lambda moment: moment.replace(microsecond=0).isoformat() + "Z")
FINGERPRINTS = st.binary(max_size=4).map(fingerprint)
REFERENCES = st.builds(
    SecretKey, st.sampled_from(["a", "my-key", "a.b-c.d", "x" * 253]), st.sampled_from(["k", "a_B-1.c", "y" * 253])
)
SOURCES = st.one_of(
    st.just(FromGenerate()),
    st.builds(FromImport, REFERENCES, st.none() | REFERENCES, FINGERPRINTS),
    st.builds(FromSealed, FINGERPRINTS),
)
KINDS = [
    (Algorithm.ED25519, 256, "ssh-ed25519"),
    *((Algorithm.ECDSA, bits, f"ecdsa-sha2-nistp{bits}") for bits in (256, 384, 521)),
    *((Algorithm.RSA, bits, "ssh-rsa") for bits in (2048, 3072, 4088, 8192)),
]


@st.composite
def recorded_keys(draw: st.DrawFn, key_number: int) -> RecordedKey:
    algorithm, bits, key_type = draw(st.sampled_from(KINDS))
    comment = draw(st.sampled_from(["", "x", "a b  c", "!~", 'quote"d\\']))
    public_key, mark = line(key_type, draw(st.binary(max_size=4)), comment)
    notes = draw(st.sampled_from([(), ("NoPassphrase",), ("A1", "B2") * 8]))
    return RecordedKey(key_number, algorithm, bits, mark, public_key, draw(TIMES), draw(st.booleans()), notes)


@st.composite
def records(draw: st.DrawFn) -> Record:
    numbers = draw(st.lists(st.integers(1, 2**31 - 1), min_size=1, max_size=7, unique=True))
    staged = len(numbers) == 7 or (len(numbers) > 1 and draw(st.booleans()))
    return Record(
        credential_id=draw(st.binary(min_size=16, max_size=16)).hex(),
        current=numbers[0],
        next=NextKey(numbers[-1], draw(TIMES)) if staged else None,
        previous=tuple(PreviousKey(number, draw(TIMES)) for number in numbers[1 : len(numbers) - staged]),
        keys=tuple(draw(recorded_keys(number)) for number in sorted(numbers)),
        highest_key_number=draw(st.integers(max(numbers), 2**31 - 1)),
        rotation_serial=draw(st.integers(0, 2**63 - 1)),
        rollback_to=draw(st.none() | FINGERPRINTS),
        source=draw(SOURCES),
        deletion_policy=draw(st.sampled_from(["Delete", "Retain"])),
        deletion_grace_period=draw(st.sampled_from(["0s", "168h", "1h30m", "1.5h", "90m0.5s", "87600h"])),
    )


@unhurried
@given(records())
def test_every_record_is_read_as_it_was_written(record: Record) -> None:
    assert record_json.from_bytes(record_json.to_bytes(record)) == record


@unhurried
@given(records(), st.data())
def test_a_record_with_one_byte_changed_is_another_record_or_none(record: Record, data: st.DataObject) -> None:
    text = bytearray(record_json.to_bytes(record))
    position = data.draw(st.integers(0, len(text) - 1))
    text[position] ^= data.draw(st.integers(1, 255))
    read = record_json.from_bytes(bytes(text))
    assert read is None or (read != record and record_json.to_bytes(read) == bytes(text))


def test_the_stored_form_has_the_documented_members_in_their_order() -> None:
    assert json.loads(record_json.to_bytes(FULL)) == {
        "version": "sshcredentials.dev/v1",
        "credentialId": CREDENTIAL_ID,
        "current": 4,
        "next": {"keyNumber": 5, "promotesAt": "2026-02-01T00:00:00Z"},
        "previous": [
            {"keyNumber": 3, "until": "2026-02-02T00:00:00Z"},
            {"keyNumber": 1, "until": "2026-02-03T00:00:00Z"},
        ],
        "keys": [
            {
                "keyNumber": key.key_number,
                "algorithm": "Ed25519",
                "bits": 256,
                "fingerprint": key.fingerprint,
                "publicKey": key.public_key,
                "createdAt": "2026-01-31T12:00:00Z",
                "passphraseProtected": key.key_number in {3, 4},
                "notes": ["NoPassphrase", "SmallExponent"] if key.key_number == 4 else [],
            }
            for key in FULL.keys
        ],
        "highestKeyNumber": 6,
        "rotationSerial": 2**63 - 1,
        "rollbackTo": recorded_key(3).fingerprint,
        "source": {
            "kind": "importFrom",
            "privateKey": {"secretName": "my-key", "key": "ssh-privatekey"},
            "passphrase": {"secretName": "my.key", "key": "pass_phrase"},
            "fingerprint": fingerprint(b"imported"),
        },
        "deletionPolicy": "Delete",
        "deletionGracePeriod": "168h",
    }


def test_the_first_record_of_a_credential_has_one_key_and_no_history() -> None:
    made = first_record(
        credential_id=CREDENTIAL_ID,
        key=recorded_key(1),
        source=FromGenerate(),
        deletion_policy="Delete",
        deletion_grace_period="168h",
    )
    assert made == RECORD


def test_a_record_knows_its_keys_by_number() -> None:
    assert (FULL.current_key, FULL.key(3), FULL.key(2)) == (FULL.keys[2], FULL.keys[1], None)


def test_credential_ids_are_random_and_fit_the_record() -> None:
    made = {new_credential_id() for _ in range(100)}
    assert len(made) == 100
    for credential_id in made:
        record_json.to_bytes(replace(RECORD, credential_id=credential_id))


Path = tuple[str | int, ...]


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """Yield where every member and every item of a document is."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in inner:
        yield (*here, name)
        yield from paths(child, (*here, name))


def at(value: Any, path: Path) -> Any:
    for name in path:
        value = value[name]
    return value


def write(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


DOCUMENT: dict[str, Any] = json.loads(record_json.to_bytes(FULL))
EVERYWHERE = list(paths(DOCUMENT))
MEMBERS = [path for path in EVERYWHERE if isinstance(path[-1], str)]


def changed(change: Callable[[dict[str, Any]], object], document: dict[str, Any] = DOCUMENT) -> bytes:
    value = json.loads(write(document))
    change(value)
    return write(value)


def set_at(*path: str | int, to: Any) -> Callable[[dict[str, Any]], None]:
    return lambda document: at(document, path[:-1]).__setitem__(path[-1], to)


def both(*changes: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        for one in changes:
            one(document)

    return change


def without_key(number: int) -> Callable[[dict[str, Any]], None]:
    return set_at("keys", to=[key for key in DOCUMENT["keys"] if key["keyNumber"] != number])


def test_the_table_below_reaches_every_member() -> None:
    assert len(MEMBERS) == 58
    assert record_json.from_bytes(write(DOCUMENT)) == FULL


@pytest.mark.parametrize("path", MEMBERS, ids=lambda path: ".".join(map(str, path)))
def test_no_member_may_be_missing_doubled_or_out_of_order(path: Path) -> None:
    *parent, name = path
    text = write(DOCUMENT)
    assert record_json.from_bytes(changed(lambda value: at(value, tuple(parent)).pop(name))) is None
    twin = write({name: at(DOCUMENT, path)})[1:-1]
    assert record_json.from_bytes(text.replace(twin, twin + b"," + twin, 1)) is None

    def reorder(value: dict[str, Any]) -> None:
        owner = at(value, tuple(parent))
        owner[name] = owner.pop(name)

    moved = changed(reorder)
    assert moved == text or record_json.from_bytes(moved) is None


@pytest.mark.parametrize(
    "path",
    [(), *(path for path in EVERYWHERE if isinstance(at(DOCUMENT, path), dict))],
    ids=lambda p: ".".join(map(str, p)),
)
def test_no_object_may_have_another_member(path: Path) -> None:
    assert record_json.from_bytes(changed(lambda value: at(value, path).update(extra=None))) is None


OTHER_TYPES: list[Any] = [
    None,
    True,
    False,
    -1,
    1.5,
    2**63,
    2**64,
    "",
    "\u202e",
    "x" * 5000,
    [],
    [[]],
    {},
    {"kind": "x"},
]


@pytest.mark.parametrize("path", EVERYWHERE, ids=lambda path: ".".join(map(str, path)))
def test_no_value_may_have_another_type_or_be_out_of_bounds(path: Path) -> None:
    allowed: dict[str | int, list[Any]] = {
        "notes": [[]],
        "passphraseProtected": [True, False],
        "rollbackTo": [None],
        "passphrase": [None],
    }
    *parent, name = path
    for value in OTHER_TYPES:
        read = record_json.from_bytes(changed(set_at(*parent, name, to=value)))
        assert read is None or value in allowed.get(name, []), value


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(set_at("version", to="sshcredentials.dev/v2"), id="a newer version"),
        pytest.param(set_at("credentialId", to=CREDENTIAL_ID.upper()), id="an id in upper case"),
        pytest.param(set_at("credentialId", to=CREDENTIAL_ID + "\n"), id="a line break after the id"),
        pytest.param(set_at("credentialId", to=CREDENTIAL_ID[:-1]), id="an id of 31 digits"),
        pytest.param(set_at("current", to=0), id="current 0"),
        pytest.param(set_at("current", to=2**31), id="current beyond 31 bits"),
        pytest.param(set_at("current", to=2), id="a current key that is not there"),
        pytest.param(set_at("current", to=5), id="current is also next"),
        pytest.param(set_at("current", to=3), id="current is also previous"),
        pytest.param(
            both(set_at("current", to=5), without_key(4)), id="current is also next, and nothing is left over"
        ),
        pytest.param(
            both(set_at("current", to=3), without_key(4)), id="current is also previous, and nothing is left over"
        ),
        pytest.param(
            both(set_at("previous", 1, "keyNumber", to=3), without_key(1)),
            id="a previous key twice, and nothing is left over",
        ),
        pytest.param(set_at("next", to=None), id="a key that nothing names"),
        pytest.param(set_at("next", "keyNumber", to=7), id="a next key that is not there"),
        pytest.param(set_at("next", "keyNumber", to=3), id="next is also previous"),
        pytest.param(set_at("previous", to=[]), id="two keys that nothing names"),
        pytest.param(set_at("previous", 1, "keyNumber", to=3), id="a previous key twice"),
        pytest.param(set_at("previous", to=DOCUMENT["previous"][::-1] * 3), id="six previous keys"),
        pytest.param(set_at("keys", to=[]), id="no keys"),
        pytest.param(set_at("keys", to=DOCUMENT["keys"][::-1]), id="keys that descend"),
        pytest.param(set_at("keys", to=DOCUMENT["keys"][:1] + DOCUMENT["keys"]), id="a key twice"),
        pytest.param(set_at("keys", to=DOCUMENT["keys"][1:]), id="a previous key without its facts"),
        pytest.param(set_at("keys", to=DOCUMENT["keys"] * 2), id="eight keys"),
        pytest.param(set_at("highestKeyNumber", to=4), id="a key above the highest number"),
        pytest.param(set_at("highestKeyNumber", to=2**31), id="a highest number beyond 31 bits"),
        pytest.param(set_at("rotationSerial", to=-1), id="a negative serial"),
        pytest.param(set_at("rotationSerial", to=2**63), id="a serial of 64 bits"),
        pytest.param(set_at("rollbackTo", to="SHA256:short"), id="a short fingerprint"),
        pytest.param(set_at("rollbackTo", to="SHA256:" + "B" * 43), id="a fingerprint with stray bits"),
        pytest.param(set_at("rollbackTo", to="MD5:" + "A" * 43), id="another digest"),
        pytest.param(set_at("source", "kind", to="generate"), id="members of another kind of source"),
        pytest.param(set_at("source", to={"kind": "elsewhere"}), id="an unknown kind of source"),
        pytest.param(set_at("source", to={"kind": "generate", "bits": 256}), id="a generated source with a member"),
        pytest.param(set_at("source", to={"kind": "sealed"}), id="a sealed source without a fingerprint"),
        pytest.param(set_at("source", "privateKey", to=None), id="an import without a private key"),
        pytest.param(set_at("source", "privateKey", "secretName", to="My-Key"), id="a Secret's name in upper case"),
        pytest.param(set_at("source", "privateKey", "secretName", to="a..b"), id="two dots in a Secret's name"),
        pytest.param(
            set_at("source", "privateKey", "secretName", to="x" * 254), id="a Secret's name of 254 characters"
        ),
        pytest.param(set_at("source", "privateKey", "secretName", to="a\n"), id="a line break in a Secret's name"),
        pytest.param(set_at("source", "privateKey", "key", to="a/b"), id="a slash in a Secret's key"),
        pytest.param(set_at("source", "privateKey", "key", to="x" * 254), id="a Secret's key of 254 characters"),
        pytest.param(set_at("deletionPolicy", to="delete"), id="a policy in lower case"),
        pytest.param(set_at("deletionPolicy", to="Orphan"), id="an unknown policy"),
        pytest.param(set_at("deletionGracePeriod", to="168"), id="a duration without a unit"),
        pytest.param(set_at("deletionGracePeriod", to="-1h"), id="a negative duration"),
        pytest.param(set_at("deletionGracePeriod", to="1d"), id="a duration in days"),
        pytest.param(set_at("deletionGracePeriod", to="1h\n"), id="a line break after the duration"),
        pytest.param(set_at("deletionGracePeriod", to="1h" * 40), id="a duration of 80 characters"),
        pytest.param(set_at("keys", 0, "algorithm", to="ED25519"), id="an algorithm in upper case"),
        pytest.param(set_at("keys", 0, "algorithm", to="RSA"), id="an algorithm that the public key does not have"),
        pytest.param(set_at("keys", 0, "bits", to=255), id="a size that the algorithm does not have"),
        pytest.param(set_at("keys", 0, "fingerprint", to=fingerprint(b"x")), id="another key's fingerprint"),
        pytest.param(set_at("keys", 0, "publicKey", to=recorded_key(2).public_key), id="another public key"),
        pytest.param(set_at("keys", 0, "createdAt", to="2026-01-31T12:00:00+00:00"), id="a zone in digits"),
        pytest.param(set_at("keys", 0, "createdAt", to="2026-01-31T12:00:00.0Z"), id="a fraction of a second"),
        pytest.param(set_at("keys", 0, "createdAt", to="2026-02-30T12:00:00Z"), id="the 30th of February"),
        pytest.param(set_at("keys", 0, "createdAt", to="2026-01-31T12:00:60Z"), id="a leap second"),
        pytest.param(set_at("keys", 0, "createdAt", to="2026-01-31 12:00:00Z"), id="a blank in a time"),
        pytest.param(set_at("keys", 0, "createdAt", to="\u0662026-01-31T12:00:00Z"), id="a digit of another script"),
        pytest.param(set_at("keys", 0, "notes", to=["A b"]), id="a note with a blank"),
        pytest.param(set_at("keys", 0, "notes", to=["x" * 65]), id="a note of 65 characters"),
        pytest.param(set_at("keys", 0, "notes", to=["A"] * 17), id="17 notes"),
    ],
)
def test_what_is_out_of_bounds_or_does_not_fit_together_is_no_record(change: Callable[[dict[str, Any]], None]) -> None:
    data = changed(change)
    assert data != write(DOCUMENT)
    assert record_json.from_bytes(data) is None


@pytest.mark.parametrize(
    ("public_key", "bits", "algorithm"),
    [
        pytest.param("ssh-ed25519", 256, Algorithm.ED25519, id="no key"),
        pytest.param("ssh-ed25519 ", 256, Algorithm.ED25519, id="an empty key"),
        pytest.param("ssh-ed25519 !", 256, Algorithm.ED25519, id="no base64"),
        pytest.param("{type} {key}\n", 256, Algorithm.ED25519, id="a last newline"),
        pytest.param("{type} {key} a\nb", 256, Algorithm.ED25519, id="a line break in the comment"),
        pytest.param("{type} {key} a\tb", 256, Algorithm.ED25519, id="a tab in the comment"),
        pytest.param("{type} {key} \u202eb", 256, Algorithm.ED25519, id="a comment that turns the text"),
        pytest.param("{type} {key} \x1b[2J", 256, Algorithm.ED25519, id="a terminal's escape in the comment"),
        pytest.param("{type} {key} ", 256, Algorithm.ED25519, id="a last blank"),
        pytest.param(" {type} {key}", 256, Algorithm.ED25519, id="a leading blank"),
        pytest.param("{type}  {key}", 256, Algorithm.ED25519, id="two blanks"),
        pytest.param('command="x" {type} {key}', 256, Algorithm.ED25519, id="an option before the key"),
        pytest.param("ssh-rsa {key}", 256, Algorithm.ED25519, id="another type before the key"),
        pytest.param("ssh-rsa {key}", 2048, Algorithm.RSA, id="another type inside the key"),
        pytest.param("{type} {key}=", 256, Algorithm.ED25519, id="padding that is not needed"),
        pytest.param("{type} {key} " + "x" * 4096, 256, Algorithm.ED25519, id="a long comment"),
    ],
)
def test_a_public_key_is_one_plain_line_of_its_algorithm(public_key: str, bits: int, algorithm: Algorithm) -> None:
    good = recorded_key(1)
    key_type, key, _ = good.public_key.split(" ")
    text = public_key.format(type=key_type, key=key)
    entry = replace(good, public_key=text, bits=bits, algorithm=algorithm)
    with pytest.raises(ValueError, match="could not be read again"):
        record_json.to_bytes(replace(RECORD, keys=(entry,)))
    assert record_json.from_bytes(changed(set_at("keys", 0, "publicKey", to=text))) is None


def test_a_public_key_in_another_base64_spelling_is_refused() -> None:
    good = recorded_key(1)
    text = good.public_key.replace(" genomics@hpc", "")
    public_key, mark = line("ssh-ed25519", wire(b"\1" * 31))
    assert public_key.endswith("=")
    stray = public_key.rstrip("=")[:-1] + chr(ord(public_key.rstrip("=")[-1]) + 1) + "=" * public_key.count("=")
    assert record_json.to_bytes(replace(RECORD, keys=(replace(good, public_key=text),)))
    assert record_json.to_bytes(replace(RECORD, keys=(replace(good, public_key=public_key, fingerprint=mark),)))
    with pytest.raises(ValueError, match="could not be read again"):
        record_json.to_bytes(replace(RECORD, keys=(replace(good, public_key=stray, fingerprint=mark),)))


@pytest.mark.parametrize(
    ("algorithm", "bits"),
    [
        (a, b)
        for a in Algorithm
        for b in (0, 1, 255, 256, 257, 384, 521, 1024, 2047, 2048, 2049, 3072, 4096, 8192, 8200)
    ],
)
def test_sizes_are_those_that_the_algorithm_has(algorithm: Algorithm, bits: int) -> None:
    key_type = {Algorithm.ED25519: "ssh-ed25519", Algorithm.ECDSA: f"ecdsa-sha2-nistp{bits}", Algorithm.RSA: "ssh-rsa"}
    allowed = {
        Algorithm.ED25519: {256},
        Algorithm.ECDSA: {256, 384, 521},
        Algorithm.RSA: {2048, 3072, 4096, 8192},
    }
    public_key, mark = line(key_type[algorithm], b"")
    entry = replace(recorded_key(1), algorithm=algorithm, bits=bits, public_key=public_key, fingerprint=mark)
    record = replace(RECORD, keys=(entry,))
    if bits in allowed[algorithm]:
        assert record_json.from_bytes(record_json.to_bytes(record)) == record
    else:
        with pytest.raises(ValueError, match="could not be read again"):
            record_json.to_bytes(record)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="a list"),
        pytest.param(write([DOCUMENT]), id="a list around it"),
        pytest.param(write(DOCUMENT) + b"\n", id="a last newline"),
        pytest.param(json.dumps(DOCUMENT).encode(), id="blanks"),
        pytest.param(
            json.dumps(DOCUMENT, separators=(",", ":"), sort_keys=True).encode(), id="members in another order"
        ),
        pytest.param(b"\xef\xbb\xbf" + write(DOCUMENT), id="a byte order mark"),
        pytest.param(write(DOCUMENT).replace(b'"current":4', b'"current":4.0'), id="a fraction"),
        pytest.param(write(DOCUMENT).replace(b'"current":4', b'"current":NaN'), id="NaN"),
        pytest.param(write(DOCUMENT).replace(b'"version"', b'"\\u0076ersion"'), id="an escaped name"),
        pytest.param(write(DOCUMENT)[:-1], id="cut"),
        pytest.param(b'{"version":' + b"[" * 40_000, id="nested"),
        pytest.param(b" " * 50_000, id="too long"),
    ],
)
def test_any_other_spelling_is_no_record(data: bytes) -> None:
    assert record_json.from_bytes(data) is None


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(replace(RECORD, keys=()), id="no keys"),
        pytest.param(replace(RECORD, current=2), id="another current key"),
        pytest.param(replace(RECORD, deletion_policy="Keep"), id="an unknown policy"),
        pytest.param(replace(RECORD, deletion_grace_period="a week"), id="a duration in words"),
        pytest.param(replace(RECORD, rotation_serial=-1), id="a negative serial"),
        pytest.param(replace(RECORD, keys=(replace(recorded_key(1), created_at="today"),)), id="a time in words"),
    ],
)
def test_a_record_that_could_not_be_read_again_is_never_written(record: Record) -> None:
    with pytest.raises(ValueError, match="could not be read again"):
        record_json.to_bytes(record)


def test_the_largest_record_fits_the_envelope() -> None:
    public_key, mark = line("ssh-rsa", b"\xff" * 1100)
    public_key += " " + "x" * (4096 - len(public_key) - 1)
    entry = replace(
        recorded_key(1),
        algorithm=Algorithm.RSA,
        bits=8192,
        public_key=public_key,
        fingerprint=mark,
        notes=tuple("N" * 64 for _ in range(16)),
    )
    numbers = range(2**31 - 8, 2**31 - 1)
    largest = replace(
        FULL,
        current=numbers[0],
        next=NextKey(numbers[1], "9999-12-31T23:59:59Z"),
        previous=tuple(PreviousKey(number, "9999-12-31T23:59:59Z") for number in numbers[2:]),
        keys=tuple(replace(entry, key_number=number) for number in numbers),
        highest_key_number=2**31 - 1,
        source=FromImport(SecretKey("x" * 253, "y" * 253), SecretKey("x" * 253, "y" * 253), mark),
        deletion_grace_period="1h" * 32,
    )
    assert record_json.from_bytes(record_json.to_bytes(largest)) == largest
