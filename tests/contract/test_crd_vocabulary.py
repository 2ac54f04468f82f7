"""What the CRD calls things and what Python calls them are the same; neither can be changed alone."""

import re
from datetime import timedelta
from typing import Any

import pytest

from contract.crd_schema import CRD, SCHEMA, VERSION, field, rules, with_defaults
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


def test_group_version_kind_and_plural() -> None:
    assert CRD["spec"]["group"] == names.GROUP
    assert VERSION["name"] == names.VERSION
    assert CRD["spec"]["names"]["kind"] == names.KIND
    assert CRD["spec"]["names"]["plural"] == names.PLURAL
    assert CRD["metadata"]["name"] == f"{names.PLURAL}.{names.GROUP}"


def test_the_secrets_name_fits_for_the_longest_credential() -> None:
    longest = names.CredentialKey(names.Namespace("ns"), "a" * 63)

    assert len(longest.secret_name) <= field("status.secretName")["maxLength"]


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


def test_the_grammar_of_durations() -> None:
    [rule] = rules(field("spec.deletionGracePeriod"))
    shape = re.search(r"self\.matches\('\^(.*)\$'\)", rule["rule"])
    longest = re.search(r"duration\(self\) <= duration\('([0-9]+)h'\)", rule["rule"])

    assert shape
    assert longest
    assert shape[1] == DURATION_PATTERN
    assert timedelta(hours=int(longest[1])) == LONGEST_DURATION
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


def test_the_first_status_is_the_catalogues_pending() -> None:
    status = parse_status(with_defaults({}, SCHEMA)["status"])

    assert status == Status(
        conditions=(Condition(READY, "Unknown", Reason.PENDING, message(Reason.PENDING), 0, "1970-01-01T00:00:00Z"),)
    )


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
