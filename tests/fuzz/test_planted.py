"""Every target finds something: a bug is planted in what it fuzzes, and it has to be found. Run by `make campaign`."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import pytest

from fuzz.engine import run
from fuzz.targets.catalogue import TARGETS
from fuzz.targets.keys import end_pool
from fuzz.targets.stored import _PLAIN
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.keys.pool_messages import decoded_verdict
from sshcredential_operator.keys.verdict import Accepted
from sshcredential_operator.manifests.crd import our_kinds

pytestmark = pytest.mark.campaign

ENOUGH: Final = 6000
MANY: Final = 60_000
"""For a target of many small ones."""
OURS: Final = "sshcredential_operator."


class _NoErrorOfOurs(Exception):
    pass


class _OpensAll:
    def __init__(self, _: bytes) -> None: ...

    def decrypt(self, *_: object) -> bytes:
        return _PLAIN.reveal()


def _in_a_set(raw: Any, kind: Any, _: str) -> Any:
    return kind(raw) if raw in set(kind) else next(iter(kind))


def _accepted_only(message: bytes) -> Any:
    verdict = decoded_verdict(message)
    return verdict if isinstance(verdict, Accepted) else None


BUGS: Final[dict[str, tuple[str, Any]]] = {
    "key-reading": ("keys.wire.corrupt", lambda: ValueError("cut")),
    "key-import": ("keys.pool.decoded_verdict", _accepted_only),
    "authorized-keys": ("ssh.authorized_edit._ended", lambda content: content),
    "authorized-options": ("keys.authorized_keys._OPTION", re.compile(r'([A-Za-z0-9-]+)(="(?:[^"\\]|\\.)*")?')),
    "known-hosts": ("keys.known_hosts._is_printable", lambda _: True),
    "host-keys": ("ssh.trusting.blob_of", lambda _, encoded: base64.b64decode(encoded, validate=True)),
    "host-certificates": ("ssh.host_certificates._signature_fault", lambda _: None),
    "envelope": ("encryption.envelope.AESGCM", _OpensAll),
    "credential-secret": ("encryption.credential_secret._Secret.prove_keys", lambda *_: None),
    "record": ("encryption.record_json.exact_json.read", lambda data, _: orjson.loads(data)),
    "sealed-value": ("encryption.sealing.x25519_jwe.decrypt", lambda *_: _PLAIN),
    "delivered-copy": ("encryption.recipient.x25519_jwe.decrypt", lambda *_: _PLAIN),
    "ring-document": ("encryption.exact_json.read", lambda data, _: orjson.loads(data)),
    "sealing-keys": ("encryption.sealing_keys.parse_timestamp", datetime.fromisoformat),
    "backup": ("encryption.backup_seal._decrypted", lambda *_: _PLAIN),
    "backup-identity": ("encryption.backup_seal.len", lambda value: 32 if isinstance(value, Sensitive) else len(value)),
    "spec": ("api.spec.parse_duration", lambda _: timedelta(0)),
    "status": ("api.status._unfit", lambda *_: ()),
    "target-spec": ("api.target_spec.choice", _in_a_set),
    "export-spec": ("api.export_spec.choice", _in_a_set),
    "watch-lines": ("controller.metadata.RelistError", _NoErrorOfOurs),
    "answers": ("encryption.ring_backup._are_texts", lambda _: True),
    "retry-after": ("controller.requests._SECONDS", re.compile("[-0-9]+")),
    "http-answers": ("controller.http_answer._FRAMING", frozenset()),
    "kms-messages": ("encryption.kms_messages._text", bytes.decode),
    "ring-desk": ("controller.ring_desk._VALUE", re.compile("(?s).{1,1100}")),
    "options": ("api.durations.LONGEST_DURATION", timedelta.max),
    "policy-file": ("api.policy.printable", lambda name: name),
    "manifests": ("manifests.inspect.is_ours", lambda value: value.get("kind") in our_kinds()),
}
"""For each target, what of the product is replaced by what."""


@pytest.fixture(autouse=True)
def pool() -> Iterator[None]:
    yield
    end_pool()


def test_a_bug_is_planted_for_every_target() -> None:
    assert BUGS.keys() == TARGETS.keys()


@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = TARGETS[name]
    seeds: Callable[[], Any] = target.seeds
    seeds()  # made before anything is broken
    place, bug = BUGS[name]
    monkeypatch.setattr(OURS + place, bug, raising=not place.endswith(".len"))  # a built-in is only shadowed
    enough = MANY if name == "options" else ENOUGH
    assert run(target, 1, executions=enough, until_found=True).findings, "this target finds nothing"
