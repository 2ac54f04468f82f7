"""`controller/endpoint.py`: what a pod's files and variables come to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sshcredential_operator.controller import endpoint
from sshcredential_operator.controller.endpoint import NoConfigurationError, in_pod, load_endpoint, pod_namespace
from unit.controller.local_server import write_kubeconfig

Break = Callable[[Path, pytest.MonkeyPatch], object]


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Be in a pod: return the folder of its service account."""
    for name, text in {"token": "first\n", "ca.crt": "a certificate\n", "namespace": "sshcredential-system"}.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(endpoint, "SERVICE_ACCOUNT", tmp_path)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    return tmp_path


async def test_a_pod_reaches_the_server_that_its_variables_name_as_its_service_account(pod: Path) -> None:
    found = await load_endpoint()

    assert in_pod()
    assert pod_namespace() == "sshcredential-system"
    assert found.server == "https://10.0.0.1:443"
    assert found.ca_file == str(pod / "ca.crt")
    assert found.authorization == {"authorization": "Bearer first"}
    assert found.verified


async def test_a_rotated_token_is_read_at_the_next_look(pod: Path) -> None:
    await load_endpoint()
    (pod / "token").write_text("second")

    assert (await load_endpoint()).authorization == {"authorization": "Bearer second"}


async def test_an_ipv6_address_is_put_into_brackets(pod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")

    assert (await load_endpoint()).server == "https://[fd00::1]:443"


@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda pod, _: (pod / "token").write_text(""), id="an empty token"),
        pytest.param(lambda pod, _: (pod / "ca.crt").unlink(), id="no certificate"),
        pytest.param(lambda pod, _: (pod / "ca.crt").write_text(" \n"), id="an empty certificate"),
        pytest.param(lambda _, env: env.delenv("KUBERNETES_SERVICE_HOST"), id="no host"),
        pytest.param(lambda _, env: env.setenv("KUBERNETES_SERVICE_PORT", ""), id="an empty port"),
        pytest.param(lambda _, env: env.setenv("KUBERNETES_SERVICE_PORT", "tcp"), id="a port that is no number"),
    ],
)
async def test_what_is_missing_in_a_pod_is_no_configuration(
    broken: Break, pod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(pod, monkeypatch)

    with pytest.raises(NoConfigurationError):
        await load_endpoint()


async def test_a_kubeconfig_that_is_named_is_used_in_a_pod_as_well(pod: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(pod / "is-not-there"))

    with pytest.raises(NoConfigurationError):
        await load_endpoint()


@pytest.mark.parametrize(("proxy", "is_one"), [("http://proxy:3128", True), ("socks5://proxy:1080", False)])
async def test_a_proxy_is_used_or_refused_and_never_passed_over(proxy: str, *, is_one: bool, kubeconfig: Path) -> None:
    write_kubeconfig(kubeconfig, "https://there:6443", "first")
    document = json.loads(kubeconfig.read_text())
    document["clusters"][0]["cluster"]["proxy-url"] = proxy
    kubeconfig.write_text(json.dumps(document))

    if is_one:
        assert (await load_endpoint()).proxy == proxy
    else:
        with pytest.raises(NoConfigurationError):
            await load_endpoint()
