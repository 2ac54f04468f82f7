"""A Kubernetes node on this machine, with the control plane it belongs to: containers, Services, DNS.

Used by the `node` and `cluster` fixtures and by `python -m node up`. It can be asked whatever a `Cluster` can, and for
images to be loaded, commands to be run inside, and the processes of containers. Everything lives in namespaces
of its own; all that the machine sees is one port of its loopback, which leads to the API server.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from controlplane import access, audit, processes
from controlplane.access import KubectlFailed
from controlplane.binaries import Command, from_one_binary
from controlplane.build import built_binary
from controlplane.commandlines import LOOPBACK
from controlplane.guard import Guard
from controlplane.plane import ControlPlane
from controlplane.ports import bound_socket
from controlplane.processes import Daemon
from controlplane.readiness import NotReady
from controlplane.waiting import TimedOut, wait_until
from node import addresses, enclosure, images, preflight, settings, traces
from node.containers import Process, processes_of
from node.enclosure import Enclosure
from node.lock import if_free, one_node
from node.parts import KUBELET_CLIENT, Parts, surroundings
from node.programs import path_of

FOLDER: Final = Path(__file__).parent
KEEPER: Final = "keeper"
FIRST: Final = "first"
READY_SECONDS: Final = 120
CTR: Final = (path_of("ctr"), f"--address={settings.SOCKET}", "--namespace=k8s.io")
LOAD: Final = (*CTR, "images", "import", "--snapshotter=overlayfs")


class CommandFailed(AssertionError):
    """A command inside the node ended with an error. The text holds its command line and what it said."""


class Node:
    """One node and its control plane. Its folder holds certificates, kubeconfigs, logs and the control plane's data.

    Images and containers are kept in memory, some hundred MB.

    `guarded` ends it when this process ends, even by a crash. `plane` is its control plane, with audit log and tokens;
    there is one while the node runs.
    """

    plane: ControlPlane
    _enclosure: Enclosure
    _parts: Parts

    def __init__(self, folder: Path, *, audit_level: audit.AuditLevel = "Metadata", guarded: bool = True) -> None:
        self.folder = folder
        self._audit_level = audit_level
        self._guarded = guarded
        self._guard: Guard | None = None
        self._daemons: dict[str, Daemon] = {}

    def start(self) -> Self:
        """Start everything; return when the node is ready and names are resolved. Leaves nothing running if it fails.

        Raises `NoNode` where no node can be, `NotReady` where it did not come up, and what the builders raise.
        """
        preflight.require()
        binary, archives = built_binary(), (images.pause(), images.coredns())
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._guard = Guard() if self._guarded else None
        try:
            self._enclose()
            self._start_control_plane(binary, archives)
            self._start_parts()
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End everything, like a power cut: none of its data is wanted any more. The folder stays, with its logs."""
        end(self.daemons)
        if hasattr(self, "plane"):
            self.plane.stop()
        self._daemons.clear()
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def daemons(self) -> dict[str, Daemon]:
        """Every process that was started on the machine for it, for `end`."""
        return {**self._daemons, **(self.plane.daemons if hasattr(self, "plane") else {})}

    @property
    def server(self) -> str:
        """The API server's address, on the machine's loopback."""
        return self.plane.server

    @property
    def ca_file(self) -> Path:
        """The certificate of the authority that signed the API server's."""
        return self.plane.ca_file

    def kubeconfig_for(self, user: str) -> Path:
        """Return the path of a user's kubeconfig."""
        return self.plane.kubeconfig_for(user)

    def kubectl(
        self,
        *arguments: str,
        user: str = access.ADMIN,
        input: str | None = None,  # noqa: A002 - as in subprocess.run
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as a user. Raises `KubectlFailed`, which shows what kubectl said, unless `check` is false."""
        return self.plane.kubectl(*arguments, user=user, input=input, check=check)

    def load_image(self, archive: Path) -> None:
        """Give the node an image, from an archive in docker's format. It is known by the names in the archive."""
        self.run(*LOAD, str(archive))

    def run(
        self,
        *command: str,
        input: str | None = None,  # noqa: A002 - as in subprocess.run
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the machine inside, where the addresses of pods and Services are reached.

        Raises `CommandFailed`, which shows what it said, unless `check` is false.
        """
        outcome = subprocess.run(
            [*self._enclosure.whole, *command], input=input or "", capture_output=True, text=True, check=False
        )
        if check and outcome.returncode != 0:
            raise CommandFailed(f"{shlex.join(command)} (inside the node):\n{outcome.stderr}{outcome.stdout}")
        return outcome

    def processes_of(self, namespace: str, pod: str, container: str | None = None) -> list[Process]:
        """Return the processes of a pod's container (its first one's, unless named), the container's first one first.

        Their ids are the machine's: for signals, and to be looked up in /proc.
        """
        which = "0" if container is None else f'?(@.name=="{container}")'
        path = f"jsonpath={{.status.containerStatuses[{which}].containerID}}"
        identifier = self.kubectl("get", "pod", pod, "--namespace", namespace, "-o", path).stdout
        return processes_of(identifier.removeprefix("containerd://")) if identifier else []

    def _enclose(self) -> None:
        with one_node(self.folder, standing=not self._guarded):
            traces.remove()  # of one that was killed together with its guard
            traces.make()
            self._enclosure = Enclosure.open(self.folder, traces.FOLDERS)
        self._know(KEEPER, self._enclosure.keeper)
        self._know(FIRST, self._enclosure.first)
        self.run("sh", "-ec", settings.network())

    def _start_control_plane(self, binary: Path, archives: Iterable[Path]) -> None:
        data = self.folder / "control-plane"
        with bound_socket() as listener:
            port = listener.getsockname()[1]
            self._start_relay(listener, port)
        self.plane = ControlPlane(
            data,
            audit_level=self._audit_level,
            surroundings=surroundings(self._enclosure, data / "pki", port),
            guarded=self._guarded,
            binaries=from_one_binary(binary),
        )
        self.plane.files.authority.client(KUBELET_CLIENT, "system:masters")
        self._parts = Parts(self.folder, str(binary), self.plane.files, self.plane.server)
        self._start("containerd", (*self._enclosure.whole, *self._parts.containerd()))
        with ThreadPoolExecutor(1) as meanwhile:
            loading = meanwhile.submit(self._load_images, archives)
            self.plane.start()
            loading.result()

    def _load_images(self, archives: Iterable[Path]) -> None:
        answers = (*CTR, "version")
        wait_until(lambda: self.run(*answers, check=False).returncode == 0, "containerd answers", READY_SECONDS)
        for archive in archives:
            self.load_image(archive)

    def _start_relay(self, listener: socket.socket, port: int) -> None:
        """Let a process inside accept what comes to a socket of the machine. Only here it is inherited."""
        listener.listen(128)
        listener.set_inheritable(True)
        script = (sys.executable, "-I", str(FOLDER / "relay.py"), str(listener.fileno()), LOOPBACK, str(port))
        self._start("relay", (*self._enclosure.network, *script))

    def _start_parts(self) -> None:
        inside = self._enclosure.whole
        self.kubectl("apply", "-f", str(FOLDER / "coredns.yaml"))
        self._start("scheduler", (*inside, *self._parts.scheduler()))
        self._start("kubelet", (*inside, *self._parts.kubelet()))
        self._start("kube-proxy", (*inside, *self._parts.kube_proxy()))

    def _wait_until_ready(self) -> None:
        rollout = ("rollout", "status", "deployment/coredns", "--namespace=kube-system")
        try:
            self.kubectl(*rollout, f"--timeout={READY_SECONDS}s")
            # The pod is ready before kube-proxy leads the Service's address to it.
            wait_until(self._resolves_names, "names are resolved", READY_SECONDS)
        except (KubectlFailed, TimedOut) as late:
            logs = "\n".join(f"--- {part}\n{daemon.log_tail(8)}" for part, daemon in self.daemons.items())
            raise NotReady(f"the node did not come up: {late}\n{logs}") from None

    def _resolves_names(self) -> bool:
        name = f"kubernetes.default.svc.{addresses.DOMAIN}"
        lookup = (sys.executable, "-I", str(FOLDER / "lookup.py"), name, addresses.DNS_ADDRESS)
        return self.run(*lookup, check=False).returncode == 0

    def _start(self, part: str, command: Command) -> None:
        self._know(part, processes.start(command, self.folder / f"{part}.log"))

    def _know(self, part: str, daemon: Daemon) -> None:
        self._daemons[part] = daemon
        if self._guard is not None:
            self._guard.watch(daemon)


def end(daemons: Mapping[str, Daemon]) -> None:
    """End all processes of a node, started here or by an earlier command, and remove what it left on the machine."""
    if FIRST in daemons:
        enclosure.close(daemons[FIRST], daemons[KEEPER])
    for daemon in daemons.values():
        processes.kill(daemon)
    with if_free() as ours:
        if ours:  # else the next node has begun, and has taken them over
            traces.remove()
