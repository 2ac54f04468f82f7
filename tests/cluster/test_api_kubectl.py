"""What a person sees of credentials, exports and targets through kubectl, before any operator has looked at them."""

import json
from typing import Any, Final

import pytest

from cluster.credentials import credential, export, target
from cluster.export_specs import PLAIN
from cluster.target_specs import PINNED
from contract.crd_schema import DEFINITIONS, Definition, fields
from controlplane.clusters import Cluster
from controlplane.waiting import wait_until

OPENAPI: Final = "/openapi/v3/apis/sshcredentials.dev/v1alpha1"
SCHEMA_NAME: Final = "dev.sshcredentials.v1alpha1."
KEPT_BY_KUBERNETES: Final = ("apiVersion", "kind", "metadata")


@pytest.fixture
def fresh(cluster: Cluster, namespace: str) -> str:
    """The namespace of a credential that no operator has seen."""
    manifest = json.dumps(credential({"generate": {}}))
    cluster.kubectl("apply", "--namespace", namespace, "-f", "-", input=manifest)
    return namespace


def test_a_fresh_credential_is_pending(cluster: Cluster, fresh: str) -> None:
    heads, line = cluster.kubectl("get", "sshcredentials", "--namespace", fresh).stdout.splitlines()

    assert heads.split() == ["NAME", "READY", "REASON", "ALGORITHM", "FINGERPRINT", "AGE"]
    assert line.split()[:3] == ["hpc-login", "Unknown", "Pending"]


def test_the_wide_table_asks_whether_the_operator_serves_the_namespace(cluster: Cluster, fresh: str) -> None:
    heads, line = cluster.kubectl("get", "sshcredentials", "--namespace", fresh, "-o", "wide").stdout.splitlines()

    assert heads.split()[-1] == "MESSAGE"
    assert line.casefold().endswith("is this namespace among its workspaces?")


def test_nobody_takes_a_fresh_credential_for_ready(cluster: Cluster, fresh: str) -> None:
    command = ("wait", "--for=condition=Ready", "--timeout=1s", "--namespace", fresh, "sshcredential/hpc-login")
    waited = cluster.kubectl(*command, check=False)

    assert waited.returncode != 0
    assert "timed out" in waited.stderr


@pytest.fixture
def asked_for(cluster: Cluster, fresh: str) -> str:
    """The namespace of an export, too, that no operator has seen."""
    cluster.kubectl("apply", "--namespace", fresh, "-f", "-", input=json.dumps(export(PLAIN)))
    return fresh


def test_a_fresh_export_is_pending_and_shows_what_goes_where(cluster: Cluster, asked_for: str) -> None:
    heads, line = cluster.kubectl(
        "get", "sshcredentialexports", "--namespace", asked_for, "-o", "wide"
    ).stdout.splitlines()

    assert heads.split() == [
        *("NAME", "READY", "REASON", "CREDENTIAL", "SECRET", "PROFILE", "EXPIRES", "AGE", "MESSAGE")
    ]
    assert line.split()[:6] == ["hpc-login", "Unknown", "Pending", "hpc-login", "git-auth", "Flux"]
    assert line.casefold().endswith("is this namespace among its workspaces?")


def test_an_export_shows_when_it_ends(cluster: Cluster, asked_for: str) -> None:
    status = {"status": {"expiresAt": "2099-01-01T08:00:00Z"}}
    where = ("sshexport", "hpc-login", "--namespace", asked_for)
    cluster.kubectl("patch", *where, "--subresource=status", "--type=merge", "--patch", json.dumps(status))

    assert cluster.kubectl("get", *where, "--no-headers").stdout.split()[6] == "2099-01-01T08:00:00Z"


@pytest.mark.parametrize("word", ["sshcredentialexports", "sshcredentialexport", "sshexport"])
def test_exports_are_found_by(cluster: Cluster, asked_for: str, word: str) -> None:
    found = cluster.kubectl("get", word, "--namespace", asked_for, "-o", "name").stdout

    assert found.split() == ["sshcredentialexport.sshcredentials.dev/hpc-login"]


@pytest.fixture
def aimed_at(cluster: Cluster, asked_for: str) -> str:
    """The namespace of a target, too, that nothing has probed."""
    cluster.kubectl("apply", "--namespace", asked_for, "-f", "-", input=json.dumps(target(PINNED)))
    return asked_for


def test_a_fresh_target_is_pending_and_shows_what_opens_which_door(cluster: Cluster, aimed_at: str) -> None:
    heads, line = cluster.kubectl("get", "sshtargets", "--namespace", aimed_at, "-o", "wide").stdout.splitlines()

    assert heads.split("  ")[0] == "NAME"
    assert [head.strip() for head in heads.split("   ") if head.strip()] == [
        *("NAME", "READY", "REASON", "HOST", "CREDENTIAL", "LAST SUCCESS", "AGE", "HOST KEY", "MESSAGE")
    ]
    assert line.split()[:5] == ["hpc-login", "Unknown", "Pending", "login.hpc.example.org", "hpc-login"]
    assert line.endswith("is this namespace among its workspaces?")


def test_a_target_shows_when_it_last_let_the_key_in_and_its_host_key(cluster: Cluster, aimed_at: str) -> None:
    fingerprint, moment = "SHA256:" + "a" * 43, "2026-01-01T00:00:00Z"
    host_key = {"type": "ssh-ed25519", "fingerprint": fingerprint, "publicKey": "p", "since": moment}
    status = {"status": {"lastSuccessAt": moment, "hostKey": host_key}}
    where = ("sshtarget", "hpc-login", "--namespace", aimed_at)
    cluster.kubectl("patch", *where, "--subresource=status", "--type=merge", "--patch", json.dumps(status))

    shown = cluster.kubectl("get", *where, "--no-headers", "-o", "wide").stdout.split()

    assert shown[5][-1] == "d"
    assert shown[7] == fingerprint


@pytest.mark.parametrize("word", ["sshtargets", "sshtarget"])
def test_targets_are_found_by(cluster: Cluster, aimed_at: str, word: str) -> None:
    found = cluster.kubectl("get", word, "--namespace", aimed_at, "-o", "name").stdout

    assert found.split() == ["sshtarget.sshcredentials.dev/hpc-login"]


def test_the_servers_list_of_kinds_has_the_short_name(cluster: Cluster) -> None:
    listed = cluster.kubectl("api-resources", "--api-group=sshcredentials.dev", "--no-headers").stdout
    short = {line.split()[0]: line.split()[1] for line in listed.splitlines()}

    assert short == {"sshcredentials": "sshcred", "sshcredentialexports": "sshexport", "sshtargets": "sshtarget"}


def test_one_word_finds_every_kind(cluster: Cluster, aimed_at: str) -> None:
    found = cluster.kubectl("get", "credentials", "--namespace", aimed_at, "-o", "name").stdout

    assert {name.partition(".")[0] for name in found.split()} == {"sshcredential", "sshcredentialexport", "sshtarget"}


@pytest.mark.parametrize("word", ["sshcredentials", "sshcredential", "sshcred", "credentials"])
def test_credentials_are_found_by(cluster: Cluster, fresh: str, word: str) -> None:
    found = cluster.kubectl("get", word, "--namespace", fresh, "-o", "name").stdout

    assert found.split() == ["sshcredential.sshcredentials.dev/hpc-login"]


def test_what_is_ready_is_shown_with_algorithm_and_fingerprint(cluster: Cluster, fresh: str) -> None:
    fingerprint = "SHA256:" + "a" * 43
    ready = {"type": "Ready", "status": "True", "reason": "Available", "message": "m"}
    ready["lastTransitionTime"] = "2026-01-01T00:00:00Z"
    status = {"status": {"conditions": [ready], "algorithm": "Ed25519", "fingerprint": fingerprint}}
    where = ("sshcred", "hpc-login", "--namespace", fresh)
    cluster.kubectl("patch", *where, "--subresource=status", "--type=merge", "--patch", json.dumps(status))

    line = cluster.kubectl("get", *where, "--no-headers").stdout

    assert line.split()[:5] == ["hpc-login", "True", "Available", "Ed25519", fingerprint]


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        pytest.param({"generate": {"bits": 1000}}, "an Ed25519 key has one size; remove bits", id="impossible bits"),
        pytest.param({"name": "my key", "generate": {}}, "without blanks", id="a name with a blank"),
        pytest.param(
            {"generate": {}, "importFrom": {"privateKey": {"secretName": "my-key"}}},
            "give exactly one of generate",
            id="two sources",
        ),
    ],
)
def test_kubectl_tells_a_mistake_in_one_line(
    cluster: Cluster, namespace: str, spec: dict[str, Any], sentence: str
) -> None:
    manifest = json.dumps(credential(spec))
    said = cluster.kubectl("apply", "--namespace", namespace, "-f", "-", input=manifest, check=False).stderr

    assert said.startswith('The SSHCredential "hpc-login" is invalid: spec')
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("definition", DEFINITIONS, ids=str)
def test_every_field_can_be_explained(cluster: Cluster, definition: Definition) -> None:
    expected = {found.path for found in definition.fields() if not found.path.startswith(KEPT_BY_KUBERNETES)}

    def published() -> dict[str, Any]:
        document = json.loads(cluster.kubectl("get", "--raw", OPENAPI).stdout)
        schema: dict[str, Any] = document["components"]["schemas"].get(f"{SCHEMA_NAME}{definition}", {})
        return schema

    schema = wait_until(published, "the API's description is published")
    explained = {found.path for found in fields(schema) if found.schema.get("description")}

    assert expected <= explained


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("sshcredential", "The public key, the fingerprint and what to do next are in the status."),
        ("sshcredential.spec.generate.bits", "RSA: 3072 (default) or 4096."),
        ("sshcredential.status.fingerprint", "as ssh-keygen -l shows it"),
        ("sshexport", "needs the verb export on that SSHCredential"),
        ("sshcredentialexport.spec.passphrase", "Strip writes the private key without a passphrase"),
        ("sshexport.spec.recipient.publicKey", "The private half stays with its owner."),
        ("sshexport.spec.targetRef", "The SSHTarget whose trusted host keys the consumer trusts"),
        ("sshtarget", "needs the verb use on the SSHCredentials that it names"),
        ("sshtarget.spec.hostKeys.keys", "ssh-keyscan HOST | cut -d' ' -f2- prints them."),
    ],
)
def test_kubectl_explains(cluster: Cluster, path: str, words: str) -> None:
    def explained() -> bool:
        said = cluster.kubectl("explain", path, check=False).stdout
        return words in " ".join(said.split())

    assert wait_until(explained, f"kubectl explains {path}")
