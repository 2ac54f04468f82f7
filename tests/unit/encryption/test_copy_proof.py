"""`encryption/copy_proof.py`: only who has the key can make it, for one place, one export, one wish and one content."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.copy_proof import (
    CopyContent,
    CopyPlace,
    Proof,
    Source,
    is_made_of,
    is_ours,
    is_untouched,
    parse_proof,
    prove,
)
from sshcredential_operator.encryption.envelope import Kek

KEK = Kek("kid-1", Sensitive(bytes(range(32))))
OTHER = Kek("kid-1", Sensitive(bytes(32)))
PLACE = CopyPlace("genomics", "git-auth")
SOURCE = Source("for-flux.v2", "6f1c0000-0000-4000-8000-000000000001", "hpc-login")
WISH = "key 1"
CONTENT = CopyContent("Opaque", {"a": "1", "b": "2"}, {"identity": b"secret", "known_hosts": b"host"})
TEXT = prove(KEK, PLACE, SOURCE, WISH, CONTENT)


def proof(kek: Kek = KEK, place: CopyPlace = PLACE, source: Source = SOURCE) -> Proof:
    found = parse_proof(prove(kek, place, source, WISH, CONTENT))
    assert found
    return found


def test_what_was_proven_holds_in_whatever_order_it_is_read() -> None:
    turned = CONTENT._replace(
        labels={"b": "2", "a": "1"}, data={"known_hosts": CONTENT.data["known_hosts"], "identity": b"secret"}
    )

    assert is_ours(proof(), PLACE, KEK)
    assert is_untouched(proof(), PLACE, turned, KEK)
    assert is_made_of(proof(), PLACE, WISH, KEK)


def test_it_says_whose_it_is_and_nothing_of_what_it_proves() -> None:
    assert proof().source == SOURCE
    assert "secret" not in TEXT
    assert WISH not in TEXT


@pytest.mark.parametrize("member", CopyPlace._fields)
def test_at_another_place_it_proves_nothing(member: str) -> None:
    elsewhere = PLACE._replace(**{member: "other"})

    assert not is_ours(proof(), elsewhere, KEK)
    assert not is_untouched(proof(), elsewhere, CONTENT, KEK)
    assert not is_made_of(proof(), elsewhere, WISH, KEK)


@pytest.mark.parametrize("member", Source._fields)
def test_that_it_belongs_to_another_export_or_credential_cannot_be_said(member: str) -> None:
    forged = proof()._replace(source=SOURCE._replace(**{member: "other"}))

    assert not is_ours(forged, PLACE, KEK)
    assert not is_untouched(forged, PLACE, CONTENT, KEK)
    assert not is_made_of(forged, PLACE, WISH, KEK)


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(CONTENT._replace(type="kubernetes.io/ssh-auth"), id="another type"),
        pytest.param(CONTENT._replace(labels={"a": "1"}), id="a label less"),
        pytest.param(CONTENT._replace(labels={**CONTENT.labels, "c": "3"}), id="a label more"),
        pytest.param(CONTENT._replace(data={"identity": b"secret"}), id="a value less"),
        pytest.param(CONTENT._replace(data={**CONTENT.data, "more": b""}), id="a value more"),
        pytest.param(CONTENT._replace(data={**CONTENT.data, "identity": b"other"}), id="another value"),
        pytest.param(CONTENT._replace(data={"identity": b"host", "known_hosts": b"secret"}), id="values swapped"),
    ],
)
def test_a_changed_copy_is_still_ours_and_no_longer_untouched(changed: CopyContent) -> None:
    assert is_ours(proof(), PLACE, KEK)
    assert is_made_of(proof(), PLACE, WISH, KEK)
    assert not is_untouched(proof(), PLACE, changed, KEK)


def test_a_newer_wish_is_no_change_of_the_copy() -> None:
    assert is_untouched(proof(), PLACE, CONTENT, KEK)
    assert not is_made_of(proof(), PLACE, "key 2", KEK)


def test_without_the_key_nobody_makes_it() -> None:
    assert not is_ours(proof(OTHER), PLACE, KEK)
    assert not is_ours(proof(), PLACE, replace(KEK, kid="kid-2"))


@pytest.mark.parametrize("other", ["of_wish", "of_content"])
def test_one_mac_is_not_taken_for_another(other: str) -> None:
    found = proof()

    assert not is_ours(found._replace(of_place=getattr(found, other)), PLACE, KEK)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="nothing"),
        pytest.param("", id="empty"),
        pytest.param("yes", id="a word"),
        pytest.param(TEXT.replace("v1:", "v2:"), id="another version"),
        pytest.param(TEXT + ":", id="one part more"),
        pytest.param(TEXT.rpartition(":")[0], id="one part less"),
        pytest.param(TEXT[:-1], id="cut"),
        pytest.param(TEXT + "A" * 1100, id="very long"),
        pytest.param(TEXT.replace("kid-1", "a b"), id="no kid"),
        pytest.param(TEXT.replace("for-flux", "../x"), id="no name of an export"),
        pytest.param(TEXT.replace("hpc-login", ""), id="no credential"),
        pytest.param(TEXT.replace("6f1c", "{}"), id="no uid"),
    ],
)
def test_any_other_text_is_no_proof(text: object) -> None:
    assert parse_proof(text) is None
