"""The pass' ports on a real API server: the handful of requests that this operator makes for a credential."""

from __future__ import annotations

import logging
import secrets
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final

from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.names import (
    API_VERSION,
    CREDENTIAL_LABEL,
    FIELD_MANAGER,
    KIND,
    MANAGED_BY_LABEL,
    ORPHANED_SINCE_ANNOTATION,
    PLURAL,
    SECRET_TYPE,
    CredentialKey,
    Namespace,
)
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.controller.requests import MERGE_PATCH, Requests
from sshcredential_operator.reconcile.observed import RawSecret
from sshcredential_operator.reconcile.trouble import TroubleError

log = logging.getLogger(__name__)

NOT_FOUND: Final = 404
CONFLICT: Final = 409
UNPROCESSABLE: Final = 422

SECRETS_PATH: Final = "/api/v1/namespaces/{namespace}/secrets"
API_PATH: Final = f"/apis/{API_VERSION}"
BY_US: Final = f"?fieldManager={FIELD_MANAGER}"
CREDENTIALS_PATH: Final = API_PATH + "/namespaces/{namespace}/" + PLURAL


def parse_secret(raw: Mapping[str, Any]) -> RawSecret:
    """Return a Secret object as a RawSecret; values that are no base64 cannot come from an API server."""
    metadata = raw["metadata"]
    return RawSecret(
        uid=metadata["uid"],
        resource_version=metadata["resourceVersion"],
        type=raw.get("type", "Opaque"),
        data={name: b64decode(value) for name, value in (raw.get("data") or {}).items()},
        orphaned_since=(metadata.get("annotations") or {}).get(ORPHANED_SINCE_ANNOTATION),
    )


class ApiSecrets:
    """The port `Secrets`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def read(self, key: CredentialKey) -> RawSecret | None:
        """Read one Secret live."""
        answer = await self._requests.send("GET", _secret(key), expect=frozenset({NOT_FOUND}), what="secrets")
        return None if answer.code == NOT_FOUND else parse_secret(answer.json())

    async def create(self, key: CredentialKey, data: Mapping[str, bytes]) -> RawSecret | None:
        """POST a credential's Secret; None when the name is taken."""
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": key.secret_name,
                "namespace": key.namespace,
                "labels": {MANAGED_BY_LABEL: FIELD_MANAGER, CREDENTIAL_LABEL: key.name},
            },
            "type": SECRET_TYPE,
            "data": encoded(data),
        }
        path = SECRETS_PATH.format(namespace=key.namespace) + BY_US
        answer = await self._requests.send("POST", path, body=body, expect=frozenset({CONFLICT}), what="secrets")
        return None if answer.code == CONFLICT else parse_secret(answer.json())

    async def patch(
        self,
        key: CredentialKey,
        uid: str,
        resource_version: str,
        *,
        data: Mapping[str, bytes | None],
        orphaned_since: str | None,
    ) -> str | None:
        """Merge-patch one revision; None when there is a newer one, another object, or none."""
        metadata = {
            "uid": uid,
            "resourceVersion": resource_version,
            "annotations": {ORPHANED_SINCE_ANNOTATION: orphaned_since},
        }
        answer = await self._requests.send(
            "PATCH",
            _secret(key) + BY_US,
            body={"metadata": metadata, "data": encoded(data)} if data else {"metadata": metadata},
            content_type=MERGE_PATCH,
            expect=frozenset({NOT_FOUND, CONFLICT, UNPROCESSABLE}),
            what="secrets",
        )
        return answer.json()["metadata"]["resourceVersion"] if answer.code < NOT_FOUND else None

    async def delete(self, key: CredentialKey, uid: str, resource_version: str) -> None:
        """Delete one revision of one object; anything else is trouble, since no event need tell of it."""
        if not await delete_secret(self._requests, _secret(key), uid, resource_version):
            raise TroubleError(Reason.SERVER_UNAVAILABLE)


class ApiCredentials:
    """The port `Credentials`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def read(self, key: CredentialKey) -> Credential | None:
        """Read one credential live. None only while the API itself is fully served.

        While the CRD is absent, or is being deleted with all its objects, a missing credential says nothing about what
        the user wants: TroubleError then.
        """
        path = f"{CREDENTIALS_PATH.format(namespace=key.namespace)}/{key.name}"
        answer = await self._requests.send("GET", path, expect=frozenset({NOT_FOUND}), what=PLURAL)
        if answer.code != NOT_FOUND:
            return parse_credential(answer.json())
        if not await api_is_served(self._requests):
            raise TroubleError(Reason.SERVER_UNAVAILABLE)
        return None

    async def patch_status(self, credential: Credential, status: Mapping[str, Any]) -> Credential | None:
        """Merge-patch the status of one revision; None when there is a newer one, or none."""
        path = f"{CREDENTIALS_PATH.format(namespace=credential.key.namespace)}/{credential.key.name}"
        answer = await patch_status(self._requests, path, credential.resource_version, status, what=PLURAL)
        return parse_credential(answer) if answer else None


async def delete_secret(requests: Requests, path: str, uid: str, resource_version: str) -> bool:
    """Delete one revision of one Secret; anything newer stays. False if there is that, or nothing, or so it is said."""
    body = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": uid, "resourceVersion": resource_version},
    }
    answer = await requests.send("DELETE", path, body=body, expect=frozenset({NOT_FOUND, CONFLICT}), what="secrets")
    return answer.code < NOT_FOUND


async def patch_status(
    requests: Requests, path: str, resource_version: str, status: Mapping[str, Any], *, what: str
) -> dict[str, Any] | None:
    """Merge-patch the status of one revision of an object; None when there is a newer one, or none."""
    answer = await requests.send(
        "PATCH",
        f"{path}/status{BY_US}",
        body={"metadata": {"resourceVersion": resource_version}, "status": status},
        content_type=MERGE_PATCH,
        expect=frozenset({NOT_FOUND, CONFLICT}),
        what=f"{what}/status",
    )
    return answer.json() if answer.code < NOT_FOUND else None


async def api_is_served(requests: Requests, plural: str = PLURAL) -> bool:
    """Whether a kind's CRD is installed and not on its way out (then the server no longer offers `create`)."""
    answer = await requests.send("GET", API_PATH, expect=frozenset({NOT_FOUND}))
    if answer.code == NOT_FOUND:
        return False
    return any(r["name"] == plural and "create" in r["verbs"] for r in answer.json().get("resources", ()))


class ApiInputs:
    """Reads input Secrets, for the port `Inputs`."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests

    async def read(self, namespace: Namespace, secret_name: str) -> Mapping[str, bytes] | None:
        """Read a user's Secret live; None when there is none."""
        path = f"{SECRETS_PATH.format(namespace=namespace)}/{secret_name}"
        answer = await self._requests.send("GET", path, expect=frozenset({NOT_FOUND}), what="secrets")
        return None if answer.code == NOT_FOUND else parse_secret(answer.json()).data


class ApiAnnouncer:
    """The port `Announcer`: events.k8s.io. Failing to write one loses only words."""

    def __init__(self, requests: Requests, instance: str) -> None:
        self._requests = requests
        self._instance = instance

    async def announce(self, credential: Credential, event: str, note: str, *, warning: bool, moment: str) -> None:
        """POST an Event about a credential."""
        about = {"kind": KIND, "uid": credential.uid, "resourceVersion": credential.resource_version}
        await self.post(
            credential.key.namespace, credential.key.name, about, event, note, warning=warning, moment=moment
        )

    async def post(  # noqa: PLR0913 - an event has these parts
        self,
        namespace: Namespace,
        name: str,
        about: Mapping[str, str],
        event: str,
        note: str,
        *,
        warning: bool,
        moment: str,
    ) -> None:
        """POST an Event about an object of ours."""
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"name": f"{name}.{secrets.token_hex(8)}", "namespace": namespace},
            "eventTime": moment,
            "type": "Warning" if warning else "Normal",
            "reason": event,
            "action": "Reconcile",
            "note": note[:1024],
            "reportingController": FIELD_MANAGER,
            "reportingInstance": self._instance,
            "regarding": {"apiVersion": API_VERSION, "namespace": namespace, "name": name, **about},
        }
        path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        try:
            await self._requests.send("POST", path, body=body, what="events.events.k8s.io")
        except TroubleError as trouble:  # the status says the same, and lasts
            log.warning("event not written", extra={"object": f"{namespace}/{name}", "reason": trouble.reason.value})


def _secret(key: CredentialKey) -> str:
    return f"{SECRETS_PATH.format(namespace=key.namespace)}/{key.secret_name}"


def encoded(data: Mapping[str, bytes | None]) -> dict[str, str | None]:
    """Return the data of a Secret as the API has it; None takes a value away."""
    return {name: None if value is None else b64encode(value).decode() for name, value in data.items()}
