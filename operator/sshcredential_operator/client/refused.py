"""What the API server did not do, in one sentence for a person: pure. Used by `exports`.

The sentence is the server's own, from the Status object of its answer: that is where admission policies and the CRDs'
rules say what to do. What a library says of a failure is never shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from sshcredential_operator.api.terminal import one_line

NO_ANSWER: Final = "the API server does not answer, or not as one; does your kubeconfig name the right cluster?"
UNKNOWN_USER: Final = "the API server does not know you: log in again, or look at the user that your kubeconfig names"
NOT_SERVED: Final = "this cluster knows no SSHCredentials: apply the manifests in crds/ of the operator first"

_UNAUTHORIZED: Final = 401
_NOT_FOUND: Final = 404
_INVALID: Final = 422
_POLICY_DENIED: Final = "denied request: "
_VALUE: Final = re.compile(r'^Invalid value: (?:"(?:[^"\\]|\\.)*"|\{.*\}|[^\s:]+): ')
"""What was given, before the rule that it broke: the user knows it, and an address may hold a password."""
_NO_FIELD: Final = "<nil>"


class Refused(NamedTuple):
    """Why a request came to nothing. No code: nobody answered."""

    code: int | None
    sentence: str


def refused(code: int | None, body: object) -> Refused:
    """Return what this answer says."""
    if not code:
        return Refused(None, NO_ANSWER)
    if code == _UNAUTHORIZED:
        return Refused(code, UNKNOWN_USER)
    status = _status(body)
    if code == _NOT_FOUND and not status:
        return Refused(code, NOT_SERVED)
    broken = "; ".join(_broken_rules(status)) if code == _INVALID else ""
    said = broken or str(status.get("message") or f"the API server answered {code}")
    return Refused(code, one_line(said.rpartition(_POLICY_DENIED)[2]))


def _status(body: object) -> Mapping[str, Any]:
    try:
        parsed = json.loads(body) if isinstance(body, str | bytes) else None
    except (ValueError, RecursionError):
        parsed = None
    return parsed if isinstance(parsed, dict) else {}


def _broken_rules(status: Mapping[str, Any]) -> Iterator[str]:
    """Yield every field that does not fit and the rule's own sentence."""
    details = status.get("details")
    causes = details.get("causes") if isinstance(details, dict) else None
    for cause in causes if isinstance(causes, list) else ():
        field, says = str(cause.get("field", "")), str(cause.get("message", ""))
        if field != _NO_FIELD and says:
            yield f"{field}: {_VALUE.sub('', says)}"
