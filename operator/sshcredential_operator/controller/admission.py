"""Looks whether the admission policy that guards imports is installed. Called once when the watches start."""

from __future__ import annotations

from typing import Final

from sshcredential_operator.controller.ports import NOT_FOUND
from sshcredential_operator.controller.requests import Requests
from sshcredential_operator.reconcile.trouble import TroubleError

IMPORT_POLICY: Final = "sshcredential-operator-import"
_PATH: Final = "/apis/admissionregistration.k8s.io/v1"


async def import_policy_is_present(requests: Requests) -> bool | None:
    """Whether policy and binding exist; None when the operator may not look."""
    for kind in ("validatingadmissionpolicies", "validatingadmissionpolicybindings"):
        try:
            answer = await requests.send(
                "GET", f"{_PATH}/{kind}/{IMPORT_POLICY}", expect=frozenset({NOT_FOUND}), what=kind
            )
        except TroubleError:
            return None
        if answer.code == NOT_FOUND:
            return False
    return True
