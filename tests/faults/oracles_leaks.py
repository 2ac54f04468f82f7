"""Of secrets: none lies in plain anywhere but where it must (I7).

Looked for are the private keys and passphrases that were generated (opened from the Secrets), what users brought, and
the key ring's own keys; in nine encodings; in every revision with its annotations and managedFields, in events, in the
requests' paths, and in the operators' logs at DEBUG.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from cluster.encodings import SHORTEST, Search
from cluster.etcd_history import SECRETS
from cluster.needles import NOWHERE, Needles, of_file, of_numbers, of_words
from cluster.shown import Object, data_of
from faults.oracles_ring import ring_keys
from faults.oracles_story import Plain, Step, Story
from faults.run import Violation
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.record import RecordedKey

BEGIN: Final = b"-----BEGIN"
OPENSSH: Final = b"-----BEGIN OPENSSH PRIVATE KEY"


class Found(NamedTuple):
    """Some content, and the Secret of the operator's namespace that it is of, if it is."""

    where: str
    content: bytes
    home: str = ""


def nothing_lies_in_plain(story: Story) -> Iterator[Violation]:
    """Look for every secret in every place."""
    needles = _needles(story)
    if not needles:
        return
    search = Search(needles)
    for place in _places(story):
        for hit in sorted(search.hits(place.content)):
            if place.home == NOWHERE or hit.needle.owner != place.home:
                yield Violation("I7", f"{place.where} holds {hit.needle.what} as {hit.encoding}")


def _needles(story: Story) -> Needles:
    needles: Needles = {}
    for what, secret in story.run.needles.items():
        needles |= _of_users(what, secret)
    for step in story.secrets:
        if opened := story.opened(step):
            for key in opened.record.keys:
                needles |= _of_key(f"key {key.key_number} of {step.name}", key, opened.keys[key.key_number])
    for what, key_bytes, home in ring_keys(story):
        needles |= of_words(what, key_bytes, home) | of_words(f"{what} as text", b64url.encode(key_bytes), home)
    return needles


def _of_key(what: str, key: RecordedKey, plain: Plain) -> Needles:
    needles = of_file(what, plain.private, NOWHERE, public=key.public_key) | of_numbers(what, plain.private, NOWHERE)
    if plain.passphrase and len(plain.passphrase) >= SHORTEST:
        needles |= of_words(f"{what}: passphrase", plain.passphrase, NOWHERE)
    return needles


def _of_users(what: str, secret: bytes) -> Needles:
    found = of_file(what, secret, NOWHERE) if BEGIN in secret else of_words(what, secret, NOWHERE)
    assert all(len(value) >= SHORTEST for value in found.values()), f"{what} is too short to be looked for"
    return found


def _places(story: Story) -> Iterator[Found]:
    for step in story.steps:
        yield from _of_revision(story, step)
    for event in story.run.events:
        yield Found(f"event {event['metadata']['name']}", _text(event))
    for request in story.run.requests:
        yield Found(f"the path of a {request.method}", request.path.encode())
    for log in story.run.logs:
        yield Found(f"log {log.name}", log.read_bytes())


def _of_revision(story: Story, step: Step) -> Iterator[Found]:
    if step.object is None:
        return
    home = step.revision.name if step.revision.namespace == story.run.own else ""
    if step.revision.resource != SECRETS:
        yield Found(str(step), _text(step.object))
        return
    bare = {member: value for member, value in step.object.items() if member not in {"data", "stringData"}}
    yield Found(str(step), _text(bare), home)
    if step.by_operator or home:  # what users bring a key in holds it, and they may
        for member, value in data_of(step.object).items():
            yield Found(f"{member} of {step}", value, home)


def _text(found: Object | Mapping[str, object]) -> bytes:
    return json.dumps(found).encode()
