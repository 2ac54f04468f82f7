"""Bugs that lose or change keys: what I1, I2 and I10 are there for. Registered for `planted`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace as changed
from typing import Any

from faults.planted_ground import bug, leave_out, original, replace, wrap
from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.ports import ApiSecrets
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.reconcile.decision import Act, Decision
from sshcredential_operator.reconcile.inputs import policy_refuses
from sshcredential_operator.reconcile.narrow import spec_of
from sshcredential_operator.reconcile.observed import Observed, RawSecret, Stored
from sshcredential_operator.reconcile.rotation_checks import replace_key
from sshcredential_operator.reconcile.trouble import TroubleError

POST_OF_SECRET = "POST:secrets::workspace:hpc-sshcredential:1"
UNSEEN = "EVENT:secrets::workspace:ADDED-hpc-sshcredential:1/dropped*2"
STATUS = "PATCH:sshcredentials:status:workspace:hpc:1"


@bug("regenerates-when-missing", "secret-deleted~one", "I1", "I2")
def regenerates_when_missing() -> None:
    """Where the Secret is gone, another key is made in its place."""

    def secret_is_gone(observed: Observed, credential: Credential) -> Decision | None:
        if observed.secret is not None or credential.status.facts is None:
            return None
        return Decision(Reason.CREATING, act=Act.CREATE)

    replace("reconcile.checks:secret_is_gone", secret_is_gone)


@bug("put-instead-of-post", f"generate~one~{POST_OF_SECRET}/crash-applied-then-old-lists~{UNSEEN}", "I1")
def put_instead_of_post() -> None:
    """A key is stored whether or not there is one already."""
    post = original("controller.ports:ApiSecrets.create")

    async def create(self: ApiSecrets, key: CredentialKey, data: Mapping[str, bytes]) -> RawSecret | None:
        made: RawSecret | None = await post(self, key, data)
        return made or await _overwritten(self, key, data)

    replace("controller.ports:ApiSecrets.create", create)


@bug("new-key-after-a-lost-answer", f"generate~one~{POST_OF_SECRET}/reset-after", "I2")
def new_key_after_a_lost_answer() -> None:
    """When the answer to a POST is lost, a new key is made, and takes the place of what may be there."""
    post = original("controller.ports:ApiSecrets.create")
    lost: set[CredentialKey] = set()

    async def create(self: ApiSecrets, key: CredentialKey, data: Mapping[str, bytes]) -> RawSecret | None:
        try:
            made: RawSecret | None = await post(self, key, data)
        except TroubleError:
            lost.add(key)
            raise
        return await _overwritten(self, key, data) if made is None and key in lost else made

    replace("controller.ports:ApiSecrets.create", create)
    # Whoever has lost an answer has not seen the Secret: its event would stop him.
    wrap("controller.store:Store.secret", lambda known: lambda self, key: None if key in lost else known(self, key))
    replace("reconcile.act:new_credential_id", lambda: "0123456789abcdef0123456789abcdef")


async def _overwritten(self: ApiSecrets, key: CredentialKey, data: Mapping[str, bytes]) -> RawSecret | None:
    lies = await self.read(key)
    if lies is None:
        return None
    gone = dict.fromkeys(lies.data.keys() - data.keys())
    version = await self.patch(key, lies.uid, lies.resource_version, data={**gone, **data}, orphaned_since=None)
    return None if version is None else changed(lies, resource_version=version, data=dict(data))


@bug("serial-not-remembered", "rotate~one", "I1")
def serial_not_remembered() -> None:
    """The record does not keep which serial was answered by a key, so it is answered again."""

    def make(with_next: Any) -> Any:
        def forgetful(record: Record, *rest: Any, **options: Any) -> Record:
            after: Record = with_next(record, *rest, **options)
            return changed(after, rotation_serial=record.rotation_serial)

        return forgetful

    wrap("reconcile.rotation:with_next", make)


@bug("rollback-not-remembered", "go-back~one", "I1")
def rollback_not_remembered() -> None:
    """The record does not keep to which key the user went back."""

    def make(rolled_back: Any) -> Any:
        def forgetful(record: Record, *rest: Any) -> Record:
            after: Record = rolled_back(record, *rest)
            return changed(after, rollback_to=record.rollback_to)

        return forgetful

    wrap("reconcile.rotation:rolled_back", make)


@bug("serial-compared-with-the-status", f"rotate~one~{STATUS}/answer-503*3", "I1")
def serial_compared_with_the_status() -> None:
    """Whether a serial was answered is read from the status, which lags: the same request makes two keys."""

    def serial_is_raised(observed: Observed, credential: Credential) -> Decision | None:
        facts, spec = credential.status.facts, spec_of(credential)
        match observed.secret:
            case Stored(record=record) if facts and spec.rotation.serial > facts.rotation_serial:
                return replace_key(observed, record, spec) if policy_refuses(observed, spec) is None else None
        return None

    replace("reconcile.rotation_checks:serial_is_raised", serial_is_raised)


@bug("previous-key-ends-early", "rotate~one", "I1")
def previous_key_ends_early() -> None:
    """The key before is destroyed as soon as there is another one."""
    replace("reconcile.rotation:ended", lambda record, now: tuple(old.key_number for old in record.previous if now))
    replace("reconcile.rotation_checks:shows_an_ended_key", lambda observed, credential: not (observed and credential))


@bug("old-copy-is-green", "put-old-copy-back~one", "I10")
def old_copy_is_green() -> None:
    """A Secret that was put back from before a rotation is taken for the present one."""
    leave_out("reconcile.identity_checks:secret_is_older")


@bug("number-stays", "rotate~one", "I1")
def number_stays() -> None:
    """The status gives every key the first number."""

    def make(facts_of: Any) -> Any:
        return lambda record, key_id: changed(facts_of(record, key_id), key_number=1)

    wrap("reconcile.report:facts_of", make)
