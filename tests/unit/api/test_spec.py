"""`api/spec.py`: a spec that fits becomes a value, one that does not names the field, and nothing raises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sshcredential_operator.api.algorithms import GENERATED_BITS, Algorithm
from sshcredential_operator.api.spec import (
    DeletionPolicy,
    Generate,
    ImportFrom,
    InvalidSpec,
    SecretKeyRef,
    Spec,
    describe_source,
    parse_spec,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
MEMBERS = ["name", "generate", "importFrom", "deletionPolicy", "deletionGracePeriod", "suspend"]
INNER = ["algorithm", "bits", "comment", "passphrase", "privateKey", "secretName", "key"]


def parsed(**spec: Any) -> Spec:
    found = parse_spec(spec, "hpc-login")
    assert isinstance(found, Spec)
    return found


def test_the_shortest_spec_has_every_default() -> None:
    assert parsed(generate={}) == Spec(
        name="hpc-login",
        source=Generate(Algorithm.ED25519, 256, "", passphrase=False),
        deletion_policy=DeletionPolicy.DELETE,
        deletion_grace_period="168h",
        suspend=False,
    )


def test_every_member_of_a_generated_key_is_taken() -> None:
    wish = {"algorithm": "RSA", "bits": 4096, "comment": "genomics@hpc", "passphrase": "Generate"}

    assert parsed(
        name="hpc_login", generate=wish, deletionPolicy="Retain", deletionGracePeriod="1h30m", suspend=True
    ) == Spec(
        name="hpc_login",
        source=Generate(Algorithm.RSA, 4096, "genomics@hpc", passphrase=True),
        deletion_policy=DeletionPolicy.RETAIN,
        deletion_grace_period="1h30m",
        suspend=True,
    )


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_the_size_is_the_algorithms_first_when_none_is_given(algorithm: Algorithm) -> None:
    source = parsed(generate={"algorithm": algorithm.value}).source

    assert isinstance(source, Generate)
    assert source.bits == GENERATED_BITS[algorithm][0]


def test_blanks_around_a_comment_are_dropped_as_other_programs_do() -> None:
    source = parsed(generate={"comment": "  my key "}).source

    assert isinstance(source, Generate)
    assert source.comment == "my key"


def test_an_import_has_default_keys() -> None:
    references = {"privateKey": {"secretName": "my-key"}, "passphrase": {"secretName": "other"}}

    assert parsed(importFrom=references).source == ImportFrom(
        SecretKeyRef("my-key", "ssh-privatekey"), SecretKeyRef("other", "passphrase")
    )


def test_an_import_without_a_passphrase_names_none() -> None:
    source = parsed(importFrom={"privateKey": {"secretName": "my.key", "key": "id_ed25519"}}).source

    assert source == ImportFrom(SecretKeyRef("my.key", "id_ed25519"), None)
    assert describe_source(source) == "importFrom Secret my.key"


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        pytest.param(None, "spec", id="no spec"),
        pytest.param(["generate"], "spec", id="a list"),
        pytest.param({}, "spec.generate", id="no source"),
        pytest.param({"generate": {}, "importFrom": {}}, "spec.generate", id="two sources"),
        pytest.param({"generate": True}, "spec.generate", id="a source of another type"),
        pytest.param({"generate": {"algorithm": "DSA"}}, "spec.generate.algorithm", id="another algorithm"),
        pytest.param({"generate": {"algorithm": "RSA", "bits": 2048}}, "spec.generate.bits", id="a size too small"),
        pytest.param({"generate": {"bits": "256"}}, "spec.generate.bits", id="a size as text"),
        pytest.param({"generate": {"bits": 256.0}}, "spec.generate.bits", id="a size as a fraction"),
        pytest.param({"generate": {"comment": "two\nlines"}}, "spec.generate.comment", id="a comment of two lines"),
        pytest.param({"generate": {"comment": "caf\u00e9"}}, "spec.generate.comment", id="a comment outside ASCII"),
        pytest.param({"generate": {"comment": "\x1b[31m"}}, "spec.generate.comment", id="a comment with an escape"),
        pytest.param({"generate": {"comment": 1}}, "spec.generate.comment", id="a comment that is a number"),
        pytest.param({"importFrom": {}}, "spec.importFrom.privateKey", id="an import of nothing"),
        pytest.param({"generate": {}, "name": 1}, "spec.name", id="a name that is a number"),
        pytest.param({"generate": {}, "deletionPolicy": "Keep"}, "spec.deletionPolicy", id="another policy"),
        pytest.param({"generate": {}, "deletionGracePeriod": "7d"}, "spec.deletionGracePeriod", id="a period in days"),
        pytest.param({"generate": {}, "deletionGracePeriod": 7}, "spec.deletionGracePeriod", id="a period as number"),
    ],
)
def test_what_does_not_fit_is_named(spec: Any, field: str) -> None:
    assert parse_spec(spec, "hpc-login") == InvalidSpec(field)


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param({"secretName": "../../other/secrets/theirs"}, id="a path to another namespace"),
        pytest.param({"secretName": "a/b"}, id="a slash"),
        pytest.param({"secretName": ".."}, id="the folder above"),
        pytest.param({"secretName": "a?watch=true"}, id="a query"),
        pytest.param({"secretName": "a%2fb"}, id="an escape"),
        pytest.param({"secretName": "a\n"}, id="a line break at the end"),
        pytest.param({"secretName": "My-Key"}, id="a capital letter"),
        pytest.param({"secretName": ""}, id="no name"),
        pytest.param({"secretName": "a" * 254}, id="a name that is too long"),
        pytest.param({"secretName": "my-key", "key": "a/b"}, id="a key that no Secret has"),
        pytest.param({"secretName": "my-key", "key": ""}, id="an empty key"),
        pytest.param({"secretName": ["my-key"]}, id="a list"),
        pytest.param({"key": "a"}, id="no secretName"),
        pytest.param("my-key", id="a text"),
    ],
)
@pytest.mark.parametrize("member", ["privateKey", "passphrase"])
def test_a_reference_names_a_secret_of_the_namespace_and_nothing_else(reference: Any, member: str) -> None:
    references = {"privateKey": {"secretName": "my-key"}} | {member: reference}

    assert parse_spec({"importFrom": references}, "hpc-login") == InvalidSpec(f"spec.importFrom.{member}")


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(MEMBERS), JSON | st.dictionaries(st.sampled_from(INNER), JSON, max_size=3), max_size=4
    )
)
def test_nothing_that_a_spec_holds_raises(spec: dict[str, Any]) -> None:
    assert isinstance(parse_spec(spec, "hpc-login"), Spec | InvalidSpec)
