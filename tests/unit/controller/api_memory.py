"""As much of an API server as the key ring asks of one: objects with revisions, merge patches, preconditions, pages.

Served by `local_server.py` to a real connection. Used where the tests are about what is asked and what is made of the
answer; the real API server is asked in `tests/cluster`.
"""

from __future__ import annotations

import itertools
from base64 import b64decode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web

from sshcredential_operator.encryption.keyring_store import StoredSecret
from sshcredential_operator.encryption.ring_backup import manifest_of
from unit.api.merge_patches import merged

OWN: Final = "sshcredential-system"
RING: Final = "sshcredential-key-ring"
CORE: Final = "/api/v1"
Object = dict[str, Any]


async def nothing(_: web.Request) -> None:
    """Stand for what happens elsewhere."""


class ApiMemory:
    """What lies in the cluster by its path, what was asked, and what is to go wrong."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.asked: list[tuple[str, str]] = []
        self.bodies: list[Any] = []
        self.before: Callable[[web.Request], Awaitable[None]] = nothing
        """What happens elsewhere when a request is about to be served."""
        self.refuses: dict[tuple[str, str], int] = {}
        """Codes for a verb and a path's last part."""
        self.page: int | None = None
        """The most that a list gives at once, whatever is asked for."""
        self._numbers = itertools.count(1)

    # --- what others do

    def put(self, path: str, raw: Mapping[str, Any]) -> None:
        """Make or replace an object, as somebody else does."""
        known = self.objects.get(path, {"metadata": {}})
        name = path.rpartition("/")[2]
        version = str(next(self._numbers))
        above = path.split("/namespaces/")
        metadata = {
            "name": name,
            "namespace": above[1].partition("/")[0] if len(above) > 1 else "",
            "uid": f"uid-{version}",
            "creationTimestamp": "2026-11-29T04:00:00Z",
            **{key: value for key, value in known["metadata"].items() if key == "uid"},
            **raw.get("metadata", {}),
            "resourceVersion": version,
        }
        self.objects[path] = {**raw, "metadata": metadata}

    def put_ring(self, secret: StoredSecret, namespace: str = OWN) -> None:
        self.put(self.path_of(secret.name, namespace), manifest_of(secret, namespace))

    def put_namespace(self, name: str, uid: str) -> None:
        self.put(f"{CORE}/namespaces/{name}", {"kind": "Namespace", "metadata": {"uid": uid}})

    def ask(self, **entries: str | None) -> None:
        """Write into the key ring's ConfigMap, as a person does; `_` stands for a dash and `__` for a dot."""
        path, data = f"{CORE}/namespaces/{OWN}/configmaps/{RING}", dict[str, str]()
        if path in self.objects:
            data = dict(self.objects[path].get("data") or {})
        for name, value in entries.items():
            data[name.replace("__", ".").replace("_", "-")] = value or ""
        self.put(path, {"kind": "ConfigMap", "data": data})

    # --- what is so

    @staticmethod
    def path_of(name: str, namespace: str = OWN, kind: str = "secrets") -> str:
        return f"{CORE}/namespaces/{namespace}/{kind}/{name}"

    @property
    def sheet(self) -> dict[str, str]:
        found: dict[str, str] = self.objects[self.path_of(RING, kind="configmaps")]["data"]
        return found

    def data(self, name: str, namespace: str = OWN) -> dict[str, bytes]:
        found = self.objects[self.path_of(name, namespace)].get("data") or {}
        return {key: b64decode(value) for key, value in found.items()}

    def names(self, kind: str = "secrets", namespace: str = OWN) -> list[str]:
        before = self.path_of("", namespace, kind)
        return sorted(path.removeprefix(before) for path in self.objects if path.startswith(before))

    # --- what it serves

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else {}
        self.asked.append((request.method, request.path))
        self.bodies.append(body)
        await self.before(request)
        code = self.refuses.get((request.method, request.path.rpartition("/")[2]))
        if code:
            return status(code)
        serve = {"GET": self._get, "POST": self._post, "PATCH": self._patch, "DELETE": self._delete}[request.method]
        return serve(request, body)

    def _get(self, request: web.Request, _: Object) -> web.StreamResponse:
        if found := self.objects.get(request.path):
            return web.json_response(found)
        kind = request.path.rpartition("/")[2]
        if kind not in {"secrets", "configmaps", "namespaces", "sshcredentials"}:
            return status(404)
        return self._list(request)

    def _list(self, request: web.Request) -> web.StreamResponse:
        before, kind = request.path + "/", "/" + request.path.rpartition("/")[2] + "/"
        everywhere = "/namespaces/" not in request.path and kind != "/namespaces/"
        found = [
            raw
            for path, raw in sorted(self.objects.items())
            if (kind in path if everywhere else path.startswith(before) and "/" not in path.removeprefix(before))
        ]
        name, _, value = request.query.get("fieldSelector", "").partition("=")
        if name:
            found = [raw for raw in found if (raw if name == "type" else raw["metadata"]).get(name[-4:]) == value]
        start = int(request.query.get("continue", "0"))
        end = start + min(self.page or 1000, int(request.query.get("limit", "1000")))
        more = {"continue": str(end)} if end < len(found) else {}
        return web.json_response({"metadata": {"resourceVersion": "1", **more}, "items": found[start:end]})

    def _post(self, request: web.Request, body: Object) -> web.StreamResponse:
        path = f"{request.path}/{body['metadata']['name']}"
        if path in self.objects:
            return status(409)
        self.put(path, body)
        return web.json_response(self.objects[path], status=201)

    def _patch(self, request: web.Request, body: Object) -> web.StreamResponse:
        known = self.objects.get(request.path)
        if known is None:
            return status(404)
        based_on = body.get("metadata", {}).pop("resourceVersion", None)
        if based_on not in {None, known["metadata"]["resourceVersion"]}:
            return status(409)
        changed = merged(known, body)
        if changed != known:
            self.put(request.path, changed)
        return web.json_response(self.objects[request.path])

    def _delete(self, request: web.Request, body: Object) -> web.StreamResponse:
        known = self.objects.get(request.path)
        if known is None:
            return status(404)
        if any(known["metadata"][name] != value for name, value in body.get("preconditions", {}).items()):
            return status(409)
        del self.objects[request.path]
        return web.json_response({"kind": "Status", "metadata": {}, "status": "Success"})


def status(code: int) -> web.StreamResponse:
    return web.json_response({"kind": "Status", "metadata": {}, "code": code, "message": "no"}, status=code)
