"""What the API server says about mistakes in an SSHCredential: one sentence each, for people."""

from collections.abc import Iterator
from typing import Any

import pytest

from cluster.credentials import Credentials, Refused, credential, credentials_of
from controlplane.clusters import Cluster

KEY = {"privateKey": {"secretName": "my-key"}}
EXACTLY_ONE = "give exactly one of generate"
BITS = "an Ed25519 key has one size; remove bits, or set algorithm to ECDSA (bits 256, 384 or 521) or RSA"
NAME = "spec.name must be 2 to 99 letters, digits, dashes or underscores, without blanks"
OBJECT_NAME = "metadata.name must be 2 to 63 lower-case letters, digits or dashes, without dots"
DURATION = "a duration is hours, minutes and seconds in this order, such as 168h, 1h30m or 0s, and at most 87600h"
COMMENT = "comment must be one line of printable ASCII characters"
SECRET_NAME = "secretName must be the name of a Secret in this namespace"
DESCRIPTION = "description must not contain control characters"


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Iterator[Credentials]:
    with credentials_of(cluster, "default") as server:
        yield server


def generate(**members: Any) -> dict[str, Any]:
    return {"generate": members}


@pytest.mark.parametrize(
    ("spec", "field", "sentence"),
    [
        pytest.param({}, "spec", EXACTLY_ONE, id="no source"),
        pytest.param({"generate": None}, "spec", EXACTLY_ONE, id="a source that was left empty"),
        pytest.param(generate() | {"importFrom": KEY}, "spec", EXACTLY_ONE, id="two sources"),
        pytest.param(generate(bits=1000), "spec.generate.bits", BITS, id="bits that no algorithm has"),
        pytest.param(generate(bits=10**18), "spec.generate.bits", BITS, id="very many bits"),
        pytest.param(generate(bits=256), "spec.generate.bits", BITS, id="bits for Ed25519"),
        pytest.param(
            generate(algorithm="RSA", bits=1000),
            "spec.generate.bits",
            "bits of an RSA key must be 3072 or 4096; remove bits for 3072",
            id="a small RSA key",
        ),
        pytest.param(
            generate(algorithm="ECDSA", bits=3072),
            "spec.generate.bits",
            "bits of an ECDSA key must be 256, 384 or 521; remove bits for 256",
            id="bits of RSA for ECDSA",
        ),
        pytest.param(generate(comment="a\nb"), "spec.generate.comment", COMMENT, id="a comment of two lines"),
        pytest.param(generate(comment="a\n"), "spec.generate.comment", COMMENT, id="a comment with a last line break"),
        pytest.param(generate(comment="Bücher"), "spec.generate.comment", COMMENT, id="a comment beyond ASCII"),
        pytest.param(generate(comment="a\0b"), "spec.generate.comment", COMMENT, id="a NUL in the comment"),
        pytest.param(generate(comment="a\x1b[31m"), "spec.generate.comment", COMMENT, id="colours in the comment"),
        pytest.param(generate(comment="a\u2028b"), "spec.generate.comment", COMMENT, id="a line separator in it"),
        pytest.param(generate() | {"name": "my key"}, "spec.name", NAME, id="a name with a blank"),
        pytest.param(generate() | {"name": "my.key"}, "spec.name", NAME, id="a name with a dot"),
        pytest.param(generate() | {"name": "mykey\n"}, "spec.name", NAME, id="a name with a last line break"),
        pytest.param(generate() | {"name": "Schlüssel"}, "spec.name", NAME, id="a name beyond ASCII"),
        pytest.param(generate() | {"name": "a"}, "spec.name", NAME, id="a name of one character"),
        pytest.param(generate() | {"name": ""}, "spec.name", NAME, id="an empty name"),
        pytest.param(generate() | {"name": "a" * 100}, "spec.name", NAME, id="a name of 100 characters"),
        pytest.param(generate() | {"description": "a\x1b[31m"}, "spec.description", DESCRIPTION, id="colours"),
        pytest.param(generate() | {"description": "a\u202eb"}, "spec.description", DESCRIPTION, id="turned text"),
        *(
            pytest.param(
                generate() | {"deletionGracePeriod": text},
                "spec.deletionGracePeriod",
                DURATION,
                id=f"a period of {text!r}",
            )
            for text in ("", "0", "7d", "1.5h", "-1h", "1h ", "1h\n", "30m1h", "1h1h", "100ms", "forever", "P7D")
        ),
        *(
            pytest.param(
                generate() | {"deletionGracePeriod": text},
                "spec.deletionGracePeriod",
                DURATION,
                id=f"ten years pass in {text}",
            )
            for text in ("87601h", "87600h1s", "999999h9999999m999999999s")
        ),
        *(
            pytest.param(
                {"importFrom": {"privateKey": {"secretName": name}}},
                "spec.importFrom.privateKey.secretName",
                SECRET_NAME,
                id=f"a Secret that is called {name!r}",
            )
            for name in ("", "My_Key", "other/my-key", "my-key\n", "-a")
        ),
        pytest.param(
            {"importFrom": KEY | {"passphrase": {"secretName": "my key"}}},
            "spec.importFrom.passphrase.secretName",
            SECRET_NAME,
            id="a passphrase's Secret with a blank",
        ),
        pytest.param(
            {"importFrom": {"privateKey": {"secretName": "my-key", "key": "my key"}}},
            "spec.importFrom.privateKey.key",
            "key must be a key of the Secret's data",
            id="a key with a blank",
        ),
        pytest.param(
            {"importFrom": KEY | {"passphrase": {"secretName": "my-key", "key": ""}}},
            "spec.importFrom.passphrase.key",
            "key must be a key of the Secret's data",
            id="an empty key",
        ),
    ],
)
def test_a_mistake_gives_one_clear_sentence(
    server: Credentials, spec: dict[str, Any], field: str, sentence: str
) -> None:
    refused = server.attempt(credential(spec))

    assert isinstance(refused, Refused)
    [cause] = refused.causes
    assert cause.startswith(f"{field}: Invalid value: ")
    assert f": {sentence}" in cause


@pytest.mark.parametrize("name", ["a", "a.b", "a" * 64])
def test_an_objects_name_that_does_not_fit_gives_one_clear_sentence(server: Credentials, name: str) -> None:
    refused = server.attempt(credential(generate(), name))

    assert isinstance(refused, Refused)
    [cause] = refused.causes
    assert f": {OBJECT_NAME}" in cause


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        pytest.param(
            {"provider": "FTP"}, 'spec.provider: Unsupported value: "FTP": supported values: "SSH"', id="provider"
        ),
        pytest.param(
            generate(algorithm="DSA"),
            'spec.generate.algorithm: Unsupported value: "DSA": supported values: "Ed25519", "ECDSA", "RSA"',
            id="algorithm",
        ),
        pytest.param(
            generate(passphrase="secret"),
            'spec.generate.passphrase: Unsupported value: "secret": supported values: "None", "Generate"',
            id="passphrase",
        ),
        pytest.param(
            {"deletionPolicy": "Keep"},
            'spec.deletionPolicy: Unsupported value: "Keep": supported values: "Delete", "Retain"',
            id="deletion policy",
        ),
        pytest.param({"importFrom": {}}, "spec.importFrom.privateKey: Required value", id="no private key"),
        pytest.param(
            {"importFrom": {"privateKey": {}}}, "spec.importFrom.privateKey.secretName: Required value", id="no Secret"
        ),
        pytest.param({"deletionGracePeriod": 168}, "must be of type string", id="a period that is a number"),
        pytest.param(generate(bits="256"), "must be of type integer", id="bits in quotes"),
        pytest.param(
            {"name": "a" * 254}, "spec.name: Too long: may not be more than 253", id="a name beyond all bounds"
        ),
        pytest.param(
            {"importFrom": {"privateKey": {"secretName": "my-key", "namespace": "other"}}},
            'unknown field "spec.importFrom.privateKey.namespace"',
            id="a Secret of another namespace",
        ),
        pytest.param({"privateKey": "-----BEGIN"}, 'unknown field "spec.privateKey"', id="a private key in the spec"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(server: Credentials, spec: dict[str, Any], sentence: str) -> None:
    refused = server.attempt(credential(spec))

    assert isinstance(refused, Refused)
    assert sentence in refused.says
