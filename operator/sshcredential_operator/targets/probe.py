"""The visits of one probe, one after the other: install, log in with each key, ask for old ones. Called by the pass."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, TypeVar

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.api.target_spec import CredentialBootstrap, Manage
from sshcredential_operator.api.target_status import RetiredKey
from sshcredential_operator.keys.known_hosts import BadLine
from sshcredential_operator.reconcile.rotation import LINGER
from sshcredential_operator.ssh.trusting import host_trust
from sshcredential_operator.ssh.visit import (
    Arranged,
    Arrangement,
    Failed,
    Login,
    OfferedKey,
    Password,
    PrivateKey,
    Queried,
    Visited,
)
from sshcredential_operator.targets.findings import Finding, Found, PublicHalf
from sshcredential_operator.targets.observed import Observed
from sshcredential_operator.targets.plan import Plan, is_by_first_use, keys_of
from sshcredential_operator.targets.ports import StoredKey, StoredKeys, TargetWorld
from sshcredential_operator.targets.retired import retired_keys
from sshcredential_operator.targets.waits import spec_of

NOT_LET_IN: Final = frozenset({TargetReason.AUTHENTICATION_FAILED, TargetReason.SIGNATURE_ALGORITHM_REFUSED})
"""The server is there and the right one, and does not take this key: another one may do."""
UNTRUSTED: Final = frozenset(
    {
        TargetReason.HOST_KEY_UNKNOWN,
        TargetReason.HOST_KEY_CHANGED,
        TargetReason.HOST_KEY_REVOKED,
        TargetReason.HOST_CERTIFICATE_REFUSED,
    }
)
NOT_INSTALLED: Final = frozenset(
    {TargetReason.BOOTSTRAP_MISSING, TargetReason.BOOTSTRAP_FAILED, TargetReason.INSTALL_FAILED}
)
Came = TypeVar("Came", Visited | Failed, Queried | Failed, Arranged | Failed)


async def probe(plan: Plan, observed: Observed, world: TargetWorld) -> Found:
    """Make the visits, and return what they brought."""
    return await _Probe(plan, observed, world).made()


def living(keys: StoredKeys, now: datetime) -> tuple[StoredKey, ...]:
    """Return the previous keys that are not over, the newest first as the record has the oldest first."""
    return tuple(old for old in reversed(keys.previous) if old.until is None or old.until + LINGER > now)


class _Probe:
    def __init__(self, plan: Plan, observed: Observed, world: TargetWorld) -> None:
        self._observed, self._world, self._keys, self._route = observed, world, plan.keys, plan.route
        self._spec, self._previous = spec_of(observed.target), living(plan.keys, observed.now)
        following = _public(plan.keys.next) if plan.keys.next else None
        previous = tuple(_public(key) for key in self._previous)
        self._found = Found(_public(plan.keys.current), following, previous)
        self._used: str | None = None

    async def made(self) -> Found:
        if self._spec.manage is Manage.INSTALL:
            arranged = await self._arranged()
            self._found = replace(self._found, arranged=arranged)
        if not isinstance(self._found.arranged, Failed) or not _is_shut(self._found.arranged):
            await self._log_in()
        await self._ask_for_retired()
        return self._found

    # --- install

    async def _arranged(self) -> Arranged | Failed:
        keys = (self._keys.current, *([self._keys.next] if self._keys.next else ()))
        credential = self._observed.target.credential
        wanted, kept = (tuple(key.public_key for key in some) for some in (keys, self._previous))
        mark = f"sshcredential-operator:{'/'.join(credential or ())}:{self._keys.credential_id}"
        arrangement = Arrangement(mark, self._spec.key_options, wanted, kept)
        following = (self._keys.next,) if self._keys.next else ()
        for key in (self._keys.current, *self._previous, *following):
            came = await self._arrange_by(key.private, arrangement)
            if isinstance(came, Arranged) or came.reason not in NOT_LET_IN:
                return came
            self._did_not_log_in(key, came)
        bootstrap = await self._bootstrap()  # read only when no key is let in
        if bootstrap is None:
            return Failed(TargetReason.BOOTSTRAP_MISSING)
        came = await self._arrange_by(bootstrap, arrangement)
        refused = isinstance(came, Failed) and came.reason in NOT_LET_IN
        return replace(came, reason=TargetReason.BOOTSTRAP_FAILED) if refused and isinstance(came, Failed) else came

    async def _arrange_by(self, login: Login, arrangement: Arrangement) -> Arranged | Failed:
        came = self._noted(await self._world.visits.arrange(self._route, login, arrangement))
        if isinstance(came, Arranged) and not came.changed and isinstance(login, PrivateKey):
            self._used = login.fingerprint
        return came

    async def _bootstrap(self) -> Login | None:
        given, namespace = self._spec.bootstrap, self._observed.target.key.namespace
        if given is None:
            return None
        if not isinstance(given, CredentialBootstrap):
            password = await self._world.passwords.password(namespace, given)
            return Password(password) if password else None
        name = next(key for key in self._observed.target.used if key.name == given.credential)
        keys = await keys_of(self._world.known.credential(name), self._world)
        return None if isinstance(keys, Finding) else keys.current.private

    # --- log in

    async def _log_in(self) -> None:
        arranged = self._found.arranged
        if isinstance(arranged, Arranged):  # what failed before the lines were there says nothing now
            wanted = {half.fingerprint for half in self._found.wanted}
            proven = {self._used: arranged.visited} if self._used in wanted else {}
            self._found = replace(self._found, logins={one: came for one, came in proven.items() if one})
        for key in (self._keys.current, self._keys.next):
            if key is None or key.fingerprint in self._found.logins:
                continue
            came = self._noted(await self._world.visits.login(self._route, key.private))
            self._found = replace(self._found, logins={**self._found.logins, key.fingerprint: came})
            if isinstance(came, Failed) and came.reason not in NOT_LET_IN:
                return

    def _did_not_log_in(self, key: StoredKey, came: Failed) -> None:
        if key.fingerprint in {half.fingerprint for half in self._found.wanted}:
            self._found = replace(self._found, logins={**self._found.logins, key.fingerprint: came})

    # --- ask for old keys

    async def _ask_for_retired(self) -> None:
        retired = retired_keys(self._observed, self._keys, frozenset(self._in()))
        spared = {half.fingerprint for half in (*self._found.wanted, *self._found.previous)}
        asked = tuple(key for key in retired if key.fingerprint not in spared)
        self._found = replace(self._found, retired=retired, asked=frozenset(key.fingerprint for key in asked))
        if asked and self._is_open():
            queried = await self._query(asked)
            self._found = replace(self._found, queried=queried)

    async def _query(self, asked: tuple[RetiredKey, ...]) -> Queried | Failed:
        return self._noted(await self._world.visits.query(self._route, tuple(key.public_key for key in asked)))

    def _in(self) -> list[str]:
        return [one for one, came in self._found.logins.items() if isinstance(came, Visited)]

    def _is_open(self) -> bool:
        logins, arranged = list(self._found.logins.values()), self._found.arranged
        stuck = isinstance(arranged, Failed) and arranged.reason not in NOT_INSTALLED
        return (
            not stuck and bool(logins) and all(isinstance(one, Visited) or one.reason in NOT_LET_IN for one in logins)
        )

    # --- the host key

    def _noted(self, came: Came) -> Came:
        """From the first host key that is taken unseen on, only that one counts for the rest of this probe."""
        shown = shown_by(came)
        by_first_use = is_by_first_use(self._observed.target) and self._observed.target.status.host_key is None
        if shown and by_first_use:
            spec = self._spec
            trust = host_trust(
                spec.host_keys, host=spec.host, port=spec.port, now=self._observed.now, recorded=shown.public_key
            )
            if isinstance(trust, BadLine):  # never with this policy
                raise TypeError
            self._route = replace(self._route, target=replace(self._route.target, trust=trust))
        return came


def shown_by(came: Visited | Arranged | Queried | Failed) -> OfferedKey | None:
    """Return the trusted host key that a visit met."""
    if isinstance(came, Failed):
        return None if came.reason in UNTRUSTED else came.offered
    return came.host_key if isinstance(came, Visited) else came.visited.host_key


def _is_shut(arranged: Failed) -> bool:
    """Whether there is no point in trying to log in: the server was not reached, or no key is let in."""
    return arranged.reason is not TargetReason.INSTALL_FAILED


def _public(key: StoredKey) -> PublicHalf:
    return PublicHalf(key.fingerprint, key.public_key)
