"""The admission policy for targets as this operator knows it. Used by `admission.TargetGuard`.

charts/.../admission/target.yaml has the same; a contract test holds both together.
"""

from __future__ import annotations

from typing import Any, Final

from sshcredential_operator.api.names import TRUST_HOST_KEY_ANNOTATION

TARGET_POLICY: Final = "sshcredential-operator-target"

_TRUSTED: Final = f"metadata.?annotations[?'{TRUST_HOST_KEY_ANNOTATION}'].orValue('')"
_BOOTSTRAP: Final = (
    "has(object.spec.authorizedKey) && has(object.spec.authorizedKey.bootstrap)"
    " && has(object.spec.authorizedKey.bootstrap.{member})"
    " ? object.spec.authorizedKey.bootstrap.{member}.name : {otherwise}"
)
_MAY_USE: Final = (
    "authorizer.group('sshcredentials.dev').resource('{resource}').namespace(request.namespace)"
    " .name(variables.{name}).check('use').allowed()"
)

TARGET_GUARD: Final[dict[str, dict[str, Any]]] = {
    "validatingadmissionpolicies": {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["sshcredentials.dev"],
                    "apiVersions": ["v1alpha1"],
                    "resources": ["sshtargets"],
                    "operations": ["CREATE", "UPDATE"],
                    "scope": "Namespaced",
                }
            ]
        },
        "matchConditions": [
            {
                "name": "server-may-be-another",
                "expression": "request.operation == 'CREATE' || object.spec != oldObject.spec"
                f" || !(object.{_TRUSTED} in ['', oldObject.{_TRUSTED}])",
            }
        ],
        "variables": [
            {"name": "credential", "expression": "object.spec.credentialRef.name"},
            {
                "name": "bootstrap",
                "expression": _BOOTSTRAP.format(member="credentialRef", otherwise="variables.credential"),
            },
            {"name": "password", "expression": _BOOTSTRAP.format(member="passwordSecret", otherwise="''")},
            {"name": "jump", "expression": "has(object.spec.jumpTargetRef) ? object.spec.jumpTargetRef.name : ''"},
        ],
        "validations": [
            {"expression": _MAY_USE.format(resource="sshcredentials", name="credential")},
            {"expression": _MAY_USE.format(resource="sshcredentials", name="bootstrap")},
            {
                "expression": "variables.password == '' || authorizer.group('').resource('secrets')"
                ".namespace(request.namespace).name(variables.password).check('get') .allowed()"
            },
            {"expression": f"variables.jump == '' || {_MAY_USE.format(resource='sshtargets', name='jump')}"},
        ],
    },
    "validatingadmissionpolicybindings": {"policyName": TARGET_POLICY, "validationActions": ["Deny"]},
}
"""The specs of policy and binding, as far as they decide who may."""
