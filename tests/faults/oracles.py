"""The judge: the house's invariants, held against every revision of a run. Called by the stage for each plan.

An oracle is a function from a story to violations. None of them asks an operator or a server: they look at what lay
there, with the key ring. Those that compare with an undisturbed run are the campaign's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from faults.oracles_conduct import (
    foreign_secrets_are_untouched,
    nobody_owns_a_secret,
    nobody_waits_for_an_operator,
    one_leads,
    retained_keys_stay,
    secrets_are_asked_for_at_home,
    the_living_keep_their_keys,
    writes_are_few,
    writes_are_guarded,
)
from faults.oracles_end import it_ends_well
from faults.oracles_greens import no_green_is_false
from faults.oracles_keys import (
    old_copies_are_left_alone,
    old_keys_are_never_green,
    one_key_for_a_number,
    told_keys_stay,
)
from faults.oracles_leaks import nothing_lies_in_plain
from faults.oracles_seals import every_ciphertext_names_its_place, everything_opens_all_the_time, no_nonce_comes_twice
from faults.oracles_story import Story
from faults.oracles_texts import texts_are_the_catalogues
from faults.oracles_witness import witnessed
from faults.run import Run, Violation

Oracle = Callable[[Story], Iterator[Violation]]

ORACLES: Final[tuple[Oracle, ...]] = (
    witnessed,
    one_key_for_a_number,
    told_keys_stay,
    old_keys_are_never_green,
    old_copies_are_left_alone,
    no_green_is_false,
    nobody_owns_a_secret,
    the_living_keep_their_keys,
    retained_keys_stay,
    foreign_secrets_are_untouched,
    nothing_lies_in_plain,
    no_nonce_comes_twice,
    every_ciphertext_names_its_place,
    everything_opens_all_the_time,
    nobody_waits_for_an_operator,
    texts_are_the_catalogues,
    secrets_are_asked_for_at_home,
    writes_are_few,
    writes_are_guarded,
    one_leads,
    it_ends_well,
)


def judge(run: Run) -> list[Violation]:
    """Return all that must not be, each thing once, in the order of the oracles."""
    story = Story(run)
    return list(dict.fromkeys(violation for oracle in ORACLES for violation in oracle(story)))
