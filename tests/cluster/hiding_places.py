"""Every place where a secret could have got to, with its whole content. Used by `test_leaks`.

API objects, audit log, the operator's output, its environment and command lines, its files, etcd's data.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from controlplane import access, audit
from controlplane.plane import ETCD, ControlPlane
from controlplane.readiness import get

SAMPLE_SECONDS: Final = 0.02
_LOCAL: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Kind(StrEnum):
    """A kind of place."""

    OBJECT = "API object"
    AUDIT = "audit log"
    OUTPUT = "operator's output"
    ANSWER = "operator's HTTP answer"
    ENVIRON = "environment"
    COMMAND = "command line"
    FILE = "operator's file"
    HISTORY = "etcd's revisions"
    DATA = "etcd's files"


class Place(NamedTuple):
    """One place. `about` names an object as `secrets NAMESPACE/NAME`, and anything else in its own way."""

    kind: Kind
    about: str
    content: bytes


def objects(plane: ControlPlane) -> Iterator[Place]:
    """Yield every object of every resource that can be listed, with its managedFields; Secrets' values decoded, too."""
    for path, resource in _listable(plane):
        for item in _get(plane, f"{path}/{resource}")["items"]:
            about = _about(resource, item["metadata"].get("namespace", ""), item["metadata"]["name"])
            yield Place(Kind.OBJECT, about, json.dumps(item).encode())
            if resource == "secrets":
                yield from (Place(Kind.OBJECT, about, b64decode(value)) for value in (item.get("data") or {}).values())


def _listable(plane: ControlPlane) -> Iterator[tuple[str, str]]:
    groups = _get(plane, "/apis")["groups"]
    for path in ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]:
        for resource in _get(plane, path)["resources"]:
            if "list" in resource["verbs"] and "/" not in resource["name"]:
                yield path, resource["name"]


def _get(plane: ControlPlane, path: str) -> Any:
    port = int(plane.server.rpartition(":")[2])
    answer = get(port, path, plane.ca_file, plane.token(access.ADMIN))
    assert answer.code == 200, (path, answer)
    return json.loads(answer.body)


def audited(plane: ControlPlane) -> Iterator[Place]:
    """Yield the audit log's entries, with what was asked and answered; about what they name."""
    for line in plane.audit_log.read_bytes().splitlines():
        event = audit.parse(line)
        yield Place(Kind.AUDIT, _about(event.resource, event.namespace, event.name), line)


def revisions(plane: ControlPlane) -> Iterator[Place]:
    """Yield every revision that etcd keeps of every key: also what was overwritten or deleted."""
    address = _etcd_address(plane)
    everything = {"key": b64encode(b"\0").decode(), "range_end": b64encode(b"\0").decode()}
    newest = int(_ask(f"{address}/v3/kv/range", everything | {"count_only": True})["header"]["revision"])
    request = {"create_request": everything | {"start_revision": "1"}}
    with _LOCAL.open(f"{address}/v3/watch", json.dumps(request).encode()) as answer:
        seen = 0
        for line in answer:
            for event in json.loads(line)["result"].get("events", ()):
                key, value = (b64decode(event["kv"].get(part, "")) for part in ("key", "value"))
                seen = int(event["kv"]["mod_revision"])
                yield Place(Kind.HISTORY, _of_etcd(key.decode()), value)
            if seen >= newest:
                return


def _etcd_address(plane: ControlPlane) -> str:
    flags = Path(f"/proc/{plane.daemons[ETCD].pid}/cmdline").read_text().split("\0")
    return next(flag.partition("=")[2] for flag in flags if flag.startswith("--advertise-client-urls="))


def _ask(url: str, body: Any) -> Any:
    with _LOCAL.open(url, json.dumps(body).encode()) as answer:
        return json.load(answer)


def _of_etcd(key: str) -> str:
    """Return what `_about` says: /registry/secrets/NAMESPACE/NAME is a Secret."""
    _, _, resource, *place = key.split("/")
    return _about(resource, *place) if resource == "secrets" else key


def _about(resource: str, namespace: str, name: str) -> str:
    return f"{resource} {namespace}/{name}"


def etcd_files(plane: ControlPlane) -> Iterator[Place]:
    """Yield etcd's database and write-ahead log. Stop the control plane first: then everything is in them."""
    yield from _files(Kind.DATA, plane.data_dir / "etcd")


def files(folder: Path) -> Iterator[Place]:
    """Yield the files that the operator left in the folder that it took for all of its own."""
    yield from _files(Kind.FILE, folder)


def _files(kind: Kind, folder: Path) -> Iterator[Place]:
    for path in folder.rglob("*"):
        if path.is_file():  # the log is allocated far beyond its end
            yield Place(kind, str(path.relative_to(folder)), path.read_bytes().rstrip(b"\0"))


class ProcessLook:
    """Looks again and again at the environment and the command line of a process and its descendants."""

    def __init__(self, pid: int) -> None:
        self.places: set[Place] = set()
        self.pids: set[int] = set()
        self._pid, self._over = pid, threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            for pid in [self._pid, *_descendants(self._pid)]:
                for kind, name in ((Kind.ENVIRON, "environ"), (Kind.COMMAND, "cmdline")):
                    content = _read(Path(f"/proc/{pid}/{name}"))
                    if content:
                        self.pids.add(pid)
                        self.places.add(Place(kind, f"of process {pid}", content))


def _descendants(pid: int) -> list[int]:
    try:
        threads = [path.name for path in Path(f"/proc/{pid}/task").iterdir()]
    except FileNotFoundError:  # it ended just now
        return []
    lists = (_read(Path(f"/proc/{pid}/task/{thread}/children")) for thread in threads)
    children = [int(child) for text in lists for child in text.split()]
    return children + [deeper for child in children for deeper in _descendants(child)]


def _read(path: Path) -> bytes:
    """Return what a file of /proc holds; nothing if the process is gone, or nobody of this user may look."""
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""
