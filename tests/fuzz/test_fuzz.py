"""A sample of the fuzzing: the same inputs in every run, and everything that was ever found. `make fuzz` goes on."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from fuzz.engine import failure, run
from fuzz.json_mutations import JSON
from fuzz.mutations import BYTES, DER, INSIDE, TEXT, WIRE
from fuzz.target import Mutation, Target
from fuzz.targets.catalogue import TARGETS
from fuzz.targets.keys import end_pool

REGRESSIONS: Final = Path(__file__).parent / "regressions"
FOUND: Final = sorted(path for path in REGRESSIONS.rglob("*") if path.is_file())
EXECUTIONS: Final = {
    "key-import": 150,
    "key-reading": 600,
    "spec": 40,
    "backup": 30,
    "kms-messages": 200,
    "policy-file": 200,
    "manifests": 250,
    "backup-identity": 250,
}
"""Where one costs more than most."""
MANY: Final = 600


@pytest.fixture(scope="module", autouse=True)
def pool() -> Iterator[None]:
    yield
    end_pool()


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_the_property_holds_for_a_sample(target: Target) -> None:
    done = run(target, 1, executions=EXECUTIONS.get(target.name, MANY))
    assert [finding.error for finding in done.findings] == []
    assert len(done.outcomes) > 1, "all inputs come to the same: this target shows nothing"


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}: {path.name}")
def test_what_was_found_once_stays_mended(path: Path) -> None:
    assert failure(TARGETS[path.parent.name], path.read_bytes())[0] is None


def _breaks(data: bytes) -> str:
    assert b"\x1b" not in data or len(data) < 8, "an escape"
    return f"{min(len(data), 3)}"


PLANTED: Final = Target("planted", "Nothing long has an escape in it.", lambda: [b"a harmless line"], TEXT, _breaks)


def test_a_planted_fault_is_found_shortened_and_found_again_with_the_same_seed() -> None:
    first, again = (run(PLANTED, 7, executions=3000) for _ in range(2))
    line = _breaks.__code__.co_firstlineno + 1
    assert [finding.error for finding in first.findings] == [f"AssertionError at test_fuzz.py:{line}: an escape"]
    assert len(first.findings[0].data) == 8
    assert first.findings == again.findings
    assert first.outcomes == again.outcomes


def _asks_for_memory(_: bytes) -> str:
    return str(len(bytes(2**31)))


def _never_ends(_: bytes) -> str:
    while True:
        pass


@pytest.mark.parametrize(("check", "says"), [(_asks_for_memory, "MemoryError"), (_never_ends, "Endless")])
def test_an_input_that_costs_too_much_is_a_finding(monkeypatch: pytest.MonkeyPatch, check: object, says: str) -> None:
    monkeypatch.setattr("fuzz.engine.CPU_SECONDS", 0.05)
    monkeypatch.setattr("fuzz.engine._TRIES_TO_SHORTEN", 1)
    done = run(Target("costly", "", lambda: [b""], TEXT, check), 1, executions=1)  # type: ignore[arg-type]  # two kinds
    assert [finding.error.partition(" ")[0] for finding in done.findings] == [says]


EVERY_MUTATION: Final = list(dict.fromkeys((*BYTES, *TEXT, *WIRE, *DER, *INSIDE, *JSON)))
INPUTS: Final = (
    b"",
    bytes(12),
    b"\xff" * 9,
    b'{"a": [1, "x", {"b": null}], "c": 1e400}',
    base64.b64encode(bytes(60)),
    b"-----BEGIN X-----\n" + base64.b64encode(bytes(range(100))) + b"\n-----END X-----\n",
    b"[" * 5000,
    b'{"a": "\\ud800"}',
)


@pytest.mark.parametrize("mutation", EVERY_MUTATION, ids=lambda mutation: mutation.__qualname__)
def test_a_mutation_takes_anything_and_mostly_changes_it(mutation: Mutation) -> None:
    chance = random.Random(1)
    changed = [mutation(data, chance) != data for data in INPUTS for _ in range(50)]
    assert any(changed)
