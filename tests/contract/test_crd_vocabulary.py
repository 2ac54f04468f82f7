"""What the CRD calls things and what Python calls them are the same; neither can be changed alone."""

import re
from datetime import timedelta
from typing import Any

import pytest

from contract.crd_schema import CREDENTIAL, DEFINITIONS, EXPORT, TARGET, Definition, rules, with_defaults
from sshcredential_operator.api import names
from sshcredential_operator.api.algorithms import GENERATED_BITS, Algorithm
from sshcredential_operator.api.durations import DURATION_PATTERN, LONGEST_DURATION, parse_duration
from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.api.messages import MESSAGE_LIMIT, message
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.spec import DeletionPolicy, Spec, parse_spec
from sshcredential_operator.api.status import (
    READY,
    RECONCILING,
    STALLED,
    Condition,
    KeyFacts,
    Status,
    merge_patch,
    parse_status,
)

FACTS = KeyFacts(
    "id", 1, 0, "Ed25519", 256, "SHA256:", "ssh-ed25519", passphrase_protected=False, created_at="", key_id=""
)
FULL = Status(
    1, (Condition(READY, "True", "Available", "", 1, ""),), "name", FACTS, "secret", ("NoPassphrase",), "Encrypted"
)


field = CREDENTIAL.field
each_definition = pytest.mark.parametrize("definition", DEFINITIONS, ids=str)


@pytest.mark.parametrize(
    ("definition", "kind", "plural"),
    [
        (CREDENTIAL, names.KIND, names.PLURAL),
        (EXPORT, names.EXPORT_KIND, names.EXPORT_PLURAL),
        (TARGET, names.TARGET_KIND, names.TARGET_PLURAL),
    ],
    ids=str,
)
def test_group_version_kind_and_plural(definition: Definition, kind: str, plural: str) -> None:
    assert definition.crd["spec"]["group"] == names.GROUP
    assert definition.version["name"] == names.VERSION
    assert definition.names["kind"] == kind
    assert definition.names["plural"] == plural
    assert definition.crd["metadata"]["name"] == f"{plural}.{names.GROUP}"


def test_the_secrets_name_fits_for_the_longest_credential() -> None:
    longest = names.CredentialKey(names.Namespace("ns"), "a" * 63)

    assert len(longest.secret_name) <= field("status.secretName")["maxLength"]


def test_no_export_takes_the_name_of_a_credentials_secret() -> None:
    expressions = [rule["rule"] for rule in rules(EXPORT.field("spec.secretName"))]

    assert f'!self.endsWith("{names.SECRET_SUFFIX}")' in expressions


@each_definition
def test_an_object_is_named_alike_whatever_its_kind(definition: Definition) -> None:
    [rule, *_] = rules(definition.schema)
    [of_reference, *_] = rules(EXPORT.field("spec.credentialRef.name"))

    assert rule["rule"].removeprefix("self.metadata.name") == of_reference["rule"].removeprefix("self")


@pytest.mark.parametrize("path", ["spec.generate.algorithm", "status.algorithm"])
def test_algorithms(path: str) -> None:
    assert field(path)["enum"] == [algorithm.value for algorithm in Algorithm]


@pytest.mark.parametrize("algorithm", list(Algorithm))
def test_sizes_that_can_be_generated(algorithm: Algorithm) -> None:
    [rule] = [rule for rule in rules(field("spec.generate")) if f"'{algorithm}'" in rule["rule"]]
    listed = re.search(r"self\.bits in \[([0-9, ]+)\]", rule["rule"])
    sizes = tuple(int(size) for size in listed[1].split(",")) if listed else GENERATED_BITS[algorithm][:1]

    assert sizes == GENERATED_BITS[algorithm]
    assert listed or "!has(self.bits)" in rule["rule"]


@pytest.mark.parametrize("algorithm", [Algorithm.ECDSA, Algorithm.RSA])
def test_the_size_that_is_called_the_default_is_the_default(algorithm: Algorithm) -> None:
    assert f"{algorithm}: {GENERATED_BITS[algorithm][0]} (default)" in field("spec.generate.bits")["description"]


def test_deletion_policies() -> None:
    assert field("spec.deletionPolicy")["enum"] == [policy.value for policy in DeletionPolicy]


@pytest.mark.parametrize(
    ("definition", "path"),
    [
        *((CREDENTIAL, f"spec.rotation.{member}") for member in ("every", "prepare", "overlap")),
        (CREDENTIAL, "spec.deletionGracePeriod"),
        (EXPORT, "spec.expiresAfter"),
        (TARGET, "spec.probe.every"),
        (TARGET, "spec.probe.timeout"),
    ],
    ids=str,
)
def test_the_grammar_of_durations(definition: Definition, path: str) -> None:
    [rule, *_] = rules(definition.field(path))
    shape = re.search(r"self\.matches\('\^(.*)\$'\)", rule["rule"])
    longest = re.search(r"duration\(self\) <= duration\('([0-9]+)h'\)", rule["rule"])

    assert shape
    assert longest
    assert shape[1] == DURATION_PATTERN
    assert timedelta(hours=int(longest[1])) == LONGEST_DURATION


def test_the_grace_period_is_a_week_by_default() -> None:
    assert parse_duration(field("spec.deletionGracePeriod")["default"]) == timedelta(days=7)


@pytest.mark.parametrize(
    "source",
    [
        pytest.param({"generate": {}}, id="a generated key"),
        pytest.param({"generate": {"algorithm": "RSA"}}, id="a generated RSA key"),
        pytest.param({"importFrom": {"privateKey": {"secretName": "s"}}}, id="an imported key"),
        pytest.param(
            {"importFrom": {"privateKey": {"secretName": "s"}, "passphrase": {"secretName": "s"}}},
            id="an imported encrypted key",
        ),
    ],
)
def test_python_takes_the_same_defaults(source: dict[str, Any]) -> None:
    short, filled = parse_spec(source, "name"), parse_spec(with_defaults(source, field("spec")), "name")

    assert isinstance(short, Spec)
    assert short == filled


@pytest.mark.parametrize(("definition", "word"), [(CREDENTIAL, "credential"), (EXPORT, "export")], ids=str)
def test_the_first_status_is_the_catalogues_pending(definition: Definition, word: str) -> None:
    status = parse_status(with_defaults({}, definition.schema)["status"])
    says = message(Reason.PENDING).replace("credential", word)

    assert status == Status(conditions=(Condition(READY, "Unknown", Reason.PENDING, says, 0, "1970-01-01T00:00:00Z"),))


@pytest.mark.parametrize("other", [EXPORT, TARGET], ids=str)
def test_all_kinds_tell_their_conditions_alike(other: Definition) -> None:
    conditions, others = field("status.conditions"), other.field("status.conditions")
    members = set(conditions["items"]["properties"])

    assert members == set(others["items"]["properties"])
    assert bounds(conditions) == bounds(others)
    assert [bounds(field(f"status.conditions[].{member}")) for member in members] == [
        bounds(other.field(f"status.conditions[].{member}")) for member in members
    ]


@pytest.mark.parametrize("member", ["observedGeneration", "keyNumber", "fingerprint", "secretName", "notes"])
def test_what_both_kinds_tell_has_the_same_bounds(member: str) -> None:
    assert bounds(field(f"status.{member}")) == bounds(EXPORT.field(f"status.{member}"))


def bounds(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if name not in {"description", "items"}}


@pytest.mark.parametrize("user", [EXPORT, TARGET], ids=str)
def test_who_uses_a_credential_fits_into_its_users(user: Definition) -> None:
    users = {member: schema["maxLength"] for member, schema in field("status.usedBy[]")["properties"].items()}

    assert users.keys() == {"kind", "name"}
    assert users["kind"] >= len(str(user))
    assert users["name"] >= user.field("metadata.name")["maxLength"]


def test_every_member_that_the_operator_writes_is_in_the_schema() -> None:
    assert merge_patch(FULL, over=Status()).keys() <= field("status")["properties"].keys()


def test_every_member_of_the_schema_is_known_to_the_reader() -> None:
    raw = merge_patch(FULL, over=Status())

    assert raw.keys() == field("status")["properties"].keys()
    assert parse_status(raw).extra == ()


@pytest.mark.parametrize("reason", list(Reason))
def test_a_reason_fits(reason: Reason) -> None:
    schema = field("status.conditions[].reason")

    assert re.fullmatch(schema["pattern"], reason)
    assert len(reason) <= schema["maxLength"]


@pytest.mark.parametrize("kind", [READY, RECONCILING, STALLED])
def test_a_conditions_type_fits(kind: str) -> None:
    assert re.fullmatch(field("status.conditions[].type")["pattern"], kind)


def test_the_longest_message_fits() -> None:
    assert field("status.conditions[].message")["maxLength"] >= MESSAGE_LIMIT


def test_all_notes_at_once_fit() -> None:
    notes = field("status.notes")

    assert len(Note) <= notes["maxItems"]
    assert max(map(len, Note)) <= notes["items"]["maxLength"]
