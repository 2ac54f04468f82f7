"""What was written to credentials and their Secrets, one revision after another: what a witness hears.

A server in memory and a watch on a real one both tell it in this form.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sshcredential_operator.reconcile.observed import RawSecret

Object = Mapping[str, Any]


class CredentialWritten(NamedTuple):
    """An SSHCredential as it lies there now; None when it is gone."""

    name: str
    credential: Object | None
    at: datetime
    by_operator: bool


class SecretWritten(NamedTuple):
    """The Secret of a credential as it lies there now; None when it is gone."""

    name: str
    secret: RawSecret | None
    at: datetime
    by_operator: bool


Revision = CredentialWritten | SecretWritten
