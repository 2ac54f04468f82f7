"""`client/connection.py`: the context that is meant, its namespace, and no text of a library's where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sshcredential_operator.client.connection import NoClusterError, connect


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Path:
    def context(name: str, **members: str) -> dict[str, object]:
        return {"name": name, "context": {"cluster": name, "user": "me", **members}}

    file = tmp_path / "config"
    clusters = [{"name": name, "cluster": {"server": f"https://{name}.example.org"}} for name in ("here", "there")]
    found = {"apiVersion": "v1", "kind": "Config", "current-context": "here", "clusters": clusters}
    found["contexts"] = [context("here"), context("there", namespace="genomics")]
    found["users"] = [{"name": "me", "user": {"token": "test-only"}}]
    file.write_text(yaml.safe_dump(found))
    return file


@pytest.mark.parametrize(
    ("context", "server", "namespace"),
    [
        pytest.param(None, "https://here.example.org", "default", id="the current one"),
        pytest.param("there", "https://there.example.org", "genomics", id="another"),
    ],
)
def test_a_context_is_server_and_namespace(kubeconfig: Path, context: str | None, server: str, namespace: str) -> None:
    connection = connect(kubeconfig, context)

    assert (connection.api.configuration.host, connection.namespace) == (server, namespace)


def test_an_unknown_context_is_no_cluster(kubeconfig: Path) -> None:
    with pytest.raises(NoClusterError) as raised:
        connect(kubeconfig, "test-only")
    assert (str(raised.value), raised.value.__suppress_context__) == ("", True)
