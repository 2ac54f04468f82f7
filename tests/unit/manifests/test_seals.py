"""Sealed values in manifests, made with real keys: right ones pass, and each wrong one has its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Scope, Seal, seal_value
from sshcredential_operator.encryption.sealing_keys import SealingKeys
from sshcredential_operator.manifests.finding import Finding, Level
from sshcredential_operator.manifests.inspect import Inspection
from unit.cli.sealed import MadeKey

OLD, NEW = MadeKey.make(1), MadeKey.make(2)
KEYS = SealingKeys((NEW.public, OLD.public))
FINGERPRINT = "SHA256:" + "A" * 43


def sealed(field: Field = Field.PRIVATE_KEY, key: MadeKey = NEW, **changed: Any) -> str:
    told: dict[str, Any] = {"kid": key.public.kid, "scope": Scope.STRICT, "namespace": "genomics", "name": "hpc-login"}
    seal = Seal(**(told | {"field": field, "fingerprint": FINGERPRINT} | changed))
    return seal_value(Sensitive(b"secret"), key.public.x, seal)


def inspected(
    values: dict[str, str],
    keys: SealingKeys | None = KEYS,
    namespace: str | None = None,
    metadata_namespace: str = "",
) -> list[Finding]:
    manifest = {
        "apiVersion": "sshcredentials.dev/v1alpha1",
        "kind": "SSHCredential",
        "metadata": {"name": "hpc-login", "namespace": metadata_namespace},
        "spec": {"sealed": values},
    }
    return list(Inspection(namespace, keys).findings("a.json", json.dumps(manifest).encode()))


def test_right_values_pass() -> None:
    both = {"privateKey": sealed(), "passphrase": sealed(Field.PASSPHRASE)}

    assert inspected(both, namespace="genomics") == []


def test_a_manifest_without_a_namespace_is_a_warning() -> None:
    [found] = inspected({"privateKey": sealed()})

    assert (found.rule, found.level) == ("NoNamespace", Level.WARNING)


def test_the_manifest_s_own_namespace_counts() -> None:
    manifest = {"privateKey": sealed()}

    assert inspected(manifest, namespace="genomics", metadata_namespace="genomics") == []
    assert [found.rule for found in inspected(manifest, namespace="genomics", metadata_namespace="other")] == [
        "SealedElsewhere"
    ]


@pytest.mark.parametrize(
    ("values", "rule", "field"),
    [
        ({"privateKey": sealed(name="other")}, "SealedElsewhere", "privateKey"),
        ({"privateKey": sealed(namespace="other")}, "SealedElsewhere", "privateKey"),
        ({"privateKey": sealed(Field.PASSPHRASE)}, "SealedFieldMismatch", "privateKey"),
        (
            {"privateKey": sealed(), "passphrase": sealed(Field.PASSPHRASE, fingerprint=FINGERPRINT[:-1] + "E")},
            "SealedValuesDiffer",
            "passphrase",
        ),
        ({"privateKey": "a.b.c.d.e"}, "SealedValueInvalid", "privateKey"),
        ({"privateKey": sealed(key=MadeKey.make(3))}, "SealingKeyUnknown", "privateKey"),
        ({"privateKey": "five.parts"}, "Rule", "privateKey"),
    ],
)
def test_a_wrong_value_has_its_reason(values: dict[str, str], rule: str, field: str) -> None:
    [found] = inspected(values, namespace="genomics")

    assert (found.rule, found.field, found.level) == (rule, f"spec.sealed.{field}", Level.ERROR)


def test_a_value_for_the_namespace_suits_every_name() -> None:
    assert inspected({"privateKey": sealed(scope=Scope.NAMESPACE, name=None)}, namespace="genomics") == []


def test_a_retired_key_is_refused_and_an_older_one_is_a_warning() -> None:
    values = {"privateKey": sealed(key=OLD)}
    retired = SealingKeys((NEW.public, OLD.public._replace(retired=True)))

    [old] = inspected(values, namespace="genomics")
    [gone] = inspected(values, retired, namespace="genomics")

    assert (old.rule, old.level) == ("ResealRecommended", Level.WARNING)
    assert (gone.rule, gone.level) == ("SealingKeyRetired", Level.ERROR)


def test_without_sealing_keys_all_but_the_key_is_checked() -> None:
    unknown = MadeKey.make(3)

    assert inspected({"privateKey": sealed(key=unknown)}, None, namespace="genomics") == []
    assert inspected({"privateKey": sealed(key=unknown, name="other")}, None, namespace="genomics")
