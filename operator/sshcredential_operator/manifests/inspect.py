"""Everything that is found in a set of files: the judgement of `sshcred validate`, without reading or printing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Final

from sshcredential_operator.encryption.sealing_keys import SealingKeys
from sshcredential_operator.manifests.documents import Document, NoYaml, documents_of
from sshcredential_operator.manifests.finding import Fault, Finding, Level, field_of
from sshcredential_operator.manifests.judge import is_ours, object_faults
from sshcredential_operator.manifests.plaintext import MOST_BYTES, PrivateKey, private_keys
from sshcredential_operator.manifests.seals import seal_faults

Path = tuple[str | int, ...]

MANIFESTS: Final = frozenset({".yaml", ".yml", ".json"})
TEMPLATE: Final = "{{"
IN_THE_CLEAR: Final = (
    "This is a private key in the clear{how}. Whoever can read this file has it: take it out of the history too, or "
    "replace the key pair, and give the key as spec.sealed: sshcred seal."
)
WITH_A_PASSPHRASE: Final = (
    "This is a private key that only its passphrase protects{how}, and a passphrase can be guessed by whoever has the "
    "file. Take it out, and give the key as spec.sealed: sshcred seal."
)
ENCODED: Final = ("", ", in base64", ", in base64 twice", ", in base64 three times")


@dataclass(slots=True)
class Inspection:
    """Inspects file after file, and remembers which objects there were."""

    namespace: str | None = None
    """Where objects go that name no namespace."""
    keys: SealingKeys | None = None
    objects: int = 0
    """How many objects of this API there were."""
    _seen: dict[tuple[str, str, str], tuple[str, int]] = field(default_factory=dict)

    def findings(self, file: str, content: bytes, *, manifests: bool | None = None) -> Iterator[Finding]:
        """Yield what is wrong with a file; `manifests` tells whether it holds any, else its name does."""
        documents: list[Document] = []
        if manifests or (manifests is None and PurePath(file).suffix.lower() in MANIFESTS):
            yield from self._manifests(file, content, documents)
        for key in private_keys(content):
            yield _placed(_plaintext(file, key), documents)
        if len(content) > MOST_BYTES:
            says = f"Only the first {MOST_BYTES >> 20} MiB of this file were searched. Leave it out, or look yourself."
            yield Finding(file, 1, "TooLarge", says, Level.WARNING)

    def _manifests(self, file: str, content: bytes, documents: list[Document]) -> Iterator[Finding]:
        try:
            text = content[:MOST_BYTES].decode("utf-8-sig")
        except UnicodeDecodeError:
            yield Finding(file, 1, "NoText", "This is no text in UTF-8, so it is no manifest. Save it as UTF-8.")
            return
        for document in documents_of(text):
            if isinstance(document, NoYaml):
                yield _no_yaml(file, document, text)
                continue
            documents.append(document)
            for path, value in _objects(document.value, ()):
                yield from self._object(file, document, path, value)

    def _object(self, file: str, document: Document, path: Path, value: dict[str, Any]) -> Iterator[Finding]:
        self.objects += 1
        found = [fault for fault in document.faults if fault.path[: len(path)] == path]
        found += [fault._replace(path=(*path, *fault.path)) for fault in self._faults(value)]
        found += [
            fault._replace(path=(*path, *fault.path)) for fault in self._twice(file, document.line_of(path), value)
        ]
        for fault in found:
            yield Finding(
                file,
                document.line_of(fault.path),
                fault.rule,
                fault.says,
                fault.level,
                document.number,
                object_name(value, self.namespace),
                field_of(fault.path),
            )

    def _faults(self, value: dict[str, Any]) -> list[Fault]:
        found = list(object_faults(value))
        if not any(fault.level is Level.ERROR for fault in found):
            found += seal_faults(value, value["metadata"].get("namespace") or self.namespace, self.keys)
        return found

    def _twice(self, file: str, line: int, value: dict[str, Any]) -> Iterator[Fault]:
        kind, namespace, name = _identity(value, self.namespace)
        if not name:
            return
        first = self._seen.setdefault((kind, namespace, name), (file, line))
        if first == (file, line):
            return
        says = (
            f"The same object stands in {first[0]}, line {first[1]}; the one that is applied last counts. Remove one."
        )
        level = Level.ERROR if first[0] == file else Level.WARNING
        yield Fault(("metadata", "name"), "DuplicateObject", says, level)


def object_name(value: dict[str, Any], namespace: str | None = None) -> str:
    """Return how an object is called: `SSHCredential genomics/hpc-login`."""
    kind, place, name = _identity(value, namespace)
    called = f"{kind} {place}/{name}" if place else f"{kind} {name}"
    return called.strip() if called.isprintable() else ascii(called)


def _identity(value: dict[str, Any], namespace: str | None) -> tuple[str, str, str]:
    given = value.get("metadata")
    metadata = given if isinstance(given, dict) else {}
    names = (value.get("kind"), metadata.get("namespace") or namespace, metadata.get("name"))
    kind, place, name = (found if isinstance(found, str) else "" for found in names)
    return kind, place, name


def _objects(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:  # noqa: ANN401 - any JSON
    """Yield the objects of this API in a document, also those in a List."""
    if not isinstance(value, dict):
        return
    items = value.get("items")
    if str(value.get("kind")).endswith("List") and isinstance(items, list):
        for index, item in enumerate(items):
            yield from _objects(item, (*path, "items", index))
    elif is_ours(value):
        yield path, value


def _no_yaml(file: str, found: NoYaml, text: str) -> Finding:
    if TEMPLATE in text:
        says = "This is a template and no YAML, so it was not checked. Check what it renders: ... | sshcred validate -"
        return Finding(file, found.line, "Template", says, Level.WARNING, found.number)
    return Finding(file, found.line, "NoYaml", found.says, document=found.number)


def _plaintext(file: str, key: PrivateKey) -> Finding:
    says = WITH_A_PASSPHRASE if key.encrypted else IN_THE_CLEAR
    rule = "EncryptedPrivateKey" if key.encrypted else "PrivateKey"
    return Finding(file, key.line, rule, says.format(how=ENCODED[key.encodings]))


def _placed(finding: Finding, documents: list[Document]) -> Finding:
    """Add the object and the field whose line this is, where the file holds manifests."""
    around = [document for document in documents if document.line <= finding.line]
    if not around:
        return finding
    document = around[-1]
    before = [path for path, line in document.lines.items() if line <= finding.line]
    path = max(before, key=lambda path: (document.lines[path], len(path)), default=())
    name = object_name(document.value) if isinstance(document.value, dict) else ""
    return replace(finding, document=document.number, object=name, field=field_of(path))
