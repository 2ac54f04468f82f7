"""`ssh/host_keys.py` and `ssh/trusting.py`: each policy judges, and says what it knows as lines of known_hosts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshcredential_operator.api.export_spec import ConfigMapKnownHosts
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.api.target_spec import HostKeyPolicy, HostKeys
from sshcredential_operator.keys.known_hosts import BadLine
from sshcredential_operator.ssh.host_certificates import CertificateFault
from sshcredential_operator.ssh.host_keys import CERTIFIED, PLAIN, Distrust, HostTrust, Trust, TrustOnFirstUse
from sshcredential_operator.ssh.known_hosts import host_key
from sshcredential_operator.ssh.trusting import host_trust, known_hosts_lines
from unit.keys.key_files import ED25519, P256, RSA2048, RSA3072, KeyFiles
from unit.ssh.certificates import HOST, Authority, blob_in, short

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
FILE = ConfigMapKnownHosts("hosts", "known_hosts")
POLICIES = {"pinned": HostKeyPolicy.PINNED, "authority": HostKeyPolicy.CERTIFICATE_AUTHORITY}
CHANGED = Distrust(TargetReason.HOST_KEY_CHANGED)
UNKNOWN = Distrust(TargetReason.HOST_KEY_UNKNOWN)
REVOKED = Distrust(TargetReason.HOST_KEY_REVOKED)
REASONS = {"changed": CHANGED, "unknown": UNKNOWN, "revoked": REVOKED, "trusted": None} | {
    fault.name: Distrust(TargetReason.HOST_CERTIFICATE_REFUSED, fault) for fault in CertificateFault
}


class World:
    """Keys by their letters, as lines and as what a server shows."""

    def __init__(self, key_files: KeyFiles, authority: Authority, stranger: Authority) -> None:
        self.lines = {name: short(key_files.line(kind)) for name, kind in {"ed": ED25519, "ec": P256}.items()}
        self.lines |= {"rsa": short(key_files.line(RSA2048)), "other": short(key_files.line(RSA3072))}
        self.lines |= {"ca": authority.line, "stranger": stranger.line}
        self.shown = {name: blob_in(line) for name, line in self.lines.items()}
        self.shown |= {
            "ed by ca": authority.certificate(ED25519),
            "rsa by ca": authority.certificate(RSA2048),
            "ed by stranger": stranger.certificate(ED25519),
            "ed by ca for another": authority.certificate(ED25519, "-h", "-n", "another"),
            "junk": b"\0\0\0\3abc",
        }

    def trust(self, policy: str, text: str, port: int = 22) -> Trust | BadLine:
        """Make the trust in what a text says: lines of known_hosts, or keys where there is no host."""
        filled = text.format(h=HOST, **self.lines)
        if HOST in filled or "*" in filled:
            return host_trust(HostKeys(POLICIES[policy], (), FILE), host=HOST, port=port, now=NOW, known_hosts=filled)
        keys = tuple(filled.splitlines())
        return host_trust(HostKeys(POLICIES[policy], keys), host=HOST, port=port, now=NOW)

    def first_use(self, recorded: str | None, fingerprint: str | None = None) -> TrustOnFirstUse:
        """Make the trust in what is recorded; `fingerprint` is that of the key of this name."""
        key = host_key(self.shown[fingerprint]) if fingerprint in self.lines else None
        made = host_trust(
            HostKeys(HostKeyPolicy.TRUST_ON_FIRST_USE),
            host=HOST,
            port=22,
            now=NOW,
            recorded=self.lines.get(recorded, recorded) if recorded else None,
            trusted_fingerprint=key.fingerprint if key else fingerprint,
        )
        assert isinstance(made, TrustOnFirstUse)
        return made


@pytest.fixture(scope="module")
def world(key_files: KeyFiles, tmp_path_factory: pytest.TempPathFactory) -> World:
    authorities = (Authority(key_files, ED25519, tmp_path_factory.mktemp(name)) for name in ("ca", "stranger"))
    return World(key_files, *authorities)


JUDGED = [
    pytest.param("pinned", "{ed}", "ed", "trusted", id="the key that is pinned"),
    pytest.param("pinned", "{rsa}\n{ed} words", "ed", "trusted", id="one of the keys that are pinned"),
    pytest.param("pinned", "{ed}", "ec", "changed", id="a key of another type than the pinned one"),
    pytest.param("pinned", "{rsa}", "other", "changed", id="another key of the same type"),
    pytest.param("pinned", "{ed}", "ed by stranger", "trusted", id="a certificate of the pinned key"),
    pytest.param("pinned", "{ed}", "junk", "changed", id="junk"),
    pytest.param("pinned", "{h} {ed}", "ed", "trusted", id="the key of the host's line"),
    pytest.param("pinned", "x.{h} {ed}", "ed", "unknown", id="nothing about the host"),
    pytest.param("pinned", "@cert-authority {h} {ca}", "ed by ca", "unknown", id="an authority pins nothing"),
    pytest.param("pinned", "{h} {ed}\n@revoked * {ed}", "ed", "revoked", id="a pinned key that is revoked"),
    pytest.param("pinned", "@revoked {h} {ed}", "ed", "revoked", id="a revoked key that is not pinned"),
    pytest.param("authority", "{ca}", "ed by ca", "trusted", id="a certificate of the authority"),
    pytest.param("authority", "{stranger}\n{ca}", "rsa by ca", "trusted", id="a certificate of one of the authorities"),
    pytest.param("authority", "{ca}", "ed", "ABSENT", id="a plain key"),
    pytest.param("authority", "{ca}", "junk", "ABSENT", id="junk and an authority"),
    pytest.param("authority", "{ca}", "ed by stranger", "CA_UNKNOWN", id="a certificate of a stranger"),
    pytest.param("authority", "{ca}", "ed by ca for another", "OTHER_HOST", id="a certificate for another host"),
    pytest.param("authority", "@cert-authority {h} {ca}", "ed by ca", "trusted", id="the authority of the host's line"),
    pytest.param("authority", "@cert-authority x{h} {ca}", "ed by ca", "unknown", id="an authority of others"),
    pytest.param("authority", "{h} {ca}", "ed by ca", "changed", id="an authority's key that is not marked"),
    pytest.param("authority", "@cert-authority {h} {ca}\n{h} {ec}", "ec", "trusted", id="a plain key beside it"),
    pytest.param("authority", "@cert-authority {h} {ca}\n{h} {ec}", "ed", "changed", id="another key than that"),
    pytest.param(
        "authority", "@cert-authority {h} {ca}\n{h} {ed}", "ed by stranger", "trusted", id="a known key all the same"
    ),
    pytest.param(
        "authority", "@cert-authority {h} {ca}\n@revoked * {ed}", "ed by ca", "revoked", id="a revoked key certified"
    ),
    pytest.param(
        "authority", "@cert-authority {h} {ca}\n@revoked * {ca}", "ed by ca", "revoked", id="a revoked authority"
    ),
    pytest.param(
        "authority", "@cert-authority {h} {ca}\n@revoked * {ca}\n{h} {ed}", "ed", "trusted", id="a known key beside it"
    ),
]


@pytest.mark.parametrize(("policy", "text", "shown", "expected"), JUDGED)
def test_a_policy_judges(policy: str, text: str, shown: str, expected: str, world: World) -> None:
    trust = world.trust(policy, text)
    assert not isinstance(trust, BadLine)
    assert trust.judge(world.shown[shown]) == REASONS[expected]


FIRST_USE = [
    pytest.param(None, None, "ed", "trusted", id="the first key"),
    pytest.param(None, None, "ed by stranger", "trusted", id="the first key, in a certificate"),
    pytest.param(None, None, "junk", "unknown", id="junk is no first key"),
    pytest.param("ed", None, "ed", "trusted", id="the recorded key"),
    pytest.param("ed", None, "ec", "changed", id="another key than the recorded one"),
    pytest.param("ed", "ec", "ec", "trusted", id="the key that a person trusts"),
    pytest.param("ed", "ec", "ed", "trusted", id="the recorded key until then"),
    pytest.param("ed", "ec", "rsa", "changed", id="a third key"),
    pytest.param(None, "ec", "ec", "trusted", id="nothing recorded, and the key that a person trusts"),
    pytest.param(None, "ec", "ed", "changed", id="nothing recorded, and another than a person trusts"),
    pytest.param("ssh-ed25519 AAAA", None, "ed", "changed", id="a record that cannot be read trusts nothing"),
    pytest.param("", "", "ed", "trusted", id="an empty annotation says nothing"),
    pytest.param("ed", "SHA256:", "ec", "changed", id="a fingerprint of nothing"),
    pytest.param("ed", "SHA256:", "junk", "changed", id="junk"),
]


@pytest.mark.parametrize(("recorded", "fingerprint", "shown", "expected"), FIRST_USE)
def test_first_use_trusts_one_key(
    recorded: str | None, fingerprint: str | None, shown: str, expected: str, world: World
) -> None:
    trust = world.first_use(recorded, fingerprint)
    assert trust.judge(world.shown[shown]) == REASONS[expected]
    assert trust.first_use is (not recorded and not fingerprint)


ALGORITHMS = [
    pytest.param("pinned", "{ed}", ("ssh-ed25519",), id="an Ed25519 key"),
    pytest.param("pinned", "{ec}", ("ecdsa-sha2-nistp256",), id="an ECDSA key"),
    pytest.param("pinned", "{rsa}", ("rsa-sha2-512", "rsa-sha2-256"), id="an RSA key"),
    pytest.param("pinned", "{rsa}\n{ed}", ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"), id="two keys"),
    pytest.param("authority", "{ca}", CERTIFIED, id="an authority"),
    pytest.param(
        "authority", "@cert-authority {h} {ca}\n{h} {rsa}", (*CERTIFIED, "rsa-sha2-512"), id="an authority and a key"
    ),
    pytest.param("authority", "{h} {ec}", ("ecdsa-sha2-nistp256",), id="a key and no authority"),
]


@pytest.mark.parametrize(("policy", "text", "first"), ALGORITHMS)
def test_what_is_known_is_asked_for_first_and_then_all_others(
    policy: str, text: str, first: tuple[str, ...], world: World
) -> None:
    trust = world.trust(policy, text)
    assert not isinstance(trust, BadLine)
    names = trust.algorithms()
    assert names[: len(first)] == first
    assert set(names) - set(CERTIFIED) == set(PLAIN)
    assert len(set(names)) == len(names)
    assert "ssh-rsa" not in names


def test_certificates_are_named_as_openssh_names_them() -> None:
    assert CERTIFIED[0] == "ssh-ed25519-cert-v01@openssh.com"
    assert "rsa-sha2-512-cert-v01@openssh.com" in CERTIFIED
    assert not any(name.startswith("ssh-rsa") for name in CERTIFIED)


def test_the_recorded_key_is_asked_for_first(world: World) -> None:
    assert world.first_use("rsa").algorithms()[0] == "rsa-sha2-512"
    assert world.first_use(None).algorithms() == PLAIN
    assert world.first_use("ssh-rsa AAAA").algorithms() == PLAIN


BAD = [
    pytest.param("pinned", "{ed}\n{h} {ed}", 1, id="a key where a line of a host belongs"),
    pytest.param("pinned", "{ed}\nssh-ed25519", 2, id="a type alone, by the number of the item"),
    pytest.param("pinned", "{ed}\nssh-rsa AAAA", 2, id="a damaged key"),
    pytest.param("authority", "{ca}\nssh-dss AAAAB3NzaC1kc3MAAAAA", 2, id="a type that is not read any more"),
    pytest.param("authority", "# {h}\n\n{h} ssh-ed25519", 3, id="a damaged line, as the user counts"),
]


@pytest.mark.parametrize(("policy", "text", "number"), BAD)
def test_a_bad_line_is_told_by_its_number(policy: str, text: str, number: int, world: World) -> None:
    assert world.trust(policy, text) == BadLine(number)


def test_a_config_map_without_text_is_bad() -> None:
    given_keys = HostKeys(HostKeyPolicy.PINNED, (), FILE)
    assert host_trust(given_keys, host=HOST, port=22, now=NOW) == BadLine(0)


WRITTEN = [
    pytest.param("pinned", "{ed}\n{rsa} words", 22, "{h} {ed}\n{h} {rsa}\n", id="pinned keys"),
    pytest.param("pinned", "{ed}", 2222, "[{h}]:2222 {ed}\n", id="a port"),
    pytest.param(
        "pinned", "*.org {ed}\n{h} {rsa}\n@revoked * {rsa}", 22, "{h} {ed}\n@revoked {h} {rsa}\n", id="revoked"
    ),
    pytest.param("pinned", "x{h} {ed}", 22, "", id="nothing about the host"),
    pytest.param("authority", "{ca}", 22, "@cert-authority {h} {ca}\n", id="an authority"),
    pytest.param(
        "authority",
        "@cert-authority * {ca}\n*.org {ed}\n@revoked * {rsa}",
        22,
        "@cert-authority {h} {ca}\n{h} {ed}\n@revoked {h} {rsa}\n",
        id="an authority, a key and one that is revoked",
    ),
]


@pytest.mark.parametrize(("policy", "text", "port", "expected"), WRITTEN)
def test_what_is_trusted_is_written_as_known_hosts(
    policy: str, text: str, port: int, expected: str, world: World
) -> None:
    trust = world.trust(policy, text, port)
    assert not isinstance(trust, BadLine)
    written = known_hosts_lines(trust, HOST.upper(), port)
    assert written == expected.format(h=HOST, **world.lines)
    if written:
        again = host_trust(HostKeys(POLICIES[policy], (), FILE), host=HOST, port=port, now=NOW, known_hosts=written)
        assert not isinstance(again, BadLine)
        assert {n: again.judge(blob) for n, blob in world.shown.items()} == {
            n: trust.judge(blob) for n, blob in world.shown.items()
        }


def test_what_is_recorded_is_written_and_nothing_before(world: World) -> None:
    assert known_hosts_lines(world.first_use("ec"), "2001:DB8::1", 2222) == f"[2001:db8::1]:2222 {world.lines['ec']}\n"
    assert known_hosts_lines(world.first_use(None), HOST, 22) == ""
    assert known_hosts_lines(world.first_use("ssh-rsa AAAA"), HOST, 22) == ""


@given(st.binary(max_size=200), st.text(max_size=60), st.text(max_size=60))
def test_nothing_is_too_odd(blob: bytes, recorded: str, fingerprint: str) -> None:
    for trusted in (None, fingerprint):
        trust = host_trust(
            HostKeys(HostKeyPolicy.TRUST_ON_FIRST_USE),
            host=HOST,
            port=22,
            now=NOW,
            recorded=recorded,
            trusted_fingerprint=trusted,
        )
        assert not isinstance(trust, BadLine)
        assert trust.judge(blob) is not None
        assert trust.algorithms() == PLAIN
    pinned = host_trust(HostKeys(HostKeyPolicy.PINNED, (recorded,)), host=HOST, port=22, now=NOW)
    assert pinned == BadLine(1)


def test_every_policy_is_a_trust(world: World) -> None:
    made: list[HostTrust] = [world.first_use(None)]
    made += [trust for policy in POLICIES if not isinstance(trust := world.trust(policy, "{ed}"), BadLine)]
    assert len(made) == 3
