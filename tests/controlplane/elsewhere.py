"""A cluster that was there before: the one of the present context, or one that `kind` makes. Used by `fixtures`.

Its users are made there, too: each gets a client certificate, so that tests see the same rights as on our own.
"""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from controlplane import access
from controlplane.binaries import find_kubectl
from controlplane.progress import say
from controlplane.waiting import wait_until

SIGNER: Final = "kubernetes.io/kube-apiserver-client"
SIGNED_SECONDS: Final = 30.0
CERTIFICATE_LIFETIME: Final = 24 * 3600


class NoCluster(Exception):
    """The cluster that was asked for is not to be had. The text says why, and what to do."""


class ForeignCluster:
    """A cluster that is reached through a kubeconfig of an administrator."""

    def __init__(self, folder: Path, kubeconfig: Path | None = None) -> None:
        """Take the present context of a kubeconfig, or of what KUBECONFIG names."""
        self._folder = folder
        self._command = find_kubectl()
        config = _present_context(self._command, kubeconfig)
        cluster = config["clusters"][0]["cluster"]
        self.server: str = cluster["server"]
        self.ca_file = folder / "ca.crt"
        self._authority = base64.b64decode(cluster.get("certificate-authority-data", ""))
        self.ca_file.write_bytes(self._authority)
        admin = access.write_kubeconfig(folder / "admin.yaml", json.dumps(config))
        self._kubeconfigs = {access.ADMIN: admin}
        self._kubectl = access.Kubectl(self._command, self.kubeconfig_for, folder / "kubectl-cache")

    def kubeconfig_for(self, user: str) -> Path:
        """Return the path of a user's kubeconfig; at the first time, let the cluster sign a certificate for it."""
        if access.known(user) not in self._kubeconfigs:
            self._kubeconfigs[user] = self._signed_up(user)
        return self._kubeconfigs[user]

    def kubectl(
        self,
        *arguments: str,
        user: str = access.ADMIN,
        input: str | None = None,  # noqa: A002 - as in subprocess.run
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as a user. Raises `KubectlFailed`, which shows what kubectl said, unless `check` is false."""
        return self._kubectl(*arguments, user=user, input=input, check=check)

    def _signed_up(self, user: str) -> Path:
        key = ec.generate_private_key(ec.SECP256R1())
        name = f"sshcredential-test-{user}-{secrets.token_hex(4)}"
        self.kubectl("create", "-f", "-", input=json.dumps(_signing_request(name, user, key)))
        try:
            self.kubectl("certificate", "approve", name)
            signed = wait_until(lambda: self._certificate(name), f"the certificate of {user} is signed", SIGNED_SECONDS)
        finally:
            self.kubectl("delete", "certificatesigningrequest", name)
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        credentials = {"client-certificate-data": signed, "client-key-data": base64.b64encode(pem).decode()}
        content = access.kubeconfig(self.server, self._authority, user, credentials)
        return access.write_kubeconfig(self._folder / f"{user}.yaml", content)

    def _certificate(self, name: str) -> str:
        path = "jsonpath={.status.certificate}"
        return self.kubectl("get", "certificatesigningrequest", name, "-o", path).stdout


@contextmanager
def kind_cluster(folder: Path) -> Iterator[ForeignCluster]:
    """Make a cluster by `kind`, and delete it afterwards. Raises `NoCluster` where that cannot be."""
    require_kind()
    name = f"sshcredential-test-{secrets.token_hex(4)}"
    kubeconfig = folder / "kind.yaml"
    say(f"creating the kind cluster {name}")
    try:
        _kind("create", "cluster", "--name", name, "--kubeconfig", str(kubeconfig), "--wait", "180s")
        yield ForeignCluster(folder, kubeconfig)
    finally:
        _kind("delete", "cluster", "--name", name, "--kubeconfig", str(kubeconfig))


def require_kind() -> None:
    """Raise `NoCluster`, with a sentence that says what is missing, unless kind and Docker are there."""
    missing = [program for program in ("kind", "docker") if shutil.which(program) is None]
    if missing:
        raise NoCluster(
            f"a kind cluster cannot be made here, so no test was run: no {' and no '.join(missing)} command"
        )
    if subprocess.run(["docker", "info"], capture_output=True, check=False).returncode != 0:
        raise NoCluster("a kind cluster cannot be made here, so no test was run: `docker info` finds no Docker daemon")


def _kind(*arguments: str) -> None:
    outcome = subprocess.run(["kind", *arguments], capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        raise NoCluster(f"kind {' '.join(arguments)}:\n{outcome.stderr}")


def _present_context(kubectl: tuple[str, ...], kubeconfig: Path | None) -> dict[str, Any]:
    chosen = [] if kubeconfig is None else ["--kubeconfig", str(kubeconfig)]
    command = [*kubectl, "config", "view", "--minify", "--flatten", "--raw", "-o", "json", *chosen]
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    config: dict[str, Any] = json.loads(outcome.stdout) if outcome.returncode == 0 else {}
    if not config.get("clusters"):
        raise NoCluster(f"kubectl has no present context: set KUBECONFIG\n{outcome.stderr}".strip())
    return config


def _signing_request(name: str, user: str, key: ec.EllipticCurvePrivateKey) -> dict[str, Any]:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user)])
    request = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA256())
    pem = request.public_bytes(serialization.Encoding.PEM)
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {
            "request": base64.b64encode(pem).decode(),
            "signerName": SIGNER,
            "usages": ["client auth"],
            "expirationSeconds": CERTIFICATE_LIFETIME,
        },
    }
