"""One target on a server in memory: the real pass, a real trust in host keys, and a clock that tests move."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.names import CredentialKey, Namespace, TargetKey
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import SecretKeyRef
from sshcredential_operator.api.target import Target, parse_target
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.controller.target_store import door_of
from sshcredential_operator.keys.generate import generate
from sshcredential_operator.keys.keypair import KeyPair
from sshcredential_operator.reconcile.one_pass import Outcome
from sshcredential_operator.reconcile.trouble import TroubleError
from sshcredential_operator.ssh.visit import (
    Arranged,
    Arrangement,
    Failed,
    Login,
    OfferedKey,
    Password,
    PrivateKey,
    Queried,
    Route,
    Visited,
)
from sshcredential_operator.targets.memory import Memories
from sshcredential_operator.targets.one_pass import follow
from sshcredential_operator.targets.ports import StoredKey, StoredKeys, TargetWorld, Unavailable
from unit.api.merge_patches import merged

NAMESPACE: Final = Namespace("genomics")
TARGET: Final = TargetKey(NAMESPACE, "login-node")
CREDENTIAL: Final = CredentialKey(NAMESPACE, "hpc-login")
ID: Final = "0123456789abcdef0123456789abcdef"
PAIRS: Final = tuple(generate(Algorithm.ED25519, 256, "") for _ in range(6))
HOSTS: Final = tuple(generate(Algorithm.ED25519, 256, "") for _ in range(3))
PENDING: Final[dict[str, Any]] = {
    "observedGeneration": 0,
    "conditions": [
        {"type": "Ready", "status": "Unknown", "reason": "Pending", "message": "", "observedGeneration": 0}
        | {"lastTransitionTime": "1970-01-01T00:00:00Z"}
    ],
}


def line(pair: KeyPair) -> str:
    return " ".join(pair.public.line.split()[:2])


def offered(pair: KeyPair) -> OfferedKey:
    return OfferedKey("ssh-ed25519", pair.public.fingerprint, line(pair))


PINNED: Final[dict[str, Any]] = {"policy": "Pinned", "keys": [line(HOSTS[0])]}
SPEC: Final[dict[str, Any]] = {
    "credentialRef": {"name": CREDENTIAL.name},
    "host": "login.hpc.example.org",
    "username": "nextflow",
    "hostKeys": PINNED,
}
INSTALL: Final = SPEC | {"authorizedKey": {"manage": "Install", "bootstrap": {"passwordSecret": {"name": "once"}}}}
FIRST_USE: Final = SPEC | {"hostKeys": {"policy": "TrustOnFirstUse"}}


@dataclass
class Server:
    """An SSH server: its host key, and what lies in authorized_keys."""

    host_key: KeyPair = HOSTS[0]
    theirs: set[str] = field(default_factory=set)
    ours: set[str] = field(default_factory=set)
    password: bytes | None = b"hunter2"
    trouble: TargetReason | None = None
    """What every visit meets."""
    file_trouble: bool = False
    swap: KeyPair | None = None
    """The host key from the second visit on."""
    visits: list[tuple[str, str]] = field(default_factory=list)
    namespaces: set[str] = field(default_factory=set)

    def lets_in(self, fingerprint: str) -> bool:
        return fingerprint in self.theirs | self.ours


@dataclass
class Ring:
    """The keys of one credential, as numbers into PAIRS."""

    current: int = 0
    next: int | None = None
    previous: dict[int, datetime] = field(default_factory=dict)
    status_lags: bool = False


class Lab:
    """A target, its credential, its server and one process that follows it."""

    def __init__(self, spec: Mapping[str, Any] = SPEC) -> None:
        self.now = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
        self.server, self.ring = Server(), Ring()
        self.guarded: bool | None = True
        self.unavailable: TargetReason | None = None
        self.api_trouble: TroubleError | None = None
        self.write_trouble: TroubleError | None = None
        self.credential_exists, self.crash_before_status = True, False
        self.passwords: dict[str, bytes] = {"once": b"hunter2"}
        self.config_maps: dict[tuple[str, str], str] = {}
        self.targets: dict[TargetKey, dict[str, Any]] = {}
        self.events: list[tuple[str, bool]] = []
        self.asked: list[str] = []
        self.patches = 0
        self.jitter = 0.5
        self._version = 0
        self.apply(spec)
        self.restart()

    def restart(self) -> None:
        self.world = TargetWorld(
            known=self,
            targets=self,
            keys=self,
            passwords=self,
            config_maps=self,
            visits=self,
            guard=self,
            announcer=self,
            operator_namespace=Namespace("sshcredential-system"),
            now=lambda: self.now,
            jitter=lambda: self.jitter,
            memories=Memories(),
        )

    # --- what people do

    def apply(self, spec: Mapping[str, Any], key: TargetKey = TARGET) -> None:
        known = self.targets.get(key) or {
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": f"uid-{key.name}", "generation": 0},
            "status": copy.deepcopy(PENDING),
        }
        if known.get("spec") != spec:
            known["metadata"]["generation"] += 1
        self._keep(key, known | {"spec": dict(spec)})

    def annotate(self, **annotations: str) -> None:
        raw = copy.deepcopy(self.targets[TARGET])
        named = {f"sshcredentials.dev/{name.replace('_', '-')}": value for name, value in annotations.items()}
        raw["metadata"]["annotations"] = raw["metadata"].get("annotations", {}) | named
        self._keep(TARGET, raw)

    def _keep(self, key: TargetKey, raw: dict[str, Any]) -> None:
        self._version += 1
        raw["metadata"]["resourceVersion"] = str(self._version)
        self.targets[key] = raw

    def rotate(self, overlap: timedelta = timedelta(hours=24)) -> None:
        """Promote the staged key."""
        assert self.ring.next is not None
        previous = self.ring.previous | {self.ring.current: self.now + overlap}
        self.ring = Ring(self.ring.next, None, previous)

    def end_previous(self) -> None:
        """Destroy what is over, as the operator does."""
        ends = self.ring.previous.items()
        self.ring.previous = {n: until for n, until in ends if until + timedelta(seconds=3) > self.now}

    # --- what is so

    def status(self, key: TargetKey = TARGET) -> dict[str, Any]:
        status: dict[str, Any] = self.targets[key]["status"]
        return status

    def says(self, kind: str = "Ready", key: TargetKey = TARGET) -> tuple[str, str] | None:
        found = (c for c in self.status(key)["conditions"] if c["type"] == kind)
        return next(((c["status"], c["reason"]) for c in found), None)

    def door(self) -> frozenset[str]:
        """Return which keys the operator takes for let in."""
        target = self.target(TARGET)
        assert target is not None
        return door_of(target).fingerprints

    # --- passes

    async def step(self, key: TargetKey = TARGET, failures: int = 0) -> Outcome:
        return await follow(key, self.world, failures)

    async def wait(self, seconds: float) -> Outcome:
        self.now += timedelta(seconds=seconds)
        self.end_previous()
        return await self.step()

    async def until_due(self) -> Outcome:
        """Wait exactly as long as the pass asks for."""
        outcome = await self.step()
        assert outcome.due_in is not None
        return await self.wait(outcome.due_in)

    # --- the ports

    def target(self, key: TargetKey) -> Target | None:
        found = self.targets.get(key)
        return parse_target(copy.deepcopy(found)) if found else None

    def credential(self, key: CredentialKey) -> Credential | None:
        if not self.credential_exists:
            return None
        ring, pair = self.ring, PAIRS[self.ring.current]
        number = ring.current + 1 - (1 if ring.status_lags else 0)
        status: dict[str, Any] = {
            "credentialId": ID,
            "keyNumber": number,
            "rotationSerial": 0,
            "algorithm": "Ed25519",
            "bits": 256,
            "fingerprint": pair.public.fingerprint,
            "publicKey": line(pair),
            "passphraseProtected": False,
            "createdAt": "2026-01-01T00:00:00Z",
            "encryption": {"keyId": "kid"},
        }
        if ring.next is not None:
            following = PAIRS[ring.next]
            status["next"] = {"fingerprint": following.public.fingerprint, "publicKey": line(following)}
            status["next"]["promotesAt"] = "2026-02-01T00:00:00Z"
        usable = [number for number, until in ring.previous.items() if until > self.now]
        if usable:
            old = PAIRS[max(usable)]
            status["previous"] = {"fingerprint": old.public.fingerprint, "publicKey": line(old)}
            status["previous"]["until"] = format_timestamp(ring.previous[max(usable)])
        metadata = {"name": key.name, "namespace": key.namespace, "uid": "c", "resourceVersion": "1"}
        spec = {"generate": {"algorithm": "Ed25519", "bits": 256}}
        return parse_credential({"metadata": metadata, "spec": spec, "status": status})

    def remember_target(self, key: TargetKey, target: Target | None) -> None:
        pass  # the watch of this lab never lags

    async def read(self, key: TargetKey) -> Target | None:
        self.asked.append("read")
        return self.target(key)

    async def patch_status(self, target: Target, status: Mapping[str, Any]) -> Target | None:
        if self.crash_before_status:
            self.crash_before_status = False
            raise CrashedError
        if self.write_trouble:
            raise self.write_trouble
        found = self.targets.get(target.key)
        if found is None or found["metadata"]["resourceVersion"] != target.resource_version:
            return None
        self.patches += 1
        self._keep(target.key, found | {"status": merged(found["status"], status)})
        return self.target(target.key)

    async def keys(self, key: CredentialKey) -> StoredKeys | Unavailable:
        assert key == CREDENTIAL
        self.asked.append("keys")
        if self.api_trouble:
            raise self.api_trouble
        if self.unavailable:
            return Unavailable(self.unavailable)
        ring = self.ring
        return StoredKeys(
            ID,
            ring.current + 1,
            stored(ring.current),
            stored(ring.next) if ring.next is not None else None,
            tuple(stored(number, until) for number, until in ring.previous.items()),
        )

    async def password(self, namespace: Namespace, ref: SecretKeyRef) -> Sensitive | None:
        assert namespace == NAMESPACE
        self.asked.append("password")
        value = self.passwords.get(ref.secret_name)
        return Sensitive(value) if value else None

    async def value(self, namespace: Namespace, name: str, key: str) -> str | None:
        assert namespace == NAMESPACE
        self.asked.append("config map")
        return self.config_maps.get((name, key))

    async def in_force(self) -> bool:
        self.asked.append("policy")
        return bool(self.guarded)

    async def announce(self, target: Target, event: str, note: str, *, warning: bool, moment: str) -> None:
        assert len(note.encode()) <= 1024
        assert moment.endswith("Z")
        assert target.key in self.targets
        self.events.append((event, warning))

    # --- the port Visits

    def _meet(self, what: str, who: str, route: Route) -> Visited | Failed:
        server = self.server
        server.visits.append((what, who))
        server.namespaces.add(route.namespace)
        if server.trouble:
            return Failed(server.trouble)
        blob = base64.b64decode(line(server.host_key).split()[1])
        shown = offered(server.host_key)
        if server.swap:
            server.host_key, server.swap = server.swap, None
        if distrust := route.target.trust.judge(blob):
            return Failed(distrust.reason, offered=shown, server_version="OpenSSH_9.6")
        return Visited(shown, "OpenSSH_9.6")

    def _let_in(self, visited: Visited | Failed, login: Login) -> Visited | Failed:
        if isinstance(visited, Failed):
            return visited
        good = (
            login.value.reveal() == self.server.password
            if isinstance(login, Password)
            else self.server.lets_in(login.fingerprint)
        )
        return visited if good else refused(visited)

    async def login(self, route: Route, key: PrivateKey) -> Visited | Failed:
        return self._let_in(self._meet("login", key.fingerprint, route), key)

    async def query(self, route: Route, public_keys: tuple[str, ...]) -> Queried | Failed:
        visited = self._meet("query", " ".join(public_keys), route)
        if isinstance(visited, Failed):
            return visited
        asked = {pair.public.fingerprint for pair in PAIRS if line(pair) in public_keys}
        return Queried(visited, frozenset(one for one in asked if self.server.lets_in(one)))

    async def arrange(self, route: Route, login: Login, arrangement: Arrangement) -> Arranged | Failed:
        who = "password" if isinstance(login, Password) else login.fingerprint
        visited = self._let_in(self._meet("arrange", who, route), login)
        if isinstance(visited, Failed):
            return visited
        if self.server.file_trouble:
            return Failed(TargetReason.INSTALL_FAILED, {"cause": "DiskFull"}, offered=visited.host_key)
        wanted = fingerprints(arrangement.wanted)
        ours = (self.server.ours & (wanted | fingerprints(arrangement.kept))) | (wanted - self.server.theirs)
        removed, changed = self.server.ours - ours, ours != self.server.ours
        self.server.ours = ours
        return Arranged(
            visited, changed, frozenset(ours), frozenset(wanted & self.server.theirs), removed=frozenset(removed)
        )


class CrashedError(Exception):
    """The process ends here."""


def refused(visited: Visited) -> Failed:
    return Failed(TargetReason.AUTHENTICATION_FAILED, offered=visited.host_key, server_version=visited.server_version)


def fingerprints(lines: tuple[str, ...]) -> set[str]:
    return {pair.public.fingerprint for pair in PAIRS if line(pair) in lines}


def fp(number: int) -> str:
    return PAIRS[number].public.fingerprint


def stored(number: int, until: datetime | None = None) -> StoredKey:
    return StoredKey(PrivateKey(fp(number), Sensitive(b"private")), line(PAIRS[number]), until)


def opened(spec: Mapping[str, Any] = SPEC, **server: Any) -> Lab:
    """Return a lab whose server knows the current key."""
    lab = Lab(spec)
    lab.server = replace(Server(theirs={fp(0)}), **server)
    return lab
