"""Whether credentials and Secrets at the end of a soak are what was asked for. Pure; called by `soak`.

Each function yields sentences, one for whatever is wrong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bench.soak_ledger import Ledger, Told, Wanted
from bench.soak_plan import Place
from cluster.shown import Object, answered, condition_of
from sshcredential_operator.encryption.credential_secret import OpenedCredential, Unreadable
from sshcredential_operator.encryption.record import Record

Stored = Mapping[Place, OpenedCredential | Unreadable]
"""What lies in the Secrets of our type, by the credential that each is named after."""


def drift(ledger: Ledger, credentials: Mapping[Place, Object], stored: Stored) -> Iterator[str]:
    """Yield all that has drifted, from the beginning to the end."""
    yield from ledger.drift
    for place, wanted in ledger.wanted.items():
        wrong = _of_one(wanted, credentials.get(place), ledger.told.get(place), stored.get(place))
        yield from (f"{place.namespace}/{place.name}: {problem}" for problem in wrong)
    for place in credentials.keys() - ledger.wanted.keys():
        yield f"{place.namespace}/{place.name}: was to be deleted, and is there"
    for place in stored.keys() - ledger.wanted.keys():
        yield f"{place.namespace}/{place.name}: its Secret is there without a credential"


def _of_one(
    wanted: Wanted, found: Object | None, told: Told | None, stored: OpenedCredential | Unreadable | None
) -> Iterator[str]:
    if found is None:
        yield "the credential is lost"
        return
    status, ready = found["status"], condition_of(found)
    if ready.get("status") != "True" or not answered(found):
        yield f"is not Ready for the present spec, {ready.get('reason')}"
    if status.get("rotationSerial") != wanted.serial:
        yield f"has answered serial {status.get('rotationSerial')}, not {wanted.serial}"
    if wanted.fingerprint not in {None, status.get("fingerprint")}:
        yield f"has key {status.get('fingerprint')}, and {wanted.fingerprint} was brought"
    if told is None or told.fingerprint != status.get("fingerprint"):
        yield f"has key {status.get('fingerprint')}, and the watch saw {told and told.fingerprint} last"
    if "previous" in status:
        yield "still has a previous key, after its overlap"
    if stored is None:
        yield "its Secret is lost"
    elif isinstance(stored, Unreadable):
        yield f"its Secret does not open, {stored.why}"
    else:
        yield from _of_record(stored.record, wanted, status)


def _of_record(record: Record, wanted: Wanted, status: Object) -> Iterator[str]:
    key = record.current_key
    if key.fingerprint != status.get("fingerprint"):
        yield f"its Secret holds key {key.fingerprint}, and the status tells of {status.get('fingerprint')}"
    if key.public_key.split()[:2] != status.get("publicKey", "").split()[:2]:
        yield "its Secret holds another key than the status' public key"
    if len(record.keys) != 1:
        yield f"its Secret holds {len(record.keys)} keys"
    if record.highest_key_number > 1 + wanted.serial:
        yield f"had {record.highest_key_number} keys, and {1 + wanted.serial} were asked for"
