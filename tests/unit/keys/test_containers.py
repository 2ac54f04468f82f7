"""Files put together part by part, a few parts wrong: no exception, and no other key than ssh-keygen reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from sshcredential_operator.keys.judge import Accepted
from unit.keys.containers import CONTAINERS
from unit.keys.key_files import PASSPHRASE, private_file
from unit.keys.key_files import public_line as line_of
from unit.keys.test_mutations import judged_without_a_net, require_the_key_of_ssh_keygen
from unit.keys.test_repairs import DAMAGES

in_short = settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
the_simplest = settings(max_examples=1, database=None, phases=[Phase.generate])
"""Which is what Hypothesis draws first, and what it shrinks to."""

FILES = pytest.mark.parametrize("files", [pytest.param(files, id=name) for name, files in CONTAINERS.items()])


@FILES
@in_short
@given(data=st.data())
def test_what_is_accepted_is_the_key_that_ssh_keygen_reads(
    tmp_path: Path, files: st.SearchStrategy[bytes], data: st.DataObject
) -> None:
    file = data.draw(files)
    verdict = judged_without_a_net(file, PASSPHRASE)
    require_the_key_of_ssh_keygen(verdict, file, PASSPHRASE, tmp_path)
    if verdict is not None:
        kept = private_file(tmp_path / "kept", verdict.pair.private.reveal())
        assert line_of(kept) == verdict.pair.public.line


@FILES
@in_short
@given(data=st.data(), damages=st.lists(st.sampled_from([damage for _, damage, _ in DAMAGES]), max_size=3))
def test_damage_upon_damage_makes_no_other_key(
    files: st.SearchStrategy[bytes], data: st.DataObject, damages: list[Callable[[bytes], bytes]]
) -> None:
    file = damaged = data.draw(files)
    try:
        for damage in damages:
            damaged = damage(damaged)
    except UnicodeDecodeError:  # what is no text cannot be damaged as one
        return
    before, after = judged_without_a_net(file, PASSPHRASE), judged_without_a_net(damaged, PASSPHRASE)
    if isinstance(before, Accepted) and isinstance(after, Accepted):
        assert after.pair.public.blob == before.pair.public.blob


@pytest.mark.parametrize("files", [pytest.param(files, id=name) for name, files in CONTAINERS.items()])
def test_a_container_shrinks_to_a_good_file(files: st.SearchStrategy[bytes]) -> None:
    """So what a failing test shows differs from a good file in that which made it fail."""
    simplest = find(files, lambda _: True, settings=the_simplest)
    assert isinstance(judged_without_a_net(simplest, PASSPHRASE), Accepted)
