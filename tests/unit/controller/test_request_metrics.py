"""`controller/request_metrics.py`: requests in the words of RBAC, and no name of an object among them."""

from __future__ import annotations

import pytest

from sshcredential_operator.controller.metric_catalogue import VALUES
from sshcredential_operator.controller.request_metrics import RESOURCES, verb_and_resource

SECRETS = "/api/v1/namespaces/genomics/secrets"
OURS = "/apis/sshcredentials.dev/v1alpha1"


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        pytest.param("GET", f"{SECRETS}/hpc", ("get", "secrets"), id="one Secret"),
        pytest.param("GET", f"{SECRETS}?fieldSelector=x", ("list", "secrets"), id="the Secrets of a namespace"),
        pytest.param("GET", "/api/v1/secrets?limit=1", ("list", "secrets"), id="the Secrets of all namespaces"),
        pytest.param("GET", f"{SECRETS}?watch=true", ("watch", "secrets"), id="a watch"),
        pytest.param("POST", SECRETS, ("create", "secrets"), id="a new Secret"),
        pytest.param("DELETE", f"{SECRETS}/hpc", ("delete", "secrets"), id="the end of a Secret"),
        pytest.param("GET", "/api/v1/namespaces/genomics", ("get", "namespaces"), id="a namespace"),
        pytest.param("GET", "/api/v1/namespaces", ("list", "namespaces"), id="all namespaces"),
        pytest.param("GET", "/api/v1/namespaces/secrets/secrets/secrets", ("get", "secrets"), id="odd names"),
        pytest.param("GET", f"{OURS}/sshcredentials", ("list", "sshcredentials"), id="all credentials"),
        pytest.param(
            "PATCH",
            f"{OURS}/namespaces/genomics/sshcredentials/hpc/status?fieldManager=x",
            ("patch", "sshcredentials/status"),
            id="a status",
        ),
        pytest.param(
            "PUT",
            "/apis/coordination.k8s.io/v1/namespaces/system/leases/x",
            ("update", "leases"),
            id="a renewal of the Lease",
        ),
        pytest.param("GET", OURS, ("get", "other"), id="what an API group has"),
        pytest.param("GET", "/apis", ("get", "other"), id="all API groups"),
        pytest.param("GET", "/", ("get", "other"), id="nothing"),
        pytest.param("GET", "/api/v1/namespaces/a/names-of-people/bob", ("get", "other"), id="an unknown resource"),
        pytest.param("OPTIONS", f"{SECRETS}/hpc/log", ("other", "secrets"), id="an unknown verb and subresource"),
    ],
)
def test_a_request_is_told_by_verb_and_resource(method: str, path: str, said: tuple[str, str]) -> None:
    assert verb_and_resource(method, path) == said
    assert f"`{said[0]}`" in VALUES["verb"]
    assert said[1].removesuffix("/status") in RESOURCES | {"other"}
