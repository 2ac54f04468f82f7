"""The main job: a credential is applied, and soon its key is there: generated, stored encrypted, told about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from cluster.conftest import Workspace
from cluster.desk import Desk, desk_in
from cluster.keyfiles import fingerprint_of, public_line_of
from cluster.opened import Opened, open_stored
from cluster.shown import OURS, condition_of, generated, secret_of, states_of
from controlplane.clusters import Cluster

COMMENT: Final = "genomics@hpc, all of it"
VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "of no further wish": {},
    "ed25519": {"algorithm": "Ed25519"},
    "ecdsa-of-no-size": {"algorithm": "ECDSA"},
    "ecdsa-256": {"algorithm": "ECDSA", "bits": 256},
    "ecdsa-384": {"algorithm": "ECDSA", "bits": 384},
    "ecdsa-521": {"algorithm": "ECDSA", "bits": 521},
    "rsa-of-no-size": {"algorithm": "RSA"},
    "rsa-4096": {"algorithm": "RSA", "bits": 4096},
    "with-a-comment": {"comment": COMMENT},
    "with-a-passphrase": {"passphrase": "Generate"},
    "ecdsa-with-both": {"algorithm": "ECDSA", "comment": COMMENT, "passphrase": "Generate"},
}
DEFAULT_BITS: Final = {"Ed25519": 256, "ECDSA": 256, "RSA": 3072}


def name_of(variant: str) -> str:
    return f"generated-{variant.replace(' ', '-')}"


@pytest.fixture(scope="module")
def key_ring(cluster: Cluster, workspace: Workspace) -> Iterator[Desk]:
    """The operator's own namespace, as an administrator sees it."""
    with desk_in(cluster, workspace.operator.operator_namespace) as key_ring:
        yield key_ring


@pytest.fixture(scope="module", autouse=True)
def all_variants(desk: Desk) -> None:
    """Applied all at once, so that the slow ones are made while the others are looked at."""
    desk.apply({name_of(variant): generated(**wish) for variant, wish in VARIANTS.items()})


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def status(desk: Desk, variant: str) -> dict[str, Any]:
    return dict(desk.until(name_of(variant), "Available")["status"])


@pytest.fixture
def opened(desk: Desk, key_ring: Desk, variant: str, status: dict[str, Any]) -> Opened:
    return open_stored(desk, name_of(variant), key_ring)


def test_kubectl_waits_until_every_kind_of_key_is_ready(desk: Desk) -> None:
    desk.wait_for_ready([name_of(variant) for variant in VARIANTS])


def test_what_is_asked_for_is_what_is_made(variant: str, status: dict[str, Any]) -> None:
    wish = {"algorithm": "Ed25519", "passphrase": "None", **VARIANTS[variant]}
    assert status["algorithm"] == wish["algorithm"]
    assert status["bits"] == wish.get("bits", DEFAULT_BITS[wish["algorithm"]])
    assert status["publicKey"].split(" ", 2)[2:] == ([wish["comment"]] if "comment" in wish else [])
    assert status["passphraseProtected"] is (wish["passphrase"] == "Generate")


def test_the_stored_private_key_is_the_other_half_of_the_public_line(
    status: dict[str, Any], opened: Opened, tmp_path: Path
) -> None:
    assert public_line_of(opened.private, tmp_path) == status["publicKey"]
    assert fingerprint_of(status["publicKey"], tmp_path) == status["fingerprint"]


def test_a_passphrase_lies_beside_the_key_exactly_where_one_is_asked_for(
    status: dict[str, Any], opened: Opened
) -> None:
    assert (opened.passphrase is not None) is status["passphraseProtected"]
    assert opened.passphrase is None or len(opened.passphrase) >= 16


def test_every_fact_of_the_status_is_the_secrets(
    desk: Desk, variant: str, status: dict[str, Any], opened: Opened
) -> None:
    record, key = opened.record, opened.record.current_key
    told = {name: status[name] for name in ("credentialId", "keyNumber", "rotationSerial", "createdAt", "fingerprint")}
    assert told == {
        "credentialId": record.credential_id,
        "keyNumber": record.current,
        "rotationSerial": record.rotation_serial,
        "createdAt": key.created_at,
        "fingerprint": key.fingerprint,
    }
    assert status["secretName"] == secret_of(name_of(variant))
    assert status["name"] == name_of(variant)
    assert status["exposure"] == "Encrypted"
    assert "notes" not in status


def test_ready_is_the_only_condition(desk: Desk, variant: str, status: dict[str, Any]) -> None:
    found = desk.get(name_of(variant))
    assert states_of(found) == {"Ready": "True"}
    assert condition_of(found)["message"] == f"The key is stored encrypted in Secret {secret_of(name_of(variant))}."


def test_nothing_is_announced_on_the_plain_path(desk: Desk, variant: str, status: dict[str, Any]) -> None:
    assert desk.events(name_of(variant)) == []


def test_the_secret_is_of_our_type_and_belongs_to_nobody(
    desk: Desk, variant: str, status: dict[str, Any], opened: Opened
) -> None:
    secret = desk.stored(name_of(variant))
    assert secret["type"] == OURS
    assert "ownerReferences" not in secret["metadata"]
    assert secret["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "sshcredential-operator",
        "sshcredentials.dev/credential": name_of(variant),
    }
    passphrase = {"passphrase.1"} if status["passphraseProtected"] else set()
    assert secret["data"].keys() == {"record", "privateKey.1"} | passphrase


def test_no_two_keys_are_alike(desk: Desk) -> None:
    found = [desk.until(name_of(variant), "Available")["status"] for variant in VARIANTS]
    assert len({status["fingerprint"] for status in found}) == len(VARIANTS)
    assert len({status["credentialId"] for status in found}) == len(VARIANTS)


def test_people_see_it_in_one_line(cluster: Cluster, desk: Desk) -> None:
    fingerprint = desk.until(name_of("ed25519"), "Available")["status"]["fingerprint"]

    shown = cluster.kubectl("get", "sshcred", name_of("ed25519"), "-n", desk.namespace, "--no-headers").stdout

    assert shown.split()[:5] == [name_of("ed25519"), "True", "Available", "Ed25519", fingerprint]
