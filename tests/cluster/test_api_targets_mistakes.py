"""What the API server says about mistakes in an SSHTarget: one sentence each, for people."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from cluster.credentials import NAME, Refused, Targets, target, targets_of
from cluster.export_specs import plain
from cluster.target_specs import HOST_KEY, PINNED, bootstrapped, installing, keys, pinned, probed
from controlplane.clusters import Cluster

RSA: Final = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCo5lWmJgAr2bdMP6idodv5Hr46uAB1K3F2mCDxkddfwapOxK44TVdkt2n"
REFERENCE: Final = "credentialRef.name must be the metadata.name of an SSHCredential in this namespace"
JUMP: Final = "jumpTargetRef.name must be the metadata.name of another SSHTarget in this namespace, not a host"
NO_URL: Final = 'host is a name or an address, no URL; give what stands between "://" and the next slash'
NO_USER: Final = 'host must not hold the user; give what stands after "@", and the user as spec.username'
NO_BRACKETS: Final = "host must not have brackets; give an IPv6 address as it is"
NO_PORT: Final = "host must not hold the port; give what stands before the colon, and the port as spec.port"
NO_BLANKS: Final = "host must not hold blanks or line breaks; remove them, and give one host only"
NO_ZONE: Final = 'host must not have a zone; remove "%" and what follows'
HOST: Final = "host must be a DNS name, an IPv4 or an IPv6 address of at most 253 characters"
PORT: Final = "port must be 1 to 65535; remove it for 22"
USERNAME: Final = "username must be a login name such as nextflow"
ONE_PLACE: Final = "give exactly one of keys (lines of type and base64, such as the server's owner publishes) and"
FIRST_USE: Final = "TrustOnFirstUse takes the key that the server shows first; remove keys and knownHosts"
HOST_COLUMN: Final = "leave out the host column, which ssh-keyscan and known_hosts files have: a key here begins with"
MARKER: Final = "leave out @cert-authority and the hosts: set policy to CertificateAuthority"
PRIVATE: Final = "this is a private key, and has just been sent to the API server; replace that key pair"
FINGERPRINT: Final = "this is a fingerprint, from which no key can be told; give the line of the server's .pub file"
TYPE: Final = "a key of this type cannot be given; give one of type ssh-ed25519"
LINE: Final = "a key is one line of type, base64 and, if wanted, a comment in printable ASCII"
CUT_OFF: Final = "the base64 is cut off, or is no key of the type before it"
CONFIG_MAP: Final = "configMapName must be the name of a ConfigMap in this namespace"
ONE_LINE: Final = "options must be one line of at most 1024 printable ASCII characters"
OPTIONS: Final = "options are words with a comma and no blank between them, and values in double quotes"
AUTHORITY: Final = "cert-authority would let this key sign others and no longer log in itself"
ONE_BOOTSTRAP: Final = "give exactly one of passwordSecret (a Secret of this namespace with the account's password) and"
BOOTSTRAP: Final = "bootstrap is for installing the first key; set manage to Install, or remove bootstrap"
SECRET: Final = "passwordSecret.name must be the name of a Secret in this namespace"
DURATION: Final = "a duration is hours, minutes and seconds in this order"
OBJECT_NAME: Final = "metadata.name must be 2 to 63 lower-case letters, digits or dashes, without dots"
PASSWORD: Final = {"passwordSecret": {"name": "first"}}


def known(**members: Any) -> dict[str, Any]:
    return pinned(hostKeys={"policy": "Pinned", "knownHosts": members})


MISTAKES: Final = [
    *(
        pytest.param(pinned(credentialRef={"name": name}), "spec.credentialRef.name", REFERENCE, id=f"{name!r} named")
        for name in ("", "HPC_login", "genomics/hpc-login", "hpc-login\n")
    ),
    *(
        pytest.param(pinned(jumpTargetRef={"name": name}), "spec.jumpTargetRef.name", JUMP, id=f"to jump by {name!r}")
        for name in ("", "bastion.example.org", "jump@bastion", "bastion:22")
    ),
    pytest.param(
        pinned(jumpTargetRef={"name": NAME}),
        "spec.jumpTargetRef.name",
        "a target cannot be reached through itself; name the SSHTarget of the jump host, or remove jumpTargetRef",
        id="to jump by itself",
    ),
    *(
        pytest.param(pinned(host=host), "spec.host", sentence, id=f"the host {host[:30]!r}")
        for host, sentence in {
            "ssh://login.example.org": NO_URL,
            "ssh://me@[2001:db8::7]:22/": NO_URL,
            "https://login example.org": NO_URL,
            "me@login.example.org": NO_USER,
            "me@login.example.org:22": NO_USER,
            "[2001:db8::7]": NO_BRACKETS,
            "[login]:2222": NO_BRACKETS,
            "login.example.org:2222": NO_PORT,
            "192.0.2.7:22": NO_PORT,
            "cafe:22": NO_PORT,
            "login.example.org:": NO_PORT,
            " login": NO_BLANKS,
            "login\n": NO_BLANKS,
            "one two:22": NO_BLANKS,
            "fe80::1%eth0": NO_ZONE,
            "": HOST,
            "-oProxyCommand=id": HOST,
            ".login": HOST,
            "login,other": HOST,
            "größe": HOST,
            "a;b": HOST,
            "*": HOST,
            "2001:db8::g": HOST,
            "a" * 254: HOST,
            "login\0": HOST,
            "login\u2028": HOST,
        }.items()
    ),
    *(pytest.param(pinned(port=port), "spec.port", PORT, id=f"port {port}") for port in (-1, 0, 65536, 2**40)),
    *(
        pytest.param(pinned(username=name), "spec.username", USERNAME, id=f"the account {name[:20]!r}")
        for name in ("", "-oProxyCommand=id", "two words", "größe", "me\n", "u" * 257)
    ),
    pytest.param(pinned(hostKeys={"policy": "Pinned"}), "spec.hostKeys", ONE_PLACE, id="no host keys"),
    pytest.param(keys(), "spec.hostKeys", ONE_PLACE, id="an empty list of host keys"),
    pytest.param(
        pinned(hostKeys={"policy": "CertificateAuthority"}), "spec.hostKeys", ONE_PLACE, id="no certificate authority"
    ),
    pytest.param(
        pinned(hostKeys=PINNED["hostKeys"] | {"knownHosts": {"configMapName": "h"}}),
        "spec.hostKeys",
        ONE_PLACE,
        id="both places",
    ),
    pytest.param(
        keys(HOST_KEY, policy="TrustOnFirstUse"), "spec.hostKeys.policy", FIRST_USE, id="a key though any is trusted"
    ),
    pytest.param(
        pinned(hostKeys={"policy": "TrustOnFirstUse", "knownHosts": {"configMapName": "h"}}),
        "spec.hostKeys.policy",
        FIRST_USE,
        id="a ConfigMap though any key is trusted",
    ),
    *(
        pytest.param(keys(line), "spec.hostKeys.keys[0]", sentence, id=f"the host key {line[:30]!r}")
        for line, sentence in {
            f"login.example.org {HOST_KEY}": HOST_COLUMN,
            f"[192.0.2.7]:2222 {HOST_KEY}": HOST_COLUMN,
            f"|1|c2FsdA==|aGFzaA== {HOST_KEY}": HOST_COLUMN,
            f"ssh-gate.example.org\t{HOST_KEY}": HOST_COLUMN,
            "old.example.org ssh-dss AAAA": HOST_COLUMN,
            f"@cert-authority *.example.org {HOST_KEY}": MARKER,
            f"@revoked * {HOST_KEY}": MARKER,
            "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE": PRIVATE,
            "SHA256:" + "a" * 43: FINGERPRINT,
            "256 SHA256:" + "a" * 43 + " root@login (ED25519)": FINGERPRINT,
            "MD5:16:27:ac": FINGERPRINT,
            "ssh-dss AAAAB3NzaC1kc3M=": TYPE,
            "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t": TYPE,
            "ssh-ed25519-cert-v01@openssh.com AAAAIHNzaC1lZDI1NTE5LWNlcnQ=": TYPE,
            "": LINE,
            "# login.example.org:22 SSH-2.0-OpenSSH_9.6": LINE,
            HOST_KEY.split()[1]: LINE,
            "ssh-ed25519": LINE,
            HOST_KEY + "\n": LINE,
            HOST_KEY + "\n" + HOST_KEY: LINE,
            HOST_KEY.replace(" ", "  "): LINE,
            " " + HOST_KEY: LINE,
            HOST_KEY + " größe": LINE,
            HOST_KEY[:-1] + ".": LINE,
            "ED25519 " + HOST_KEY.split()[1]: LINE,
            HOST_KEY[:-1]: CUT_OFF,
            HOST_KEY + "A": CUT_OFF,
            "ssh-rsa " + HOST_KEY.split()[1]: CUT_OFF,
            "ecdsa-sha2-nistp256 " + HOST_KEY.split()[1]: CUT_OFF,
            RSA: CUT_OFF,
        }.items()
    ),
    pytest.param(
        keys(HOST_KEY, f"login {HOST_KEY}"), "spec.hostKeys.keys[1]", HOST_COLUMN, id="a mistake in the second key"
    ),
    pytest.param(known(configMapName="My_Hosts"), "spec.hostKeys.knownHosts.configMapName", CONFIG_MAP, id="ConfigMap"),
    pytest.param(
        known(configMapName="h", key="known hosts"),
        "spec.hostKeys.knownHosts.key",
        "key must be a key of the ConfigMap's data",
        id="a key with a blank",
    ),
    *(
        pytest.param(
            installing(options=options), "spec.authorizedKey.options", sentence, id=f"options {options[:30]!r}"
        )
        for options, sentence in {
            "restrict\npty": ONE_LINE,
            "größe": ONE_LINE,
            "r" * 1025: ONE_LINE,
            "restrict, pty": OPTIONS,
            "restrict pty": OPTIONS,
            "restrict,": OPTIONS,
            " restrict": OPTIONS,
            "#restrict": OPTIONS,
            "from=192.0.2.0/24": OPTIONS,
            'command="a': OPTIONS,
            'command="a\\"': OPTIONS,
            'command="a" b"': OPTIONS,
            f"restrict {HOST_KEY}": OPTIONS,
            "cert-authority": AUTHORITY,
            "restrict,CERT-authority,pty": AUTHORITY,
        }.items()
    ),
    pytest.param(
        pinned(authorizedKey={"bootstrap": PASSWORD}),
        "spec.authorizedKey.bootstrap",
        BOOTSTRAP,
        id="nothing to install",
    ),
    pytest.param(bootstrapped(), "spec.authorizedKey.bootstrap", ONE_BOOTSTRAP, id="an empty bootstrap"),
    pytest.param(
        bootstrapped(**PASSWORD, credentialRef={"name": "root-login"}),
        "spec.authorizedKey.bootstrap",
        ONE_BOOTSTRAP,
        id="two ways to begin",
    ),
    pytest.param(
        bootstrapped(credentialRef=PINNED["credentialRef"]),
        "spec.authorizedKey.bootstrap.credentialRef.name",
        "the key to install cannot log in before it is installed; name another SSHCredential",
        id="to begin with itself",
    ),
    pytest.param(
        bootstrapped(credentialRef={"name": "Root"}),
        "spec.authorizedKey.bootstrap.credentialRef.name",
        REFERENCE,
        id="a bootstrap's credential",
    ),
    pytest.param(
        bootstrapped(passwordSecret={"name": "other/first"}),
        "spec.authorizedKey.bootstrap.passwordSecret.name",
        SECRET,
        id="a password of another namespace",
    ),
    pytest.param(
        bootstrapped(passwordSecret={"name": "first", "key": "p w"}),
        "spec.authorizedKey.bootstrap.passwordSecret.key",
        "key must be a key of the Secret's data",
        id="a password's key",
    ),
    *(
        pytest.param(probed(**{member: text}), f"spec.probe.{member}", DURATION, id=f"{member} {text!r}")
        for member in ("every", "timeout")
        for text in ("", "10", "1d", "1.5h", "-1h", "10s\n", "87601h")
    ),
    *(
        pytest.param(probed(every=text), "spec.probe.every", "every must be at least 1m; for a probe at once", id=text)
        for text in ("0s", "59s")
    ),
    *(
        pytest.param(probed(timeout=text), "spec.probe.timeout", "timeout must be 1s to 2m", id=f"a timeout of {text}")
        for text in ("0s", "121s", "1h")
    ),
]


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Iterator[Targets]:
    with targets_of(cluster, "default") as server:
        yield server


@pytest.mark.parametrize(("spec", "field", "sentence"), MISTAKES)
def test_a_mistake_gives_one_clear_sentence(server: Targets, spec: dict[str, Any], field: str, sentence: str) -> None:
    refused = server.attempt(target(spec))

    assert isinstance(refused, Refused)
    [cause] = refused.causes
    assert cause.startswith(f"{field}: Invalid value: ")
    assert f": {sentence}" in cause


@pytest.mark.parametrize("name", ["a", "a.b", "a" * 64])
def test_an_objects_name_that_does_not_fit_gives_one_clear_sentence(server: Targets, name: str) -> None:
    refused = server.attempt(target(PINNED, name))

    assert isinstance(refused, Refused)
    [cause] = refused.causes
    assert f": {OBJECT_NAME}" in cause


def without(name: str) -> dict[str, Any]:
    return {member: value for member, value in PINNED.items() if member != name}


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        *(pytest.param(without(name), f"spec.{name}: Required value", id=f"no {name}") for name in PINNED),
        pytest.param(pinned(hostKeys={}), "spec.hostKeys.policy: Required value", id="no policy"),
        pytest.param(
            keys(HOST_KEY, policy="AcceptNew"),
            '"AcceptNew": supported values: "Pinned", "CertificateAuthority", "TrustOnFirstUse"',
            id="a policy that there is not",
        ),
        pytest.param(pinned(authorizedKey={"manage": "Yes"}), 'supported values: "None", "Install"', id="manage"),
        pytest.param(pinned(port="22"), "spec.port: Invalid value", id="a port that is text"),
        pytest.param(keys(*[HOST_KEY] * 33), "must have at most 32 items", id="too many host keys"),
        pytest.param(known(), "spec.hostKeys.knownHosts.configMapName: Required value", id="no ConfigMap"),
        pytest.param(bootstrapped(passwordSecret={}), "passwordSecret.name: Required value", id="no Secret"),
        pytest.param(pinned(password="x"), 'unknown field "spec.password"', id="a password in the clear"),
        pytest.param(
            pinned(credentialRef={"name": "hpc-login", "namespace": "other"}),
            'unknown field "spec.credentialRef.namespace"',
            id="a credential of another namespace",
        ),
    ],
)
def test_what_does_not_fit_at_all_is_named(server: Targets, spec: dict[str, Any], sentence: str) -> None:
    refused = server.attempt(target(spec))

    assert isinstance(refused, Refused)
    assert sentence in refused.says


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        pytest.param(pinned(host="me@login:22"), NO_USER, id="a user in the host"),
        pytest.param(keys(f"login {HOST_KEY}"), HOST_COLUMN, id="a line of ssh-keyscan"),
        pytest.param(installing(options="restrict, pty"), OPTIONS, id="options with a blank"),
    ],
)
def test_kubectl_tells_a_mistake_in_one_line(
    cluster: Cluster, namespace: str, spec: dict[str, Any], sentence: str
) -> None:
    manifest = json.dumps(target(spec))
    said = cluster.kubectl("apply", "--namespace", namespace, "-f", "-", input=manifest, check=False).stderr

    assert said.startswith('The SSHTarget "hpc-login" is invalid: spec')
    assert sentence in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        pytest.param(
            {"targetRef": {"name": "login"}, "knownHosts": {"inline": "h k a"}},
            "give at most one of knownHosts (lines or a ConfigMap) and targetRef",
            id="two places",
        ),
        pytest.param(
            {"targetRef": {"name": "login.example.org"}}, "targetRef.name must be the metadata.name", id="host"
        ),
        pytest.param({"targetRef": {}}, "spec.targetRef.name: Required value", id="none"),
    ],
)
def test_an_export_that_names_a_target_is_told_too(cluster: Cluster, members: dict[str, Any], sentence: str) -> None:
    manifest = json.dumps(target(plain(**members)) | {"kind": "SSHCredentialExport"})
    command = ("create", "--dry-run=server", "-f", "-")

    assert sentence in cluster.kubectl(*command, input=manifest, check=False).stderr
