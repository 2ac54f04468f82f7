"""What holds for every admission policy of the project."""

import json
from typing import Any, Final

import pytest

from cluster.credentials import credentials_of, exports_of, said
from cluster.export_specs import PLAIN
from controlplane.clusters import CHART_FILES, Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until

ADMISSION: Final = CHART_FILES / "admission"
IMPORTED: Final = {"importFrom": {"privateKey": {"secretName": "my-key"}}}
USED: Final = {"usedBy": [{"kind": "SSHCredentialExport", "name": "hpc-login"}]}


@pytest.mark.parametrize("file", sorted(ADMISSION.glob("*.yaml")), ids=lambda path: path.name)
def test_a_policy_has_no_mistake_that_the_server_can_see(cluster: Cluster, file: Any) -> None:
    def checked() -> dict[str, Any]:
        found = json.loads(cluster.kubectl("get", "-f", str(file), "-o", "json").stdout)["items"]
        [policy] = [item for item in found if item["kind"] == "ValidatingAdmissionPolicy"]
        status: dict[str, Any] = policy.get("status", {})
        return status if status.get("observedGeneration") == policy["metadata"]["generation"] else {}

    assert wait_until(checked, "the policy's types are checked")["typeChecking"] == {}


def test_a_namespace_ends_with_an_import_an_export_and_a_credential_in_use(
    cluster: Cluster, namespaces: Namespaces
) -> None:
    ending = namespaces.create()
    with credentials_of(cluster, ending) as credentials, exports_of(cluster, ending) as exports:
        assert said(credentials.create(IMPORTED)) == ""
        assert said(credentials.patch_status(USED)) == ""
        assert said(exports.create(PLAIN)) == ""

    cluster.kubectl("delete", "namespace", ending, "--timeout=60s")
