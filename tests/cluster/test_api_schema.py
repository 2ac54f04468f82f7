"""What the API server takes for an SSHCredential, and what it fills in."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.credentials import NAME, Credentials, Refused, credential, credentials_of
from controlplane.clusters import Cluster
from controlplane.places import CHECKOUT
from sshcredential_operator.api.spec import Spec, parse_spec

KEY = {"privateKey": {"secretName": "my-key"}}


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Iterator[Credentials]:
    with credentials_of(cluster, "default") as server:
        yield server


def generate(**members: Any) -> dict[str, Any]:
    return {"generate": members}


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(generate(), id="a key without any wish"),
        pytest.param(generate(algorithm="Ed25519"), id="an Ed25519 key"),
        *(
            pytest.param(generate(algorithm="ECDSA", bits=bits), id=f"an ECDSA key of {bits} bits")
            for bits in (256, 384, 521)
        ),
        *(pytest.param(generate(algorithm="RSA", bits=bits), id=f"an RSA key of {bits} bits") for bits in (3072, 4096)),
        pytest.param(generate(algorithm="RSA"), id="an RSA key of the default size"),
        pytest.param(generate(passphrase="Generate"), id="a key with a passphrase"),
        pytest.param(generate(comment='me@host "~!'), id="a comment of printable ASCII"),
        pytest.param(generate(comment=""), id="an empty comment"),
        pytest.param(generate() | {"name": "A_z-9" * 19}, id="a name of 95 characters"),
        pytest.param(generate() | {"name": "a" * 99}, id="a name of 99 characters"),
        pytest.param(
            generate() | {"description": "Größe\n\tüber 👩\u200d💻"}, id="a description of several lines and scripts"
        ),
        pytest.param(generate() | {"deletionPolicy": "Retain", "suspend": True}, id="a suspended one that is retained"),
        *(
            pytest.param(generate() | {"deletionGracePeriod": text}, id=f"a grace period of {text}")
            for text in ("0s", "90m", "1h30m", "168h0m0s", "87600h", "315360000s")
        ),
        pytest.param({"importFrom": KEY}, id="a key of the user"),
        pytest.param(
            {
                "importFrom": {
                    "privateKey": {"secretName": "my.key", "key": ".a_B-1"},
                    "passphrase": {"secretName": "other"},
                }
            },
            id="an encrypted key in two Secrets",
        ),
    ],
)
def test_a_spec_is_taken_by_server_and_operator(server: Credentials, spec: dict[str, Any]) -> None:
    taken = server.attempt(credential(spec))

    assert not isinstance(taken, Refused)
    assert isinstance(parse_spec(spec, NAME), Spec)
    assert parse_spec(spec, NAME) == parse_spec(taken["spec"], NAME)


@pytest.mark.parametrize("name", ["ab", "7a", "a-7", "a" * 63])
def test_an_object_may_have_this_name(server: Credentials, name: str) -> None:
    assert not isinstance(server.attempt(credential(generate(), name)), Refused)


@pytest.mark.parametrize("path", sorted((CHECKOUT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_an_example_is_taken(cluster: Cluster, namespace: str, path: Path) -> None:
    cluster.kubectl("create", "--dry-run=server", "--namespace", namespace, "-f", str(path))


@pytest.mark.parametrize(
    ("spec", "filled"),
    [
        pytest.param(generate(), generate(algorithm="Ed25519", passphrase="None"), id="a generated key"),
        pytest.param(
            generate(algorithm="RSA"),
            generate(algorithm="RSA", passphrase="None"),
            id="the size is the operator's to choose",
        ),
        pytest.param(
            {"importFrom": KEY | {"passphrase": {"secretName": "my-key"}}},
            {
                "importFrom": {
                    "privateKey": {"secretName": "my-key", "key": "ssh-privatekey"},
                    "passphrase": {"secretName": "my-key", "key": "passphrase"},
                }
            },
            id="an imported key",
        ),
    ],
)
def test_what_is_absent_is_filled_in(server: Credentials, spec: dict[str, Any], filled: dict[str, Any]) -> None:
    taken = server.attempt(credential(spec))

    common = {
        "provider": "SSH",
        "rotation": {"serial": 0, "prepare": "0s", "overlap": "24h"},
        "deletionPolicy": "Delete",
        "deletionGracePeriod": "168h",
        "suspend": False,
    }
    assert not isinstance(taken, Refused)
    assert taken["spec"] == common | filled
