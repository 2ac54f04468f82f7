"""What each consumer's Secret looks like: one row a consumer. Pure; used by `rendering`.

To add one: a member of `Profile` in api/export_spec.py and in the CRD's enum, a row here, and a test with the
consumer's own reader (tests/consumers/main.go, tests/cluster/test_exports_consumers.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sshcredential_operator.api.export_spec import Profile

OPAQUE: Final = "Opaque"


@dataclass(frozen=True, slots=True)
class Layout:
    """The Secret of one consumer. A name that is None: this consumer does not take it."""

    private_key: str
    """Name of the value that holds the private key file."""
    secret_type: str = OPAQUE
    public_key: str | None = None
    known_hosts: str | None = None
    needs_known_hosts: bool = False
    passphrase: str | None = None
    url: str | None = None
    needs_url: bool = False
    username: str | None = None
    fixed: Mapping[str, str] = field(default_factory=dict)
    """Values that are always the same."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels by which the consumer finds it."""


LAYOUTS: Final[dict[Profile, Layout]] = {
    # Kubernetes' own type for SSH; Tekton and others read known_hosts beside it.
    Profile.SSH_AUTH: Layout(
        "ssh-privatekey", secret_type="kubernetes.io/ssh-auth", public_key="ssh-publickey", known_hosts="known_hosts"
    ),
    # Flux: GitRepository.spec.secretRef; user and host come from its url.
    Profile.FLUX: Layout(
        "identity",
        public_key="identity.pub",
        known_hosts="known_hosts",
        needs_known_hosts=True,
        passphrase="password",
    ),
    # Argo CD: a repository, found by its label; host keys are in a ConfigMap of its own.
    Profile.ARGO_CD_REPOSITORY: Layout(
        "sshPrivateKey",
        url="url",
        needs_url=True,
        fixed={"type": "git"},
        labels={"argocd.argoproj.io/secret-type": "repository"},
    ),
    # git-sync: mounted at /etc/git-secret.
    Profile.GIT_SYNC: Layout("ssh", known_hosts="known_hosts", needs_known_hosts=True),
    # The operator itself: the members of spec.sealed. Their values are sealed; see `rendering.py`.
    Profile.SEALED: Layout("privateKey", passphrase="passphrase"),
}
