"""What must survive whatever becomes of an installation: keys, key ring, and what people see of them. For the tests."""

from __future__ import annotations

import json
from typing import Final, NamedTuple

from chart.rendering import NAMESPACE
from node.installation import ELSEWHERE, WORKSPACES, Installation

OURS: Final = "sshcredentials.dev/"


class Kept(NamedTuple):
    """Every Secret of ours, byte for byte, and every credential's identity, fingerprint and word on Ready."""

    secrets: dict[str, str]
    credentials: dict[str, tuple[str, str, str]]


def kept(installation: Installation) -> Kept:
    """Look at everything there is."""
    return Kept(secrets_of(installation), credentials_of(installation))


def secrets_of(installation: Installation) -> dict[str, str]:
    """Return type and data of each Secret of ours, the key ring with them, by its place and uid."""
    found: dict[str, str] = {}
    for namespace in (NAMESPACE, *WORKSPACES, ELSEWHERE):
        listed = json.loads(installation.node.kubectl("get", "secrets", "-n", namespace, "-o", "json").stdout)["items"]
        for one in listed:
            if one["type"].startswith(OURS):
                place = f"{namespace}/{one['metadata']['name']} {one['metadata']['uid']}"
                found[place] = json.dumps([one["type"], one["data"]], sort_keys=True)
    return found


def credentials_of(installation: Installation) -> dict[str, tuple[str, str, str]]:
    """Return credentialId, fingerprint and Ready of each credential that has a key."""
    listed = json.loads(installation.node.kubectl("get", "sshcredentials", "-A", "-o", "json").stdout)["items"]
    return {
        f"{one['metadata']['namespace']}/{one['metadata']['name']}": (
            one["status"]["credentialId"],
            one["status"]["fingerprint"],
            next(has["status"] for has in one["status"]["conditions"] if has["type"] == "Ready"),
        )
        for one in listed
        if "fingerprint" in one["status"]
    }
