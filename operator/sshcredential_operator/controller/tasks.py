"""Beginning tasks and ending them. Used by `operator.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


def begin(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """Let something run beside the caller."""
    return asyncio.create_task(coroutine)


async def cancel(tasks: list[asyncio.Task[Any]]) -> None:
    """End tasks, whatever they end with."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
