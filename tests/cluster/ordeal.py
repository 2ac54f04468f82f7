"""An operator on a control plane that keeps its history, with a fault proxy between them: made ready, driven, judged.

Users do not go through the proxy, nor does the judge. Used by `test_trouble`, `test_greens` and tests/bench.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import urllib3

from cluster.desk import Desk, desk_in
from cluster.etcd_history import API_SERVER_FLAGS, CREDENTIALS, SECRETS, Revision, history, now, present
from cluster.false_greens import false_greens, lost_greens
from cluster.keys_written import key_ring_changes, too_many_keys
from cluster.opened import kek_of
from cluster.rights import grant_cluster, grant_operator_namespace, grant_workspace
from cluster.shown import Object, answered, condition_of, generated, secret_of
from controlplane.clusters import install
from controlplane.plane import ControlPlane
from controlplane.waiting import TimedOut, wait_until
from faultproxy.proxy import FaultProxy
from operators.process import OperatorProcess
from sshcredential_operator.encryption.envelope import Kek

USER: Final = "operator"
WORKSPACE: Final = "genomics"
OWN: Final = "sshcredential-system"
PATIENCE: Final = 60.0
STEP_SECONDS: Final = 0.4
CONNECTIONS: Final = 8
"""How many things users do at the same time."""

OK: Final = 200
AT_ONCE: Final = {"deletionGracePeriod": "0s"}


class Ordeal:
    """The operator, its surroundings, and what it takes to judge it."""

    def __init__(self, plane: ControlPlane, proxy: FaultProxy, desk: Desk, ring: Desk) -> None:
        self.plane, self.proxy, self.desk, self._ring = plane, proxy, desk, ring
        self._began = now(plane)

    def start(self, folder: Path, *, proxied: bool) -> OperatorProcess:
        """Start the operator."""
        through, directly = self.proxy.kubeconfig(USER, self.plane.token(USER)), self.plane.kubeconfig_for(USER)
        self.operator = OperatorProcess(
            through if proxied else directly,
            folder / "operator.log",
            operator_namespace=OWN,
            workspaces=[WORKSPACE],
            options=["--debug"],
        )
        return self.operator

    def key_of(self) -> Callable[[str], Kek | None]:
        """Return what gives the workspace's key."""
        kek = kek_of(self.desk.namespace_uid(), self._ring)
        return {kek.kid: kek}.get

    def key_ring_troubles(self) -> list[str]:
        """Return what was wrong with the key ring at any moment."""
        return list(key_ring_changes(history(self.plane, self._began), 1))


class Users:
    """What users want of credentials whose names begin with one word, and whether they have got it."""

    def __init__(self, ordeal: Ordeal, word: str) -> None:
        self._ordeal, self._word = ordeal, word
        self._since, self._numbers = now(ordeal.plane), itertools.count()
        self._wanted: dict[str, int] = {}
        self._serials: dict[str, int] = {}

    def new_name(self) -> str:
        """Return a name for a credential that these users have not used yet."""
        return f"{self._word}-{next(self._numbers)}"

    def create(self, *names: str, **spec: Any) -> None:
        """Create credentials with generated keys."""
        at_once(lambda name: self._ordeal.desk.create(name, generated() | spec), names)
        self._wanted |= dict.fromkeys(names, 0)

    def create_stubbornly(self, *names: str) -> None:
        """Create credentials, whatever the API server says to it, until they are there."""
        at_once(self._create_until_there, names)
        self._wanted |= dict.fromkeys(names, 0)

    def rotate(self, *names: str) -> None:
        """Ask for the next key of each."""
        for name in names:
            self._wanted[name] = self._serials[name] = self._wanted[name] + 1
        at_once(lambda name: self._ordeal.desk.edit(name, {"rotation": {"serial": self._wanted[name]}}), names)

    def delete(self, *names: str) -> None:
        """Delete credentials."""
        at_once(self._ordeal.desk.delete, names)
        for name in names:
            del self._wanted[name]

    def work(self) -> None:
        """Create some, rotate those that were created before, and delete one of these."""
        before = list(self._wanted)[-5:]
        self.create(*(self.new_name() for _ in range(4)))
        self.create(self.new_name(), **AT_ONCE)
        self.rotate(*before)
        self.delete(*before[-1:])

    def work_until(self, over: Callable[[], bool], least_seconds: float) -> None:
        """Work for so many seconds at least, and until something has happened."""
        begun = time.monotonic()

        def is_over() -> bool:
            return over() and time.monotonic() - begun >= least_seconds

        while not is_over():
            if time.monotonic() - begun > PATIENCE:
                raise TimedOut("what should have happened did not")
            self.work()
            with suppress(TimedOut):  # then a little more work may help
                wait_until(is_over, "this has happened", STEP_SECONDS)

    def until_level(self) -> float:
        """Wait until everything is as users want it, and return how many seconds that took."""
        begun = time.monotonic()
        try:
            wait_until(lambda: not self.lacks(), "all is level again", PATIENCE)
        except TimedOut as late:
            raise TimedOut(f"{late}; but {self.lacks()}") from None
        return time.monotonic() - begun

    def lacks(self) -> list[str]:
        """Return what is not as users want it, the operator's own word on itself included."""
        code, said = self._ordeal.operator.get("/readyz")
        found = self.present()
        late = {name: found.get((CREDENTIALS, name)) for name in self._wanted}
        stored = {name for resource, name in found if resource == SECRETS}
        return [
            *(f"/readyz says {code}: {said}" for _ in range(code != OK)),
            *(f"{name} is {shown and shown['status']}" for name, shown in late.items() if not is_level(shown)),
            *(f"Secret {name} is there or not" for name in stored ^ set(map(secret_of, self._wanted))),
        ]

    def present(self) -> dict[tuple[str, str], Object]:
        """Return all that there is now of these credentials and their Secrets, by resource and name."""
        found = [one for one in present(self._ordeal.plane) if one.name.startswith(f"{self._word}-")]
        return {(one.resource, one.name): one.object for one in found if one.object}

    def troubles(self) -> list[str]:
        """Return whatever was wrong with these credentials at any moment."""
        key_of, own = self._ordeal.key_of(), self._history()
        return [*false_greens(own, key_of), *lost_greens(own), *too_many_keys(own, key_of, self._serials)]

    def _history(self) -> list[Revision]:
        found = history(self._ordeal.plane, self._since)
        return [one for one in found if one.name.startswith(f"{self._word}-")]

    def _create_until_there(self, name: str) -> None:
        wait_until(lambda: self._is_created(name), f"{name} is created", PATIENCE)

    def _is_created(self, name: str) -> bool:
        try:
            self._ordeal.desk.create(name, generated())
        except AssertionError as refused:  # what an answer was lost of exists
            return "already exists" in str(refused)
        except (urllib3.exceptions.HTTPError, ValueError):  # nobody is there, or whoever is says something odd
            return False
        return True


@contextmanager
def ordeal(folder: Path, seed: int, *, proxied: bool = True) -> Iterator[Ordeal]:
    """Start a control plane, a proxy and an operator, which may also go past the proxy."""
    with ExitStack() as until_the_end:
        plane = until_the_end.enter_context(ControlPlane(folder / "data", apiserver_args=API_SERVER_FLAGS))
        install(plane)
        proxy = until_the_end.enter_context(FaultProxy(plane.server, plane.ca_file, folder, seed))
        desks = []
        for namespace, grant in ((WORKSPACE, grant_workspace), (OWN, grant_operator_namespace)):
            plane.kubectl("create", "namespace", namespace)
            grant(plane, namespace, USER)
            desks.append(until_the_end.enter_context(desk_in(plane, namespace)))
        grant_cluster(plane, USER)
        made = Ordeal(plane, proxy, *desks)
        until_the_end.enter_context(made.start(folder, proxied=proxied)).wait_until_ready()
        yield made


def at_once(do: Callable[[str], object], names: Iterable[str]) -> None:
    """Do this for every name, over a few connections."""
    with ThreadPoolExecutor(CONNECTIONS) as users:
        for _ in users.map(do, names):
            pass


def is_level(found: Object | None) -> bool:
    """Whether a credential is Ready for the present spec."""
    if found is None:
        return False
    asked, honoured = found["spec"]["rotation"]["serial"], found["status"].get("rotationSerial")
    return answered(found) and condition_of(found)["status"] == "True" and bool(honoured == asked)
