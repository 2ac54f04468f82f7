"""Workers: take a credential or an export from its queue, make a pass, say when to look again. For `operator.py`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.export import Export
from sshcredential_operator.api.names import CredentialKey, ExportKey
from sshcredential_operator.api.target import Target
from sshcredential_operator.controller.during import during
from sshcredential_operator.controller.lanes import Key
from sshcredential_operator.controller.logs import where
from sshcredential_operator.controller.metrics import Metrics, ProcessMetrics
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.exports.one_pass import follow
from sshcredential_operator.exports.ports import ExportWorld
from sshcredential_operator.reconcile.one_pass import Outcome, reconcile
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)


Pass = Callable[[Key, int], Awaitable[Outcome]]
"""A pass over what a key names; the number is how many in a row came before without success."""


class Passes(NamedTuple, Generic[Key]):
    """All that a worker needs of one kind of object."""

    kind: str
    queue: WorkQueue[Key]
    one_pass: Pass[Key]
    known: Callable[[Key], Credential | Export | Target | None]
    """What is known of the object, for the log."""


async def work(queue: WorkQueue[CredentialKey], world: World, metrics: Metrics) -> None:
    """Make passes over credentials for ever."""
    passes = Passes("credential", queue, lambda key, failures: reconcile(key, world, failures), world.known.credential)
    await work_at(passes, metrics)


async def work_at_exports(queue: WorkQueue[ExportKey], world: ExportWorld, metrics: Metrics) -> None:
    """Make passes over exports for ever."""
    await work_at(
        Passes("export", queue, lambda key, failures: follow(key, world, failures), world.known.export), metrics
    )


async def work_at(passes: Passes[Key], metrics: ProcessMetrics) -> None:
    """Work for ever. Nothing that a pass raises ends a worker, not even what is not an Exception."""
    queue = passes.queue
    while True:
        key = await queue.get()
        started = time.monotonic()
        known = passes.known(key)
        try:
            with during(passes.kind, key.namespace, key.name, known.generation if known else None):
                result = await _one(key, queue, passes.one_pass, started)
        finally:
            queue.done(key)
        metrics.passed(passes.kind, result, time.monotonic() - started)
        await asyncio.sleep(0)  # a pass that asks for nothing never waits: the Lease, watches and probes get their turn


async def _one(key: Key, queue: WorkQueue[Key], one_pass: Pass[Key], started: float) -> str:
    try:
        outcome = await one_pass(key, queue.failures(key))
    except TroubleError as trouble:
        overtaken = trouble.retry_after == 0  # somebody else wrote meanwhile: every day's business
        log.log(
            logging.DEBUG if overtaken else logging.WARNING,
            "pass could not be finished",
            extra={
                "reason": trouble.reason.value,
                "on": " ".join(str(fact) for fact in trouble.facts.values()),
                **_seconds(started),
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
        log.error("pass failed", extra={"error": type(error).__name__, "at": where(error), **_seconds(started)})
        queue.add_after_failure(key)
        return "error"
    result = _after(key, outcome, queue)
    _tell(result, outcome, started)
    return result


def _tell(result: str, outcome: Outcome, started: float) -> None:
    """Log the end of a pass: for everybody when it changed anything, else for who debugs."""
    level = logging.INFO if outcome.acted or outcome.reported else logging.DEBUG
    if log.isEnabledFor(level):
        act = {"act": outcome.acted.value} if outcome.acted else {}
        log.log(level, "done", extra={"result": result, **act, "reported": outcome.reported, **_seconds(started)})


def _seconds(started: float) -> dict[str, float]:
    return {"seconds": round(time.monotonic() - started, 4)}


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
