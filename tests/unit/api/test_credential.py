"""`api/credential.py`: an object as the API server gives it, and as nobody should."""

from __future__ import annotations

from typing import Any

import pytest

from sshcredential_operator.api.credential import parse_credential
from sshcredential_operator.api.names import CredentialKey, Namespace, credential_of_secret
from sshcredential_operator.api.spec import InvalidSpec, Spec
from sshcredential_operator.api.status import Status


def raw(**changes: Any) -> dict[str, Any]:
    metadata = {
        "namespace": "genomics",
        "name": "hpc-login",
        "uid": "u",
        "resourceVersion": "7",
        "generation": 2,
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return {"metadata": metadata, "spec": {"generate": {}}} | changes


def test_the_metadata_that_passes_need_is_kept() -> None:
    credential = parse_credential(raw())

    assert credential.key == CredentialKey(Namespace("genomics"), "hpc-login")
    assert credential.key.secret_name == "hpc-login-sshcredential"
    assert (credential.uid, credential.resource_version, credential.generation) == ("u", "7", 2)
    assert credential.created_at == "2026-01-01T00:00:00Z"
    assert not credential.deleting
    assert credential.status == Status()


def test_an_object_that_is_being_deleted_says_so() -> None:
    metadata = raw()["metadata"] | {"deletionTimestamp": "2026-01-01T00:00:00Z"}

    assert parse_credential(raw(metadata=metadata)).deleting


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        pytest.param({"generate": {}}, "hpc-login", id="its own where spec.name is absent"),
        pytest.param({"generate": {}, "name": "hpc_login"}, "hpc_login", id="spec.name"),
        pytest.param({"name": "hpc_login"}, "hpc-login", id="its own where the spec cannot be read"),
    ],
)
def test_it_claims_the_name(spec: dict[str, Any], name: str) -> None:
    assert parse_credential(raw(spec=spec)).claimed_name == name


@pytest.mark.parametrize("spec", [None, [], "generate", 1, {}], ids=repr)
@pytest.mark.parametrize("status", [None, [], "Ready", 1, {"conditions": 1, "notes": {}}], ids=repr)
def test_odd_parts_raise_nothing(spec: Any, status: Any) -> None:
    credential = parse_credential(raw(spec=spec, status=status))

    assert isinstance(credential.spec, InvalidSpec)
    assert credential.status.facts is None


def test_a_good_spec_is_parsed() -> None:
    assert isinstance(parse_credential(raw()).spec, Spec)


@pytest.mark.parametrize(
    ("secret_name", "name"),
    [
        ("hpc-login-sshcredential", "hpc-login"),
        ("a-sshcredential-sshcredential", "a-sshcredential"),
        ("hpc-login", None),
        ("-sshcredential", None),
        ("sshcredential", None),
        ("hpc-login-sshcredential-2", None),
    ],
)
def test_a_secrets_name_tells_whose_it_is(secret_name: str, name: str | None) -> None:
    found = credential_of_secret(Namespace("genomics"), secret_name)

    assert found == (CredentialKey(Namespace("genomics"), name) if name else None)
    assert found is None or found.secret_name == secret_name
