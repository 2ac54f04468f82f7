"""The sealed keys that the random steps choose from, and what one asks for. Used by `wishes` and the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from lives.choices import LIVING, PAIRS
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import Sealed, Spec
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Scope, seal_of
from sshcredential_operator.encryption.sealing_keys import SealingKey
from unit.reconcile.sealing_desk import PASSPHRASE, DeskKey, sealed

OF_PLANS: Final = "hpc"
"""The credential of plans of faults, whose runs are held to the same."""
WRONG: Final = Sensitive(b"not this one")


class How(NamedTuple):
    """How a key is sealed: which one, to which sealing key, and what is wrong with it."""

    pair: int
    to: str = "newest"
    passphrase: Sensitive | None = None
    says: Mapping[str, Any] = {}
    fault: str = ""


SEALED: Final = {
    "sealed": How(0),
    "sealed again": How(0, "older", PASSPHRASE),
    "sealed another": How(1, passphrase=PASSPHRASE),
    "sealed for the namespace": How(2, "older", says={"scope": Scope.NAMESPACE, "name": None}),
    "sealed to a retired key": How(2, "retired"),
    "sealed to an unknown key": How(1, "unknown"),
    "sealed elsewhere": How(1, says={"name": "desktop"}),
    "sealed with a lie": How(1, says={"fingerprint": PAIRS[2].public.fingerprint}),
    "sealed and swapped": How(1, passphrase=PASSPHRASE, fault="swapped"),
    "sealed of two keys": How(1, passphrase=PASSPHRASE, fault="of two keys"),
    "sealed and damaged": How(2, fault="damaged"),
    "sealed without its passphrase": How(2, passphrase=PASSPHRASE, fault="no passphrase"),
    "sealed with a wrong passphrase": How(0, passphrase=PASSPHRASE, fault="wrong passphrase"),
}
"""The first four are good."""


def sealed_source(how: How, namespace: str, name: str, keys: Mapping[str, DeskKey | SealingKey]) -> dict[str, Any]:
    """Return spec.sealed for this credential."""
    says = {"namespace": namespace, "name": name, **how.says}
    values = _values(PAIRS[how.pair], keys[how.to], how.passphrase, says)
    match how.fault:
        case "swapped":
            values = {"privateKey": values["passphrase"], "passphrase": values["privateKey"]}
        case "of two keys":
            others = _values(PAIRS[how.pair - 1], keys[how.to], how.passphrase, says)
            values |= {"passphrase": others["passphrase"]}
        case "damaged":
            *parts, tag = values["privateKey"].split(".")
            values["privateKey"] = ".".join([*parts, ("B" if tag[0] == "A" else "A") + tag[1:]])
        case "no passphrase":
            del values["passphrase"]
        case "wrong passphrase":
            values |= {"passphrase": _values(PAIRS[how.pair], keys[how.to], WRONG, says)["passphrase"]}
    return values


def _values(
    pair: Any, to: DeskKey | SealingKey, passphrase: Sensitive | None, says: Mapping[str, Any]
) -> dict[str, Any]:
    values: dict[str, Any] = sealed(pair, to=to, passphrase=passphrase, **says)["sealed"]
    return values


def wanted_of(spec: Spec) -> str | None:
    """Return the fingerprint of the key that spec.sealed asks for; None where it is not for one of the credentials."""
    if not isinstance(spec.source, Sealed):
        return None
    private_key = seal_of(spec.source.private_key)
    passphrase = seal_of(spec.source.passphrase) if spec.source.passphrase else private_key
    if private_key is None or passphrase is None or private_key.field is not Field.PRIVATE_KEY:
        return None
    ours = private_key.name in {*LIVING, OF_PLANS, None} and private_key.fingerprint == passphrase.fingerprint
    return private_key.fingerprint if ours else None
