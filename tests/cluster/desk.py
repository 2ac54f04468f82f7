"""What a person does to credentials and Secrets of one namespace, and sees of them: the desk of the operator's tests.

Happy paths go through kubectl, many objects at a time; what is asked again and again goes through the Python client.
Every wait is for a condition, and says what was there instead when it gives up.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, cast

from kubernetes import client, config

from cluster.credentials import Credentials, Refused, credential
from cluster.shown import Object, answered, data_of, mark_of, reason_of, secret_of
from controlplane.clusters import Cluster
from controlplane.waiting import TimedOut, wait_until
from sshcredential_operator.api.names import DELETE_WHILE_IN_USE_ANNOTATION, GROUP, PLURAL, VERSION

Data = Mapping[str, bytes]

KIND: Final = "sshcredential"
PATIENCE: Final = "60s"
NOT_FOUND: Final = 404
OF_THE_KEY_RING: Final = (
    "sshcredential-root-key",
    "sshcredential-canary-",
    "sshcredential-kek-",
    "sshcredential-sealing-key-",
)


class Event(NamedTuple):
    """One event about a credential."""

    reason: str
    note: str
    type: str


class Desk:
    """One namespace, as its administrator."""

    def __init__(self, cluster: Cluster, connection: client.ApiClient, namespace: str) -> None:
        self.namespace, self._cluster = namespace, cluster
        self._credentials = Credentials(connection, namespace)
        self._objects = client.CustomObjectsApi(connection)
        # Their answers are taken as they come: models would drop what they do not know.
        self._core: Any = client.CoreV1Api(connection)
        self._announced: Any = client.EventsV1Api(connection)

    def namespace_uid(self) -> str:
        """Return the uid of the namespace."""
        return str(self._core.read_namespace(self.namespace).metadata.uid)

    # --- credentials

    def apply(self, credentials: Mapping[str, Object]) -> None:
        """`kubectl apply` of one spec for each name."""
        items = [credential(spec, name) for name, spec in credentials.items()]
        body = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
        self._cluster.kubectl("apply", "-n", self.namespace, "-f", "-", input=body)

    def wait_for_ready(self, names: Sequence[str]) -> None:
        """`kubectl wait` until all of them are Ready."""
        wanted = [f"{KIND}/{name}" for name in names]
        self._cluster.kubectl("wait", "-n", self.namespace, "--for=condition=Ready", f"--timeout={PATIENCE}", *wanted)

    def create(self, name: str, spec: Object) -> Object:
        """Make one credential."""
        return _accepted(self._credentials.create(spec, name))

    def edit(self, name: str, spec: Object) -> Object:
        """Change the spec of a credential by a merge patch."""
        return _accepted(self._credentials.patch({"spec": spec}, name))

    def write_status(self, name: str, status: Object) -> Object:
        """Change the status of a credential by a merge patch, as nobody but the operator should."""
        return _accepted(self._credentials.patch_status(status, name))

    def annotate(self, name: str, annotations: Mapping[str, str]) -> Object:
        """Annotate a credential."""
        return _accepted(self._credentials.patch({"metadata": {"annotations": {**annotations}}}, name))

    def delete(self, *names: str) -> None:
        """Delete credentials."""
        for name in names:
            _accepted(self._credentials.delete(name))

    def get(self, name: str) -> Object:
        """Return a credential as it is."""
        where = (GROUP, VERSION, self.namespace, PLURAL, name)
        return cast("Object", self._objects.get_namespaced_custom_object(*where))

    def all(self) -> list[Object]:
        """Return all credentials as they are."""
        found = cast("Object", self._objects.list_namespaced_custom_object(GROUP, VERSION, self.namespace, PLURAL))
        return list(found["items"])

    def until(self, name: str, reason: str) -> Object:
        """Return the credential when Ready has this reason for the spec's present generation."""
        return self.until_object(name, lambda found: (reason_of(found), answered(found)) == (reason, True), reason)

    def until_object(self, name: str, condition: Callable[[Object], bool], what: str) -> Object:
        """Return the credential when this condition holds for it."""
        return until_shown(lambda: self.get(name), condition, f"{name} is {what}")

    def events(self, name: str) -> list[Event]:
        """Return the events about a credential, oldest first."""
        about = {"field_selector": f"regarding.name={name}", "_preload_content": False}
        found = _json(self._announced.list_namespaced_event(self.namespace, **about))["items"]
        return [Event(e["reason"], e["note"], e["type"]) for e in sorted(found, key=lambda event: event["eventTime"])]

    def until_event(self, name: str, reason: str) -> Event:
        """Return the first event of this reason about a credential; it follows the status."""

        def told() -> list[Event]:
            return [event for event in self.events(name) if event.reason == reason]

        return wait_until(told, f"event {reason} about {name}")[0]

    # --- Secrets

    def make_secret(
        self, name: str, data: Data, *, kind: str = "Opaque", immutable: bool = False, owner: Object | None = None
    ) -> Object:
        """Make a Secret."""
        metadata = {"name": name} | ({"ownerReferences": [owner]} if owner else {})
        encoded = {key: b64encode(value).decode() for key, value in data.items()}
        body = {"metadata": metadata, "type": kind, "data": encoded, "immutable": immutable}
        return _json(self._core.create_namespaced_secret(self.namespace, body, _preload_content=False))

    def put_back(self, secret: Object, *, name: str = "") -> Object:
        """Make a Secret from a saved copy, as a restored backup does; with a `name`, under that one."""
        return self.make_secret(name or secret["metadata"]["name"], data_of(secret), kind=secret["type"])

    def change_secret(self, name: str, *, data: Mapping[str, bytes | None] | None = None, **metadata: Any) -> Object:
        """Change a Secret by a merge patch; a value of None takes the key away."""
        changed = {key: None if value is None else b64encode(value).decode() for key, value in (data or {}).items()}
        body = {"metadata": metadata, "data": changed}
        return _json(self._core.patch_namespaced_secret(name, self.namespace, body, _preload_content=False))

    def delete_secret(self, name: str) -> None:
        """Delete a Secret; one of the key ring as somebody does who means it."""
        if name.startswith(OF_THE_KEY_RING):
            self.change_secret(name, annotations={DELETE_WHILE_IN_USE_ANNOTATION: "true"})
        self._core.delete_namespaced_secret(name, self.namespace)

    def secret(self, name: str) -> Object | None:
        """Return a Secret, byte for byte as it is, or None."""
        try:
            return _json(self._core.read_namespaced_secret(name, self.namespace, _preload_content=False))
        except client.ApiException as refused:
            if refused.status != NOT_FOUND:
                raise
            return None

    def stored(self, name: str) -> Object:
        """Return the Secret that holds a credential's key."""
        found = self.secret(secret_of(name))
        assert found is not None, f"the Secret of {name} is gone"
        return found

    def until_secret(self, name: str, condition: Callable[[dict[str, bytes]], bool], what: str) -> Object:
        """Return the Secret that holds a credential's key when this condition holds for its values."""
        return wait_until(lambda: _if(condition, self.stored(name)), f"the Secret of {name} is {what}")

    def until_gone(self, name: str) -> None:
        """Return when the Secret of a credential is no more."""
        wait_until(lambda: self.secret(secret_of(name)) is None, f"the Secret of {name} is gone")

    def until_marked(self, name: str, *, marked: bool = True) -> Object:
        """Return the Secret of a credential when it bears the mark of an orphan, or no longer does."""
        wait_until(lambda: bool(mark_of(self.stored(name))) is marked, f"the mark of {name} is {marked}")
        return self.stored(name)


@contextmanager
def desk_in(cluster: Cluster, namespace: str) -> Iterator[Desk]:
    """Sit down in a namespace."""
    with config.new_client_from_config(str(cluster.kubeconfig_for("admin"))) as connection:
        yield Desk(cluster, connection, namespace)


def _accepted(answer: Object | Refused) -> Object:
    assert not isinstance(answer, Refused), answer.says
    return answer


def _if(condition: Callable[[dict[str, bytes]], bool], secret: Object) -> Object:
    return secret if condition(data_of(secret)) else {}


def _json(response: Any) -> Object:
    return cast("Object", json.loads(response.data))


def until_shown(
    get: Callable[[], Object], condition: Callable[[Object], bool], what: str, seconds: float = 30
) -> Object:
    """Return an object when this condition holds for it; what its status says instead is told of one that is late."""
    seen: list[Object] = []

    def held() -> bool:
        seen[:] = [get()]
        return condition(seen[0])

    try:
        wait_until(held, what, seconds)
    except TimedOut as late:
        status = json.dumps(seen[0].get("status"), indent=1) if seen else ""
        raise TimedOut(f"{late}; instead: {status}") from None
    return seen[0]
