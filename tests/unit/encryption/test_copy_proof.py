"""`encryption/copy_proof.py`: only who has the key can make it, for one place, and for one content."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.copy_proof import (
    CopyContent,
    CopyPlace,
    Proof,
    is_ours,
    is_unchanged,
    parse_proof,
    prove,
)
from sshcredential_operator.encryption.envelope import Kek

KEK = Kek("kid-1", Sensitive(bytes(range(32))))
OTHER = Kek("kid-1", Sensitive(bytes(32)))
PLACE = CopyPlace("genomics", "git-auth", "for-flux", "uid-1")
CONTENT = CopyContent("key 1", "Opaque", {"a": "1", "b": "2"}, {"identity": b"secret", "known_hosts": b"host"})


def proof(kek: Kek = KEK, place: CopyPlace = PLACE, content: CopyContent = CONTENT) -> Proof:
    found = parse_proof(prove(kek, place, content))
    assert found
    return found


def test_what_was_proven_holds_in_whatever_order_it_is_read() -> None:
    turned = CONTENT._replace(
        labels={"b": "2", "a": "1"}, data={"known_hosts": CONTENT.data["known_hosts"], "identity": b"secret"}
    )

    assert is_ours(proof(), PLACE, KEK)
    assert is_unchanged(proof(), PLACE, turned, KEK)
    assert b"secret" not in prove(KEK, PLACE, CONTENT).encode()


@pytest.mark.parametrize("member", CopyPlace._fields)
def test_at_another_place_it_proves_nothing(member: str) -> None:
    elsewhere = PLACE._replace(**{member: "other"})

    assert not is_ours(proof(), elsewhere, KEK)
    assert not is_unchanged(proof(), elsewhere, CONTENT, KEK)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(CONTENT._replace(made_of="key 2"), id="made of another key"),
        pytest.param(CONTENT._replace(type="kubernetes.io/ssh-auth"), id="another type"),
        pytest.param(CONTENT._replace(labels={"a": "1"}), id="a label less"),
        pytest.param(CONTENT._replace(labels={**CONTENT.labels, "c": "3"}), id="a label more"),
        pytest.param(CONTENT._replace(data={"identity": b"secret"}), id="a value less"),
        pytest.param(CONTENT._replace(data={**CONTENT.data, "more": b""}), id="a value more"),
        pytest.param(CONTENT._replace(data={**CONTENT.data, "identity": b"other"}), id="another value"),
        pytest.param(CONTENT._replace(data={"identity": b"host", "known_hosts": b"secret"}), id="values swapped"),
    ],
)
def test_a_changed_copy_is_still_ours_and_no_longer_unchanged(changed: CopyContent) -> None:
    assert is_ours(proof(), PLACE, KEK)
    assert not is_unchanged(proof(), PLACE, changed, KEK)


def test_without_the_key_nobody_makes_it() -> None:
    assert not is_ours(proof(OTHER), PLACE, KEK)
    assert not is_ours(proof(), PLACE, replace(KEK, kid="kid-2"))
    swapped = proof()._replace(of_place=proof().of_content)
    assert not is_ours(swapped, PLACE, KEK)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="nothing"),
        pytest.param("", id="empty"),
        pytest.param("yes", id="a word"),
        pytest.param(prove(KEK, PLACE, CONTENT).replace("v1", "v2"), id="another version"),
        pytest.param(prove(KEK, PLACE, CONTENT) + ":", id="one part more"),
        pytest.param(prove(KEK, PLACE, CONTENT)[:-1], id="cut"),
        pytest.param(prove(KEK, PLACE, CONTENT) + "A" * 600, id="very long"),
        pytest.param(prove(KEK, PLACE, CONTENT).replace("kid-1", "a b"), id="no kid"),
    ],
)
def test_any_other_text_is_no_proof(text: object) -> None:
    assert parse_proof(text) is None
