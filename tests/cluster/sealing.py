"""Seals key files for credentials of a workspace, to the sealing key that a running operator has published."""

from __future__ import annotations

import json
from typing import Any, Final

from cluster.desk import Desk
from controlplane.clusters import Cluster
from controlplane.waiting import wait_until
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Scope, Seal, seal_value
from sshcredential_operator.encryption.sealing_keys import (
    SEALING_KEYS_CONFIG_MAP,
    SEALING_KEYS_DATA_KEY,
    SealingKey,
    SealingKeys,
    from_jwks,
)
from sshcredential_operator.keys.judge import Accepted, judge

PASSPHRASE: Final = Sensitive(b"for sealed keys only")


def published(cluster: Cluster, operator_namespace: str) -> SealingKeys:
    """Return the sealing keys that the operator has published, when there is one."""

    def text() -> str:
        asked = ("configmap", SEALING_KEYS_CONFIG_MAP, "-n", operator_namespace, "--ignore-not-found")
        return cluster.kubectl("get", *asked, "-o", "json").stdout

    found = from_jwks(json.loads(wait_until(text, "they are published"))["data"][SEALING_KEYS_DATA_KEY].encode())
    assert found
    return found


class SealingDesk:
    """Seals for credentials of one namespace."""

    def __init__(self, key: SealingKey, desk: Desk) -> None:
        self.key, self._desk = key, desk

    def sealed(
        self,
        name: str | None,
        file: bytes,
        passphrase: Sensitive | None = None,
        *,
        given: Sensitive | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """Return the spec of a credential with this private key file; `changes` are of what the values say they are.

        `given` is sealed in the place of the passphrase that opens the file.
        """
        judged = judge(Sensitive(file), passphrase)
        assert isinstance(judged, Accepted)
        fingerprint = judged.pair.public.fingerprint
        seal = Seal(self.key.kid, Scope.STRICT, self._desk.namespace, name, Field.PRIVATE_KEY, fingerprint)
        seal = seal._replace(**changes)
        values = {"privateKey": seal_value(Sensitive(file), self.key.x, seal)}
        if passphrase is not None:
            values["passphrase"] = seal_value(given or passphrase, self.key.x, seal._replace(field=Field.PASSPHRASE))
        return {"sealed": values}
