"""The key ring of a plan's operators as its Secrets have told it, whatever was replaced since. Used by `stage`."""

from __future__ import annotations

from collections.abc import Iterable

from cluster.etcd_history import SECRETS, Revision
from cluster.shown import Object, data_of
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import KEK_DATA_KEY, KEK_SECRET_TYPE, KekDocument, unwrap_kek
from sshcredential_operator.encryption.root_key import ROOT_DATA_KEY, ROOT_SECRET_TYPE, root_keys_from_bytes


def keks_of(revisions: Iterable[Revision]) -> dict[str, Kek]:
    """Return every workspace key that ever was, by its id."""
    roots: dict[str, Kek] = {}
    documents: list[KekDocument] = []
    for one in revisions:
        if one.resource != SECRETS or one.object is None:
            continue
        if one.object["type"] == ROOT_SECRET_TYPE:
            found = root_keys_from_bytes(data_of(one.object)[ROOT_DATA_KEY])
            roots |= {root.kid: root for root in found.keys} if found else {}
        elif document := kek_in(one.object):
            documents.append(document)
    opened = [unwrap_kek(document, root) for document in documents if (root := roots.get(document.wrapped.root_key_id))]
    return {kek.kid: kek for kek in opened if kek}


def kek_in(secret: Object) -> KekDocument | None:
    """Return the workspace key's document that lies in a Secret."""
    if secret["type"] != KEK_SECRET_TYPE:
        return None
    return KekDocument.from_bytes(data_of(secret)[KEK_DATA_KEY])


def roots_in(secrets: Iterable[Object]) -> list[str]:
    """Return the ids of the root keys, the one for writing first."""
    for secret in secrets:
        if secret["type"] == ROOT_SECRET_TYPE:
            found = root_keys_from_bytes(data_of(secret)[ROOT_DATA_KEY])
            return [root.kid for root in found.keys] if found else []
    return []
