"""Workers: take a credential from the queue, make a pass, decide when to look again. Started by `operator.py`."""

from __future__ import annotations

import asyncio
import logging
import time

from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.controller.logs import where
from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.reconcile.one_pass import Outcome, reconcile
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)


async def work(queue: WorkQueue, world: World, metrics: Metrics) -> None:
    """Work for ever. Nothing that a pass raises ends a worker, not even what is not an Exception."""
    while True:
        key = await queue.get()
        started = time.monotonic()
        try:
            result = await _one(key, queue, world)
        finally:
            queue.done(key)
        metrics.passed(result, time.monotonic() - started)
        await asyncio.sleep(0)  # a pass that asks for nothing never waits: the Lease, watches and probes get their turn


async def _one(key: CredentialKey, queue: WorkQueue, world: World) -> str:
    try:
        outcome = await reconcile(key, world, queue.failures(key))
    except TroubleError as trouble:
        overtaken = trouble.retry_after == 0  # somebody else wrote meanwhile: every day's business
        log.log(
            logging.DEBUG if overtaken else logging.WARNING,
            "pass could not be finished",
            extra={
                "credential": "/".join(key),
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
        log.error("pass failed", extra={"credential": "/".join(key), "error": type(error).__name__, "at": where(error)})
        queue.add_after_failure(key)
        return "error"
    return _after(key, outcome, queue)


def _after(key: CredentialKey, outcome: Outcome, queue: WorkQueue) -> str:
    if outcome.acted:
        log.info("done", extra={"credential": "/".join(key), "act": outcome.acted.value, "reason": outcome.reason})
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
