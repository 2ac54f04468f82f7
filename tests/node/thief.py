"""Somebody who took the token out of a running pod, and tries what it is good for. Used by the tests."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterable
from typing import Any, Final, NamedTuple, Self

from cluster.shown import Object
from node.installation import Installation
from node.node import Node

TOKEN_FILE: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"
READ_TOKEN: Final = f"print(open('{TOKEN_FILE}').read(), end='')"
OK: Final = 200
FORBIDDEN: Final = 403


class Allowed(NamedTuple):
    """One verb on one resource; without a name, on all of them."""

    verb: str
    group: str
    resource: str
    name: str = ""


class Thief:
    """Talks to the API server with one token and nothing else. Every request is a real one."""

    def __init__(self, node: Node, token: str) -> None:
        self.token, self._server = token, node.server
        self._trust = ssl.create_default_context(cafile=str(node.ca_file))

    @classmethod
    def of(cls, installation: Installation) -> Self:
        """Take the token of the pod that leads."""
        return cls(installation.node, installation.run_in(installation.leader(), READ_TOKEN))

    def asks(self, method: str, path: str, body: Object | None = None) -> int:
        """Return the status of the answer."""
        return self._ask(method, path, body)[0]

    def reads_secrets_of(self, namespaces: Iterable[str]) -> set[str]:
        """Return those whose Secrets are listed for it."""
        return {name for name in namespaces if self.asks("GET", f"/api/v1/namespaces/{name}/secrets") == OK}

    def rights_in(self, namespace: str) -> set[Allowed]:
        """Return all that the API server says it may do in a namespace, cluster-wide rights with them."""
        asked = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview"}
        body = {**asked, "spec": {"namespace": namespace}}
        _, answer = self._ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", body)
        assert not answer["status"]["incomplete"]
        return allowed_by(answer["status"]["resourceRules"])

    def _ask(self, method: str, path: str, body: Object | None) -> tuple[int, Any]:
        request = urllib.request.Request(  # noqa: S310 - the node's own address
            self._server + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, context=self._trust) as answer:  # noqa: S310 - as above
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)


def allowed_by(rules: Iterable[Object]) -> set[Allowed]:
    """Return single rights for the rules of a role, or of an API server's review."""
    return {
        Allowed(verb, group, resource, name)
        for rule in rules
        for verb in rule["verbs"]
        for group in rule.get("apiGroups", ())
        for resource in rule.get("resources", ())
        for name in rule.get("resourceNames") or ("",)
    }


def claims_of(token: str) -> Any:
    """Return what a token says about itself (RFC 7519); nobody checks the signature here."""
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
