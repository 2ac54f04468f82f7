"""SSHCredentials with sealed values in the text of YAML files: found, and given other values in place. Pure.

Used by `reseal`. Only the values themselves are replaced: comments, order and form of a file stay as people wrote them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import yaml

from sshcredential_operator.api.names import GROUP, KIND
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Seal, seal_of

FIELDS: Final = (Field.PRIVATE_KEY, Field.PASSPHRASE)
_LISTS: Final = frozenset({"List", f"{KIND}List"})


class NotYaml(NamedTuple):
    """The text is no YAML; in which line that shows, from 1."""

    line: int


class Kept(NamedTuple):
    """A manifest stays as it is; why, and what to do."""

    why: str


class Written(NamedTuple):
    """A value as it is written; `at` is where in the text, None where it is not written in one piece, or is shared."""

    text: str
    at: int | None


@dataclass(frozen=True, slots=True)
class SealedManifest:
    """One SSHCredential with spec.sealed. `line` is where it begins, from 1; `name` is metadata.name."""

    line: int
    name: str
    namespace: str | None
    values: Mapping[Field, Written]

    def seals(self) -> Mapping[Field, Seal] | Kept:
        """Return what its values say they are, if they belong together."""
        found: dict[Field, Seal] = {}
        for field, value in self.values.items():
            seal = seal_of(value.text)
            if seal is None or seal.field is not field:
                return Kept(f"spec.sealed.{field} is no value that sshcred seal made for this field")
            if value.at is None:
                return Kept(f"spec.sealed.{field} is not written out in one line, once; do that first")
            found[field] = seal
        if Field.PRIVATE_KEY not in found:
            return Kept("spec.sealed has no privateKey")
        first = found[Field.PRIVATE_KEY]
        if any(seal._replace(field=first.field, kid=first.kid) != first for seal in found.values()):
            return Kept("its private key and its passphrase were not sealed together; seal both anew: sshcred seal")
        if self.namespace not in {None, first.namespace}:
            return Kept(f"it is in namespace {self.namespace}, and its values are for {first.place}")
        return found


def sealed_manifests(text: str) -> tuple[SealedManifest, ...] | NotYaml:
    """Return all that there are, in any document of the text and in lists."""
    try:
        documents = list(yaml.compose_all(text, Loader=yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:  # what it says may quote the file
        return NotYaml(error.problem_mark.line + 1 if error.problem_mark else 1)
    except (yaml.YAMLError, RecursionError, ValueError):
        return NotYaml(1)
    found = [manifest for document in documents for manifest in _in_object(document, text)]
    places = Counter(value.at for manifest in found for value in manifest.values.values())
    return tuple(_without_shared(manifest, places) for manifest in found)


def with_values(text: str, found: Sequence[tuple[SealedManifest, Mapping[Field, str]]]) -> str:
    """Return the text with these values instead of those that are there."""
    edits = {
        (value.at, value.text): values[field]
        for manifest, values in found
        for field, value in manifest.values.items()
        if value.at is not None
    }
    for (at, old), new in sorted(edits.items(), reverse=True):
        text = text[:at] + new + text[at + len(old) :]
    return text


def _in_object(node: yaml.Node | None, text: str) -> Iterator[SealedManifest]:
    kind, group = _scalar(_member(node, "kind")), _scalar(_member(node, "apiVersion")).partition("/")[0]
    if kind in _LISTS:
        items = _member(node, "items")
        for item in items.value if isinstance(items, yaml.SequenceNode) else ():
            yield from _in_object(item, text)
    sealed = _member(_member(node, "spec"), "sealed")
    if node is None or (kind, group) != (KIND, GROUP) or not isinstance(sealed, yaml.MappingNode):
        return
    metadata = _member(node, "metadata")
    values = {field: _written(one, text) for field in FIELDS if (one := _member(sealed, field.value)) is not None}
    namespace = _scalar(_member(metadata, "namespace")) or None
    yield SealedManifest(node.start_mark.line + 1, _scalar(_member(metadata, "name")), namespace, values)


def _without_shared(manifest: SealedManifest, places: Counter[int | None]) -> SealedManifest:
    """An alias lets two manifests have one value."""
    values = {field: one if places[one.at] == 1 else one._replace(at=None) for field, one in manifest.values.items()}
    return replace(manifest, values=values)


def _member(node: yaml.Node | None, name: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return next((value for key, value in reversed(pairs) if _scalar(key) == name), None)


def _scalar(node: yaml.Node | None) -> str:
    return node.value if isinstance(node, yaml.ScalarNode) else ""


def _written(node: yaml.Node, text: str) -> Written:
    value = _scalar(node)
    start = node.start_mark.index
    at = text[start : node.end_mark.index].find(value) if value else -1
    return Written(value, None if at < 0 else start + at)
