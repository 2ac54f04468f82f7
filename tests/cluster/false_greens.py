"""Which greens are false: a model of what green has to mean, held against every revision that was ever written.

Green means, at that revision: the Secret exists and opens, the private key in it fits the public one, the status names
that key, and the key is what the spec of this generation asks for. Pure; used by tests on what `etcd_history` tells.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from cluster.etcd_history import CREDENTIALS, Revision
from cluster.greens import Greens, greens_of
from cluster.shown import Object, data_of
from sshcredential_operator.api.names import SECRET_SUFFIX
from sshcredential_operator.encryption.credential_secret import OpenedCredential, open_credential, open_key
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.record import Record, RecordedKey
from sshcredential_operator.keys.stored import stored_public_key

KeyOf = Callable[[str], Kek | None]
Inputs = Mapping[str, str]
"""Fingerprints of the keys in input Secrets, which never change, by the Secret's name."""

LEAST_BITS = {"Ed25519": 256, "ECDSA": 256, "RSA": 3072}


class Opened(NamedTuple):
    """A Secret that opened. `private` holds the fingerprint of every private key, made without the operator's code."""

    record: Record
    private: dict[int, str]


class Moment(NamedTuple):
    """A credential that somebody takes for green, and its Secret, at one version."""

    version: int
    credential: Revision
    green: Greens
    secret: Revision | None
    opened: Opened | None

    @property
    def shown(self) -> Object:
        """The credential."""
        return self.credential.object or {}


def false_greens(revisions: Sequence[Revision], key_of: KeyOf, inputs: Inputs | None = None) -> list[str]:
    """Return one sentence for everything that is wrong with a green."""
    moments = list(greens(revisions, key_of))
    last = {(one.namespace, one.name.removesuffix(SECRET_SUFFIX)): one.version for one in revisions}.values()
    wrong = [
        f"{moment.credential.name} at {moment.version}: {moment.green}, but {problem}"
        for moment in moments
        for problem in lies(moment, inputs or {}, at_rest=moment.version in last)
    ]
    return wrong + list(unasked_changes(moments)) + list(shared_names(revisions))


def greens(revisions: Sequence[Revision], key_of: KeyOf) -> Iterator[Moment]:
    """Yield every moment at which a credential or its Secret was written and somebody took the credential for green."""
    verdicts = _verdicts(revisions)
    credentials: dict[tuple[str, str], Revision] = {}
    secrets: dict[tuple[str, str], tuple[Revision, Opened | None]] = {}
    for one in revisions:
        place = (one.namespace, one.name.removesuffix(SECRET_SUFFIX))
        if one.resource == CREDENTIALS:
            credentials[place] = one
        elif one.name.endswith(SECRET_SUFFIX):
            secrets[place] = one, _open(one, place, key_of)
        if (credential := credentials.get(place)) and any(verdicts[credential.version]):
            secret, opened = secrets.get(place, (None, None))
            yield Moment(one.version, credential, verdicts[credential.version], secret, opened)


def lies(moment: Moment, inputs: Inputs, *, at_rest: bool) -> Iterator[str]:
    """Yield what is not as green says, and whether the key is what the spec asks for."""
    yield from false_halves(moment, at_rest=at_rest)
    if key := _named(moment):
        yield from _unsatisfied(moment.shown["spec"], key, inputs)


def false_halves(moment: Moment, *, at_rest: bool) -> Iterator[str]:
    """Yield what is not as green says of the Secret and of both halves of the key.

    Two objects cannot be written at once: until the status follows the Secret, it tells of what was so. At rest it has
    followed.
    """
    secret, opened = moment.secret, moment.opened
    follows = secret is None or secret.version < moment.credential.version or at_rest
    if secret is None or secret.object is None:
        if follows:
            yield "there is no Secret"
    elif opened is None:
        if follows:
            yield "the Secret does not open"
    else:
        yield from _lies_about_key(moment, opened, follows=follows)


def unasked_changes(moments: Iterable[Moment]) -> Iterator[str]:
    """Yield where a key was replaced unasked, or not replaced although a raised serial asked for it."""
    known: dict[tuple[str, str], tuple[int, str]] = {}
    for moment in moments:
        place, spec, fingerprint = (
            moment.credential[2:4],
            moment.shown["spec"],
            moment.shown["status"].get("fingerprint", ""),
        )
        serial = spec["rotation"]["serial"]
        most, before = known.get(place, (serial, fingerprint))
        if serial <= most and fingerprint != before:
            yield f"{place} at {moment.version}: another key without a raised serial"
        if serial > most and fingerprint == before and "generate" in spec:
            yield f"{place} at {moment.version}: the serial was raised, and the key is the same"
        known[place] = max(serial, most), fingerprint


def lost_greens(revisions: Sequence[Revision]) -> Iterator[str]:
    """Yield where a credential was no longer green although nobody had changed its spec: a hiccup is no reason."""
    verdicts, before = _verdicts(revisions), dict[tuple[str, str], Object]()
    for one in revisions:
        if one.resource != CREDENTIALS:
            continue
        place = (one.namespace, one.name)
        if one.object and any(verdicts[one.version]):
            before[place] = one.object["metadata"]
        elif (last := before.pop(place, None)) and one.object:
            now = one.object["metadata"]
            if (now["uid"], now["generation"]) == (last["uid"], last["generation"]):
                yield f"{place} at {one.version}: no longer green, with {one.object['status']}"


def shared_names(revisions: Sequence[Revision]) -> Iterator[str]:
    """Yield where two credentials of one namespace were green with the same name."""
    verdicts = _verdicts(revisions)
    holders: dict[tuple[str, str], set[str]] = {}
    for one in revisions:
        if one.resource != CREDENTIALS:
            continue
        spec = (one.object or {}).get("spec", {})
        for (namespace, _), held in holders.items():
            if namespace == one.namespace:
                held.discard(one.name)
        if one.object and any(verdicts[one.version]):
            held = holders.setdefault((one.namespace, spec.get("name", one.name)), set())
            held.add(one.name)
            if len(held) > 1:
                yield f"{one.namespace} at {one.version}: {sorted(held)} are green with one name"


def _lies_about_key(moment: Moment, opened: Opened, *, follows: bool) -> Iterator[str]:
    status, record, key = moment.shown["status"], opened.record, _named(moment)
    if key is None:
        yield "the status names a key that is not stored"
        return
    if follows and key is not record.current_key:
        yield "the status names another key than the current one"
    told = {name: status.get(name) for name in ("credentialId", "publicKey", "algorithm", "bits", "keyNumber")}
    if told != _facts(record, key):
        yield f"the status tells {told}, and the Secret holds {_facts(record, key)}"
    if opened.private[key.key_number] != key.fingerprint:
        yield "the private key is another one"
    if moment.shown["spec"]["rotation"]["serial"] > record.rotation_serial:
        yield "a raised serial was not answered"


def _named(moment: Moment) -> RecordedKey | None:
    """Return the stored key that the status names."""
    status, keys = moment.shown["status"], moment.opened.record.keys if moment.opened else ()
    named = [key for key in keys if key.fingerprint == status.get("fingerprint")]
    # A key that is brought a second time is stored twice while its first life is not over; the number tells which.
    return next((key for key in named if key.key_number == status.get("keyNumber")), named[0] if named else None)


def _unsatisfied(spec: Object, key: RecordedKey, inputs: Inputs) -> Iterator[str]:
    if "importFrom" in spec:
        if inputs.get(spec["importFrom"]["privateKey"]["secretName"]) != key.fingerprint:
            yield "the key is not the input's"
        return
    algorithm = spec["generate"]["algorithm"]
    wanted = algorithm, spec["generate"].get("bits", LEAST_BITS[algorithm])
    if wanted != (key.algorithm.value, key.bits) or key.fingerprint in inputs.values():
        yield f"the spec asks for a new {wanted}, and the key is {key}"


def _facts(record: Record, key: RecordedKey) -> dict[str, Any]:
    return {
        "credentialId": record.credential_id,
        "publicKey": key.public_key,
        "algorithm": key.algorithm.value,
        "bits": key.bits,
        "keyNumber": key.key_number,
    }


def _verdicts(revisions: Sequence[Revision]) -> dict[int, Greens]:
    shown = {one.version: one.object for one in revisions if one.resource == CREDENTIALS and one.object}
    never = Greens(kubectl_wait=False, kstatus=False, argo_cd=False)
    gone = dict.fromkeys((one.version for one in revisions if one.object is None), never)
    return gone | dict(zip(shown, greens_of(list(shown.values())), strict=True))


def _open(one: Revision, place: tuple[str, str], key_of: KeyOf) -> Opened | None:
    if one.object is None:
        return None
    data = data_of(one.object)
    opened = open_credential(data, *place, key_of, stored_public_key)
    if not isinstance(opened, OpenedCredential):
        return None
    private = {}
    for number in (key.key_number for key in opened.record.keys):
        material = open_key(data, opened.record, number, *place, key_of)
        private[number] = fingerprint_of(material.private.reveal()) if material else ""
    return Opened(opened.record, private)


def fingerprint_of(private: bytes) -> str:
    """Return the fingerprint that `ssh-keygen -l` shows for a private key."""
    public = load_ssh_private_key(private, None).public_key()
    blob = base64.b64decode(public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1])
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
