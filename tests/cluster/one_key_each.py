"""What must hold of every revision, whatever crashed: one key for each credential, and no status that says otherwise.

Pure; used by `test_crashes` on what `history` recorded. Each function returns sentences, one for whatever is wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from cluster.history import CREDENTIALS, SECRETS, Revision
from cluster.shown import Object, answered, condition_of, data_of, secret_of
from sshcredential_operator.api.names import SECRET_TYPE
from sshcredential_operator.encryption.credential_secret import OpenedCredential, open_credential
from sshcredential_operator.encryption.envelope import Kek
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.record import Record
from sshcredential_operator.encryption.root_key import ROOT_SECRET_TYPE
from sshcredential_operator.keys.stored import stored_public_key

KeyOf = Callable[[str], Kek | None]


class Told(NamedTuple):
    """Who a key is, as a status or a record tells it."""

    fingerprint: str
    credential_id: str
    key_number: int


def broken(revisions: Sequence[Revision], credentials: Collection[tuple[str, str]], key_of: KeyOf) -> list[str]:
    """Return what is wrong with the history of these credentials, given as namespace and name."""
    of_object: defaultdict[tuple[str, str, str], list[Revision]] = defaultdict(list)
    for one in revisions:
        of_object[one.resource, one.namespace, one.name].append(one)
    wrong: list[str] = []
    for namespace, name in credentials:
        secrets = of_object[SECRETS, namespace, secret_of(name)]
        statuses = of_object[CREDENTIALS, namespace, name]
        wrong += (f"{namespace}/{name}: {problem}" for problem in _of_one(statuses, secrets, key_of))
    return wrong


def ring_broken(revisions: Iterable[Revision], workspaces: Collection[str]) -> list[str]:
    """Return what is wrong with the key ring: one root key, one key for each workspace, and none was ever changed."""
    kinds: defaultdict[str, list[Revision]] = defaultdict(list)
    for one in revisions:
        if one.resource == SECRETS:
            kinds[one.object["type"]].append(one)
    wanted = {ROOT_SECRET_TYPE: 1, KEK_SECRET_TYPE: len(workspaces)}
    return [
        f"{len(kinds[kind])} revisions of {kind}, not {count}"
        for kind, count in wanted.items()
        if len(kinds[kind]) != count
    ]


def _of_one(statuses: Sequence[Revision], secrets: Sequence[Revision], key_of: KeyOf) -> Iterator[str]:
    if not statuses or not is_ready(statuses[-1].object):
        yield "is not Ready at the end"
    if any(one.deleted for one in (*statuses, *secrets)):
        yield "something of it was deleted"
    if len(uids := {one.object["metadata"]["uid"] for one in secrets}) != 1:
        yield f"{len(uids)} Secrets"
    if len(values := {data_of(one.object).get("privateKey.1") for one in secrets}) != 1:
        yield f"{len(values)} stored private keys"
    records = {one.version: _record(one, key_of) for one in secrets}
    told = {_told_by(record) for record in records.values() if record} | {_told(one.object) for one in statuses}
    if len(told - {None}) != 1 or None in records.values():
        yield f"not one key, but {told}"
    for status in statuses:
        if is_ready(status.object):
            yield from _ready_without_reason(status, records)


def _ready_without_reason(status: Revision, records: dict[int, Record | None]) -> Iterator[str]:
    before = [version for version in records if version < status.version]
    record = records[max(before)] if before else None
    if record is None or _told_by(record) != _told(status.object):
        yield f"Ready at version {status.version} with {_told(status.object)}, but the Secret held {record}"
    if not answered(status.object):
        yield f"Ready at version {status.version} for another generation"


def is_ready(found: Object) -> bool:
    """Whether the status says Ready."""
    return condition_of(found)["status"] == "True"


def _record(secret: Revision, key_of: KeyOf) -> Record | None:
    name = secret.name.removesuffix(secret_of(""))
    if secret.object["type"] != SECRET_TYPE:
        return None
    opened = open_credential(data_of(secret.object), secret.namespace, name, key_of, stored_public_key)
    return opened.record if isinstance(opened, OpenedCredential) else None


def _told_by(record: Record) -> Told:
    return Told(record.current_key.fingerprint, record.credential_id, record.current)


def _told(found: Object) -> Told | None:
    status = found["status"]
    if "fingerprint" not in status:
        return None
    return Told(status["fingerprint"], status["credentialId"], status["keyNumber"])
