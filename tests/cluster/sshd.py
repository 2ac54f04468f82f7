"""The sshd of `tests/ssh`, for a client that has nothing but the exported files."""

from __future__ import annotations

from ssh.servers import Sshd, running

__all__ = ["Sshd", "running"]
