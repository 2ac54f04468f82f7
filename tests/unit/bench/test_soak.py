"""`make soak` tells a level line from a rising one, and says of every drift what it is."""

from __future__ import annotations

import copy
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from bench.machine import look
from bench.soak import write
from bench.soak_drift import drift
from bench.soak_ledger import Ledger
from bench.soak_plan import IMPORTED, Kind, Place, operations
from bench.soak_report import memory_verdict
from bench.soak_samples import slope
from cluster.shown import Object
from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.encryption.credential_secret import OpenedCredential, Unreadability, Unreadable
from sshcredential_operator.encryption.record import FromGenerate, RecordedKey, first_record
from sshcredential_operator.keys.generate import generate

PLACE = Place("soak-a", "soak-1")
WORD = "soak-a/soak-1"


def stored(number: int = 1) -> OpenedCredential:
    public = generate(Algorithm.ED25519, 256, "soak").public
    key = RecordedKey(
        key_number=number,
        algorithm=public.algorithm,
        bits=public.bits,
        fingerprint=public.fingerprint,
        public_key=public.line,
        created_at="2026-01-31T12:00:00Z",
        passphrase_protected=False,
    )
    record = first_record(
        credential_id="0" * 32,
        key=key,
        source=FromGenerate(),
        deletion_policy="Delete",
        deletion_grace_period="0s",
        rotation_serial=number - 1,
    )
    return OpenedCredential(record, "kid")


def shown(secret: OpenedCredential) -> Object:
    """A credential that is Ready with the key of this Secret."""
    key, serial = secret.record.current_key, secret.record.rotation_serial
    status = {
        "observedGeneration": 1 + serial,
        "conditions": [{"type": "Ready", "status": "True", "reason": "Available"}],
        "fingerprint": key.fingerprint,
        "publicKey": key.public_key,
        "rotationSerial": serial,
    }
    return {"metadata": {**PLACE._asdict(), "generation": 1 + serial}, "status": status}


FIRST, SECOND = stored(), stored(2)


def fingerprint(of: OpenedCredential) -> str:
    return of.record.current_key.fingerprint


def rotated_once() -> Ledger:
    """A ledger of one credential whose key was replaced as asked."""
    ledger = Ledger()
    ledger.create(PLACE, 1.0)
    ledger.see("ADDED", shown(FIRST), 1.5)
    assert ledger.rotate(PLACE, 2.0) == 1
    ledger.see("MODIFIED", shown(SECOND), 2.25)
    return ledger


def with_status(found: Object, **changed: Any) -> Object:
    other = copy.deepcopy(found)
    other["status"] |= changed
    return other


def test_what_was_asked_for_is_no_drift_and_its_waits_are_known() -> None:
    ledger = rotated_once()

    assert list(drift(ledger, {PLACE: shown(SECOND)}, {PLACE: SECOND})) == []
    assert [(kind, asked, seconds) for kind, asked, seconds in ledger.waits] == [
        (Kind.CREATE, 1.0, 0.5),
        (Kind.ROTATE, 2.0, 0.25),
    ]


def test_a_key_that_changes_without_being_asked_is_said() -> None:
    ledger, third = rotated_once(), stored(2)
    ledger.see("MODIFIED", shown(third), 3.0)

    assert list(drift(ledger, {PLACE: shown(third)}, {PLACE: third})) == [
        f"{WORD}: the key changed from {fingerprint(SECOND)} to {fingerprint(third)} without being asked"
    ]


def test_a_key_that_changes_and_changes_back_is_said_although_the_end_is_right() -> None:
    ledger = rotated_once()
    ledger.see("MODIFIED", with_status(shown(SECOND), fingerprint=fingerprint(FIRST)), 3.0)
    ledger.see("MODIFIED", shown(SECOND), 4.0)

    said = list(drift(ledger, {PLACE: shown(SECOND)}, {PLACE: SECOND}))

    assert f"{WORD}: an earlier key came back, {fingerprint(FIRST)}" in said


@pytest.mark.parametrize(
    ("event", "found", "says"),
    [
        pytest.param(
            "MODIFIED",
            with_status(shown(SECOND), rotationSerial=2),
            "says serial 2, and 1 was asked for",
            id="a serial that nobody asked for",
        ),
        pytest.param(
            "MODIFIED",
            with_status(shown(SECOND), fingerprint=None),
            f"the status tells of no key any more, after {fingerprint(SECOND)}",
            id="a status without a key",
        ),
        pytest.param("DELETED", shown(SECOND), "was deleted, and nobody asked for it", id="a deletion of nobody's"),
    ],
)
def test_an_event_that_nobody_asked_for_is_said(event: str, found: Object, says: str) -> None:
    ledger = rotated_once()
    ledger.see(event, found, 3.0)

    assert f"{WORD}: {says}" in ledger.drift


def test_a_rotation_that_keeps_the_key_is_said() -> None:
    ledger = rotated_once()
    ledger.rotate(PLACE, 3.0)
    ledger.see("MODIFIED", with_status(shown(SECOND), rotationSerial=2), 3.1)

    assert ledger.drift == [f"{WORD}: says serial 2 with the key of serial 1"]


@pytest.mark.parametrize(
    ("found", "secret", "says"),
    [
        pytest.param(None, SECOND, "the credential is lost", id="a lost credential"),
        pytest.param(shown(SECOND), None, "its Secret is lost", id="a lost Secret"),
        pytest.param(
            shown(SECOND),
            Unreadable(Unreadability.DOES_NOT_OPEN),
            "its Secret does not open, DoesNotOpen",
            id="a Secret that does not open",
        ),
        pytest.param(
            shown(SECOND),
            FIRST,
            f"its Secret holds key {fingerprint(FIRST)}, and the status tells of {fingerprint(SECOND)}",
            id="a Secret with another key",
        ),
        pytest.param(shown(SECOND), stored(3), "had 3 keys, and 2 were asked for", id="more keys than were asked for"),
        pytest.param(
            with_status(shown(SECOND), publicKey=FIRST.record.current_key.public_key),
            SECOND,
            "its Secret holds another key than the status' public key",
            id="a public key of another key",
        ),
        pytest.param(
            with_status(shown(SECOND), observedGeneration=1),
            SECOND,
            "is not Ready for the present spec, Available",
            id="a status of an earlier spec",
        ),
        pytest.param(
            with_status(shown(SECOND), rotationSerial=0),
            SECOND,
            "has answered serial 0, not 1",
            id="a rotation that never came",
        ),
        pytest.param(
            with_status(shown(SECOND), previous={"fingerprint": fingerprint(FIRST)}),
            SECOND,
            "still has a previous key, after its overlap",
            id="an overlap without end",
        ),
    ],
)
def test_an_end_that_was_not_asked_for_is_said(
    found: Object | None, secret: OpenedCredential | Unreadable | None, says: str
) -> None:
    credentials, secrets = {PLACE: found} if found else {}, {PLACE: secret} if secret else {}

    assert f"{WORD}: {says}" in list(drift(rotated_once(), credentials, secrets))


def test_another_key_than_the_one_that_was_brought_is_said() -> None:
    ledger = rotated_once()
    ledger.wanted[PLACE].fingerprint = fingerprint(FIRST)

    assert list(drift(ledger, {PLACE: shown(SECOND)}, {PLACE: SECOND})) == [
        f"{WORD}: has key {fingerprint(SECOND)}, and {fingerprint(FIRST)} was brought"
    ]


def test_what_is_left_of_a_deleted_credential_is_said() -> None:
    ledger = rotated_once()
    ledger.delete(PLACE)
    assert ledger.leaving == 1
    left = list(drift(ledger, {PLACE: shown(SECOND)}, {PLACE: SECOND}))
    ledger.see("DELETED", shown(SECOND), 3.0)

    assert left == [f"{WORD}: was to be deleted, and is there", f"{WORD}: its Secret is there without a credential"]
    assert ledger.leaving == 0
    assert list(drift(ledger, {}, {PLACE: SECOND})) == [f"{WORD}: its Secret is there without a credential"]
    assert list(drift(ledger, {}, {})) == []


def test_a_slope_is_that_of_the_line_and_knows_how_sure_it_is() -> None:
    rising = slope([(x, 3 + 2 * x + (-1) ** x) for x in range(100)])
    level = slope([(x, 50 + (-1) ** x) for x in range(100)])

    assert rising.rise == pytest.approx(2, abs=0.01)
    assert 0 < rising.error < 0.01
    assert not rising.is_flat
    assert level.is_flat


@pytest.mark.parametrize("points", [[], [(0.0, 1.0), (1.0, 2.0)], [(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]])
def test_too_few_points_have_no_slope(points: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="three points"):
        slope(points)


def samples(growth: float) -> list[dict[str, Any]]:
    """Half an hour, with a first third that rises steeply in any case; `growth` is MiB per hour."""
    known: dict[str, Any] = {
        "resident": 80.0,
        "workers": 0.0,
        "cpu": 1.0,
        "files": 40,
        "threads": 2,
        "queue": 0.0,
        "credentials": 300,
    }
    known |= {"audit log": 1.0, "requests": {"patch secrets": 50, "update leases": 5}}
    return [
        known
        | {
            "at": 10.0 * n,
            "operations": 50 * n,
            "private": 50 + min(n, 60) / 6 + growth * n / 360 + 0.1 * (-1) ** n,
        }
        for n in range(181)
    ]


def test_memory_that_grows_only_in_the_first_third_is_flat() -> None:
    assert memory_verdict(samples(0)).startswith("Private memory is flat")


def test_memory_that_grows_is_told_by_time_and_by_operations() -> None:
    said = memory_verdict(samples(18))

    assert said.startswith("Private memory rises over the last two thirds (20.0 minutes): +18.0")
    assert "+1024." in said  # KiB per 1,000 operations, at 18,000 in an hour


def test_the_plan_is_that_of_its_seed_and_keeps_the_population() -> None:
    def plan(seed: int) -> list[Any]:
        return list(islice(operations(seed, ["a", "b"], 40, 10), 3000))

    assert plan(1) == plan(1) != plan(2)
    living: set[Place] = set()
    sizes = []
    for kind, place, _, _ in plan(1):
        assert (place in living) == (kind is not Kind.CREATE)
        living ^= {place} if kind is not Kind.ROTATE else set()
        sizes.append(len(living))
    assert {38, 42} == {min(sizes[40:]), max(sizes[40:])}
    assert {source for _, _, source, _ in plan(1)} == {"Ed25519", "ECDSA", "RSA", IMPORTED}


def test_the_report_is_made_of_the_figures_and_shows_drift_and_plots(tmp_path: Path) -> None:
    figures: dict[str, Any] = {"machine": look(), "load after": [1, 2, 3], "operators": "as in a pod"}
    figures |= {"command": "--minutes 30", "samples": samples(0), "drift": ["a key is lost"], "errors": 0}
    figures |= {"quiet": {"seconds": 60, "requests": {"update leases": 6}}, "credentials": 299, "cut short": 1}
    figures |= {"operations": {Kind.CREATE: 3000, Kind.ROTATE: 3000, Kind.DELETE: 3000}, "seconds": 1800.0}
    figures |= {"per second": 5, "waits": [(Kind.CREATE, 30.0, 0.05), (Kind.ROTATE, 90.0, 0.07)]}
    write(figures, tmp_path)
    report = (tmp_path / "soak.md").read_text()

    assert "- a key is lost" in report
    assert "| 0 | 1 | 50 | 50 | 0 | - | - |" in report
    assert "1.00 patch secrets; of them writes: 1.00." in report
    for plot in tmp_path.glob("*.svg"):
        assert f"]({plot.name})" in report
        assert "nan" not in {word.lower() for one in ET.parse(plot).iter() for word in one.attrib.values()}  # noqa: S314 - our own text
    assert len(list(tmp_path.glob("*.svg"))) == 2
