"""Seals key files as somebody does at a desk who has the public sealing keys. Used by the GitOps tests."""

from __future__ import annotations

import json

from cluster.keyfiles import KeyFile
from cluster.shown import Object
from controlplane.clusters import Cluster
from controlplane.waiting import wait_until
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Scope, Seal, seal_value
from sshcredential_operator.encryption.sealing_keys import (
    SEALING_KEYS_CONFIG_MAP,
    SEALING_KEYS_DATA_KEY,
    SealingKeys,
    from_jwks,
)


def published_keys(cluster: Cluster, operator_namespace: str) -> SealingKeys:
    """Return the public sealing keys once the operator has published them."""
    command = ("get", "configmap", SEALING_KEYS_CONFIG_MAP, "--namespace", operator_namespace, "--output=json")

    def published() -> str:
        answer = cluster.kubectl(*command, check=False)
        return str(json.loads(answer.stdout)["data"][SEALING_KEYS_DATA_KEY]) if answer.returncode == 0 else ""

    keys = from_jwks(wait_until(published, "the sealing keys are published").encode())
    assert keys
    return keys


def sealed(key: KeyFile, keys: SealingKeys, namespace: str, name: str) -> Object:
    """Return a spec with a key sealed for one credential, fresh every time."""
    newest = keys.newest
    assert newest
    seal = Seal(newest.kid, Scope.STRICT, namespace, name, Field.PRIVATE_KEY, key.fingerprint)
    return {"sealed": {"privateKey": seal_value(Sensitive(key.content), newest.x, seal)}}
