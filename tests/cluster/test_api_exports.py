"""What the API server takes for an SSHCredentialExport, what it fills in, and what may change later."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from cluster.credentials import NAME, Exports, Refused, export, exports_of, said
from cluster.export_specs import PLAIN, hosts, plain, sealed
from controlplane.clusters import Cluster

ONE_FORM: Final = "give exactly one of profile (a plain copy in the form of a consumer, such as"
READY: Final = {
    "type": "Ready",
    "status": "True",
    "reason": "Available",
    "message": "ok",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-01-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Iterator[Exports]:
    with exports_of(cluster, "default") as server:
        yield server


@pytest.mark.parametrize(
    "spec",
    [
        *(
            pytest.param(plain(profile=profile), id=f"the profile {profile}")
            for profile in ("SSHAuth", "Flux", "ArgoCDRepository", "GitSync")
        ),
        pytest.param(sealed(), id="a recipient"),
        pytest.param(plain(privateKeyFormat="PEM", passphrase="Strip", username="git"), id="every wish"),
        pytest.param(plain(secretName="my.copy-1"), id="a Secret with a dot"),
        pytest.param(plain(secretName="s" * 253), id="the longest name of a Secret"),
        pytest.param(
            plain(secretName="hpc-sshcredential-copy"), id="a Secret whose name holds the credentials' ending"
        ),
        pytest.param(hosts(inline="git.example.org ssh-ed25519 AAAA\n"), id="host keys"),
        pytest.param(
            hosts(inline="\n\t# größer\r\ngit.example.org ssh-ed25519 AAAA"), id="host keys from a Windows desk"
        ),
        pytest.param(hosts(inline="h ssh-rsa A\n" * 5000), id="5,000 host keys"),
        pytest.param(hosts(configMapName="git.hosts", key="known_hosts"), id="host keys of a ConfigMap"),
        *(pytest.param(plain(expiresAfter=text), id=f"an end after {text}") for text in ("1m", "60s", "8h", "87600h")),
        *(
            pytest.param(plain(url=url), id=f"the address {url}")
            for url in (
                "ssh://git@git.example.org/team/repo.git",
                "ssh://git.example.org:2222/~me/repo",
                "ssh://git@[2001:db8::1]:22/repo",
                "git@git.example.org:team/repo.git",
                "first.last@git:/srv/repo.git",
                "git@ssh.example.org:v3/team/My%20Project/repo",
            )
        ),
    ],
)
def test_a_spec_is_taken(server: Exports, spec: dict[str, Any]) -> None:
    assert said(server.attempt(export(spec))) == ""


@pytest.mark.parametrize("name", ["ab", "7a", "a-7", "a" * 63])
def test_an_export_may_have_this_name(server: Exports, name: str) -> None:
    assert said(server.attempt(export(PLAIN, name))) == ""


@pytest.mark.parametrize("spec", [PLAIN, sealed()], ids=["a plain copy", "a copy for a recipient"])
def test_what_is_absent_is_filled_in(server: Exports, spec: dict[str, Any]) -> None:
    taken = server.attempt(export(spec))

    assert not isinstance(taken, Refused)
    assert taken["spec"] == {"privateKeyFormat": "OpenSSH", "passphrase": "Keep"} | spec
    assert taken["status"]["observedGeneration"] == 0
    assert [condition["reason"] for condition in taken["status"]["conditions"]] == ["Pending"]


@pytest.fixture
def fresh(cluster: Cluster, namespace: str) -> Iterator[Exports]:
    """The exports of a namespace where there is one."""
    with exports_of(cluster, namespace) as fresh:
        assert said(fresh.create(PLAIN)) == ""
        yield fresh


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"credentialRef": {"name": "another"}}, id="the credential"),
        pytest.param({"secretName": "other-auth"}, id="the Secret"),
        pytest.param({"profile": None, "recipient": sealed()["recipient"]}, id="a recipient instead of a profile"),
        pytest.param({"expiresAfter": "1h"}, id="the end"),
    ],
)
def test_this_may_change(fresh: Exports, change: dict[str, Any]) -> None:
    changed = fresh.patch({"spec": change})

    assert not isinstance(changed, Refused)
    assert changed["metadata"]["generation"] == 2


def test_a_change_is_checked_like_a_new_one(fresh: Exports) -> None:
    assert ONE_FORM in said(fresh.patch({"spec": {"profile": None}}))


def test_the_operators_whole_status_fits_and_leaves_nothing_of_the_default(fresh: Exports) -> None:
    uid = "00000000-0000-0000-0000-000000000000"
    status = {
        "observedGeneration": 1,
        "conditions": [READY],
        "keyNumber": 1,
        "fingerprint": "SHA256:" + "a" * 43,
        "secretName": "git-auth",
        "expiresAt": "2099-01-01T00:00:00Z",
        "notes": ["UsernameIgnored"],
        "admission": {"generation": 1, "policy": f"{uid}.{2**63 - 1} {uid}.{2**63 - 1}", "admitted": True},
    }

    changed = fresh.patch_status(status)

    assert not isinstance(changed, Refused)
    assert changed["status"] == status
    assert changed["metadata"] | {"generation": 1, "name": NAME} == changed["metadata"]


@pytest.mark.parametrize(
    ("status", "field"),
    [
        pytest.param({"fingerprint": "MD5:00"}, "status.fingerprint", id="a fingerprint of another kind"),
        pytest.param({"keyNumber": -1}, "status.keyNumber", id="a negative number"),
        pytest.param({"conditions": [READY, READY]}, "status.conditions[1]", id="a condition twice"),
        pytest.param({"conditions": [READY | {"message": "a" * 1025}]}, "message", id="a message that is too long"),
        pytest.param({"expiresAt": "tomorrow"}, "status.expiresAt", id="a time that is none"),
        pytest.param({"admission": {"generation": -1}}, "status.admission.generation", id="a negative generation"),
        pytest.param(
            {"admission": {"policy": "a" * 257}}, "status.admission.policy", id="an identity that is too long"
        ),
    ],
)
def test_a_status_that_does_not_fit_is_refused(fresh: Exports, status: dict[str, Any], field: str) -> None:
    assert field in said(fresh.patch_status(status))
