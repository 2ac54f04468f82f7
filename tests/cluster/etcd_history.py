"""All that was ever written of Secrets and credentials, read from etcd afterwards: nothing is missed or merged.

It goes by no API server and no proxy, and every revision stands in the order in which it was written. Needs a control
plane of one's own that was started with `API_SERVER_FLAGS`. Used by `test_trouble`, `test_greens` and tests/bench.
"""

from __future__ import annotations

import json
import urllib.request
from base64 import b64decode, b64encode
from functools import cache
from http.client import HTTPResponse
from typing import Any, Final, NamedTuple

import yaml

from cluster.shown import Object
from controlplane.clusters import CRDS
from controlplane.commandlines import LOOPBACK
from controlplane.plane import ControlPlane
from sshcredential_operator.api.names import GROUP, PLURAL

API_SERVER_FLAGS: Final = ("--storage-media-type=application/json", "--etcd-compaction-interval=0")
"""Secrets are readable, and what was overwritten is kept."""

SECRETS: Final = "secrets"
CREDENTIALS: Final = PLURAL

_PREFIXES: Final = {f"/registry/{SECRETS}/": SECRETS, f"/registry/{GROUP}/{PLURAL}/": CREDENTIALS}
_FIRST, _LAST, _END = "/registry/secrets/", "/registry/ssz", "/registry/sentinel"
_LOCAL: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Revision(NamedTuple):
    """One object from this version on; None when it was deleted. Versions of all objects come from one counter."""

    version: int
    resource: str
    namespace: str
    name: str
    object: Object | None


def now(plane: ControlPlane) -> int:
    """Return the version of the latest write."""
    with _ask(plane, "kv/range", {"key": _coded(_END)}) as answer:
        return int(json.load(answer)["header"]["revision"])


def present(plane: ControlPlane) -> list[Revision]:
    """Return the last write of everything that there is now."""
    with _ask(plane, "kv/range", {"key": _coded(_FIRST), "range_end": _coded(_LAST)}) as answer:
        return [one for kv in json.load(answer)["kvs"] for one in _revisions({"kv": kv})]


def history(plane: ControlPlane, since: int = 0) -> list[Revision]:
    """Return every write after a version, oldest first."""
    with _ask(plane, "kv/put", {"key": _coded(_END)}) as answer:
        last = int(json.load(answer)["header"]["revision"])
    wanted = {"key": _coded(_FIRST), "range_end": _coded(_LAST), "start_revision": str(since + 1)}
    found: list[Revision] = []
    with _ask(plane, "watch", {"create_request": wanted}) as stream:
        for line in stream:
            for event in json.loads(line)["result"].get("events", []):
                if int(event["kv"]["mod_revision"]) >= last:
                    return found
                found += _revisions(event)
    raise AssertionError("etcd ended its watch")


def _revisions(event: dict[str, Any]) -> list[Revision]:
    key, version = b64decode(event["kv"]["key"]).decode(), int(event["kv"]["mod_revision"])
    for prefix, resource in _PREFIXES.items():
        if key.startswith(prefix):
            namespace, name = key.removeprefix(prefix).split("/")
            written = None if event.get("type") == "DELETE" else _as_shown(event["kv"]["value"], version)
            return [Revision(version, resource, namespace, name, written)]
    return []


def _as_shown(value: str, version: int) -> Object:
    # Two things are not stored, and put in when the API server reads the object: its version, and a default status.
    stored: Object = json.loads(b64decode(value))
    stored["metadata"]["resourceVersion"] = str(version)
    return stored if stored["kind"] == "Secret" else {"status": _default_status()} | stored


@cache
def _default_status() -> Object:
    (crd,) = (yaml.safe_load(file.read_text()) for file in CRDS.glob(f"*_{PLURAL}.yaml"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    status: Object = schema["properties"]["status"]["default"]
    return status


def _ask(plane: ControlPlane, what: str, body: dict[str, Any]) -> HTTPResponse:
    url = f"http://{LOOPBACK}:{plane._ports.etcd}/v3/{what}"
    request = urllib.request.Request(url, json.dumps(body).encode())
    answer: HTTPResponse = _LOCAL.open(request, timeout=30)
    return answer


def _coded(key: str) -> str:
    return b64encode(key.encode()).decode()
