"""Bugs of conduct: writes without a guard, words and secrets where none belong, work forgotten. For `planted`."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace as changed
from typing import Any

from faults.planted_ground import bug, original, replace, with_body, wrap
from faults.planted_keys import POST_OF_SECRET, STATUS
from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.api.status import parse_status
from sshcredential_operator.controller.leader import Elector
from sshcredential_operator.controller.lease import Lease
from sshcredential_operator.controller.ports import ApiCredentials
from sshcredential_operator.controller.store import Kind, Scope, Store
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.reconcile.one_pass import Outcome
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.trouble import TroubleError

FIVE = 5
log = logging.getLogger("sshcredential_operator.planted")


@bug("version-dropped-from-secrets", "rotate~one", "I17")
def version_dropped_from_secrets() -> None:
    """A change of a Secret does not say which revision it is based on."""

    def drop(method: str, path: str, body: Any) -> None:
        if method == "PATCH" and "/secrets/" in path:
            body["metadata"].pop("resourceVersion", None)

    wrap("controller.requests:Requests.send", with_body(drop))


@bug("version-dropped-from-statuses", "generate~one", "I17")
def version_dropped_from_statuses() -> None:
    """A status does not say which revision it is based on."""

    def drop(method: str, path: str, body: Any) -> None:
        if method == "PATCH" and "/status" in path:
            body["metadata"].pop("resourceVersion", None)

    wrap("controller.requests:Requests.send", with_body(drop))


@bug("deletes-by-name", "delete~one", "I17")
def deletes_by_name() -> None:
    """Whatever lies under the name is deleted."""

    def drop(method: str, _: str, body: Any) -> None:
        if method == "DELETE":
            body.pop("preconditions", None)

    wrap("controller.requests:Requests.send", with_body(drop))


@bug("heartbeat-in-status", "generate~one", "I14")
def heartbeat_in_status() -> None:
    """The status tells every few seconds that the operator lives."""
    reconcile, status_for = original("reconcile.one_pass:reconcile"), original("reconcile.report:status_for")

    async def beating(key: CredentialKey, world: World, failures: int = 0) -> Outcome:
        outcome: Outcome = await reconcile(key, world, failures)
        return outcome._replace(due_in=20.0)

    def dated(*given: Any) -> Any:
        status = status_for(*given)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() // 20 * 20))
        beats = [one._replace(last_transition_time=now) for one in status.conditions]
        return changed(status, conditions=tuple(beats))

    replace("reconcile.one_pass:reconcile", beating)
    replace("reconcile.report:status_for", dated)


@bug("transition-at-every-write", "rotate~one", "I16")
def transition_at_every_write() -> None:
    """A condition has a new transition time whenever the status is written."""
    status_for = original("reconcile.report:status_for")

    def restless(*given: Any) -> Any:
        status, before = status_for(*given), given[-1].status
        if status == before:
            return status
        late = f"{2030 + given[-1].generation}-01-01T00:00:00Z"
        moved = [one._replace(last_transition_time=late) for one in status.conditions]
        return changed(status, conditions=tuple(moved))

    replace("reconcile.report:status_for", restless)


@bug("generation-from-the-future", "generate~one", "I16")
def generation_from_the_future() -> None:
    """The status answers a spec that nobody has written yet."""
    wrap(
        "reconcile.report:status_for",
        lambda status_for: (
            lambda *given: changed(status_for(*given), observed_generation=status_for(*given).observed_generation + 1)
        ),
    )


@bug("gives-up-after-five", f"generate~one~{POST_OF_SECRET}/answer-503*6", "I4")
def gives_up_after_five() -> None:
    """After five failures in a row nobody tries again."""
    again = original("controller.work_queue:WorkQueue.add_after_failure")

    def add_after_failure(self: WorkQueue[Any], key: Any, at_least: float | None = None) -> None:
        if self.failures(key) < FIVE:
            again(self, key, at_least)

    replace("controller.work_queue:WorkQueue.add_after_failure", add_after_failure)


@bug("status-from-the-cache-after-409", f"generate~one~{STATUS}/answer-409", "I4")
def status_from_the_cache_after_409() -> None:
    """A status that met a conflict passes for written."""
    patch_status = original("controller.ports:ApiCredentials.patch_status")

    async def satisfied(self: ApiCredentials, credential: Credential, status: Mapping[str, Any]) -> Credential | None:
        wanted = parse_status({member: value for member, value in status.items() if value is not None})
        return await patch_status(self, credential, status) or changed(credential, status=wanted)

    replace("controller.ports:ApiCredentials.patch_status", satisfied)


@bug("not-swept-after-a-list", "delete~one~EVENT:sshcredentials::workspace:DELETED-hpc:1/dropped", "I4")
def not_swept_after_a_list() -> None:
    """What a later list no longer holds goes on as if it were there."""
    listed = original("controller.store:Store.listed")

    def keeping(self: Store, kind: Kind, scope: Scope, seen: Any, before: Any) -> set[CredentialKey]:
        found: set[CredentialKey] = listed(self, kind, scope, {*seen, *before}, before)
        return found

    replace("controller.store:Store.listed", keeping)


@bug("watch-error-not-caught", "generate~one~EVENT:sshcredentials::workspace:ADDED-hpc:1/event-500", "I18")
def watch_error_not_caught() -> None:
    """An ERROR event on a watch ends the process."""

    def failed(self: Any, kind: Any, scope: Any, error: Exception) -> None:
        if "Forbidden" not in type(error).__name__:
            asyncio.get_running_loop().stop()

    replace("controller.shell:Tap._failed", failed)


@bug("finalizer", "generate-with-a-right-too-many~one", "I11")
def finalizer() -> None:
    """Every credential gets a finalizer, so that nothing is missed when it is deleted."""
    patch_status = original("controller.ports:ApiCredentials.patch_status")

    async def holding(self: ApiCredentials, credential: Credential, status: Mapping[str, Any]) -> Credential | None:
        path = f"/apis/sshcredentials.dev/v1alpha1/namespaces/{credential.key.namespace}/sshcredentials"
        body = {"metadata": {"finalizers": ["sshcredentials.dev/planted"]}}
        with suppress(TroubleError):
            await self._requests.send(
                "PATCH", f"{path}/{credential.key.name}", body=body, content_type="application/merge-patch+json"
            )
        written: Credential | None = await patch_status(self, credential, status)
        return written

    replace("controller.ports:ApiCredentials.patch_status", holding)


@bug("lease-by-wall-clocks", "generate~elected~clock=wall-600", "I17")
def lease_by_wall_clocks() -> None:
    """Whether a Lease has run out is told from the time that its holder wrote, and the time here."""
    saw = original("controller.leader:Elector._saw")

    def by_its_time(self: Elector, lease: Lease | None) -> None:
        saw(self, lease)
        if lease and lease.holder not in {"", self._identity}:
            renewed = time.mktime(time.strptime(lease.raw["spec"]["renewTime"][:19], "%Y-%m-%dT%H:%M:%S"))
            age = time.time() - (renewed - time.timezone)
            self._others_until = self._clock() + lease.seconds - age

    replace("controller.leader:Elector._saw", by_its_time)


@bug("both-lead", "generate~elected", "I17")
def both_lead() -> None:
    """Who stands by works, too."""
    replace("controller.leader:Elector.leads", lambda self: self is not None)


@bug("thawed-leader-goes-on", f"generate~elected~{POST_OF_SECRET}/freeze", "I17")
def thawed_leader_goes_on() -> None:
    """Who was elected leads until he hears otherwise, however long he was away."""
    replace("controller.leader:Elector.leads", lambda self: self._tenure_end > 0)
