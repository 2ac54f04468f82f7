"""The folder of one control plane: certificates, tokens, policy, logs, data. Used by `plane`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from controlplane import access, audit
from controlplane.certificates import Authority, CertificateFiles, signing_key_pair
from controlplane.commandlines import LOOPBACK, Credentials

HOSTS = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
SERVICE_ADDRESS = "10.0.0.1"
CONTROLLER_MANAGER_USER = "system:kube-controller-manager"
CONTROLLER_MANAGER = "controller-manager"


@dataclass(frozen=True, slots=True)
class Files:
    """Everything that is made before the first process starts, and where the processes write."""

    folder: Path
    authority: Authority
    """Signs the certificates of further parts."""
    credentials: Credentials
    tokens: dict[str, str]

    @classmethod
    def prepare(cls, folder: Path, audit_level: audit.AuditLevel) -> Self:
        """Fill an empty folder with what the parts of a new control plane need."""
        pki = folder / "pki"
        pki.mkdir(parents=True, mode=0o700)
        (folder / "kubeconfigs").mkdir(mode=0o700)
        authority = Authority(pki, "ca")
        tokens = {user: f"{user}-{secrets.token_hex(16)}" for user in access.USERS}
        credentials = Credentials(
            authority=authority.files,
            front_proxy=Authority(pki, "front-proxy-ca").files,
            server=authority.server("kube-apiserver", (LOOPBACK, SERVICE_ADDRESS), HOSTS),
            controller_manager=authority.client(CONTROLLER_MANAGER_USER, "system:masters"),
            service_accounts=signing_key_pair(pki, "service-accounts"),
            tokens=pki / "tokens.csv",
        )
        files = cls(folder, authority, credentials, tokens)
        access.write_tokens(credentials.tokens, tokens)
        files.audit_policy.write_text(audit.policy(audit_level))
        return files

    def write_kubeconfigs(self, server: str) -> None:
        """Write a kubeconfig for every user and for the controller manager, now that the port is known."""
        authority = self.credentials.authority.certificate.read_bytes()
        for user, token in self.tokens.items():
            content = access.kubeconfig(server, authority, user, {"token": token})
            access.write_kubeconfig(self.kubeconfig(user), content)
        self.write_kubeconfig_of_part(CONTROLLER_MANAGER, server, self.credentials.controller_manager)

    def write_kubeconfig_of_part(self, part: str, server: str, own: CertificateFiles) -> Path:
        """Write the kubeconfig of a part that shows a certificate, and return its path."""
        authority = self.credentials.authority.certificate.read_bytes()
        with_certificate = {"client-certificate": str(own.certificate), "client-key": str(own.key)}
        content = access.kubeconfig(server, authority, part, with_certificate)
        return access.write_kubeconfig(self.kubeconfig_of_part(part), content)

    def kubeconfig(self, user: str) -> Path:
        """Return the path of a user's kubeconfig."""
        return self.folder / "kubeconfigs" / f"{access.known(user, self.tokens)}.yaml"

    def log(self, part: str) -> Path:
        """Return the path of the log of one part of the control plane."""
        return self.folder / f"{part}.log"

    def kubeconfig_of_part(self, part: str) -> Path:
        """Return the path of the kubeconfig of a part of the cluster."""
        return self.folder / "kubeconfigs" / f"{part}.yaml"

    @property
    def controller_manager_kubeconfig(self) -> Path:
        return self.kubeconfig_of_part(CONTROLLER_MANAGER)

    @property
    def audit_policy(self) -> Path:
        return self.folder / "audit-policy.yaml"

    @property
    def audit_log(self) -> Path:
        return self.folder / "audit.log"

    @property
    def etcd_data(self) -> Path:
        return self.folder / "etcd"

    @property
    def kubectl_cache(self) -> Path:
        return self.folder / "kubectl-cache"
