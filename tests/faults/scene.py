"""What an operation has to do with: users, operators, and waits for what is wanted. One for each run of a plan."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from cluster.etcd_history import CREDENTIALS, SECRETS
from cluster.shown import Object, answered, condition_of, reason_of, secret_of
from controlplane.waiting import TimedOut
from faults.chronicle import Chronicle, Heard
from faults.phases import HEALED, OLD_AFTER_CRASH
from faults.plan import Plan
from faults.run import Wanted
from faults.stage import Place
from sshcredential_operator.api.names import SECRET_TYPE
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE

READY: Final = 200
PATIENCE: Final = 60.0
ANOTHER_LOOK: Final = 3700.0
"""After an hour an operator looks again at what is due later, whatever its timers say."""
ANOTHER_GRACE: Final = 170 * 3600.0
"""Longer than the grace period of a deleted credential, where users have asked for no other."""
IDLE_SECONDS: Final = 0.2
"""Who asks for nothing for so long has nothing to do."""


class Scene:
    """One run of a plan."""

    def __init__(self, place: Place, chronicle: Chronicle, plan: Plan) -> None:
        self.plan, self.place, self._chronicle = plan, place, chronicle
        self.users, self.cast = place.users, place.cast
        self.wanted: dict[str, Wanted] = {}
        self.kept: set[str] = set()
        """Credentials that are gone and whose Secrets stay."""
        self.also: Callable[[], Iterator[str]] = lambda: iter(())
        """Yields what else is lacking."""
        self.serves = True
        """Whether the operator can say that it is ready in the end."""
        self._passed = False
        """Whether an operation has set the clocks ahead."""
        self.late = ""
        """What was still lacking when patience ended."""
        self.backup: dict[tuple[str, str], Object] = {}
        """What somebody has kept."""
        self.rests: list[int] = []
        cast = self.cast
        cast.steal = lambda holder: self.users.hold_lease("sshcredential-operator", holder)

    # --- what operations do

    def want(self, **wanted: Wanted) -> None:
        """Want these credentials in the end, as well."""
        self.wanted |= {name.replace("_", "-"): one for name, one in wanted.items()}

    def start(self) -> None:
        """Start all operators; of those that elect one, the first one leads."""
        for who in self.cast.scopes:
            self.cast.start(who)
            if self.plan.cast == "elected":
                self.until(self.says_ready, f"operator {who} is ready")

    def until_level(self, seconds: float = PATIENCE) -> None:
        """Return when all is as wanted."""
        # A pass that began before the clock was set has counted from after it: that costs an hour. Who has read that a
        # credential is there still, after its end, begins its grace period anew.
        misled = any(strike.phase in OLD_AFTER_CRASH for strike in self.plan.strikes)
        for longer in (ANOTHER_LOOK, *([ANOTHER_GRACE] if misled else [])) if self._passed else ():
            try:
                self.until(self.is_level, "all is level", seconds / 3)
                break
            except TimedOut:
                self.cast.set_ahead(longer)
        try:
            self.until(lambda: not list(self.lacks()), "all is level", seconds)
        except TimedOut as late:
            raise TimedOut(f"{late}; but {list(self.lacks())[:4]}") from None

    def until(self, condition: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
        """Return when a condition holds."""

        def holds() -> bool:
            self.cast.tick()
            return bool(condition())

        self._chronicle.until(holds, what, seconds)

    def until_reason(self, name: str, reason: str) -> None:
        """Return when a credential's present spec is answered with this reason."""
        self.until(lambda: self._says(name) == reason, f"{name} is {reason}")

    def pass_time(self, seconds: float) -> None:
        """Let so much time pass for the operators, as soon as they have nothing to do."""
        self.until_idle()
        self._passed = True
        self.cast.set_ahead(seconds)

    def is_level(self) -> bool:
        """Whether all is as wanted."""
        return not next(self.lacks(), "")

    def rest(self) -> None:
        """Note that nothing is under way: what was so before explains nothing of what comes later."""
        self.rests.append(self._chronicle.catch_up())

    # --- what there is

    def present(self) -> dict[tuple[str, str], Object]:
        """Return what there is in the workspace."""
        return self._chronicle.present(self.place.namespace)

    def credential(self, name: str) -> Object | None:
        """Return a credential as it is."""
        return self.present().get((CREDENTIALS, name))

    def secret(self, name: str) -> Object | None:
        """Return the Secret of a credential as it is."""
        return self.present().get((SECRETS, secret_of(name)))

    def ring(self) -> list[Object]:
        """Return the Secrets of the operator's namespace."""
        found = self._chronicle.present(self.place.own)
        return [one for (resource, _), one in found.items() if resource == SECRETS]

    def lacks(self) -> Iterator[str]:
        """Yield what is not as wanted."""
        found = self.present()
        for name, wanted in self.wanted.items():
            yield from _lacks(name, wanted, found.get((CREDENTIALS, name)))
        stored = {name for (resource, name), one in found.items() if resource == SECRETS and _is_ours(one)}
        secrets = {secret_of(name) for name, wanted in self.wanted.items() if wanted.secret} | {
            *map(secret_of, self.kept)
        }
        foreign = {name for (resource, name) in found if resource == SECRETS} - stored
        yield from (f"Secret {name} is there or not" for name in (stored ^ secrets) - foreign)
        yield from (
            f"{name} is left" for resource, name in found if resource == CREDENTIALS and name not in self.wanted
        )
        if self.serves and self.cast.operators and not any(map(_is_sealing_key, self.ring())):
            yield "there is no sealing key"
        yield from self.also()

    def heard(self) -> list[Heard]:
        """Return all that was heard of both namespaces."""
        return [*self._chronicle.of(self.place.namespace), *self._chronicle.of(self.place.own)]

    def version(self) -> int:
        """Return the version of the last write."""
        return self._chronicle.catch_up()

    def times(self) -> Mapping[int, datetime]:
        """Return when each version was written, by the first operator's clock."""
        return {
            one.revision.version: datetime.fromtimestamp(self.cast.by_its_clock(one.at), UTC) for one in self.heard()
        }

    def says_ready(self) -> bool:
        """Whether every operator says of itself that it is ready."""
        return all(operator.get("/readyz")[0] == READY for operator in self.cast.operators.values())

    def until_idle(self) -> None:
        """Return when no operator has anything to do: it knows all that was written, and asks for nothing."""
        self.until(self._is_idle, "the operators have nothing to do")

    def _is_idle(self) -> bool:
        before = self._asked()
        # An operator that answers twice has taken in between whatever lay before it.
        answers = [operator.get("/healthz") for operator in self.cast.operators.values()]
        busy = any(_is_at_work(operator.get("/metrics")[1]) for operator in self.cast.operators.values())
        scopes = self.cast.scopes.values()
        rests = all(scope.in_flight <= 0 and time.monotonic() - scope.asked_last > IDLE_SECONDS for scope in scopes)
        return rests and bool(answers) and not busy and self._asked() == before and self._knows_all()

    def _asked(self) -> int:
        return sum(len(scope.requests) for scope in self.cast.scopes.values())

    def _knows_all(self) -> bool:
        latest = dict.fromkeys((CREDENTIALS, SECRETS), 0)
        for heard in self._chronicle.of(self.place.namespace):
            one = heard.revision
            if one.object is not None and (one.resource == CREDENTIALS or _is_ours(one.object)):
                latest[one.resource] = one.version
        # What a plan has dropped is told of by nobody for a while.
        deaf = any(strike.phase in HEALED for strike in self.plan.strikes)
        return (
            deaf
            or not self.serves
            or all(
                version <= scope.told.get(resource, 0)
                for resource, version in latest.items()
                for scope in self.cast.scopes.values()
            )
        )

    def _says(self, name: str) -> str:
        found = self.credential(name)
        return reason_of(found) if found and answered(found) else ""


def _lacks(name: str, wanted: Wanted, found: Object | None) -> Iterator[str]:
    if found is None:
        yield f"{name} is gone"
    elif not answered(found) or reason_of(found) != wanted.reason:
        yield f"{name} says {condition_of(found)['reason']}: {condition_of(found)['message']}"
    elif wanted.ready and found["status"].get("rotationSerial") != wanted.serial:
        yield f"{name} has answered serial {found['status'].get('rotationSerial')}"


def _is_at_work(metrics: str) -> bool:
    """Whether one that leads makes passes or has some to make; what a standby has waits until it leads."""
    found = dict(re.findall(r"^sshcredential_operator_(\w+(?:\{kind=\"\w+\"\})?) (\S+)$", metrics, re.MULTILINE))
    leads = float(found.get("leader", 0))
    return bool(leads) and any(
        float(value) for name, value in found.items() if name.startswith(("queue_depth", "running_passes"))
    )


def _is_ours(found: Object) -> bool:
    return bool(found["type"] == SECRET_TYPE)


def _is_sealing_key(found: Object) -> bool:
    return bool(found["type"] == SEALING_KEY_SECRET_TYPE)
