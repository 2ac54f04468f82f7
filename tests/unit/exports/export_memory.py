"""Exports on the server in memory: the real store and pass, a real credential, and faults at any request."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sshcredential_operator.api.export import Export, parse_export
from sshcredential_operator.api.names import ExportKey, Namespace, TargetKey
from sshcredential_operator.api.target import Target
from sshcredential_operator.controller.export_store import ExportStore
from sshcredential_operator.encryption.copy_proof import CopyContent, CopyPlace
from sshcredential_operator.exports.observed import Guarding, RawCopy, Unguarded
from sshcredential_operator.exports.one_pass import follow
from sshcredential_operator.exports.ports import ExportWorld, Subject
from sshcredential_operator.reconcile.one_pass import Outcome
from sshcredential_operator.reconcile.trouble import TroubleError
from unit.api.merge_patches import merged
from unit.reconcile.operator_memory import Operator
from unit.reconcile.samples import KEY
from unit.reconcile.server_memory import PENDING, Server

EXPORT: Final = ExportKey(KEY.namespace, "for-git")
PLACE: Final = CopyPlace(KEY.namespace, "git-auth")
SPEC: Final[dict[str, Any]] = {
    "credentialRef": {"name": KEY.name},
    "secretName": PLACE.secret_name,
    "profile": "SSHAuth",
}
MADE: Final = "2026-01-31T11:30:00Z"
POLICY: Final = Guarding("policy.1 binding.1", "2026-01-01T00:00:00Z")
MOST_PASSES: Final = 12


class Lab:
    """A credential with its key, exports, copies, and one operator that follows them."""

    def __init__(self) -> None:
        self.server = Server()
        self.exports: dict[ExportKey, dict[str, Any]] = {}
        self.copies: dict[CopyPlace, RawCopy] = {}
        self.policy: Guarding | Unguarded = POLICY
        self.hosts: dict[tuple[str, str], str] = {}
        self.targets: dict[TargetKey, Target] = {}
        self.events: list[tuple[str, str, bool]] = []
        self.guarded = True
        self.operator = Operator(self.server)
        self.start()

    async def with_credential(self, spec: Mapping[str, Any] | None = None) -> Lab:
        self.server.apply(spec or {"generate": {"algorithm": "Ed25519", "bits": 256}})
        await self.operator.settle()
        self.server.asked.clear()
        self.server.writes.clear()
        return self

    def start(self) -> None:
        """Begin with an empty memory, and list."""
        self.store = ExportStore()
        for raw in self.exports.values():
            self.store.saw_export(parse_export(raw), deleted=False)
        self.store.listed(KEY.namespace, (), ())
        for place, found in self.copies.items():
            self.store.saw_copy(place, found.proof, found.resource_version, deleted=False)
        self.store.copies_listed(KEY.namespace, list(self.copies))
        self.world = ExportWorld(
            self.operator.world,
            self.store,
            MemoryExports(self),
            MemoryCopies(self),
            MemoryConfigMaps(self),
            MemoryTargets(self),
            MemoryGuard(self) if self.guarded else None,
            MemoryAnnouncer(self),
        )

    # --- what people do

    def apply(self, spec: Mapping[str, Any] | None = None, key: ExportKey = EXPORT, *, made: str = MADE) -> None:
        """Create an export or change it, as `kubectl apply` does."""
        known, version = copy.deepcopy(self.exports.get(key)), self.server.wrote("(a user)")
        self.server.writes.pop()
        if known is None:
            metadata = {"name": key.name, "namespace": key.namespace, "uid": f"uid-{version}", "generation": 0}
            known = {"metadata": metadata | {"creationTimestamp": made}, "status": copy.deepcopy(PENDING)}
        known["metadata"]["generation"] += 1
        known["metadata"]["resourceVersion"] = str(version)
        known["spec"] = dict(spec or SPEC)
        self.keep(key, known)

    def remove(self, key: ExportKey = EXPORT) -> None:
        gone = self.exports.pop(key)
        gone["metadata"]["resourceVersion"] = str(self.server.wrote("(a user)"))
        self.server.writes.pop()
        self.store.saw_export(parse_export(gone), deleted=True)

    def put(self, place: CopyPlace, found: RawCopy | None) -> None:
        """Let a Secret be so, as somebody else does; None takes it away."""
        version = str(self.server.wrote("(a user)"))
        self.server.writes.pop()
        if found is None:
            del self.copies[place]
            self.store.saw_copy(place, None, version, deleted=True)
        else:
            self.keep_copy(place, replace(found, resource_version=version))

    # --- what is so

    def status(self, key: ExportKey = EXPORT) -> dict[str, Any]:
        status: dict[str, Any] = self.exports[key]["status"]
        return status

    def reason(self, key: ExportKey = EXPORT) -> str:
        return next(str(c["reason"]) for c in self.status(key)["conditions"] if c["type"] == "Ready")

    # --- passes

    async def settle(self, key: ExportKey = EXPORT) -> list[Outcome | TroubleError]:
        """Make passes until nobody asks for another; return what came of each."""
        came: list[Outcome | TroubleError] = []
        while len(came) < MOST_PASSES:
            try:
                came.append(await follow(key, self.world, len(came)))
            except TroubleError as trouble:
                came.append(trouble)
            last = came[-1]
            if isinstance(last, Outcome) and not last.retry:
                return came
        msg = f"no end after {MOST_PASSES} passes: {came[-2:]}"
        raise AssertionError(msg)

    def keep(self, key: ExportKey, raw: dict[str, Any]) -> None:
        self.exports[key] = raw
        self.store.saw_export(parse_export(raw), deleted=False)

    def keep_copy(self, place: CopyPlace, found: RawCopy) -> None:
        self.copies[place] = found
        self.store.saw_copy(place, found.proof, found.resource_version, deleted=False)


class MemoryExports:
    def __init__(self, lab: Lab) -> None:
        self._lab, self._server = lab, lab.server

    async def read(self, key: ExportKey) -> Export | None:
        number = await self._server.arrive("get export")
        found = self._lab.exports.get(key)
        self._server.answer(number)
        return parse_export(found) if found else None

    async def patch_status(self, export: Export, status: Mapping[str, Any]) -> Export | None:
        number = await self._server.arrive("patch export status")
        found = self._lab.exports.get(export.key)
        changed = None
        if found and found["metadata"]["resourceVersion"] == export.resource_version:
            changed = copy.deepcopy(found)
            changed["status"] = merged(changed["status"], status)
            changed["metadata"]["resourceVersion"] = str(self._server.wrote("patch export status"))
            self._lab.keep(export.key, changed)
        self._server.answer(number)
        return parse_export(changed) if changed else None


class MemoryCopies:
    def __init__(self, lab: Lab) -> None:
        self._lab, self._server = lab, lab.server

    async def read(self, place: CopyPlace) -> RawCopy | None:
        number = await self._server.arrive("get copy")
        found = self._lab.copies.get(place)
        self._server.answer(number)
        return found

    async def create(self, place: CopyPlace, content: CopyContent, proof: str) -> RawCopy | None:
        number = await self._server.arrive("create copy")
        made = None
        if place not in self._lab.copies:
            version = str(self._server.wrote("create copy"))
            made = RawCopy(f"uid-{version}", version, content, proof)
            self._lab.keep_copy(place, made)
        self._server.answer(number)
        return made

    async def replace(self, place: CopyPlace, before: RawCopy, content: CopyContent, proof: str) -> RawCopy | None:
        number = await self._server.arrive("patch copy")
        found, made = self._lab.copies.get(place), None
        if found and (found.uid, found.resource_version) == (before.uid, before.resource_version):
            assert found.content.type == content.type, "a type cannot be changed"
            made = RawCopy(found.uid, str(self._server.wrote("patch copy")), content, proof)
            self._lab.keep_copy(place, made)
        self._server.answer(number)
        return made

    async def delete(self, place: CopyPlace, uid: str, resource_version: str) -> None:
        number = await self._server.arrive("delete copy")
        found = self._lab.copies.get(place)
        if found and (found.uid, found.resource_version) == (uid, resource_version):
            self._lab.put(place, None)
            self._server.wrote("delete copy")
        self._server.answer(number)


class MemoryConfigMaps:
    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def value(self, namespace: Namespace, name: str, key: str) -> str | None:
        self._lab.server.answer(await self._lab.server.arrive(f"get config map of {namespace}"))
        return self._lab.hosts.get((name, key))


class MemoryTargets:
    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def read(self, key: TargetKey) -> Target | None:
        self._lab.server.answer(await self._lab.server.arrive("get target"))
        return self._lab.targets.get(key)


class MemoryGuard:
    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def look(self) -> Guarding | Unguarded:
        self._lab.server.answer(await self._lab.server.arrive("get policy"))
        return self._lab.policy


class MemoryAnnouncer:
    def __init__(self, lab: Lab) -> None:
        self._lab = lab

    async def announce(self, subject: Subject, event: str, note: str, *, warning: bool, moment: str) -> None:
        assert moment.endswith("00.000000Z")
        assert subject.key.namespace == KEY.namespace
        self._lab.events.append((event, note, warning))
