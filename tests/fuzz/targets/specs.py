"""Raw manifests, as they come when the schema was loosened or another version wrote them: from there to the status."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any, Final

import orjson

from fuzz.json_mutations import JSON, dumped
from fuzz.said import require_catalogue_text
from fuzz.target import Target
from lives.memory import run
from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.conditions import READY
from sshcredential_operator.api.export import Export, parse_export
from sshcredential_operator.api.export_spec import ExportSpec
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import Generate
from sshcredential_operator.api.status import Status, merge_patch, parse_status
from sshcredential_operator.api.target import Target as SshTarget
from sshcredential_operator.api.target import parse_target
from sshcredential_operator.exports.rendering import ignored, unfit
from sshcredential_operator.keys.generate import generate, generate_passphrase
from sshcredential_operator.keys.keypair import KeyPair
from sshcredential_operator.keys.openssh import canonical_body, container, key_pair, section
from unit.api.merge_patches import merged
from unit.reconcile.operator_memory import Operator
from unit.reconcile.ports_memory import Keys
from unit.reconcile.samples import PAIR, recorded
from unit.reconcile.sealing_desk import sealed
from unit.reconcile.server_memory import PENDING, Server

_MEANINGFUL: Final = {
    "name": "hpc_login",
    "rotation": {
        "serial": 1,
        "every": "2160h",
        "prepare": "0s",
        "overlap": "24h",
        "rollbackTo": PAIR.public.fingerprint,
    },
    "deletionPolicy": "Retain",
    "deletionGracePeriod": "168h",
    "suspend": True,
}
_IMPORTED: Final = {
    "privateKey": {"secretName": "my-key", "key": "ssh-privatekey"},
    "passphrase": {"secretName": "my-key", "key": "passphrase"},
}


class _QuickKeys(Keys):
    """Takes a while for each kind of key once; later ones are the same with another comment."""

    async def generate(self, wanted: Generate) -> tuple[KeyPair, Sensitive | None]:
        body = canonical_body(_kind(wanted.algorithm, wanted.bits).private.reveal()) or b""
        outer = container(body)
        pair = key_pair(section(outer.section).private, outer.public_blob, wanted.comment)
        return pair, generate_passphrase() if wanted.passphrase else None


@cache
def _kind(algorithm: Algorithm, bits: int) -> KeyPair:
    return generate(algorithm, bits, "")


def _lives() -> list[bytes]:
    ecdsa = {"algorithm": "ECDSA", "bits": 384, "comment": "ada@example"}
    specs: list[dict[str, Any]] = [{"generate": {}}, {"generate": ecdsa}, {"importFrom": _IMPORTED}]
    specs += [sealed(PAIR), sealed(PAIR, passphrase=Sensitive(b"correct horse"))]
    specs += [spec | {name: value} for spec in specs for name, value in _MEANINGFUL.items()]
    statuses: list[Any] = [PENDING, {}, _stored_status()]
    return [
        dumped({"first": spec, "then": specs[number % 3], "status": statuses[number % 3]})
        for number, spec in enumerate(specs)
    ]


@cache
def _stored_status() -> dict[str, Any]:
    """Return the status of a credential that has a key, as an operator writes it."""
    server = Server()
    server.apply({"generate": {}})
    run(Operator(server).settle())
    return server.status()


def _lived(data: bytes) -> str:
    """Apply one spec, let the operator come to rest, write the status, apply the other."""
    given = _object(data)
    server = Server()
    server.put_secret("my-key", {"ssh-privatekey": PAIR.private.reveal(), "passphrase": b""})
    told = []
    for step in ("first", "then"):
        if not isinstance(given.get(step), dict):
            continue
        server.apply(given[step])
        if step == "then" and isinstance(given.get("status"), dict):
            server.write_status(given["status"])
        operator = Operator(server)
        operator.world = replace(operator.world, keys=_QuickKeys())
        run(operator.settle())
        told.append(_ready(server.status()))
    return " ".join(told)


def _ready(status: dict[str, Any]) -> str:
    """Fail unless every condition is the catalogue's; return the reason."""
    conditions = {condition["type"]: condition for condition in status["conditions"]}
    assert len(conditions) == len(status["conditions"]), "two conditions of one type"
    ready = conditions[READY]
    reason = Reason(ready["reason"])
    require_catalogue_text(reason, ready["message"])
    line = status.get("publicKey") or ""
    assert line.isascii(), "the public key in the status is not ASCII"
    assert not line or line.isprintable(), "control characters in the public key in the status"
    return f"{reason.value} {ready['status']}"


def _status(data: bytes) -> str:
    """Whatever lies in a status, it is read, and what is written over it is read as what was wanted."""
    raw = _json(data)
    found = parse_status(raw)
    wanted = Status(observed_generation=3, name="hpc-login")
    before = {name: value for name, value in raw.items() if value is not None} if isinstance(raw, dict) else {}
    after = merged(before, merge_patch(wanted, over=found))
    assert after == merged({}, merge_patch(wanted, over=Status())), "a status that cannot be put right"
    assert parse_status(after) == wanted, "a status that is read otherwise than it was written"
    return f"{found.facts is not None} {min(len(found.conditions), 4)} {len(found.extra)}"


def _object_of(spec: Any, status: Any = None) -> dict[str, Any]:
    metadata = {"name": "x", "namespace": "genomics", "uid": "u", "resourceVersion": "1", "generation": 1}
    return {"metadata": metadata, "spec": spec, "status": status}


def _targets() -> list[bytes]:
    common = {"credentialRef": {"name": "hpc-login"}, "host": "login.hpc.example.org", "port": 22, "username": "ada"}
    keys = {"policy": "Pinned", "keys": ["ssh-ed25519 AAAA x"]}
    map_ = {"policy": "CertificateAuthority", "knownHosts": {"configMapName": "known", "key": "known_hosts"}}
    managed = {
        "manage": "Install",
        "options": "restrict",
        "bootstrap": {"passwordSecret": {"name": "p", "key": "password"}},
    }
    specs = (
        common | {"hostKeys": keys, "probe": {"every": "12h", "timeout": "10s"}},
        common | {"hostKeys": map_, "authorizedKey": managed, "jumpTargetRef": {"name": "gate"}},
        common
        | {"hostKeys": {"policy": "TrustOnFirstUse"}, "authorizedKey": {"bootstrap": {"credentialRef": {"name": "b"}}}},
    )
    return [dumped({"spec": spec, "status": {}}) for spec in specs]


def _target(data: bytes) -> str:
    given = _object(data)
    found: SshTarget = parse_target(_object_of(given.get("spec"), given.get("status")))
    hash((found.used, found.credential, found.jump))
    field = getattr(found.spec, "field", None)
    assert field is None or field.isprintable()
    return str(field)


def _exports() -> list[bytes]:
    common = {"credentialRef": {"name": "hpc-login"}, "secretName": "copy"}
    recipient = {"publicKey": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}}
    specs = (
        common | {"profile": "SSHAuth", "passphrase": "Strip", "privateKeyFormat": "PEM", "expiresAfter": "1h"},
        common | {"profile": "Flux", "knownHosts": {"inline": "h ssh-ed25519 AAAA"}, "username": "git"},
        common | {"profile": "ArgoCDRepository", "url": "ssh://git@example.org/x", "targetRef": {"name": "forge"}},
        common | {"recipient": recipient, "knownHosts": {"configMapName": "known"}},
        common | {"profile": "Sealed"},
    )
    return [dumped({"spec": spec, "status": {}}) for spec in specs]


def _export(data: bytes) -> str:
    given = _object(data)
    found: Export = parse_export(_object_of(given.get("spec"), given.get("status")))
    if not isinstance(found.spec, ExportSpec):
        assert found.spec.field.isprintable()
        return found.spec.field
    for text in (found.spec.url, found.spec.username):
        assert text is None or text.isprintable(), "control characters in what is written into a copy"
    return f"{unfit(found.spec, recorded())} {ignored(found.spec)} {found.spec.profile}"


def _object(data: bytes) -> dict[str, Any]:
    value = _json(data)
    return value if isinstance(value, dict) else {}


def _json(data: bytes) -> Any:
    """Return it as it comes from an API server, in which there are no lone surrogates and no integers of 80 bits."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return None


def _statuses() -> list[bytes]:
    return [dumped(status) for status in (_stored_status(), PENDING, {"usedBy": [{"kind": "SSHTarget", "name": "x"}]})]


TARGETS: Final = (
    Target(
        "spec",
        "Whatever two specs and a status in between say, the operator comes to rest, raises nothing, and each "
        "condition has a reason of the catalogue with its text.",
        _lives,
        JSON,
        _lived,
    ),
    Target("status", "A status that somebody wrote is read, and put right by one patch.", _statuses, JSON, _status),
    Target(
        "target-spec", "The spec of an SSHTarget is read, or its first unfit field is named.", _targets, JSON, _target
    ),
    Target("export-spec", "The spec of an export is read, or its first unfit field is named.", _exports, JSON, _export),
)
