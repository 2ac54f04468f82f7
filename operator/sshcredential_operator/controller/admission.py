"""Looks whether the admission policies that guard imports, exports and targets are installed.

The one for imports is looked for once, when the watches start, to warn. Without the one for exports, with the content
that stands here, no copy is made: it is read again for every copy that is to be written. The process of targets does
the same with its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from sshcredential_operator.controller.metrics import Metrics
from sshcredential_operator.controller.ports import NOT_FOUND
from sshcredential_operator.controller.requests import ODD_ANSWERS, Requests
from sshcredential_operator.controller.target_policy import TARGET_GUARD, TARGET_POLICY
from sshcredential_operator.exports.observed import Guarding, Unguarded
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)

IMPORT_POLICY: Final = "sshcredential-operator-import"
EXPORT_POLICY: Final = "sshcredential-operator-export"
_PATH: Final = "/apis/admissionregistration.k8s.io/v1"

EXPORT_GUARD: Final[dict[str, dict[str, Any]]] = {
    "validatingadmissionpolicies": {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["sshcredentials.dev"],
                    "apiVersions": ["v1alpha1"],
                    "resources": ["sshcredentialexports"],
                    "operations": ["CREATE", "UPDATE"],
                    "scope": "Namespaced",
                }
            ]
        },
        "matchConditions": [
            {"name": "spec-is-new", "expression": "request.operation == 'CREATE' || object.spec != oldObject.spec"}
        ],
        "variables": [{"name": "credential", "expression": "object.spec.credentialRef.name"}],
        "validations": [
            {
                "expression": "authorizer.group('sshcredentials.dev').resource('sshcredentials')"
                ".namespace(request.namespace) .name(variables.credential).check('export').allowed()"
            }
        ],
    },
    "validatingadmissionpolicybindings": {"policyName": EXPORT_POLICY, "validationActions": ["Deny"]},
}
"""The specs of policy and binding, as far as they decide who may; charts/.../admission/export.yaml has the same."""

_DEFAULTS: Final[dict[str, object]] = {"matchPolicy": "Equivalent"}
_ONLY_WORDS: Final = frozenset({"message", "messageExpression", "reason"})


async def look_for_policies(requests: Requests, metrics: Metrics) -> None:
    """Note whether the policies are there, and warn if the one for imports is missing."""
    present = await import_policy_is_present(requests)
    metrics.import_policy.set(-1 if present is None else int(present))
    if present is False:
        log.warning(
            "the admission policy sshcredential-operator-import is missing: whoever may create credentials can "
            "import from Secrets that he may not read; apply charts/sshcredential-operator/files/admission/"
        )
    with suppress(TroubleError, *ODD_ANSWERS):
        await ExportGuard(requests, metrics.export_policy.set).look()


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


class ExportGuard:
    """Looks whether the admission policy for exports is in force, as this operator knows it. The port `Guard`."""

    def __init__(self, requests: Requests, tell: Callable[[int], None] = lambda _: None) -> None:
        self._requests, self._tell = requests, tell

    async def look(self) -> Guarding | Unguarded:
        """Read policy and binding live."""
        found = await self._look()
        self._tell(int(isinstance(found, Guarding)))
        return found

    async def _look(self) -> Guarding | Unguarded:
        found = await _in_force(self._requests, EXPORT_POLICY, EXPORT_GUARD)
        if found is None:
            return Unguarded()
        identity = " ".join(f"{metadata['uid']}.{metadata['generation']}" for metadata in found)
        return Guarding(identity, max(metadata["creationTimestamp"] for metadata in found))


class TargetGuard:
    """Looks whether the admission policy for targets is in force, as this operator knows it.

    The port `TargetGuard` of `targets`.
    """

    def __init__(self, requests: Requests, tell: Callable[[int], None] = lambda _: None) -> None:
        self._requests, self._tell = requests, tell

    async def in_force(self) -> bool:
        """Read policy and binding live."""
        found = await _in_force(self._requests, TARGET_POLICY, TARGET_GUARD) is not None
        self._tell(int(found))
        return found


async def _in_force(
    requests: Requests, name: str, guard: Mapping[str, Mapping[str, Any]]
) -> list[Mapping[str, Any]] | None:
    """Return the metadata of policy and binding; None when one is missing, ends, or says something else."""
    found = []
    for kind, expected in guard.items():
        answer = await requests.send("GET", f"{_PATH}/{kind}/{name}", expect=frozenset({NOT_FOUND}), what=kind)
        if answer.code == NOT_FOUND:
            return None
        read = answer.json()
        metadata = read["metadata"]
        if "deletionTimestamp" in metadata or not says(read.get("spec"), expected):
            return None
        found.append(metadata)
    return found


def says(found: object, expected: object) -> bool:
    """Whether a spec is the expected one; what the API server adds by default is none of ours to expect."""
    return _plain(found) == _plain(expected)


def _plain(value: object) -> object:
    """Return a value without words, and without what says no more than its absence: an empty selector takes all."""
    if isinstance(value, Mapping):
        kept = {name: _plain(one) for name, one in value.items() if name not in _ONLY_WORDS}
        return {name: one for name, one in kept.items() if one not in (None, {}, [], _DEFAULTS.get(name))}
    return [_plain(one) for one in value] if isinstance(value, list) else value
