"""A folder of manifests as Git has them, and what kubectl makes of it. Used by the GitOps tests."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import NamedTuple

import yaml

from cluster.credentials import credential
from cluster.desk import Desk
from cluster.shown import Object
from controlplane.clusters import Cluster


class Held(NamedTuple):
    """What must be the same after a step that asks for no other key."""

    fingerprint: str
    key_number: int
    credential_id: str


class GitCheckout:
    """One file of credentials in a namespace."""

    def __init__(self, folder: Path, cluster: Cluster, desk: Desk) -> None:
        self.file, self.desk = folder / "credentials.yaml", desk
        self._cluster, self._specs = cluster, dict[str, Object]()

    @property
    def names(self) -> list[str]:
        """The credentials in the file."""
        return list(self._specs)

    def commit(self, specs: Mapping[str, Object], **labels: str) -> None:
        """Let these credentials stand in the file, and no other."""
        self._specs = dict(specs)
        manifests = [credential(spec, name) for name, spec in specs.items()]
        for manifest in manifests:
            manifest["metadata"] |= {"labels": labels} if labels else {}
        self.file.write_text(yaml.safe_dump_all(manifests))

    def kubectl(self, *arguments: str, check: bool = True) -> CompletedProcess[str]:
        """Run kubectl in the namespace."""
        return self._cluster.kubectl(*arguments, "--namespace", self.desk.namespace, check=check)

    def on_file(self, *arguments: str, check: bool = True) -> CompletedProcess[str]:
        """Run kubectl with the file."""
        return self.kubectl(*arguments, "--filename", str(self.file), check=check)

    def shown(self) -> dict[str, Object]:
        """Return the file's credentials as they are in the cluster, with who wrote what."""
        listed = self.kubectl("get", "sshcredentials", "--output=json", "--show-managed-fields").stdout
        found = {one["metadata"]["name"]: one for one in json.loads(listed)["items"]}
        return {name: found[name] for name in self.names}

    def ready(self) -> dict[str, Held]:
        """Return the keys once all of them are Ready for the present spec."""
        self.desk.wait_for_ready(self.names)
        return {name: held(found) for name, found in self.shown().items()}

    def differs(self, *options: str) -> list[str]:
        """Return the lines that `kubectl diff` takes away or adds.

        kubectl's own annotation does not count: where it was written by a client-side apply, `--server-side` spells its
        text anew, whatever the kind.
        """
        done = self.on_file("diff", *options, check=False)
        assert done.returncode in {0, 1}, done.stderr
        changed = re.findall(r"^[-+](?![-+]{2} ).*", done.stdout, re.MULTILINE)
        return [line for line in changed if not re.match(r'[-+] {6}\{"apiVersion":', line)]


def held(found: Object) -> Held:
    """Return which key a credential holds."""
    status = found["status"]
    assert status["observedGeneration"] == found["metadata"]["generation"]
    return Held(status["fingerprint"], status["keyNumber"], status["credentialId"])
