"""Runs a target: takes a seed, changes it a few times, checks. Called by `__main__` and by the sample in the suite.

No coverage is measured: an outcome that is new stands for it, costs nothing, and is the same under every Python.
"""

from __future__ import annotations

import hashlib
import random
import resource
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, NoReturn

from fuzz.target import Target

CPU_SECONDS: Final = 10
"""An input that takes more of this process is a finding: a thousand times what the slowest good one takes."""
MOST_MEMORY: Final = 512 * 1024 * 1024
"""What a run may grow by. An input that wants more gets a MemoryError, and is a finding."""
_MOST_CHANGES: Final = 6
_MOST_SEEDS: Final = 2000
_LONGEST: Final = 160 * 1024
_TRIES_TO_SHORTEN: Final = 400


class Endless(BaseException):
    """An input took too long. No Exception, so that no net under test catches it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An input for which the property does not hold, and in what way."""

    data: bytes
    error: str

    @property
    def name(self) -> str:
        """A name for its file."""
        return hashlib.sha256(self.data).hexdigest()[:16]


@dataclass(slots=True)
class Run:
    """What a run of one target came to."""

    executions: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    slowest: float = 0.0
    """Seconds of the slowest input, on the wall."""


def run(
    target: Target,
    seed: int,
    *,
    executions: int | None = None,
    seconds: float | None = None,
    until_found: bool = False,
) -> Run:
    """Check the seeds, then changed ones, until a limit; the same seed and executions give the same inputs.

    One finding of each kind of error is kept.
    """
    chance = random.Random(f"{target.name} {seed}")
    seeds, done = list(target.seeds()), Run()
    kinds = set[str]()
    end = None if seconds is None else time.monotonic() + seconds
    with _limited_memory():
        for data in _inputs(target, seeds, chance):
            if done.executions == executions or (end and time.monotonic() >= end) or (until_found and done.findings):
                return done
            _one(target, data, seeds, done, kinds)
    return done


def failure(target: Target, data: bytes) -> tuple[str | None, str]:
    """Return in what way the property does not hold for an input, None if it does; and its outcome."""
    signal.signal(signal.SIGPROF, _endless)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        return None, target.check(data)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is the finding; a panic in Rust is no Exception
        return _told(error), ""
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _one(target: Target, data: bytes, seeds: list[bytes], done: Run, kinds: set[str]) -> None:
    begun = time.monotonic()
    error, outcome = failure(target, data)
    done.slowest = max(done.slowest, time.monotonic() - begun)
    done.executions += 1
    if error is not None:
        if error not in kinds:
            kinds.add(error)
            done.findings.append(Finding(_shortened(target, data, error), error))
        return
    if outcome not in done.outcomes and len(seeds) < _MOST_SEEDS:
        seeds.append(data)
    done.outcomes[outcome] = done.outcomes.get(outcome, 0) + 1


def _inputs(target: Target, seeds: list[bytes], chance: random.Random) -> Iterator[bytes]:
    yield from tuple(seeds)
    while True:
        data = chance.choice(seeds)
        for _ in range(min(chance.randint(1, _MOST_CHANGES), chance.randint(1, _MOST_CHANGES))):
            data = chance.choice(target.mutations)(data, chance)[:_LONGEST]
        yield data


def _shortened(target: Target, data: bytes, error: str) -> bytes:
    """Take away pieces as long as the error stays the same."""
    size, tries = len(data) // 2, 0
    while size and tries < _TRIES_TO_SHORTEN:
        for start in range(0, len(data), size):
            tries += 1
            shorter = data[:start] + data[start + size :]
            if tries < _TRIES_TO_SHORTEN and failure(target, shorter)[0] == error:
                data = shorter
                break
        else:
            size //= 2
    return data


def _told(error: BaseException) -> str:
    """Return the kind of an error and where it came up; of our own assertions also what they say."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else "?"
    if isinstance(error, Endless):
        return "Endless"
    return f"{type(error).__name__} at {place}" + (
        f": {str(error).partition(chr(10))[0]}" if isinstance(error, AssertionError) else ""
    )


def _endless(*_: object) -> NoReturn:
    raise Endless


@contextmanager
def _limited_memory() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm", encoding="ascii") as sizes:  # noqa: PTH123 - /proc
        used = int(sizes.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_MEMORY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
