"""What whoever runs the operator asks of new keys, for all workspaces or for one; a stored key stays as it is."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from cluster.desk import Desk
from cluster.installation import Installation, installation_of
from cluster.keyfiles import KeyFiles
from cluster.shown import Object, generated, imported, message_of, secret_of, states_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until
from operators.process import COMMAND

POLICY: Final = """
default: {{minRsaBits: 3072, longestAge: 1h}}
workspaces:
  {strict}: {{algorithms: [Ed25519], longestAge: 2s}}
"""
STALLS: Final = {"Ready": "False", "Stalled": "True"}


class Governed(NamedTuple):
    """An operator with a policy for all workspaces and another one for one of them."""

    installed: Installation
    plain: Desk
    strict: Desk
    early: Object
    """A key of the strict workspace that was made before there was a policy, and that none would allow now."""


@pytest.fixture(scope="module")
def governed(cluster: Cluster, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Governed]:
    folder = tmp_path_factory.mktemp("governed")
    with installation_of(cluster, namespaces, folder, workspaces=2) as (installed, (plain, strict), _):
        installed.start()
        strict.create("early", generated(algorithm="ECDSA"))
        early = strict.until("early", "Available")
        installed.operator.stop()
        file = folder / "policy.yaml"
        file.write_text(POLICY.format(strict=strict.namespace))
        installed.start("--policy", str(file))
        yield Governed(installed, plain, strict, early)


@pytest.fixture(params=["plain", "strict"])
def workspace_desk(request: pytest.FixtureRequest, governed: Governed) -> Desk:
    desk: Desk = getattr(governed, request.param)
    return desk


def test_an_rsa_key_that_is_smaller_than_every_workspace_wants_is_refused(
    workspace_desk: Desk, name: str, key_files: KeyFiles
) -> None:
    workspace_desk.make_secret(name, {"ssh-privatekey": key_files.key("PKCS#1").content})
    workspace_desk.create(name, imported(name))

    refused = workspace_desk.until(name, "RsaTooSmall")

    assert states_of(refused) == STALLS
    assert f"Secret {name} has 2048 bits" in message_of(refused)
    assert "3072" in message_of(refused)
    assert workspace_desk.secret(secret_of(name)) is None


@pytest.mark.parametrize(
    ("wish", "key"),
    [({"algorithm": "ECDSA"}, "ECDSA 256"), ({"algorithm": "RSA", "bits": 4096}, "RSA 4096")],
    ids=["ECDSA", "RSA"],
)
def test_an_algorithm_that_a_workspace_does_not_allow_is_not_made(
    governed: Governed, name: str, wish: dict[str, Any], key: str
) -> None:
    governed.strict.create(name, generated(**wish))

    refused = governed.strict.until(name, "NotAllowedByPolicy")

    assert states_of(refused) == STALLS
    assert message_of(refused).startswith(
        f"The policy of this workspace does not allow a new {key} key. Allowed: Ed25519."
    )
    assert governed.strict.secret(secret_of(name)) is None
    governed.strict.edit(name, {"generate": {"algorithm": "Ed25519", "bits": None}})
    governed.strict.until(name, "Available")


def test_an_algorithm_that_a_workspace_does_not_allow_is_not_taken(
    governed: Governed, name: str, key_files: KeyFiles
) -> None:
    governed.strict.make_secret(name, {"ssh-privatekey": key_files.key("SEC1").content})
    governed.strict.create(name, imported(name))

    assert "a new ECDSA 256 key" in message_of(governed.strict.until(name, "NotAllowedByPolicy"))


def test_another_workspace_may_do_what_one_may_not(governed: Governed, name: str) -> None:
    governed.plain.create(name, generated(algorithm="ECDSA"))

    assert governed.plain.until(name, "Available")["status"]["algorithm"] == "ECDSA"


def test_a_key_from_before_the_policy_stays_and_the_next_one_has_to_be_allowed(governed: Governed) -> None:
    kept = governed.early["status"]["fingerprint"]
    present = governed.strict.get("early")
    assert (present["status"]["fingerprint"], states_of(present)) == (kept, {"Ready": "True"})

    governed.strict.edit("early", {"rotation": {"serial": 1}})
    refused = governed.strict.until("early", "NotAllowedByPolicy")
    assert refused["status"]["fingerprint"] == kept

    governed.strict.edit("early", {"generate": {"algorithm": "Ed25519"}})
    assert governed.strict.until("early", "Available")["status"]["previous"]["fingerprint"] == kept


def test_a_key_that_is_older_than_its_workspace_wants_is_noted_by_itself(governed: Governed, name: str) -> None:
    for desk in (governed.plain, governed.strict):
        desk.create(name, generated())
    ready = governed.strict.until(name, "Available")

    due = governed.strict.until_object(name, lambda found: "RotationDue" in found["status"].get("notes", []), "due")

    assert due["status"]["fingerprint"] == ready["status"]["fingerprint"]
    assert states_of(due) == {"Ready": "True"}
    assert "notes" not in governed.plain.until(name, "Available")["status"]


def test_the_metric_tells_when_the_first_key_is_too_old(governed: Governed, name: str) -> None:
    governed.strict.create(name, generated())
    governed.strict.until(name, "Available")
    made = [found["status"]["createdAt"] for found in governed.strict.all() if "createdAt" in found["status"]]
    first = datetime.fromisoformat(min(made)) + timedelta(seconds=2)

    def told() -> bool:
        return (
            governed.installed.operator.metric("sshcredential_operator_rotation_due_timestamp_seconds")
            == first.timestamp()
        )

    wait_until(told, f"the metric says {first}")


# --- a policy that is none


def test_a_policy_file_that_is_none_is_refused_at_the_start_in_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("default: {minRSABits: 3072}")
    command: list[str | Path] = [COMMAND, "run", "--workspace", "genomics", "--policy", file]
    environment = {**os.environ, "KUBECONFIG": str(tmp_path / "none")}

    ended = subprocess.run(command, capture_output=True, env=environment, text=True, check=False)

    assert ended.returncode == 1
    assert ended.stderr == (
        f"Error: The policy file {file} cannot be used: default has an unknown member minRSABits; "
        "known are algorithms, longestAge, minRsaBits.\n"
    )
