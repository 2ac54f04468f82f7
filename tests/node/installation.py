"""The operator on the node as people install it: by Helm, from the checkout's chart, with the checkout's image.

Used by the fixtures of this folder and by tests/bench. A cluster has one installation, so it is one object here,
which tests share: who leaves it otherwise than it was found says so by `uninstall`, `install` or `remove`.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml

from chart.rendering import CHART, NAMESPACE, RELEASE
from cluster.desk import Desk, desk_in
from cluster.shown import Object
from controlplane.waiting import wait_until
from node.node import Node
from node.operator_image import OperatorImage
from tools.programs import program

HELM: Final = "helm4"
"""The main one. Every method takes another one's name (`helm3`), too."""
WORKSPACES: Final = ("genomics", "proteomics")
ELSEWHERE: Final = "elsewhere"
"""A namespace that is no workspace, unless all are."""
RESTRICTED: Final = "pod-security.kubernetes.io/enforce=restricted"
REPLICAS: Final = 2
OUR_PODS: Final = f"app.kubernetes.io/instance={RELEASE},app.kubernetes.io/component=operator"
LEASE: Final = "sshcredential-operator"
PATIENCE: Final = "120s"


class HelmFailed(AssertionError):
    """Helm ended with an error. The text holds its arguments and what it said."""


class Installation:
    """The release on a node. Make it with `prepare`, which gives the node image and namespaces."""

    def __init__(self, node: Node, image: OperatorImage, folder: Path) -> None:
        self.node, self.image = node, image
        self._folder = folder
        self._as_it_should_be = False

    def prepare(self) -> Installation:
        """Load the image, and make the namespaces that somebody has to make before."""
        self.node.load_image(self.image.archive)
        self._make_namespaces()
        return self

    # --- the release

    def values(self, **changes: Any) -> dict[str, Any]:
        """Return the values of an installation for the workspaces, with changes at the top level."""
        repository, _, tag = self.image.name.rpartition(":")
        return {"workspaces": [*WORKSPACES], "image": {"repository": repository, "tag": tag}, **changes}

    def ensure(self) -> Installation:
        """Return with the release installed, as `values` says, and both pods ready."""
        if not self._as_it_should_be:
            self._make_namespaces()
            self.upgrade("--install")
            self._as_it_should_be = True
        self.until_ready()
        return self

    def install(self, *options: str, which: str = HELM, chart: str | Path = CHART, **changes: Any) -> str:
        """Install the chart and return what Helm said, when both pods are ready. `changes` are of `values`."""
        self._as_it_should_be = False
        wait = ("--wait", f"--timeout={PATIENCE}")
        return self.helm("install", RELEASE, chart, *wait, *options, which=which, values=self.values(**changes))

    def upgrade(self, *options: str, which: str = HELM, chart: str | Path = CHART, **changes: Any) -> str:
        """Upgrade to this chart and these values, and return what Helm said, when the new pods are ready."""
        self._as_it_should_be = False
        wait = ("--wait", f"--timeout={PATIENCE}")
        return self.helm("upgrade", RELEASE, chart, *wait, *options, which=which, values=self.values(**changes))

    def uninstall(self, *, which: str = HELM) -> str:
        """Uninstall, and return when the pods are gone."""
        self._as_it_should_be = False
        said = self.helm("uninstall", RELEASE, "--wait", which=which)
        wait_until(lambda: not self._listed(), "the pods are gone", 60)
        return said

    def exists(self) -> bool:
        """Whether there is a release."""
        return bool(json.loads(self.helm("list", "--output=json")))

    def remove(self) -> None:
        """Remove everything: the release, what it keeps, and all namespaces with their keys."""
        if self.exists():
            self.uninstall()
        own = (NAMESPACE, *WORKSPACES, ELSEWHERE)
        crds = ("sshcredentials.sshcredentials.dev", "sshcredentialexports.sshcredentials.dev")
        self.node.kubectl("delete", "namespace", *own, "--ignore-not-found", f"--timeout={PATIENCE}")
        self.node.kubectl("delete", "crd", *crds, "--ignore-not-found", f"--timeout={PATIENCE}")

    def helm(
        self,
        *arguments: str | Path,
        which: str = HELM,
        values: Mapping[str, Any] | None = None,
        check: bool = True,
    ) -> str:
        """Run Helm in the release's namespace and return what it printed. Raises `HelmFailed` unless told otherwise."""
        given = [] if values is None else ["--values", "-"]
        done = subprocess.run(
            [program(which), *arguments, "--namespace", NAMESPACE, *given],
            input=None if values is None else yaml.safe_dump(dict(values)),
            stdin=subprocess.DEVNULL if values is None else None,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment(),
        )
        if check and done.returncode:
            raise HelmFailed(f"{which} {' '.join(map(str, arguments))}:\n{done.stderr}{done.stdout}{self.trouble()}")
        return done.stdout if check else done.stdout + done.stderr

    def environment(self) -> dict[str, str]:
        """Return the environment of somebody who administers this cluster, without anything of this machine's Helm."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("HELM_")}
        homes = {f"HELM_{kind}_HOME": str(self._folder / "helm" / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        return {**own, **homes, "KUBECONFIG": str(self.node.kubeconfig_for("admin"))}

    # --- its pods

    def pods(self) -> list[Object]:
        """Return the operator's pods that are not about to end, oldest first."""
        living = [pod for pod in self._listed() if "deletionTimestamp" not in pod["metadata"]]
        return sorted(living, key=lambda pod: str(pod["metadata"]["creationTimestamp"]))

    def ready_pods(self) -> list[str]:
        """Return the names of those that are ready."""
        return [pod["metadata"]["name"] for pod in self.pods() if _is_ready(pod)]

    def until_ready(self, replicas: int = REPLICAS) -> list[str]:
        """Return the pods' names when so many are ready, and no others are left."""

        def ready() -> list[str]:
            names = self.ready_pods()
            return names if len(names) == len(self._listed()) == replicas else []

        return wait_until(ready, f"{replicas} pods are ready", 60)

    def leader(self) -> str:
        """Return the name of the living pod that leads, when there is one."""

        def holder() -> str:
            path = "jsonpath={.spec.holderIdentity}"
            held = self.kubectl("get", "lease", LEASE, "-o", path, "--ignore-not-found").partition("_")[0]
            return held if held in self.ready_pods() else ""

        return wait_until(holder, "a pod leads", 60)

    def standby(self) -> str:
        """Return the name of the other one."""
        leader = self.leader()
        return next(name for name in self.until_ready() if name != leader)

    def log(self, pod: str, *options: str) -> str:
        """Return what a pod has logged."""
        return self.kubectl("logs", pod, *options)

    def run_in(self, pod: str, program: str, *arguments: str, check: bool = True) -> str:
        """Run a Python program in a pod, which has no shell, and return what it printed."""
        command = ("exec", pod, "--namespace", NAMESPACE, "--", "python3", "-I", "-c", program, *arguments)
        return self.node.kubectl(*command, check=check).stdout

    # --- around it

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl in the operator's namespace and return what it printed."""
        return self.node.kubectl(*arguments, "--namespace", NAMESPACE).stdout

    @contextmanager
    def desk(self, workspace: str = WORKSPACES[0]) -> Iterator[Desk]:
        """Sit down in a namespace, as its administrator."""
        with desk_in(self.node, workspace) as desk:
            yield desk

    def trouble(self) -> str:
        """Return what a person would look at when an installation does not come up."""
        looks = (("get", "pods", "-o", "wide"), ("get", "events"), ("logs", "-l", OUR_PODS, "--tail=20"))
        asked = [self.node.kubectl(*look, "--namespace", NAMESPACE, check=False) for look in looks]
        told = zip(looks, asked, strict=True)
        return "\n".join(["", *(f"--- {' '.join(look)}\n{done.stdout}{done.stderr}" for look, done in told)])

    def _listed(self) -> list[Object]:
        listed = json.loads(self.kubectl("get", "pods", "--selector", OUR_PODS, "-o", "json"))
        items: list[Object] = listed["items"]
        return items

    def _make_namespaces(self) -> None:
        there = self.node.kubectl("get", "namespaces", "-o", "name").stdout.split()
        for name in (NAMESPACE, *WORKSPACES, ELSEWHERE):
            if f"namespace/{name}" not in there:
                self.node.kubectl("create", "namespace", name)
        self.node.kubectl("label", "namespace", NAMESPACE, RESTRICTED, "--overwrite")


def _is_ready(pod: Object) -> bool:
    conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
    return conditions.get("Ready") == "True"
