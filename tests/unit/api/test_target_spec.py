"""`api/target_spec.py` and `api/target.py`: parsed once, and what does not fit is named."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sshcredential_operator.api.export_spec import ConfigMapKnownHosts
from sshcredential_operator.api.names import CredentialKey, Namespace, TargetKey
from sshcredential_operator.api.spec import InvalidSpec, SecretKeyRef
from sshcredential_operator.api.target import parse_target
from sshcredential_operator.api.target_spec import (
    CredentialBootstrap,
    HostKeyPolicy,
    HostKeys,
    Manage,
    TargetSpec,
    parse_target_spec,
)

LINE = "ssh-ed25519 AAAA"
LEAST: dict[str, Any] = {
    "credentialRef": {"name": "hpc-login"},
    "host": "login.hpc.example.org",
    "username": "nextflow",
    "hostKeys": {"policy": "Pinned", "keys": [LINE]},
}
WHOLE: dict[str, Any] = LEAST | {
    "port": 2222,
    "jumpTargetRef": {"name": "bastion"},
    "hostKeys": {"policy": "CertificateAuthority", "knownHosts": {"configMapName": "hosts"}},
    "authorizedKey": {
        "manage": "Install",
        "options": "restrict,pty",
        "bootstrap": {"passwordSecret": {"name": "first"}},
    },
    "probe": {"every": "1h", "timeout": "2s"},
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def spec_of(**members: Any) -> TargetSpec | InvalidSpec:
    return parse_target_spec(LEAST | members)


def managed(**members: Any) -> TargetSpec | InvalidSpec:
    return spec_of(authorizedKey=members)


def test_the_least_spec_has_the_defaults() -> None:
    assert spec_of() == TargetSpec(
        credential="hpc-login",
        host="login.hpc.example.org",
        username="nextflow",
        host_keys=HostKeys(HostKeyPolicy.PINNED, (LINE,)),
        port=22,
        jump=None,
        manage=Manage.NONE,
        key_options="",
        bootstrap=None,
        every=timedelta(hours=12),
        timeout=timedelta(seconds=10),
    )


def test_every_field_is_read() -> None:
    assert parse_target_spec(WHOLE) == TargetSpec(
        credential="hpc-login",
        host="login.hpc.example.org",
        username="nextflow",
        host_keys=HostKeys(HostKeyPolicy.CERTIFICATE_AUTHORITY, (), ConfigMapKnownHosts("hosts", "known_hosts")),
        port=2222,
        jump="bastion",
        manage=Manage.INSTALL,
        key_options="restrict,pty",
        bootstrap=SecretKeyRef("first", "password"),
        every=timedelta(hours=1),
        timeout=timedelta(seconds=2),
    )


def test_a_longer_timeout_than_there_is_counts_as_the_longest() -> None:
    spec = spec_of(probe={"timeout": "1h"})

    assert isinstance(spec, TargetSpec)
    assert spec.timeout == timedelta(minutes=2)


def test_the_credentials_are_told_once_each() -> None:
    plain = spec_of()
    with_another = managed(manage="Install", bootstrap={"credentialRef": {"name": "root-login"}})
    with_itself = managed(manage="Install", bootstrap={"credentialRef": {"name": "hpc-login"}})

    assert [spec.credentials for spec in (plain, with_another, with_itself) if isinstance(spec, TargetSpec)] == [
        ("hpc-login",),
        ("hpc-login", "root-login"),
        ("hpc-login",),
    ]
    assert isinstance(with_another, TargetSpec)
    assert with_another.bootstrap == CredentialBootstrap("root-login")


@pytest.mark.parametrize(
    ("members", "field"),
    [
        pytest.param({"credentialRef": None}, "spec.credentialRef", id="no credential"),
        pytest.param({"credentialRef": {"name": "a/b"}}, "spec.credentialRef.name", id="a path for a credential"),
        pytest.param({"host": None}, "spec.host", id="no host"),
        pytest.param({"host": "me@login"}, "spec.host", id="a user in the host"),
        pytest.param({"host": "login\n"}, "spec.host", id="a host with a line break"),
        pytest.param({"host": "-v"}, "spec.host", id="an option for a host"),
        pytest.param({"port": 0}, "spec.port", id="port 0"),
        pytest.param({"port": 65536}, "spec.port", id="a port too high"),
        pytest.param({"port": True}, "spec.port", id="a port that is true"),
        pytest.param({"port": "22"}, "spec.port", id="a port as text"),
        pytest.param({"username": "-l"}, "spec.username", id="an option for a user"),
        pytest.param({"jumpTargetRef": {}}, "spec.jumpTargetRef.name", id="a jump to nowhere"),
        pytest.param({"hostKeys": None}, "spec.hostKeys", id="nothing of host keys"),
        pytest.param({"hostKeys": {"policy": "None"}}, "spec.hostKeys.policy", id="a policy that there is not"),
        pytest.param({"hostKeys": {"policy": "Pinned"}}, "spec.hostKeys", id="nothing pinned"),
        pytest.param({"hostKeys": {"policy": "Pinned", "keys": []}}, "spec.hostKeys", id="an empty list"),
        pytest.param({"hostKeys": {"policy": "TrustOnFirstUse", "keys": [LINE]}}, "spec.hostKeys", id="both ways"),
        pytest.param(
            {"hostKeys": {"policy": "Pinned", "keys": [LINE], "knownHosts": {"configMapName": "h"}}},
            "spec.hostKeys",
            id="two places",
        ),
        pytest.param({"hostKeys": {"policy": "Pinned", "keys": [LINE] * 33}}, "spec.hostKeys.keys", id="33 host keys"),
        pytest.param(
            {"hostKeys": {"policy": "Pinned", "keys": ["a\nb"]}}, "spec.hostKeys.keys", id="two lines in one key"
        ),
        pytest.param({"hostKeys": {"policy": "Pinned", "keys": [7]}}, "spec.hostKeys.keys", id="a number for a key"),
        pytest.param(
            {"hostKeys": {"policy": "Pinned", "knownHosts": {"configMapName": "../x"}}},
            "spec.hostKeys.knownHosts.configMapName",
            id="a path for a ConfigMap",
        ),
        pytest.param({"authorizedKey": {"manage": "Yes"}}, "spec.authorizedKey.manage", id="manage"),
        pytest.param({"authorizedKey": {"options": "a\nb"}}, "spec.authorizedKey.options", id="options of two lines"),
        pytest.param({"authorizedKey": {"bootstrap": {}}}, "spec.authorizedKey.bootstrap", id="an empty bootstrap"),
        pytest.param(
            {"authorizedKey": {"bootstrap": {"passwordSecret": {"name": "p"}, "credentialRef": {"name": "cc"}}}},
            "spec.authorizedKey.bootstrap",
            id="two bootstraps",
        ),
        pytest.param(
            {"authorizedKey": {"bootstrap": {"passwordSecret": {"name": "a/b"}}}},
            "spec.authorizedKey.bootstrap.passwordSecret.name",
            id="a path for a Secret",
        ),
        pytest.param({"probe": {"every": "59s"}}, "spec.probe.every", id="too often"),
        pytest.param({"probe": {"every": 60}}, "spec.probe.every", id="a number of seconds"),
        pytest.param({"probe": {"timeout": "0s"}}, "spec.probe.timeout", id="no time at all"),
    ],
)
def test_what_does_not_fit_is_named(members: dict[str, Any], field: str) -> None:
    assert spec_of(**members) == InvalidSpec(field)


@settings(max_examples=60, deadline=None)
@given(JSON | st.dictionaries(st.sampled_from(sorted(WHOLE)), JSON).map(lambda members: WHOLE | members))
def test_nothing_raises(raw: Any) -> None:
    assert isinstance(parse_target_spec(raw), TargetSpec | InvalidSpec)


# --- the object


def raw_target(**metadata: Any) -> dict[str, Any]:
    named = {"namespace": "genomics", "name": "login", "uid": "u", "resourceVersion": "7", "generation": 3}
    return {"metadata": named | metadata, "spec": WHOLE}


def test_a_target_tells_what_it_uses_and_goes_through() -> None:
    target = parse_target(raw_target())
    namespace = Namespace("genomics")

    assert target.credential == CredentialKey(namespace, "hpc-login")
    assert target.used == (CredentialKey(namespace, "hpc-login"),)
    assert target.jump == TargetKey(namespace, "bastion")
    assert (target.generation, target.resource_version, target.deleting) == (3, "7", False)
    assert (target.trusted_fingerprint, target.probe_request) == (None, None)


def test_what_people_ask_for_stands_in_annotations() -> None:
    asked = {"sshcredentials.dev/trust-host-key": "SHA256:x", "sshcredentials.dev/probe-requested": "now"}
    target = parse_target(raw_target(annotations=asked, deletionTimestamp="2026-01-01T00:00:00Z"))

    assert (target.trusted_fingerprint, target.probe_request, target.deleting) == ("SHA256:x", "now", True)


def test_a_target_that_cannot_be_read_uses_nothing() -> None:
    target = parse_target(raw_target() | {"spec": {}})

    assert isinstance(target.spec, InvalidSpec)
    assert (target.credential, target.used, target.jump) == (None, (), None)


def test_a_spec_that_cannot_be_read_still_names_its_credential() -> None:
    """Else a target that a newer API has would hold no promotion."""
    raw = {"credentialRef": {"name": "hpc-login"}, "host": 7}
    metadata = {"namespace": "genomics", "name": "login", "uid": "u", "resourceVersion": "1"}
    target = parse_target({"metadata": metadata, "spec": raw})

    assert isinstance(target.spec, InvalidSpec)
    assert target.credential == CredentialKey(Namespace("genomics"), "hpc-login")
    assert target.used == (target.credential,)
    assert parse_target({"metadata": metadata, "spec": {"credentialRef": {"name": "../x"}}}).credential is None
