"""`controller/during.py`: what is logged during a pass says so, and what is logged beside it does not."""

from __future__ import annotations

import asyncio

import pytest

from sshcredential_operator.controller.during import current, during


def now() -> tuple[str, int | None] | None:
    found = current()
    return found and (found.name, found.generation)


def test_a_pass_has_its_fields_from_beginning_to_end() -> None:
    assert current() is None
    with during("credential", "genomics", "hpc", 3):
        found = current()
    assert found
    assert (found.kind, found.namespace, found.name, found.generation) == ("credential", "genomics", "hpc", 3)
    assert current() is None


def test_every_pass_has_an_id_of_its_own() -> None:
    seen = set[str]()
    for _ in range(100):
        with during("credential", "genomics", "hpc", 1):
            found = current()
            assert found
            seen.add(found.reconcile)

    assert len(seen) == 100
    assert len({one.split("-")[0] for one in seen}) == 1


def test_a_pass_that_fails_ends_all_the_same() -> None:
    with pytest.raises(KeyError), during("credential", "genomics", "hpc", None):
        raise KeyError

    assert current() is None


async def test_passes_beside_each_other_are_told_apart_and_tasks_belong_to_who_started_them() -> None:
    both, told = asyncio.Barrier(2), dict[str, object]()

    async def work(name: str) -> None:
        with during("export", "genomics", name, 1):
            await both.wait()
            told[name] = await asyncio.create_task(ask())
            await both.wait()
            told[f"{name} later"] = now()

    async def ask() -> object:
        await asyncio.sleep(0)
        return now()

    await asyncio.gather(work("aa"), work("bb"))

    assert told == {"aa": ("aa", 1), "bb": ("bb", 1), "aa later": ("aa", 1), "bb later": ("bb", 1)}
    assert current() is None
