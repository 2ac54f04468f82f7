"""What a request to the API server is in the words of RBAC, for the metrics. Used by `metrics.py`.

Paths hold names of objects: nothing of a path gets into a label but resources that stand in a list here.
"""

from __future__ import annotations

from typing import Final

OTHER: Final = "other"
RESOURCES: Final = frozenset(
    {
        "sshcredentials",
        "sshcredentialexports",
        "sshtargets",
        "secrets",
        "configmaps",
        "events",
        "leases",
        "namespaces",
        "validatingadmissionpolicies",
        "validatingadmissionpolicybindings",
        "customresourcedefinitions",
    }
)
_VERBS: Final = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def verb_and_resource(method: str, target: str) -> tuple[str, str]:
    """Return the verb and the resource of a request for a path with its query, in closed sets."""
    path, _, query = target.partition("?")
    parts = path.strip("/").split("/")
    rest = parts[2:] if parts[0] == "api" else parts[3:]  # /api/v1/..., /apis/GROUP/VERSION/...
    if len(rest) > 2 and rest[0] == "namespaces":  # noqa: PLR2004 - namespaces, its name, and a resource in it
        rest = rest[2:]
    resource = rest[0] if rest and rest[0] in RESOURCES else OTHER
    if resource != OTHER and rest[2:] == ["status"]:
        resource += "/status"
    if method != "GET":
        return _VERBS.get(method, OTHER), resource
    if "&watch=" in f"&{query}":
        return "watch", resource
    return ("get" if len(rest) > 1 or resource == OTHER else "list"), resource
