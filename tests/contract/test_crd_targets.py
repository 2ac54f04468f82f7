"""What the CRD of SSHTarget says and what Python reads and writes are the same; neither can be changed alone."""

import re
from dataclasses import fields as fields_of
from datetime import timedelta
from typing import Any, Final

import pytest

from contract.crd_schema import TARGET, rules, with_defaults
from sshcredential_operator.api.conditions import READY, RECONCILING, STALLED, Condition
from sshcredential_operator.api.durations import parse_duration
from sshcredential_operator.api.target_messages import target_message
from sshcredential_operator.api.target_reasons import TargetNote, TargetReason
from sshcredential_operator.api.target_spec import (
    HOST,
    KEY_OPTIONS,
    LONGEST_TIMEOUT,
    MAX_HOST_KEYS,
    MAX_PORT,
    SHORTEST_EVERY,
    SHORTEST_TIMEOUT,
    USERNAME,
    HostKeyPolicy,
    Manage,
    TargetSpec,
    parse_target_spec,
)
from sshcredential_operator.api.target_status import (
    AUTHENTICATED,
    HOST_KEY_TRUSTED,
    INSTALLED,
    RetiredKey,
    SeenHostKey,
    TargetStatus,
    parse_target_status,
    target_merge_patch,
)
from sshcredential_operator.api.text import MESSAGE_LIMIT
from sshcredential_operator.manifests.judge import object_faults

HOST_KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIsvUCeHXCOIgQ6yTV8XAJmKPY1rAG05zAdwf22CPDq3"
PINNED: Final[dict[str, Any]] = {
    "credentialRef": {"name": "hpc-login"},
    "host": "login",
    "username": "nextflow",
    "hostKeys": {"policy": "Pinned", "keys": [HOST_KEY]},
}
SEEN: Final = SeenHostKey("ssh-ed25519", "SHA256:x", HOST_KEY, "")
FULL: Final = TargetStatus(
    observed_generation=1,
    conditions=(Condition(READY, "True", "LoggedIn", "", 1, ""),),
    host_key=SEEN,
    offered_host_key=SEEN,
    server_version="OpenSSH_9.6",
    authenticated_fingerprints=("SHA256:x",),
    retired_keys=(RetiredKey("SHA256:x", HOST_KEY),),
    last_probe_at="now",
    last_success_at="now",
    handled_probe_request="1",
    notes=("BootstrapPresent",),
)
field = TARGET.field


def sentences(spec: dict[str, Any]) -> list[str]:
    """Return what the CRD's own rules say of a spec, by the interpreter of `sshcred validate`."""
    manifest = {"apiVersion": "sshcredentials.dev/v1alpha1", "kind": "SSHTarget", "metadata": {"name": "login"}}
    return [fault.says for fault in object_faults(manifest | {"spec": spec})]


@pytest.mark.parametrize(
    ("path", "words"), [("spec.hostKeys.policy", HostKeyPolicy), ("spec.authorizedKey.manage", Manage)]
)
def test_words_to_choose_from(path: str, words: type[HostKeyPolicy | Manage]) -> None:
    assert field(path)["enum"] == [word.value for word in words]


def test_short_name() -> None:
    assert TARGET.names["shortNames"] == ["sshtarget"]


def test_limits() -> None:
    assert field("spec.hostKeys.keys")["maxItems"] == MAX_HOST_KEYS
    assert rules(field("spec.port"))[0]["rule"] == f"self >= 1 && self <= {MAX_PORT}"
    assert _limits("every") == (SHORTEST_EVERY, None)
    assert _limits("timeout") == (SHORTEST_TIMEOUT, LONGEST_TIMEOUT)


def _limits(member: str) -> tuple[timedelta | None, timedelta | None]:
    rule = rules(field(f"spec.probe.{member}"))[1]["rule"]
    least, most = re.search(r">= duration\('(\w+)'\)", rule), re.search(r"<= duration\('(\w+)'\)", rule)
    return parse_duration(least[1]) if least else None, parse_duration(most[1]) if most else None


@pytest.mark.parametrize(
    ("member", "pattern", "text"),
    [
        *(
            pytest.param("host", HOST, text, id=f"host {text[:20]!r}")
            for text in ("a", "a.", "_a", "a_", "-a", "a-", "a.b", "", "a" * 253, "a" * 254, "::1", "1::2.3.4.5", "a b")
        ),
        *(
            pytest.param("username", USERNAME, text, id=f"username {text[:20]!r}")
            for text in ("", "a", "-a", "a b", "~", "!a", "u" * 256, "u" * 257, "\x7f", "é")
        ),
    ],
)
def test_both_take_the_same_texts(member: str, pattern: re.Pattern[str], text: str) -> None:
    taken = not sentences(PINNED | {member: text})

    assert taken == (pattern.fullmatch(text) is not None)
    assert taken == isinstance(parse_target_spec(PINNED | {member: text}), TargetSpec)


@pytest.mark.parametrize("text", ["", "restrict,pty", 'from="a b"', "r" * 1024])
def test_options_that_the_server_takes_can_be_read(text: str) -> None:
    assert sentences(PINNED | {"authorizedKey": {"options": text}}) == []
    assert KEY_OPTIONS.fullmatch(text)


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="a plain target"),
        pytest.param({"probe": {}}, id="an empty probe"),
        pytest.param({"probe": {"every": "1h"}}, id="half a probe"),
        pytest.param({"authorizedKey": {}}, id="an empty authorizedKey"),
        pytest.param(
            {"authorizedKey": {"manage": "Install", "bootstrap": {"passwordSecret": {"name": "p"}}}}, id="a password"
        ),
        pytest.param({"hostKeys": {"policy": "Pinned", "knownHosts": {"configMapName": "h"}}}, id="a ConfigMap"),
        pytest.param({"hostKeys": {"policy": "TrustOnFirstUse"}}, id="trust on first use"),
    ],
)
def test_python_takes_the_same_defaults(given: dict[str, Any]) -> None:
    short = parse_target_spec(PINNED | given)
    filled = parse_target_spec(with_defaults(PINNED | given, field("spec")))

    assert sentences(PINNED | given) == []
    assert isinstance(short, TargetSpec)
    assert short == filled


def test_the_first_status_is_the_catalogues_pending() -> None:
    status = parse_target_status(with_defaults({}, TARGET.schema)["status"])
    says = target_message(TargetReason.PENDING)

    assert status == TargetStatus(
        conditions=(Condition(READY, "Unknown", TargetReason.PENDING, says, 0, "1970-01-01T00:00:00Z"),)
    )


def test_the_members_that_are_written_are_those_of_the_schema_and_are_read_again() -> None:
    raw = target_merge_patch(FULL, over=TargetStatus())

    assert raw.keys() == field("status")["properties"].keys()
    assert len(raw) == len(fields_of(TargetStatus)) - 1, "all but the unfit ones"
    assert parse_target_status(raw) == FULL


@pytest.mark.parametrize("path", ["status.hostKey", "status.offeredHostKey"])
def test_a_host_key_has_the_members_that_are_written(path: str) -> None:
    written = target_merge_patch(FULL, over=TargetStatus())

    assert written[path.removeprefix("status.")].keys() == field(path)["properties"].keys()
    assert set(field(path)["required"]) == field(path)["properties"].keys()


def test_retired_keys_have_the_members_that_are_written() -> None:
    [written] = target_merge_patch(FULL, over=TargetStatus())["retiredKeys"]

    assert written.keys() == field("status.retiredKeys[]")["properties"].keys()


@pytest.mark.parametrize("reason", list(TargetReason))
def test_a_reason_fits(reason: TargetReason) -> None:
    schema = field("status.conditions[].reason")

    assert re.fullmatch(schema["pattern"], reason)
    assert len(reason) <= schema["maxLength"]


@pytest.mark.parametrize("kind", [READY, HOST_KEY_TRUSTED, AUTHENTICATED, INSTALLED, RECONCILING, STALLED])
def test_a_conditions_type_fits_and_is_described(kind: str) -> None:
    schema = field("status.conditions[].type")

    assert re.fullmatch(schema["pattern"], kind)
    assert kind in schema["description"]


def test_the_longest_message_and_all_notes_fit() -> None:
    notes = field("status.notes")

    assert field("status.conditions[].message")["maxLength"] >= MESSAGE_LIMIT
    assert len(TargetNote) <= notes["maxItems"]
    assert max(map(len, TargetNote)) <= notes["items"]["maxLength"]
