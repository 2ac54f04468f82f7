"""What the API server says about mistakes in an SSHCredentialExport: one sentence each, for people."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from cluster.credentials import Exports, Refused, export, exports_of
from cluster.export_specs import BASE, PLAIN, RECIPIENT_X, hosts, plain, sealed
from controlplane.clusters import Cluster

X: Final = RECIPIENT_X
ONE_FORM: Final = "give exactly one of profile (a plain copy in the form of a consumer, such as"
ONE_PLACE: Final = "give exactly one of inline (the lines themselves) and configMapName with key"
SECRET_NAME: Final = "secretName must be a name for a Secret in this namespace"
OWN_SECRET: Final = "secretName must not end with -sshcredential"
REFERENCE: Final = "credentialRef.name must be the metadata.name of an SSHCredential in this namespace"
URL: Final = "url must be ssh://git@git.example.org/team/repo.git or git@git.example.org:team/repo.git"
USERNAME: Final = "username must be a login name such as git: printable ASCII without blanks"
DURATION: Final = "a duration is hours, minutes and seconds in this order"
TOO_SHORT: Final = "expiresAfter must be at least 1m; remove it for a copy that does not expire"
PUBLIC_KEY: Final = "x must be an X25519 public key as its JWK has it, 43 characters of base64url"
CONFIGMAP: Final = "configMapName must be the name of a ConfigMap in this namespace"
INLINE: Final = "inline must hold at least one line of a known_hosts file"
OBJECT_NAME: Final = "metadata.name must be 2 to 63 lower-case letters, digits or dashes, without dots"


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Iterator[Exports]:
    with exports_of(cluster, "default") as server:
        yield server


@pytest.mark.parametrize(
    ("spec", "field", "sentence"),
    [
        pytest.param(BASE, "spec", ONE_FORM, id="neither a profile nor a recipient"),
        pytest.param(PLAIN | sealed(), "spec", ONE_FORM, id="a profile and a recipient"),
        pytest.param(plain(profile=None), "spec", ONE_FORM, id="a profile that was left empty"),
        *(
            pytest.param(
                plain(credentialRef={"name": name}), "spec.credentialRef.name", REFERENCE, id=f"{name!r} named"
            )
            for name in ("", "a", "HPC_login", "genomics/hpc-login", "a.b", "hpc-login\n", "a" * 64)
        ),
        *(
            pytest.param(plain(secretName=name), "spec.secretName", SECRET_NAME, id=f"the Secret {name!r}")
            for name in ("", "Git_auth", "other/git-auth", "git-auth\n", "-a", "a..b")
        ),
        *(
            pytest.param(plain(secretName=name), "spec.secretName", OWN_SECRET, id=f"a credential's Secret, {name}")
            for name in ("hpc-login-sshcredential", "a.b-sshcredential")
        ),
        *(
            pytest.param(plain(url=url), "spec.url", URL, id=f"the address {url!r}")
            for url in (
                "",
                "https://git.example.org/team/repo.git",
                "git.example.org:team/repo.git",
                "git.example.org/team/repo",
                "ssh://git.example.org",
                "ssh://git:secret@git.example.org/repo",
                "ssh://-oProxyCommand=id/repo",
                "ssh://-v/repo",
                "ssh://git@-v/repo",
                "git@-v:repo",
                "-v@git:repo",
                "-oProxyCommand=id@git:repo",
                "git@-oProxyCommand=id:repo",
                "git@git:-repo",
                "ssh://git@git.example.org/my repo",
                "ssh://git@git.example.org/repo\n",
                "ssh://git@git.example.org/re\x1b[31mpo",
                "ssh://git@git.example.org/re\0po",
                "ssh://git@git.example.org/r\u202eepo",
                " git@git.example.org:repo",
            )
        ),
        *(
            pytest.param(plain(username=name), "spec.username", USERNAME, id=f"the login name {name!r}")
            for name in ("", "my name", "git ", "git\n", "-l", "g\x00it", "größe")
        ),
        pytest.param(hosts(), "spec.knownHosts", ONE_PLACE, id="no host keys"),
        pytest.param(
            hosts(inline="h k a", configMapName="hosts", key="k"), "spec.knownHosts", ONE_PLACE, id="both places"
        ),
        pytest.param(
            hosts(configMapName="hosts"), "spec.knownHosts.key", "give key too: which key of the ConfigMap", id="no key"
        ),
        pytest.param(
            hosts(inline="h k a", key="known_hosts"),
            "spec.knownHosts.key",
            "key is a key of the ConfigMap in configMapName; give configMapName, or remove key",
            id="a key of no ConfigMap",
        ),
        pytest.param(
            hosts(configMapName="My_Hosts", key="k"),
            "spec.knownHosts.configMapName",
            CONFIGMAP,
            id="a ConfigMap's name",
        ),
        pytest.param(
            hosts(configMapName="hosts", key="known hosts"),
            "spec.knownHosts.key",
            "key must be a key of the ConfigMap's data",
            id="a key with a blank",
        ),
        *(
            pytest.param(hosts(inline=text), "spec.knownHosts.inline", INLINE, id=f"host keys of {text!r}")
            for text in ("", " \n\t\n")
        ),
        *(
            pytest.param(
                hosts(inline=f"host ssh-ed25519 A{mark}A"),
                "spec.knownHosts.inline",
                "inline must not contain control characters",
                id=f"host keys with {mark!r}",
            )
            for mark in ("\0", "\x1b", "\u202e", "\x7f")
        ),
        *(
            pytest.param(plain(expiresAfter=text), "spec.expiresAfter", DURATION, id=f"an end after {text!r}")
            for text in ("", "8", "1d", "1.5h", "-1h", "8h\n", "30m1h", "never", "87601h")
        ),
        *(
            pytest.param(plain(expiresAfter=text), "spec.expiresAfter", TOO_SHORT, id=f"an end after {text!r}")
            for text in ("0s", "59s", "0h0m59s")
        ),
        *(
            pytest.param(sealed(x=x), "spec.recipient.publicKey.x", PUBLIC_KEY, id=f"a recipient's {what}")
            for what, x in {
                "empty key": "",
                "short key": X[:-1],
                "long key": X + "A",
                "key with padding": X + "=",
                "key in plain base64": "+" + X[1:],
                "key with a line break": X + "\n",
                "key with bits too many": X[:-1] + "B",
                "key in hex": "ab" * 32,
            }.items()
        ),
    ],
)
def test_a_mistake_gives_one_clear_sentence(server: Exports, spec: dict[str, Any], field: str, sentence: str) -> None:
    refused = server.attempt(export(spec))

    assert isinstance(refused, Refused)
    [cause] = refused.causes
    assert cause.startswith(f"{field}: Invalid value: ")
    assert f": {sentence}" in cause


@pytest.mark.parametrize("name", ["a", "a.b", "a" * 64])
def test_an_objects_name_that_does_not_fit_gives_one_clear_sentence(server: Exports, name: str) -> None:
    refused = server.attempt(export(PLAIN, name))

    assert isinstance(refused, Refused)
    [cause] = refused.causes
    assert f": {OBJECT_NAME}" in cause


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        pytest.param({}, "spec.credentialRef: Required value", id="nothing"),
        pytest.param({"credentialRef": {"name": "hpc-login"}}, "spec.secretName: Required value", id="no Secret"),
        pytest.param(plain(credentialRef={}), "spec.credentialRef.name: Required value", id="a reference to nothing"),
        pytest.param(
            plain(profile="Argo"),
            '"Argo": supported values: "SSHAuth", "Flux", "ArgoCDRepository", "GitSync"',
            id="profile",
        ),
        pytest.param(plain(privateKeyFormat="PuTTY"), 'supported values: "OpenSSH", "PEM"', id="format"),
        pytest.param(plain(passphrase="secret"), 'supported values: "Keep", "Strip"', id="passphrase"),
        pytest.param(BASE | {"recipient": {}}, "spec.recipient.publicKey: Required value", id="no public key"),
        pytest.param(sealed(kty="EC"), 'kty: Unsupported value: "EC": supported values: "OKP"', id="kind of key"),
        pytest.param(sealed(crv="Ed25519"), 'Unsupported value: "Ed25519": supported values: "X25519"', id="curve"),
        pytest.param(sealed(d=X), 'unknown field "spec.recipient.publicKey.d"', id="the private half of a JWK"),
        pytest.param(
            plain(credentialRef={"name": "hpc-login", "namespace": "other"}),
            'unknown field "spec.credentialRef.namespace"',
            id="a credential of another namespace",
        ),
        pytest.param(
            hosts(configMapName="hosts", key="k", namespace="other"),
            'unknown field "spec.knownHosts.namespace"',
            id="a ConfigMap of another namespace",
        ),
        pytest.param(plain(expiresAfter=8), "must be of type string", id="an end that is a number"),
        pytest.param(hosts(inline="a" * 65537), "spec.knownHosts.inline: Too long", id="host keys beyond all bounds"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(server: Exports, spec: dict[str, Any], sentence: str) -> None:
    refused = server.attempt(export(spec))

    assert isinstance(refused, Refused)
    assert sentence in refused.says
