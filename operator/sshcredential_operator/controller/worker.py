"""Workers: take a credential or an export from its queue, make a pass, say when to look again. For `operator.py`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from sshcredential_operator.api.names import CredentialKey, ExportKey
from sshcredential_operator.controller.lanes import Key
from sshcredential_operator.controller.logs import where
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.exports.one_pass import follow
from sshcredential_operator.exports.ports import ExportWorld
from sshcredential_operator.reconcile.one_pass import Outcome, reconcile
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)


Pass = Callable[[Key, int], Awaitable[Outcome]]
"""A pass over what a key names; the number is how many in a row came before without success."""


async def work(queue: WorkQueue[CredentialKey], world: World, metrics: Metrics) -> None:
    """Make passes over credentials for ever."""
    await work_at(queue, lambda key, failures: reconcile(key, world, failures), "credential", metrics)


async def work_at_exports(queue: WorkQueue[ExportKey], world: ExportWorld, metrics: Metrics) -> None:
    """Make passes over exports for ever."""
    await work_at(queue, lambda key, failures: follow(key, world, failures), "export", metrics)


async def work_at(queue: WorkQueue[Key], one_pass: Pass[Key], kind: str, metrics: Metrics) -> None:
    """Work for ever. Nothing that a pass raises ends a worker, not even what is not an Exception."""
    while True:
        key = await queue.get()
        started = time.monotonic()
        try:
            result = await _one(key, queue, one_pass, kind)
        finally:
            queue.done(key)
        metrics.passed(result, time.monotonic() - started)
        await asyncio.sleep(0)  # a pass that asks for nothing never waits: the Lease, watches and probes get their turn


async def _one(key: Key, queue: WorkQueue[Key], one_pass: Pass[Key], kind: str) -> str:
    name = f"{key.namespace}/{key.name}"
    try:
        outcome = await one_pass(key, queue.failures(key))
    except TroubleError as trouble:
        overtaken = trouble.retry_after == 0  # somebody else wrote meanwhile: every day's business
        log.log(
            logging.DEBUG if overtaken else logging.WARNING,
            "pass could not be finished",
            extra={
                kind: name,
                "reason": trouble.reason.value,
                "on": " ".join(str(fact) for fact in trouble.facts.values()),
            },
        )
        queue.add_after_failure(key, trouble.retry_after)
        return "trouble"
    except (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
        if _stopping():
            raise
        queue.add_after_failure(key)
        return "cancelled"
    except BaseException as error:  # noqa: BLE001 - a library's panic is no Exception; its text may hold key material
        log.error("pass failed", extra={kind: name, "error": type(error).__name__, "at": where(error)})
        queue.add_after_failure(key)
        return "error"
    if outcome.acted:
        log.info("done", extra={kind: name, "act": outcome.acted.value, "reason": outcome.reason})
    return _after(key, outcome, queue)


def _after(key: Key, outcome: Outcome, queue: WorkQueue[Key]) -> str:
    if outcome.needs_place:
        queue.add_for_key_work(key)
        return "deferred"
    if outcome.retry and outcome.retry_after == 0:
        queue.add(key)
    elif outcome.retry:
        queue.add_after_failure(key, outcome.retry_after)
    else:
        queue.succeeded(key)
    if outcome.due_in is not None:
        queue.add_later(key, outcome.due_in)
    return outcome.reason.value if outcome.reason else "none"


def _stopping() -> bool:
    # A cancellation of something that this pass waited for is no cancellation of this worker.
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
