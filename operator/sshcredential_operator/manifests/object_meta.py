"""metadata of an object that is to be made, judged as the API server does for every kind. Used by `judge`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from sshcredential_operator.manifests.finding import Fault
from sshcredential_operator.manifests.schema import Schema, faults_of, unknown_fields, with_defaults

SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_WORD: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_LONGEST_NAME: Final = 253
_MOST_ANNOTATIONS: Final = 256 * 1024
_MOST_DIGITS: Final = 20

_TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "integer"}
_MAP: Final[Schema] = {"type": "object", "additionalProperties": _TEXT}
_TRUTH: Final[Schema] = {"type": "boolean"}
_ANY: Final[Schema] = {}
_OWNER: Final[Schema] = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("apiVersion", "kind", "name", "uid"), _TEXT),
        **dict.fromkeys(("controller", "blockOwnerDeletion"), _TRUTH),
    },
    "required": ["apiVersion", "kind", "name", "uid"],
}
_MOMENT: Final[Schema] = _TEXT | {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[-+]\d\d:\d\d)$"}
SCHEMA: Final[Schema] = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"), _TEXT),
        **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), _MOMENT),
        **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), _NUMBER),
        **dict.fromkeys(("labels", "annotations"), _MAP),
        "ownerReferences": {"type": "array", "items": _OWNER},
        "finalizers": {"type": "array", "items": _TEXT},
        "managedFields": {"type": "array", "items": _ANY},
    },
}


def metadata_faults(metadata: Any) -> Iterator[Fault]:  # noqa: ANN401 - any JSON
    """Find what is wrong with an object's metadata."""
    here = ("metadata",)
    yield from unknown_fields(metadata, SCHEMA, here)
    given = with_defaults(metadata, SCHEMA)
    if faults := [*faults_of(given, SCHEMA, here), *_map_faults(given)]:
        yield from faults
        return
    yield from _name_faults(given)
    yield from _label_faults(given.get("labels", {}))
    yield from _annotation_faults(given.get("annotations", {}))
    for index, finalizer in enumerate(given.get("finalizers", ())):
        if not qualified(finalizer):
            yield Fault((*here, "finalizers", index), "WrongForm", f"A finalizer must be {_QUALIFIED}.")
    if _is_revision(given.get("resourceVersion", "")):
        yield Fault(
            (*here, "resourceVersion"), "NotAllowed", "resourceVersion belongs to an object in a cluster. Remove it."
        )


def qualified(name: str) -> bool:
    """Whether this is a name with an optional prefix, as keys of labels are: `app`, `example.org/app`."""
    prefix, slash, word = name.rpartition("/")
    if slash and not (len(prefix) <= _LONGEST_NAME and SUBDOMAIN.fullmatch(prefix)):
        return False
    return _WORD.fullmatch(word) is not None


_VALUE: Final = "at most 63 letters, digits, dashes, underscores and dots, beginning and ending with a letter or digit"
_QUALIFIED: Final = f"{_VALUE}, after an optional prefix such as example.org/"


def _map_faults(given: Any) -> Iterator[Fault]:  # noqa: ANN401 - any JSON
    for field in ("labels", "annotations"):
        entries = given.get(field, {}) if isinstance(given, dict) else {}
        for key, value in entries.items() if isinstance(entries, dict) else ():
            if not isinstance(value, str | None):
                says = "This must be a text. Put it into quotes."
                yield Fault(("metadata", field, key), "WrongType", says)


def _name_faults(given: dict[str, Any]) -> Iterator[Fault]:
    name, generated = given.get("name", ""), given.get("generateName", "")
    if not name and not generated:
        yield Fault(("metadata", "name"), "Required", "metadata.name is missing. Add it.")
    if name and not _is_subdomain(name):
        yield Fault(("metadata", "name"), "WrongForm", "metadata.name must be lower-case letters, digits and dashes.")
    if generated and not _is_subdomain(generated.removesuffix("-")):
        says = "metadata.generateName must be lower-case letters, digits and dashes."
        yield Fault(("metadata", "generateName"), "WrongForm", says)
    namespace = given.get("namespace", "")
    if namespace and not LABEL.fullmatch(namespace):
        says = "metadata.namespace must be 1 to 63 lower-case letters, digits or dashes, and no dash at its ends."
        yield Fault(("metadata", "namespace"), "WrongForm", says)


def _is_subdomain(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and SUBDOMAIN.fullmatch(name) is not None


def _label_faults(labels: dict[str, str | None]) -> Iterator[Fault]:
    for key, value in labels.items():
        if not qualified(key):
            yield Fault(("metadata", "labels", key), "WrongForm", f"The key of a label must be {_QUALIFIED}.")
        if value and not _WORD.fullmatch(value):
            yield Fault(("metadata", "labels", key), "WrongForm", f"The value of a label must be {_VALUE}.")


def _annotation_faults(annotations: dict[str, str | None]) -> Iterator[Fault]:
    for key in annotations:
        if not qualified(key.lower()):
            yield Fault(
                ("metadata", "annotations", key), "WrongForm", f"The key of an annotation must be {_QUALIFIED}."
            )
    if sum(len(key.encode()) + len((value or "").encode()) for key, value in annotations.items()) > _MOST_ANNOTATIONS:
        yield Fault(("metadata", "annotations"), "TooLong", "Annotations can have 256 KiB together. Remove some.")


def _is_revision(text: str) -> bool:
    # What is no number of 64 bits the server takes for none at all.
    number = text.lstrip("0")
    return text.isascii() and number.isdigit() and len(number) <= _MOST_DIGITS and int(number) < 1 << 64
