"""How many keys were ever written: one for each number, one number for each request. Pure; used on `etcd_history`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from cluster.etcd_history import SECRETS, Revision
from cluster.shown import data_of
from sshcredential_operator.api.names import SECRET_SUFFIX, SECRET_TYPE
from sshcredential_operator.encryption.canary import CANARY_SECRET_TYPE
from sshcredential_operator.encryption.credential_secret import KekOf, OpenedCredential, open_credential
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.root_key import ROOT_SECRET_TYPE
from sshcredential_operator.keys.stored import stored_public_key


def too_many_keys(revisions: Sequence[Revision], key_of: KekOf, serials: Mapping[str, int]) -> Iterator[str]:
    """Yield what is wrong with the keys of credentials; `serials` are the highest that users have set, raised by ones.

    No value of a private key is ever sealed again here, so that its ciphertext stands for it.
    """
    values: defaultdict[tuple[str, str, str], set[bytes]] = defaultdict(set)
    for one in revisions:
        if one.resource != SECRETS or one.object is None or one.object["type"] != SECRET_TYPE:
            continue
        name, data = one.name.removesuffix(SECRET_SUFFIX), data_of(one.object)
        opened = open_credential(data, one.namespace, name, key_of, stored_public_key)
        if not isinstance(opened, OpenedCredential):
            yield f"the Secret of {name} does not open at {one.version}"
            continue
        for member in data:
            if member.startswith("privateKey."):
                values[name, opened.record.credential_id, member].add(data[member])
        if (keys := opened.record.highest_key_number) > 1 + serials.get(name, 0):
            yield f"{name} had {keys} keys at {one.version}, with serial {serials.get(name, 0)}"
    yield from (f"{len(found)} values of {where}" for where, found in values.items() if len(found) > 1)


def key_ring_changes(revisions: Sequence[Revision], workspaces: int) -> Iterator[str]:
    """Yield what is wrong with the key ring since its beginning: each of its Secrets is written once."""
    wanted = {ROOT_SECRET_TYPE: 1, CANARY_SECRET_TYPE: 1, KEK_SECRET_TYPE: workspaces}
    written = Counter(one.object["type"] for one in revisions if one.resource == SECRETS and one.object)
    yield from (f"{written[kind]} writes of {kind}" for kind, count in wanted.items() if written[kind] != count)
