"""One control plane on this machine: starts it, stops and restarts its parts, and says how to reach it.

Used by the `cluster` fixtures of the tests and by `python -m controlplane up`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from controlplane import access, audit, commandlines, processes
from controlplane.binaries import Binaries, find_binaries
from controlplane.commandlines import Surroundings
from controlplane.files import Files
from controlplane.guard import Guard
from controlplane.ports import TAKEN_MESSAGE, free_ports
from controlplane.readiness import NotReady, PortTaken, is_ready
from controlplane.waiting import TimedOut, wait_until

READY_SECONDS: Final = 60.0
PORT_ATTEMPTS: Final = 3

ETCD: Final = "etcd"
APISERVER: Final = "apiserver"
CONTROLLER_MANAGER: Final = "controller-manager"
ON_THE_MACHINE: Final = Surroundings()


class ControlPlane:
    """etcd, API server and controller manager in processes of their own, with all their data in one folder.

    `apiserver_args` are added to the API server's flags. `guarded` ends the processes when this one ends, even by a
    crash; without it they live on, to be ended by what `daemons` tells. `files` is what it has in its folder.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        audit_level: audit.AuditLevel = "Metadata",
        apiserver_args: Sequence[str] = (),
        surroundings: Surroundings = ON_THE_MACHINE,
        guarded: bool = True,
        binaries: Binaries | None = None,
    ) -> None:
        self.data_dir = data_dir
        self.daemons: dict[str, processes.Daemon] = {}
        self._binaries = binaries or find_binaries()
        self._surroundings = surroundings
        self._apiserver_args = (*surroundings.apiserver_args, *apiserver_args)
        self.files = Files.prepare(data_dir, audit_level)
        self._ports = surroundings.ports or free_ports()
        self._guard = Guard() if guarded else None
        self._kubectl = access.Kubectl(self._binaries.kubectl, self.kubeconfig_for, self.files.kubectl_cache)

    def start(self) -> Self:
        """Start everything and return when the API server answers. Raises `NotReady`, with nothing left running."""
        try:
            self._start_where_ports_are_free()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End everything. The folder stays, with its logs."""
        for part in (CONTROLLER_MANAGER, APISERVER, ETCD):
            self._stop(part)
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop_apiserver(self, *, crash: bool = False) -> None:
        """End the API server: orderly, so that open requests are answered, or like a crash."""
        self._stop(APISERVER, crash=crash)

    def start_apiserver(self) -> None:
        """Start the API server again, on its old port, and return when it answers."""
        self._start_apiserver()
        self._wait_until_ready()

    def restart_etcd(self) -> None:
        """End etcd like a crash and start it again on its data; return when the API server has found it again."""
        self._stop(ETCD, crash=True)  # in order it takes seconds, since the API server does not let go of it
        self._start_etcd()
        self._wait_until_ready()

    @property
    def server(self) -> str:
        """The API server's address."""
        return f"https://{commandlines.LOOPBACK}:{self._ports.apiserver}"

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that signed the API server's."""
        return self.files.credentials.authority.certificate

    @property
    def audit_log(self) -> Path:
        """One line of JSON per request."""
        return self.files.audit_log

    def token(self, user: str) -> str:
        """Return a user's bearer token."""
        return self.files.tokens[access.known(user, self.files.tokens)]

    def kubeconfig_for(self, user: str) -> Path:
        """Return the path of a user's kubeconfig."""
        return self.files.kubeconfig(user)

    def kubectl(
        self,
        *arguments: str,
        user: str = access.ADMIN,
        input: str | None = None,  # noqa: A002 - as in subprocess.run
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as a user. Raises `KubectlFailed`, which shows what kubectl said, unless `check` is false."""
        return self._kubectl(*arguments, user=user, input=input, check=check)

    def audit_mark(self) -> audit.AuditMark:
        """Return the present end of the audit log, for `audit_events`."""
        return audit.mark(self.audit_log)

    def audit_events(self, since: audit.AuditMark = audit.BEGINNING) -> list[audit.AuditEvent]:
        """Return what was asked of the API server since the mark. An answer may arrive just before its entry does."""
        return audit.read(self.audit_log, since)

    def _start_where_ports_are_free(self) -> None:
        for _ in range(PORT_ATTEMPTS - 1):
            try:
                self._start_everything()
            except PortTaken:
                for part in (APISERVER, ETCD):
                    self._stop(part, crash=True)
                # etcd's data, if it got that far, remembers the port of its peer address.
                shutil.rmtree(self.files.etcd_data, ignore_errors=True)
                self._ports = self._surroundings.ports or free_ports()
            else:
                return
        self._start_everything()

    def _start_everything(self) -> None:
        self.files.write_kubeconfigs(self.server)
        self._start_etcd()
        self._start_apiserver()
        self._wait_until_ready()

    def _start_etcd(self) -> None:
        self._start(ETCD, commandlines.etcd(self._binaries.etcd, self.files.etcd_data, self._ports))

    def _start_apiserver(self) -> None:
        audit_flags = audit.flags(self.files.audit_policy, self.audit_log)
        command = commandlines.apiserver(self._binaries.apiserver, self._ports, self.files.credentials, audit_flags)
        self._start(APISERVER, command + self._apiserver_args)

    def _start_controller_manager(self) -> None:
        """Start it unless it runs. It ends by itself if the API server goes away while it starts."""
        earlier = self.daemons.get(CONTROLLER_MANAGER)
        command = self._binaries.controller_manager
        if command and not (earlier and earlier.is_running()):
            kubeconfig = self.files.controller_manager_kubeconfig
            flags = commandlines.controller_manager(
                command, kubeconfig, self.files.credentials, self._surroundings.controllers
            )
            self._start(CONTROLLER_MANAGER, flags + self._surroundings.controller_manager_args)

    def _start(self, part: str, command: tuple[str, ...]) -> None:
        daemon = processes.start((*self._surroundings.entrance, *command), self.files.log(part))
        self.daemons[part] = daemon
        if self._guard is not None:
            self._guard.watch(daemon)

    def _stop(self, part: str, *, crash: bool = False) -> None:
        daemon = self.daemons.pop(part, None)
        if daemon is not None:
            processes.kill(daemon) if crash else processes.stop(daemon)

    def _wait_until_ready(self) -> None:
        try:
            wait_until(self._is_ready, "the API server is ready", READY_SECONDS)
        except TimedOut as late:
            raise NotReady(f"{late}\n{self.daemons[APISERVER].log_tail()}") from None
        self._start_controller_manager()  # last: the others need the processors now, and nobody waits for it

    def _is_ready(self) -> bool:
        for part in (ETCD, APISERVER):
            if not (daemon := self.daemons[part]).is_running():
                tail = daemon.log_tail()
                kind = PortTaken if TAKEN_MESSAGE in tail else NotReady
                raise kind(f"{part} ended; the end of {daemon.log}:\n{tail}")
        return is_ready(self._ports.apiserver, self.ca_file, self.token(access.ADMIN))
