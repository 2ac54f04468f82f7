"""What the API server takes for an SSHTarget, what it fills in, and what may change later."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from cluster.credentials import NAME, Refused, Targets, said, target, targets_of
from cluster.target_specs import (
    FILLED,
    HOST_KEY,
    PINNED,
    TRUST_ON_FIRST_USE,
    bootstrapped,
    fresh_host_keys,
    installing,
    keys,
    pinned,
    probed,
)
from controlplane.clusters import Cluster
from sshcredential_operator.api.target_spec import TargetSpec, parse_target_spec

MOMENT: Final = "2026-01-01T00:00:00Z"
READY: Final = {
    "type": "Ready",
    "status": "True",
    "reason": "LoggedIn",
    "message": "ok",
    "observedGeneration": 1,
    "lastTransitionTime": MOMENT,
}
FINGERPRINT: Final = "SHA256:" + "a" * 43
SEEN: Final = {"type": "ssh-ed25519", "fingerprint": FINGERPRINT, "publicKey": HOST_KEY, "since": MOMENT}
STATUS: Final[dict[str, Any]] = {
    "observedGeneration": 1,
    "conditions": [
        READY | {"type": kind}
        for kind in ("Ready", "HostKeyTrusted", "Authenticated", "Installed", "Reconciling", "Stalled")
    ],
    "hostKey": SEEN,
    "offeredHostKey": SEEN | {"publicKey": "ssh-rsa " + "A" * 16000},
    "serverVersion": "V" * 128,
    "authenticatedFingerprints": [FINGERPRINT] * 16,
    "retiredKeys": [{"fingerprint": FINGERPRINT, "publicKey": "ssh-rsa " + "A" * 16000}] * 8,
    "lastProbeAt": MOMENT,
    "lastSuccessAt": MOMENT,
    "handledProbeRequest": "p" * 256,
    "notes": ["BootstrapPresent"],
}
"""As large as it may be."""


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Iterator[Targets]:
    with targets_of(cluster, "default") as server:
        yield server


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(PINNED, id="a pinned host key"),
        pytest.param(pinned(hostKeys=TRUST_ON_FIRST_USE), id="a server that is trusted at first sight"),
        pytest.param(pinned(hostKeys=TRUST_ON_FIRST_USE | {"keys": []}), id="the same with an empty list"),
        *(pytest.param(keys(line), id=f"a host key of {name}") for name, line in fresh_host_keys().items()),
        *(
            pytest.param(keys(line + " root@login, 2026"), id=f"a host key of {name} with a comment")
            for name, line in fresh_host_keys().items()
        ),
        pytest.param(keys(*[HOST_KEY] * 32), id="32 host keys"),
        pytest.param(keys(HOST_KEY, policy="CertificateAuthority"), id="a certificate authority"),
        pytest.param(
            pinned(hostKeys={"policy": "Pinned", "knownHosts": {"configMapName": "hpc.hosts"}}), id="a ConfigMap"
        ),
        pytest.param(
            pinned(hostKeys={"policy": "CertificateAuthority", "knownHosts": {"configMapName": "h", "key": "K_1.x"}}),
            id="a ConfigMap with certificate authorities",
        ),
        *(
            pytest.param(pinned(host=host), id=f"the host {host[:40]}")
            for host in (
                "login",
                "login.hpc.example.org",
                "login.hpc.example.org.",
                "Login_1.example.org",
                "192.0.2.7",
                "2001:db8::7",
                "::ffff:192.0.2.7",
                "::1",
                "a" * 253,
            )
        ),
        *(pytest.param(pinned(port=port), id=f"port {port}") for port in (1, 2222, 65535)),
        *(
            pytest.param(pinned(username=name), id=f"the account {name[:20]}")
            for name in ("n", "first.last", "DOMAIN\\user", "user@example.org", "u" * 256)
        ),
        pytest.param(pinned(jumpTargetRef={"name": "bastion"}), id="a jump host"),
        pytest.param(installing(), id="a key to install"),
        *(
            pytest.param(installing(options=options), id=f"the options {options[:40]}")
            for options in (
                "",
                "restrict,pty",
                'from="192.0.2.0/24,2001:db8::/32",no-pty',
                'command="echo \\"a b\\"",restrict',
                'environment="A=b c"',
                'from="' + "a" * 1017 + '"',
            )
        ),
        pytest.param(pinned(authorizedKey={"options": "restrict"}), id="options of nothing that is written"),
        pytest.param(bootstrapped(passwordSecret={"name": "first.login"}), id="a password"),
        pytest.param(bootstrapped(passwordSecret={"name": "first", "key": "p.W_1"}), id="a password under a key"),
        pytest.param(bootstrapped(credentialRef={"name": "root-login"}), id="another credential"),
        *(pytest.param(probed(every=text), id=f"a probe every {text}") for text in ("1m", "60s", "24h", "87600h")),
        *(pytest.param(probed(timeout=text), id=f"a probe of {text}") for text in ("1s", "2m", "120s", "0h1m30s")),
    ],
)
def test_a_spec_is_taken_by_server_and_operator(server: Targets, spec: dict[str, Any]) -> None:
    taken = server.attempt(target(spec))

    assert not isinstance(taken, Refused), taken.says
    assert isinstance(parse_target_spec(spec), TargetSpec)
    assert parse_target_spec(spec) == parse_target_spec(taken["spec"])


@pytest.mark.parametrize("name", ["ab", "7a", "a-7", "a" * 63])
def test_a_target_may_have_this_name(server: Targets, name: str) -> None:
    assert said(server.attempt(target(PINNED, name))) == ""


@pytest.mark.parametrize(
    ("spec", "filled"),
    [
        pytest.param(PINNED, PINNED | FILLED, id="all of it"),
        pytest.param(installing(), installing() | {"port": 22, "probe": FILLED["probe"]}, id="around an installation"),
        pytest.param(
            bootstrapped(passwordSecret={"name": "p"}),
            bootstrapped(passwordSecret={"name": "p", "key": "password"}) | {"port": 22, "probe": FILLED["probe"]},
            id="the password's key",
        ),
        pytest.param(probed(every="1m"), PINNED | FILLED | probed(every="1m", timeout="10s"), id="half a probe"),
        pytest.param(
            pinned(hostKeys={"policy": "Pinned", "knownHosts": {"configMapName": "h"}}),
            pinned(hostKeys={"policy": "Pinned", "knownHosts": {"configMapName": "h", "key": "known_hosts"}}) | FILLED,
            id="the ConfigMap's key",
        ),
    ],
)
def test_what_is_absent_is_filled_in(server: Targets, spec: dict[str, Any], filled: dict[str, Any]) -> None:
    taken = server.attempt(target(spec))

    assert not isinstance(taken, Refused)
    assert taken["spec"] == filled
    assert taken["status"]["observedGeneration"] == 0
    assert [(one["status"], one["reason"]) for one in taken["status"]["conditions"]] == [("Unknown", "Pending")]


@pytest.fixture
def fresh(cluster: Cluster, namespace: str) -> Iterator[Targets]:
    """The targets of a namespace where there is one."""
    with targets_of(cluster, namespace) as fresh:
        assert said(fresh.create(PINNED)) == ""
        yield fresh


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"credentialRef": {"name": "another"}}, id="the credential"),
        pytest.param({"host": "192.0.2.7", "port": 2222, "username": "me"}, id="the account"),
        pytest.param({"hostKeys": {"policy": "TrustOnFirstUse", "keys": None}}, id="how the server proves itself"),
        pytest.param({"authorizedKey": {"manage": "Install"}}, id="who writes authorized_keys"),
    ],
)
def test_this_may_change(fresh: Targets, change: dict[str, Any]) -> None:
    changed = fresh.patch({"spec": change})

    assert not isinstance(changed, Refused)
    assert changed["metadata"]["generation"] == 2


def test_a_change_is_checked_like_a_new_one(fresh: Targets) -> None:
    assert "a target cannot be reached through itself" in said(fresh.patch({"spec": {"jumpTargetRef": {"name": NAME}}}))


def test_the_largest_status_fits_and_leaves_nothing_of_the_default(fresh: Targets) -> None:
    changed = fresh.patch_status(STATUS)

    assert not isinstance(changed, Refused), changed.says
    assert changed["status"] == STATUS
    assert changed["metadata"] | {"generation": 1, "name": NAME} == changed["metadata"]


@pytest.mark.parametrize(
    ("status", "field"),
    [
        pytest.param({"hostKey": SEEN | {"fingerprint": "MD5:00"}}, "hostKey.fingerprint", id="another kind of print"),
        pytest.param({"hostKey": {"type": "ssh-rsa"}}, "status.hostKey.since: Required", id="half a host key"),
        pytest.param({"offeredHostKey": SEEN | {"type": "t" * 65}}, "offeredHostKey.type", id="a long type"),
        pytest.param({"serverVersion": "V" * 129}, "status.serverVersion", id="a version that is too long"),
        pytest.param(
            {"authenticatedFingerprints": [FINGERPRINT] * 17}, "authenticatedFingerprints", id="too many prints"
        ),
        pytest.param({"authenticatedFingerprints": ["x"]}, "authenticatedFingerprints[0]", id="no fingerprint"),
        pytest.param({"retiredKeys": STATUS["retiredKeys"] * 2}, "status.retiredKeys", id="too many retired keys"),
        pytest.param({"conditions": [READY, READY]}, "status.conditions[1]", id="a condition twice"),
        pytest.param({"conditions": [READY | {"message": "a" * 1025}]}, "message", id="a message that is too long"),
        pytest.param({"lastProbeAt": "tomorrow"}, "status.lastProbeAt", id="a time that is none"),
        pytest.param({"handledProbeRequest": "p" * 257}, "handledProbeRequest", id="a request that is too long"),
    ],
)
def test_a_status_that_does_not_fit_is_refused(fresh: Targets, status: dict[str, Any], field: str) -> None:
    assert field in said(fresh.patch_status(status))
