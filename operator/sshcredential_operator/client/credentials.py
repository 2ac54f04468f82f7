"""What a person reads of credentials: themselves, their events, and Secrets that were left behind. Used by `cli`.

Lists come in pages, so that thousands are no burden; answers are taken as they come. A refusal is a value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from kubernetes import client

from sshcredential_operator.api.names import GROUP, KIND, PLURAL, SECRET_TYPE, VERSION
from sshcredential_operator.client.exports import HOW, list_of, object_of
from sshcredential_operator.client.refused import Refused

PAGE: Final = 500
METADATA_ONLY: Final = {"Accept": "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}
_SECRET: Final = {"apiVersion": "v1", "kind": "Secret"}
"""What the API server calls PartialObjectMetadata where only that was asked for."""
_GONE: Final = 410
_TRIES: Final = 3

Object = dict[str, Any]


class CredentialReads:
    """The credentials that this connection may see. Nothing raises."""

    def __init__(self, api: client.ApiClient) -> None:
        self._api = api
        self._objects = client.CustomObjectsApi(api)

    def get(self, namespace: str, name: str) -> Object | Refused:
        """Return a credential as it is."""
        where = (GROUP, VERSION, namespace, PLURAL, name)
        return object_of(lambda: self._objects.get_namespaced_custom_object(*where, **HOW))

    def all_in(self, namespace: str | None) -> list[Object] | Refused:
        """Return the credentials of a namespace, or with None those of all."""
        if namespace is None:
            return pages(lambda **page: self._objects.list_cluster_custom_object(GROUP, VERSION, PLURAL, **page))
        where = (GROUP, VERSION, namespace, PLURAL)
        return pages(lambda **page: self._objects.list_namespaced_custom_object(*where, **page))

    def names_in(self, namespace: str, seconds: float) -> list[str]:
        """Return the names of a namespace's credentials; none where the answer does not come in time."""
        how = HOW | {"_request_timeout": seconds, "_headers": METADATA_ONLY}
        listed = self._objects.list_namespaced_custom_object
        answer = list_of(lambda: listed(GROUP, VERSION, namespace, PLURAL, limit=PAGE, **how))
        return [] if isinstance(answer, Refused) else [str(one["metadata"]["name"]) for one in answer["items"]]

    def events_about(self, namespace: str, name: str, kind: str = KIND) -> list[Object] | Refused:
        """Return the events about a credential, or an object of another kind, oldest first."""
        events: Any = client.EventsV1Api(self._api)
        about = f"regarding.name={name},regarding.kind={kind}"
        found = pages(lambda **page: events.list_namespaced_event(namespace, field_selector=about, **page))
        return found if isinstance(found, Refused) else sorted(found, key=_moment)

    def stored_in(self, namespace: str | None) -> list[Object] | Refused:
        """Return the metadata of the Secrets that hold keys."""
        core: Any = client.CoreV1Api(self._api)
        asked = {"field_selector": f"type={SECRET_TYPE}", "_headers": METADATA_ONLY}
        if namespace is None:
            found = pages(lambda **page: core.list_secret_for_all_namespaces(**asked, **page))
        else:
            found = pages(lambda **page: core.list_namespaced_secret(namespace, **asked, **page))
        return found if isinstance(found, Refused) else [_SECRET | {"metadata": one["metadata"]} for one in found]


def pages(list_page: Callable[..., Any]) -> list[Object] | Refused:
    """Return all items of a list; one that grew too old between two pages begins anew."""
    answer: list[Object] | Refused = []
    for _ in range(_TRIES):
        answer = _all_pages(list_page)
        if not isinstance(answer, Refused) or answer.code != _GONE:
            break
    return answer


def _all_pages(list_page: Callable[..., Any]) -> list[Object] | Refused:
    found: list[Object] = []
    after: dict[str, str] = {}
    while True:
        answer = list_of(lambda: list_page(limit=PAGE, **after, **HOW))  # noqa: B023 - called at once
        if isinstance(answer, Refused):
            return answer
        found += answer["items"]
        token = answer["metadata"].get("continue")
        if not token:
            return found
        after = {"_continue": token}


def _moment(event: Object) -> str:
    return str(event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")
