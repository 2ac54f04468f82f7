"""Bugs that say what is not so, or touch what is not theirs: I3, I5, I6, I8, I9. Registered for `planted`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import Any

from faults.planted_ground import bug, leave_out, original, replace, with_body, wrap
from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.controller.ring_requests import RingRequests
from sshcredential_operator.controller.store import Store
from sshcredential_operator.encryption.credential_secret import Unreadability, Unreadable
from sshcredential_operator.encryption.place import Field, Place, record_place
from sshcredential_operator.encryption.root_secret import RootInSecret
from sshcredential_operator.reconcile.decide import decide
from sshcredential_operator.reconcile.decision import Act, Decision
from sshcredential_operator.reconcile.observed import Foreign, Observed, RawSecret, SecretSeen, Stored, Unopened
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.report import report

NOT_THERE = "00000000-0000-0000-0000-000000000000"


@bug("adopts-without-opening", "secret-changed~one", "I3")
def adopts_without_opening() -> None:
    """A Secret that does not open passes for the one that was opened under this name before."""
    understand, remember = original("reconcile.observe:understand"), original("controller.store:Store.remember_secret")
    opened: dict[CredentialKey, Stored] = {}

    def keeping(self: Store, key: CredentialKey, secret: RawSecret | SecretSeen | None) -> None:
        if isinstance(secret, Stored):
            opened[key] = secret
        remember(self, key, secret)

    async def trusting(raw: RawSecret, key: CredentialKey, world: World) -> SecretSeen:
        seen: SecretSeen = await understand(raw, key, world)
        match seen:
            case Unopened(uid, version, Unreadable(Unreadability.DOES_NOT_OPEN)) if key in opened:
                return changed(opened[key], uid=uid, resource_version=version)
        return seen

    replace("reconcile.observe:understand", trusting)
    replace("controller.store:Store.remember_secret", keeping)


@bug("adopts-by-name", "meet-lookalike~one", "I3")
def adopts_by_name() -> None:
    """A Secret of another type is taken over if its name and content look right."""
    understand = original("reconcile.observe:understand")

    async def any_type(raw: RawSecret, key: CredentialKey, world: World) -> SecretSeen:
        seen: SecretSeen = await understand(changed(raw, type="sshcredentials.dev/credential"), key, world)
        return seen

    replace("reconcile.observe:understand", any_type)


@dataclass
class _Held:
    """Secrets that are not stored yet, and are said to be."""

    world: World
    waits: list[tuple[CredentialKey, Mapping[str, bytes]]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.world.secrets, name)

    async def create(self, key: CredentialKey, data: Mapping[str, bytes]) -> RawSecret:
        """Keep it for later."""
        self.waits.append((key, data))
        return RawSecret(NOT_THERE, "0", "sshcredentials.dev/credential", {})


@bug("status-before-secret", "generate~one", "I3")
def status_before_secret() -> None:
    """The status says Ready before the key is stored."""
    create = original("reconcile.act:create")

    async def hasty(observed: Observed, world: World) -> Observed:
        held = _Held(world)
        after: Observed = await create(observed, changed(world, secrets=held))
        await report(decide(after), after, world)
        for key, data in held.waits:
            await world.secrets.create(key, data)
        return after

    replace("reconcile.act:create", hasty)


@bug("generation-of-now", "generate-and-rotate-at-once~one", "I3")
def generation_of_now() -> None:
    """When the object has changed meanwhile, the same status is written to it again, for the spec that it has now."""
    patch_status = original("controller.ports:patch_status")

    async def stubborn(
        requests: Requests, path: str, resource_version: str, status: Mapping[str, Any], *, what: str
    ) -> dict[str, Any] | None:
        answer: dict[str, Any] | None = await patch_status(requests, path, resource_version, status, what=what)
        if answer is not None:
            return answer
        found = (await requests.send("GET", path, what=what)).json()["metadata"]
        now = {"observedGeneration": found["generation"]}
        conditions = [{**one, **now} for one in status["conditions"]]
        wanted = {**status, **now, "conditions": conditions}
        again: dict[str, Any] | None = await patch_status(requests, path, found["resourceVersion"], wanted, what=what)
        return again

    replace("controller.ports:patch_status", stubborn)


@bug("key-before-its-name-is-free", "claim-one-name-twice~one", "I3")
def key_before_its_name_is_free() -> None:
    """Whether the name is taken is looked at after the key was made, and then it has one."""
    leave_out("reconcile.checks:name_is_taken")


@bug("foreign-secret-overwritten", "foreign-secret~one", "I6")
def foreign_secret_overwritten() -> None:
    """A Secret of somebody else that has our name is deleted, and ours made in its place."""

    async def create(observed: Observed, world: World) -> Observed:
        raw = await world.secrets.read(observed.key)
        if raw and isinstance(observed.secret, Foreign):
            await world.secrets.delete(observed.key, raw.uid, raw.resource_version)
        made: Observed = await make(observed, world)
        return made

    def secret_is_foreign(observed: Observed, _: Credential) -> Decision | None:
        return Decision(Reason.CREATING, act=Act.CREATE) if isinstance(observed.secret, Foreign) else None

    make = original("reconcile.act:create")
    replace("reconcile.act:create", create)
    replace("reconcile.identity_checks:secret_is_foreign", secret_is_foreign)


@bug("grace-is-ignored", "delete-and-wait~one", "I5")
def grace_is_ignored() -> None:
    """The key of a deleted credential does not wait for its grace period."""
    wrap("reconcile.sources:grace_period", lambda period: lambda record: period(record) * 0)


@bug("retain-is-ignored", "delete-and-retain~one", "I5")
def retain_is_ignored() -> None:
    """The record says Delete, whatever the spec says."""

    def make(first_record: Any) -> Any:
        return lambda **facts: first_record(**{**facts, "deletion_policy": "Delete"})

    wrap("encryption.record:first_record", make)
    leave_out("reconcile.checks:record_is_outdated")


@bug(
    "cached-read-before-delete",
    "delete-at-once-and-come-back~one~EVENT:sshcredentials::workspace:ADDED-hpc:1/dropped",
    "I5",
)
def cached_read_before_delete() -> None:
    """That a credential is gone is taken from the watch, also where its key is destroyed."""
    decide_orphan = original("reconcile.decide:decide_orphan")
    trusting = lambda observed: decide_orphan(changed(observed, credential_is_live=True))  # noqa: E731 - as short as that
    replace("reconcile.decide:decide_orphan", trusting)


@bug("owner-references", "generate~one", "I5")
def owner_references() -> None:
    """The Secret belongs to the credential, and goes with it."""

    def own(method: str, _: str, body: Any) -> None:
        if method == "POST" and body.get("type") == "sshcredentials.dev/credential":
            owner = {"apiVersion": "v1", "kind": "Secret", "name": body["metadata"]["name"], "uid": NOT_THERE}
            body["metadata"]["ownerReferences"] = [owner]

    wrap("controller.requests:Requests.send", with_body(own))


@bug("identity-without-namespace", "generate~one", "I8", "I9")
def identity_without_namespace() -> None:
    """What is encrypted says the same of its place in every namespace."""

    def place(namespace: str, name: str, credential_id: str, key_number: int, of: Field) -> Place:
        return Place("anywhere" if namespace else "", name, credential_id, key_number, of)

    replace("encryption.credential_secret:Place", place)
    replace(
        "encryption.credential_secret:record_place",
        lambda namespace, name, credential_id: record_place("anywhere" if namespace else "", name, credential_id),
    )


@bug("identity-without-number", "rotate~one", "I8", "I9")
def identity_without_number() -> None:
    """What is encrypted says the same of its place for every key number."""

    def place(namespace: str, name: str, credential_id: str, key_number: int, of: Field) -> Place:
        return Place(namespace, name, credential_id, min(key_number, 1), of)

    replace("encryption.credential_secret:Place", place)


@bug("same-nonce", "generate~one", "I8")
def same_nonce() -> None:
    """Data keys and nonces are not made afresh."""
    wrap("encryption.envelope:seal", _sealed_alike)


def _sealed_alike(_: Any) -> Any:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - the product goes by another way

    from sshcredential_operator.api.sensitive import Sensitive  # noqa: PLC0415 - the same
    from sshcredential_operator.encryption import b64url  # noqa: PLC0415 - the same
    from sshcredential_operator.encryption.envelope import KEY_SIZE, PROTECTED, Envelope, Kek  # noqa: PLC0415 - the same

    def seal(plaintext: Sensitive, kek: Kek, aad: bytes) -> bytes:
        data_key, nonce = bytes(range(KEY_SIZE)), bytes(12)
        told = f"{PROTECTED}.{b64url.encode(aad)}".encode()
        sealed = AESGCM(data_key).encrypt(nonce, plaintext.reveal(), told)
        wrapped = AESGCM(kek.key.reveal()).encrypt(nonce, data_key, None)
        return Envelope(
            kid=kek.kid,
            key_iv=b64url.encode(nonce),
            key_tag=b64url.encode(wrapped[KEY_SIZE:]),
            encrypted_key=b64url.encode(wrapped[:KEY_SIZE]),
            iv=b64url.encode(nonce),
            ciphertext=b64url.encode(sealed[:-16]),
            tag=b64url.encode(sealed[-16:]),
            aad=aad,
        ).to_bytes()

    return seal


@bug("old-root-dropped-early", "rotate-root~one", "I9")
def old_root_dropped_early() -> None:
    """The root key before goes as soon as there is a new one, whatever is still under it."""

    async def rotate_root(self: RingRequests, key_id: str) -> str | None:
        place = self._ring.places[0]
        assert isinstance(place, RootInSecret)
        await place.put_new_key_before(key_id)
        await place.drop_key(key_id)
        await self._ring.refresh()
        return None

    replace("controller.ring_requests:RingRequests._rotate_root", rotate_root)
