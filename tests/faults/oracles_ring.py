"""The key ring as it lay in the operator's namespace at each revision, and what it opens. Used by the oracles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from cluster.shown import data_of
from faults.oracles_story import Step, Story
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE, KekDocument, unwrap_kek
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_TYPE,
    RootKeys,
    RootSource,
    root_keys_from_bytes,
)
from sshcredential_operator.encryption.sealing_key import (
    SEALING_KEY_DATA_KEY,
    SEALING_KEY_SECRET_TYPE,
    SealingKeyDocument,
    unwrap_sealing_key,
)


@dataclass
class Ring:
    """The default root and what is wrapped by it, as they lie there now."""

    roots: RootKeys | None = None
    keks: dict[str, KekDocument] = field(default_factory=dict)
    """By the name of their Secrets."""

    def take(self, step: Step) -> None:
        """Take the next revision of a Secret of the operator's namespace."""
        name, found = step.revision.name, step.object
        kind = (found or step.before or {}).get("type")
        if kind == ROOT_SECRET_TYPE:
            self.roots = root_keys_from_bytes(data_of(found).get(ROOT_DATA_KEY, b"")) if found else None
        elif kind == KEK_SECRET_TYPE:
            self.keks.pop(name, None)
            if found and (document := KekDocument.from_bytes(data_of(found).get(KEK_DATA_KEY, b""))):
                self.keks[name] = document

    def opens(self, document: KekDocument) -> Kek | None:
        """Return the KEK of a document, if a root that is there opens it."""
        root = self.roots.find(document.wrapped.root_key_id) if self.roots else None
        return unwrap_kek(document, root) if root else None

    def unopened(self) -> Iterator[KekDocument]:
        """Yield the documents under the default root that no root opens."""
        for document in self.keks.values():
            if document.wrapped.root_source is RootSource.SECRET and self.opens(document) is None:
                yield document

    def kids(self) -> frozenset[str]:
        """Return the kids that are there."""
        return frozenset(document.kid for document in self.keks.values())


class RingKey(NamedTuple):
    """Something of the key ring that must lie nowhere in plain, but in the Secret of this name."""

    what: str
    key: bytes
    home: str


def ring_keys(story: Story) -> list[RingKey]:
    """Return every root key, KEK and half of a sealing key that there was in a run."""
    ring, found = Ring(), dict[bytes, RingKey]()
    for step in story.steps:
        if step.revision.namespace != story.run.own or step.revision.resource != "secrets":
            continue
        ring.take(step)
        for root in ring.roots.keys if ring.roots else ():
            found.setdefault(root.key.reveal(), RingKey("root key", root.key.reveal(), step.revision.name))
        for document in ring.keks.values():
            if kek := ring.opens(document):
                found.setdefault(kek.key.reveal(), RingKey("workspace key", kek.key.reveal(), ""))
        if half := _sealing_half(step, ring):
            found.setdefault(half, RingKey("sealing key", half, ""))
    return list(found.values())


def _sealing_half(step: Step, ring: Ring) -> bytes | None:
    if step.object is None or step.object.get("type") != SEALING_KEY_SECRET_TYPE:
        return None
    document = SealingKeyDocument.from_bytes(data_of(step.object).get(SEALING_KEY_DATA_KEY, b""))
    root = ring.roots.find(document.wrapped.root_key_id) if document and ring.roots else None
    half = unwrap_sealing_key(document, root) if document and root else None
    return half.reveal() if half else None
