"""Reads that are answered from an older revision, as a cache behind a load balancer may. Used by `proxy`.

The API server answers a list for an exact revision. A single object is looked up in such a list.
"""

from __future__ import annotations

from typing import Any

import orjson
from yarl import URL

from faultproxy.scopes import Asked

EXACT = {"resourceVersionMatch": "Exact"}


def older(asked: Asked, version: int) -> str:
    """Return path and query of what is asked instead."""
    url = URL(asked.raw, encoded=True).update_query({"resourceVersion": str(version), **EXACT})
    name = asked.address.name
    if not name:
        return url.raw_path_qs
    return (
        url.with_path(url.path.removesuffix(f"/{name}"), keep_query=True)
        .update_query({"fieldSelector": f"metadata.name={name}"})
        .raw_path_qs
    )


def as_asked(asked: Asked, code: int, content: bytes) -> tuple[int, bytes]:
    """Return code and body of the answer to what was asked in the first place."""
    address = asked.address
    if not address.name or code != 200:
        return code, content
    listed: dict[str, Any] = orjson.loads(content)
    if found := listed["items"]:
        kind = listed["kind"].removesuffix("List")
        return 200, orjson.dumps({"kind": kind, "apiVersion": listed["apiVersion"], **found[0]})
    details = {"name": address.name, "kind": address.resource} | ({"group": address.group} if address.group else {})
    message = f'{address.resource} "{address.name}" not found'
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": 404}
    return 404, orjson.dumps({**status, "reason": "NotFound", "message": message, "details": details})
