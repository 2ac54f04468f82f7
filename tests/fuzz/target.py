"""What is fuzzed: a property over bytes, seeds for it, and ways to change them. Made by the modules in `targets/`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Mutation = Callable[[bytes, random.Random], bytes]
"""Returns other bytes; whatever it is given, it raises nothing."""


@dataclass(frozen=True, slots=True)
class Target:
    """A property that holds for every input.

    `check` raises for an input for which it does not hold, and else says in a few words what came of it. An outcome
    that was not seen before makes its input a seed, so its words must be few: reasons, counts up to a few, no texts.
    """

    name: str
    holds: str
    """The property as a sentence."""
    seeds: Callable[[], Sequence[bytes]]
    """Called once. Keys in them are made there."""
    mutations: tuple[Mutation, ...]
    check: Callable[[bytes], str]
