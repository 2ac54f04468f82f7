"""Who is compared: this operator, a plain Kopf operator, and peers of which a binary is given. Each does one `Job`.

A contender runs only while it is measured, for namespaces of its own, and talks to the API server as a user of its own,
so that its requests can be told apart.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.load import Job, credential_job
from bench.plain_operator import CRD, GROUP, PLURAL, VERSION
from bench.stage import Stage
from controlplane.clusters import Cluster

PLAIN: Final = Path(__file__).with_name("plain_operator.py")
KOPF: Final = Path(sys.executable).with_name("kopf")

Started = Callable[[Stage, Sequence[str]], AbstractContextManager[int]]
"""Starts it for these namespaces, which exist, and yields the id of its process; it may not be ready yet."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One operator, and what asks it for one secret."""

    name: str
    user: str
    job: Job
    running: Started
    prepare: Callable[[Stage], None] = lambda _: None
    """Called once, before anything is measured."""


@contextmanager
def _ours(stage: Stage, namespaces: Sequence[str]) -> Iterator[int]:
    with stage.operator(namespaces) as operator:
        yield operator.pid


def ours() -> Contender:
    """Return this operator, with the rights of its own roles."""
    return Contender("this operator", "operator", credential_job(), _ours)


def plain() -> Contender:
    """Return the plain Kopf operator."""

    def body(name: str) -> Mapping[str, Any]:
        return {"apiVersion": f"{GROUP}/{VERSION}", "kind": "PlainSecret", "metadata": {"name": name}, "spec": {}}

    def prepare(stage: Stage) -> None:
        stage.plane.kubectl("apply", "-f", "-", input=json.dumps(CRD))
        stage.plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", f"crd/{CRD['metadata']['name']}")
        _let_do_anything(stage.plane, "alice")

    @contextmanager
    def running(stage: Stage, namespaces: Sequence[str]) -> Iterator[int]:
        places = [part for name in namespaces for part in ("--namespace", name)]
        command = [str(KOPF), "run", "--standalone", *places, str(PLAIN)]
        with _program(stage, "plain-kopf", "alice", command, {}) as pid:
            yield pid

    job = Job(
        f"/apis/{GROUP}/{VERSION}/namespaces/{{namespace}}/{PLURAL}", body, lambda line: b'"phase":"Ready"' in line
    )
    return Contender("a plain Kopf operator", "alice", job, running, prepare)


def secret_generator(binary: Path, manifests: Path | None = None) -> Contender:
    """Return mittwald's kubernetes-secret-generator: it fills a Secret that bears an annotation.

    Its variables are those of its chart; OPERATOR_RUN_MODE lets it run outside of a pod. `manifests` has its CRDs.
    """
    annotations = {"secret-generator.v1.mittwald.de/autogenerate": "password"}

    def body(name: str) -> Mapping[str, Any]:
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "annotations": annotations}}

    def prepare(stage: Stage) -> None:
        if manifests:
            stage.plane.kubectl("apply", "-f", str(manifests))
        _let_do_anything(stage.plane, "bob")

    @contextmanager
    def running(stage: Stage, namespaces: Sequence[str]) -> Iterator[int]:
        variables = {
            "WATCH_NAMESPACE": ",".join(namespaces),
            "POD_NAME": "bench",
            "OPERATOR_NAME": "kubernetes-secret-generator",
            "OPERATOR_RUN_MODE": "local",
            "SECRET_LENGTH": "40",
        }
        with _program(stage, "secret-generator", "bob", [str(binary)], variables) as pid:
            yield pid

    job = Job("/api/v1/namespaces/{namespace}/secrets", body, lambda line: b'"password":"' in line)
    return Contender("kubernetes-secret-generator", "bob", job, running, prepare)


PEERS: Final[dict[str, Callable[[Path, Path | None], Contender]]] = {"secret-generator": secret_generator}
"""Adapters by name. Another peer is one more function here: its user, its job, and how it is started."""


def peer(text: str) -> Contender:
    """Return the peer of `NAME=BINARY` or `NAME=BINARY,MANIFESTS`; ValueError says what is wrong."""
    name, _, rest = text.partition("=")
    binary, _, manifests = rest.partition(",")
    if name not in PEERS or not os.access(binary, os.X_OK):
        raise ValueError(f"{text} is not NAME=BINARY[,MANIFESTS], of a program that runs; names: {', '.join(PEERS)}")
    return PEERS[name](Path(binary).resolve(), Path(manifests).resolve() if manifests else None)


def _let_do_anything(cluster: Cluster, user: str) -> None:
    flags = ("--clusterrole=cluster-admin", f"--user={user}")
    cluster.kubectl("create", "clusterrolebinding", f"bench-{user}", *flags)


@contextmanager
def _program(stage: Stage, word: str, user: str, command: Sequence[str], variables: Mapping[str, str]) -> Iterator[int]:
    environment = {**os.environ, "KUBECONFIG": str(stage.plane.kubeconfig_for(user)), **variables}
    with (stage.folder / f"{word}.log").open("ab") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(30)
