"""Namespaces full of credentials that are Ready, made once in a run and used by several sections."""

from __future__ import annotations

import asyncio
import weakref
from typing import Final

from bench.load import burst, credential_job
from bench.measuring import settled
from bench.stage import Stage
from bench.writer import writer

_MADE: Final[weakref.WeakKeyDictionary[Stage, dict[int, str]]] = weakref.WeakKeyDictionary()


def filled(stage: Stage, count: int) -> str:
    """Return a namespace with so many credentials. Nobody serves it now."""
    made = _MADE.setdefault(stage, {})
    if count not in made:
        namespace = stage.fresh("filled")

        async def fill() -> None:
            async with writer(stage.plane) as to:
                await burst(to, credential_job(), namespace, count)

        with stage.operator([namespace]) as operator:
            asyncio.run(fill())
            settled(operator.pid)
        made[count] = namespace
        print(f"  made {count} credentials", flush=True)
    return made[count]
