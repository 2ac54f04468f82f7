"""Of the end: all is as users want it, soon after the last fault, and no process ended by itself (I4, I18)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from cluster.shown import Object, answered, condition_of
from faults.oracles_story import Story
from faults.run import Violation, Wanted

AT_MOST: Final = 60.0
"""Seconds from the last fault on."""


def it_ends_well(story: Story) -> Iterator[Violation]:
    """Look at what was wanted in the end."""
    run = story.run
    if run.seconds_to_level is None:
        yield Violation("I4", "it never was as users want it")
    elif run.seconds_to_level > AT_MOST:
        yield Violation("I4", f"only after {run.seconds_to_level:.0f} s it was as users want it")
    if run.ended_by_itself:
        yield Violation("I18", "an operator's process ended by itself")
    credentials = {step.name: step.object for step in story.credentials}
    secrets = {step.name: step.object for step in story.secrets}
    for name, wanted in run.wanted.items():
        for wrong in _lacks(credentials.get(name), wanted):
            yield Violation("end state", f"{name} {wrong}")
        if (secrets.get(name) is not None) != wanted.secret:
            yield Violation("end state", f"the Secret of {name} is {'not ' * wanted.secret}there")
    for name, keys in _keys_of(story).items():
        most = run.wanted[name].keys if name in run.wanted else None
        if most is not None and len(keys) > most:
            yield Violation("end state", f"{name} had {len(keys)} keys, where {most} were asked for")


def _lacks(found: Object | None, wanted: Wanted) -> Iterator[str]:
    if found is None:
        yield "is not there"
        return
    ready = condition_of(found)
    if (ready.get("status") == "True") != wanted.ready or ready.get("reason") != wanted.reason:
        yield f"says Ready={ready.get('status')}, {ready.get('reason')}, not {wanted.reason}"
    if not answered(found):
        yield "does not answer the present spec"
    if wanted.ready and found["status"].get("rotationSerial") != wanted.serial:
        yield f"has answered the serial {found['status'].get('rotationSerial')}, not {wanted.serial}"


def _keys_of(story: Story) -> dict[str, set[frozenset[bytes]]]:
    found: defaultdict[str, set[frozenset[bytes]]] = defaultdict(set)
    for step in story.secrets:
        for key in opened.keys.values() if (opened := story.opened(step)) else ():
            found[step.name].add(key.secret)
    return found
