"""Who may talk to a control plane, and how: users, their tokens and kubeconfig files, and kubectl as one of them."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from controlplane.binaries import Command

ADMIN: Final = "admin"
USERS: Final = (ADMIN, "alice", "bob", "carol", "operator", "targets")
"""Everybody but the administrator starts without any right."""


class KubectlFailed(AssertionError):
    """kubectl ended with an error. The text holds its command line and what it said."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    """Runs kubectl as one user or another."""

    command: Command
    kubeconfig_for: Callable[[str], Path]
    cache: Path

    def __call__(
        self,
        *arguments: str,
        user: str = ADMIN,
        input: str | None = None,  # noqa: A002 - as in subprocess.run
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl with these arguments and this text on its standard input."""
        # Nothing of the person's own kubeconfig, cache or preferences has a say here.
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig_for(user)),
            "KUBECACHEDIR": str(self.cache),
            "KUBECTL_KUBERC": "false",
        }
        outcome = subprocess.run(
            [*self.command, *arguments], input=input or "", env=environment, capture_output=True, text=True, check=False
        )
        if check and outcome.returncode != 0:
            raise KubectlFailed(f"kubectl {shlex.join(arguments)} (as {user}):\n{outcome.stderr}{outcome.stdout}")
        return outcome


def write_tokens(path: Path, tokens: dict[str, str]) -> None:
    """Write the API server's token file. Only the administrator is in a group that may do anything."""
    path.touch(mode=0o600)
    path.write_text("".join(_token_line(user, token) for user, token in tokens.items()))


def _token_line(user: str, token: str) -> str:
    groups = ',"system:masters"' if user == ADMIN else ""
    return f"{token},{user},{user}{groups}\n"


def kubeconfig(server: str, authority: bytes, user: str, credentials: dict[str, str]) -> str:
    """Return a kubeconfig of one context that is named like its user. It holds all it needs, and may be moved."""
    cluster = {"server": server, "certificate-authority-data": base64.b64encode(authority).decode()}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "controlplane", "cluster": cluster}],
            "users": [{"name": user, "user": credentials}],
            "contexts": [{"name": user, "context": {"cluster": "controlplane", "user": user}}],
            "current-context": user,
        },
        indent=2,
    )


def write_kubeconfig(path: Path, content: str) -> Path:
    """Write a kubeconfig that only its owner can read."""
    path.touch(mode=0o600)
    path.write_text(content + "\n")
    return path


def known(user: str, users: Iterable[str] = USERS) -> str:
    """Return the user's name, or raise a ValueError that lists the users there are."""
    if user not in users:
        raise ValueError(f"there is no user {user!r} here, but {', '.join(users)}")
    return user
