"""Of ciphertexts: no key and nonce twice, each one names its place, and all of them open all the time (I8, I9)."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections.abc import Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cluster.etcd_history import SECRETS
from cluster.shown import Object, data_of
from faults.oracles_ring import Ring, ring_keys
from faults.oracles_story import Step, Story, is_of_credential
from faults.run import Violation
from sshcredential_operator.api.names import SECRET_TYPE
from sshcredential_operator.encryption.credential_secret import data_key, peek_kids
from sshcredential_operator.encryption.envelope import Envelope, parse
from sshcredential_operator.encryption.place import Field, Place, place_of, record_place


def no_nonce_comes_twice(story: Story) -> Iterator[Violation]:
    """Nothing was ever encrypted twice with one key and nonce: neither a value nor a wrapped key."""
    keys = {one.key for one in ring_keys(story)}
    unwrapped: dict[tuple[str, str], bytes] = {}
    seen: dict[tuple[str | bytes, str], str] = {}
    for step in story.steps:
        if not step.by_operator or step.object is None or step.revision.resource != SECRETS:
            continue
        for member, sealed in _envelopes(step.object):
            wrap = (sealed.encrypted_key, sealed.key_iv)
            if wrap not in unwrapped:
                unwrapped[wrap] = _data_key(story, sealed, keys) or b""
            used: list[tuple[str | bytes, str, str]] = [(sealed.kid, sealed.key_iv, sealed.encrypted_key)]
            if data := unwrapped[wrap]:
                used.append((data, sealed.iv, sealed.ciphertext))
            for owner, nonce, ciphertext in used:
                if seen.setdefault((owner, nonce), ciphertext) != ciphertext:
                    yield Violation(
                        "I8", f"{step}: {member} was encrypted with a key and a nonce that were used before"
                    )


def every_ciphertext_names_its_place(story: Story) -> Iterator[Violation]:
    """What an operator stores says for which namespace, credential, number and field it is, and lies there."""
    for step in story.secrets:
        if not step.by_operator or step.object is None or step.object["type"] != SECRET_TYPE:
            continue
        before = data_of(step.before) if step.before else {}
        data = data_of(step.object)
        record = parse(data.get(Field.RECORD, b""))
        told = place_of(record.aad) if record else None
        for member, value in data.items():
            if before.get(member) == value:
                continue  # whoever put it there, it was not this write
            sealed = parse(value)
            if sealed is None:
                yield Violation("I8", f"{step}: {member} is no ciphertext of ours")
            elif told is None or sealed.aad not in _places(story, step.name, told.credential_id, member):
                yield Violation("I8", f"{step}: {member} was sealed for another place")


def everything_opens_all_the_time(story: Story) -> Iterator[Violation]:
    """After whatever an operator writes, all Secrets open with the key ring that lies there at this very revision."""
    ring, secrets = Ring(), dict[str, Step]()
    closed: set[str] = set()
    for step in story.steps:
        if step.revision.namespace == story.run.own and step.revision.resource == SECRETS:
            ring.take(step)
        elif is_of_credential(step) and step.revision.namespace == story.run.namespace:
            secrets[step.name] = step
        wrong = set(_what_is_closed(story, ring, secrets))
        if step.by_operator:
            yield from (Violation("I9", f"{step}: {what}") for what in sorted(wrong - closed))
        closed = wrong


def _what_is_closed(story: Story, ring: Ring, secrets: dict[str, Step]) -> Iterator[str]:
    if ring.roots is None:  # kept elsewhere, or nobody wrote it down
        return
    yield from (f"no root opens the key {document.kid} of {document.namespace}" for document in ring.unopened())
    for name, step in secrets.items():
        if step.object is None or step.object["type"] != SECRET_TYPE:
            continue
        if lacking := peek_kids(data_of(step.object)) - ring.kids():
            yield f"the Secret of {name} lies under {sorted(lacking)}, which is not in the key ring"
        elif story.opened(step) is None:
            yield f"the Secret of {name} does not open"


def _places(story: Story, name: str, credential_id: str, member: str) -> Iterator[bytes]:
    namespace = story.run.namespace
    if member == Field.RECORD:
        yield record_place(namespace, name, credential_id).aad()
        return
    field, _, number = member.partition(".")
    if field in set(Field) and number.isdigit() and data_key(Field(field), int(number)) == member:
        yield Place(namespace, name, credential_id, int(number), Field(field)).aad()


def _envelopes(found: Object) -> Iterator[tuple[str, Envelope]]:
    for member, value in data_of(found).items():
        if sealed := parse(value):
            yield member, sealed


def _data_key(story: Story, sealed: Envelope, ring: set[bytes]) -> bytes | None:
    """Return the key that a value is encrypted with."""
    kek = story.run.kek_of(sealed.kid)
    for key in {kek.key.reveal()} if kek else ring:
        try:
            return AESGCM(key).decrypt(
                _octets(sealed.key_iv), _octets(sealed.encrypted_key) + _octets(sealed.key_tag), None
            )
        except InvalidTag:
            pass
    return None


def _octets(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
