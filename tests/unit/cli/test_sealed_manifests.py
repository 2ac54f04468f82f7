"""`cli/sealed_manifests.py`: sealed values in files as people write them, and nothing but them replaced."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
import yaml

from sshcredential_operator.cli.sealed_manifests import Kept, NotYaml, SealedManifest, sealed_manifests, with_values
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Scope, Seal, seal_value
from unit.encryption.test_sealing import STRICT, VALUE, X


def value(**changes: Any) -> str:
    seal: Seal = STRICT._replace(**changes)
    return seal_value(VALUE, X, seal)


KEY, PASSPHRASE = value(), value(field=Field.PASSPHRASE)
NEW: Final = {Field.PRIVATE_KEY: "a-new-private-key", Field.PASSPHRASE: "a-new-passphrase"}

BLOCK: Final = f"""\
# Ours. Do not sort!
apiVersion: sshcredentials.dev/v1alpha1
kind: SSHCredential
metadata:
  name:   hpc-login   # the node
spec:
  sealed:   # by hand
    passphrase:  "{PASSPHRASE}"

    privateKey: {KEY} # not a comment: {KEY}
  description: 'ok'
"""
FORMS: Final = {
    "plain and quoted": BLOCK,
    "with the line ends of Windows": BLOCK.replace("\n", "\r\n"),
    "with a byte order mark": "\ufeff" + BLOCK,
    "with letters of all kinds": BLOCK.replace("the node", "hälö 😀 \u0085"),
    "without a last line end": BLOCK.rstrip("\n"),
    "among other documents": f"kind: ConfigMap\n---\n{BLOCK}---\n# nothing\n---\n- a list\n---\n",
    "in a block that is folded": BLOCK.replace(f"{KEY} #", f">-\n      {KEY}\n    #"),
    "in a block that is literal": BLOCK.replace(f"{KEY} #", f"|-\n      {KEY}\n    #"),
    "with an anchor and a tag": BLOCK.replace(f"privateKey: {KEY}", f"privateKey: &key !!str {KEY}"),
    "as JSON": json.dumps(yaml.safe_load(BLOCK)),
    "as JSON in a list": json.dumps({"kind": "List", "apiVersion": "v1", "items": [{}, yaml.safe_load(BLOCK)]}),
    "in a template's neighbour": BLOCK.replace("description: 'ok'", "description: !mine {a: b}"),
}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_only_the_values_themselves_are_replaced(text: str) -> None:
    (found,) = one_of(text)
    after = with_values(text, [(found, NEW)])

    comment = f"not a comment: {KEY}"
    wanted = text.replace(comment, "@").replace(KEY, NEW[Field.PRIVATE_KEY]).replace("@", comment)
    assert after == wanted.replace(PASSPHRASE, NEW[Field.PASSPHRASE])
    assert found.name == "hpc-login"
    assert (again := sealed_manifests(after)) != sealed_manifests(text)
    assert not isinstance(again, NotYaml)
    assert {field: one.text for field, one in again[0].values.items()} == NEW


def one_of(text: str) -> tuple[SealedManifest, ...]:
    found = sealed_manifests(text)
    assert not isinstance(found, NotYaml)
    return found


def test_several_manifests_of_one_file_are_replaced_each_with_its_own() -> None:
    other = value()
    text = f"{BLOCK}---\n{BLOCK.replace(KEY, other)}"
    first, second = one_of(text)
    after = with_values(text, [(first, {Field.PRIVATE_KEY: "one", Field.PASSPHRASE: "two"}), (second, NEW)])

    assert [found["spec"]["sealed"]["privateKey"] for found in yaml.safe_load_all(after)] == ["one", NEW["privateKey"]]  # type: ignore[index]
    assert (first.line, second.line) == (2, 14)


def test_what_is_no_sealed_credential_is_passed_over() -> None:
    for change in (("SSHCredential", "SSHCredentialExport"), ("sshcredentials.dev", "else.dev"), ("sealed:", "seal:")):
        assert one_of(BLOCK.replace(*change)) == ()
    assert one_of("") == one_of("just words") == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("a: b\n- c\n", 2, id="a list in a mapping"),
        pytest.param("a: [\x00]", 1, id="a zero"),
        pytest.param("a: &b [*c]", 1, id="an alias for nothing"),
    ],
)
def test_what_is_no_yaml_is_told_by_its_line(text: str, line: int) -> None:
    assert sealed_manifests(text) == NotYaml(line)


FOLDED = f'"{KEY[:50]}\\\n      {KEY[50:]}"'
KEPT: Final = {
    "a value that is none": (BLOCK.replace(KEY, "e30.a.b.c.d"), "spec.sealed.privateKey is no value that sshcred seal"),
    "values in each other's place": (
        BLOCK.replace(KEY, "@").replace(PASSPHRASE, KEY).replace("@", PASSPHRASE),
        "spec.sealed.privateKey is no value that sshcred seal made for this field",
    ),
    "no private key": (BLOCK.replace("privateKey:", "private:"), "spec.sealed has no privateKey"),
    "a value over two lines": (BLOCK.replace(f"{KEY} #", f"{FOLDED} #"), "is not written out in one line, once"),
    "a value with a line end in it": (
        BLOCK.replace(f"{KEY} #", f"|\n      {KEY}\n    #"),
        "spec.sealed.privateKey is no value that sshcred seal made",
    ),
    "another namespace": (
        BLOCK.replace("metadata:", "metadata:\n  namespace: elsewhere"),
        "it is in namespace elsewhere, and its values are for genomics/hpc-login",
    ),
    "values of two keys": (
        BLOCK.replace(PASSPHRASE, value(field=Field.PASSPHRASE, fingerprint=f"SHA256:{'B' * 42}A")),
        "its private key and its passphrase were not sealed together",
    ),
    "values of two scopes": (
        BLOCK.replace(PASSPHRASE, value(field=Field.PASSPHRASE, scope=Scope.NAMESPACE, name=None)),
        "its private key and its passphrase were not sealed together",
    ),
}


@pytest.mark.parametrize(("text", "why"), KEPT.values(), ids=KEPT)
def test_what_cannot_be_resealed_is_told_in_one_sentence(text: str, why: str) -> None:
    (found,) = one_of(text)
    kept = found.seals()

    assert isinstance(kept, Kept)
    assert why in kept.why
    assert KEY not in kept.why


def test_a_value_that_two_share_by_an_alias_is_left_alone() -> None:
    text = f"kind: List\nitems:\n- &one\n{indented(BLOCK)}- *one\n"
    found = one_of(text)

    assert len(found) == 2
    for one in found:
        assert one.seals() == Kept("spec.sealed.privateKey is not written out in one line, once; do that first")


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
