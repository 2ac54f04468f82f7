"""The operator's public sealing keys, as its namespace's ConfigMap has them. Used by the commands that seal."""

from __future__ import annotations

from typing import Final

from kubernetes import client

from sshcredential_operator.client.exports import HOW, answer_of
from sshcredential_operator.client.refused import Refused
from sshcredential_operator.encryption.sealing_keys import SEALING_KEYS_CONFIG_MAP, SEALING_KEYS_DATA_KEY

_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404


def published_keys(api: client.ApiClient, operator_namespace: str) -> str | Refused:
    """Return the text of the JWK Set."""
    read = client.CoreV1Api(api).read_namespaced_config_map
    answer = answer_of(lambda: read(SEALING_KEYS_CONFIG_MAP, operator_namespace, **HOW))
    if isinstance(answer, Refused):
        if answer.code == _FORBIDDEN:
            return Refused(answer.code, f"{answer.sentence}; or give what somebody else got, with --sealing-key")
        return Refused(answer.code, _absent(operator_namespace)) if answer.code == _NOT_FOUND else answer
    text = (answer.get("data") or {}).get(SEALING_KEYS_DATA_KEY)
    return text if isinstance(text, str) else Refused(_NOT_FOUND, _absent(operator_namespace))


def _absent(operator_namespace: str) -> str:
    return (
        f"there are no sealing keys in namespace {operator_namespace}: name the operator's namespace with "
        "--operator-namespace, or ask whoever runs the operator for a file, and give it with --sealing-key; "
        "an operator of this version makes the keys when it starts"
    )
