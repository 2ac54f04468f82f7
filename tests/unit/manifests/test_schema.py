"""The interpreter of schemas: it knows every word that the CRDs' specs use, and reads patterns as Go does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from sshcredential_operator.manifests.crd import our_kinds
from sshcredential_operator.manifests.schema import Schema, faults_of

INTERPRETED: Final = {
    "default",
    "enum",
    "items",
    "maxItems",
    "maxLength",
    "maximum",
    "minimum",
    "pattern",
    "properties",
    "required",
    "type",
    "x-kubernetes-validations",
}
SAYS_NOTHING: Final = {"description"}
"""And `format: int64`, which every whole number is held to, and lists that are taken as a whole."""
SAYS_NOTHING_WITH: Final = {("format", "int64"), ("x-kubernetes-list-type", "atomic")}


def schemas(schema: Schema) -> Iterator[Schema]:
    yield schema
    inner: list[Any] = [*schema.get("properties", {}).values(), *filter(None, [schema.get("items")])]
    for member in inner:
        yield from schemas(member)


def test_every_word_of_a_spec_is_interpreted() -> None:
    specs = [version["properties"]["spec"] for kind in our_kinds().values() for version in kind.versions.values()]
    words = {
        word
        for spec in specs
        for schema in schemas(spec)
        for word, value in schema.items()
        if not (isinstance(value, str) and (word, value) in SAYS_NOTHING_WITH)
    }

    assert "maxLength" in words
    assert words - INTERPRETED - SAYS_NOTHING == set()


@pytest.mark.parametrize(
    ("pattern", "text", "taken"),
    [
        ("^[a-z]+$", "abc", True),
        ("^[a-z]+$", "abc\n", False),
        ("[a-z]", "1a2", True),
        (r"^[a-z]+\$$", "abc$", True),
        (r"[a-z]\$", "a$\n", True),
    ],
    ids=["whole", "with a newline at its end", "a part", "a dollar at the end", "a dollar somewhere"],
)
def test_a_pattern_means_what_it_means_to_the_server(pattern: str, text: str, taken: bool) -> None:
    assert (faults_of(text, {"type": "string", "pattern": pattern}) == []) is taken
