from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshcredential_operator.encryption.place import MAX_KEY_NUMBER, Field, Place, place_of, record_place
from unit.encryption.samples import unhurried

ID = "0123456789abcdef0123456789abcdef"
GOOD = b'["sshcredentials.dev/v1","SSHCredential","genomics","hpc-login","' + ID.encode() + b'",12,"privateKey"]'

LABELS = st.sampled_from(["a", "0", "genomics", "hpc-login", "1-2", "a" * 63])
IDS = st.binary(min_size=16, max_size=16).map(bytes.hex)
PLACES = st.one_of(
    st.builds(record_place, LABELS, LABELS, IDS),
    st.builds(
        Place,
        LABELS,
        LABELS,
        IDS,
        st.integers(1, MAX_KEY_NUMBER),
        st.sampled_from([Field.PRIVATE_KEY, Field.PASSPHRASE]),
    ),
)


def test_the_aad_of_a_key_is_these_very_bytes() -> None:
    assert Place("genomics", "hpc-login", ID, 12, Field.PRIVATE_KEY).aad() == GOOD


def test_the_aad_of_a_record_has_key_number_0() -> None:
    expected = b'["sshcredentials.dev/v1","SSHCredential","genomics","hpc-login","%s",0,"record"]' % ID.encode()
    assert record_place("genomics", "hpc-login", ID).aad() == expected


@unhurried
@given(PLACES)
def test_a_place_is_read_from_its_aad(place: Place) -> None:
    assert place_of(place.aad()) == place


@unhurried
@given(PLACES, PLACES)
def test_two_places_have_two_aads(one: Place, other: Place) -> None:
    assert (one.aad() == other.aad()) == (one == other)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        pytest.param(b"dev/v1", b"dev/v2", id="another version"),
        pytest.param(b"dev/v1", b"dev/v1 ", id="a blank in the version"),
        pytest.param(b'"SSHCredential"', b'"KEK"', id="another kind"),
        pytest.param(b"genomics", b"Genomics", id="a namespace in upper case"),
        pytest.param(b"genomics", b"", id="no namespace"),
        pytest.param(b"genomics", b"a.b", id="a dot in the namespace"),
        pytest.param(b"genomics", b"a" * 64, id="a namespace of 64 characters"),
        pytest.param(b"genomics", b"\\u0067enomics", id="an escape"),
        pytest.param(b"hpc-login", b"-hpc", id="a dash at the beginning of the name"),
        pytest.param(b"hpc-login", b"hpc\\n", id="a line break in the name"),
        pytest.param(b"hpc-login", "hpc-lögin".encode(), id="a letter outside ASCII"),
        pytest.param(b"0123", b"012", id="a credential id of 31 digits"),
        pytest.param(b"abcdef", b"ABCDEF", id="a credential id in upper case"),
        pytest.param(b",12,", b",012,", id="a leading zero"),
        pytest.param(b",12,", b",12.0,", id="a fraction"),
        pytest.param(b",12,", b",1e1,", id="an exponent"),
        pytest.param(b",12,", b',"12",', id="the number as text"),
        pytest.param(b",12,", b",true,", id="true as number"),
        pytest.param(b",12,", b",null,", id="null as number"),
        pytest.param(b",12,", b",-1,", id="a negative number"),
        pytest.param(b",12,", b",0,", id="a private key of number 0"),
        pytest.param(b",12,", b",2147483648,", id="a number of 32 bits"),
        pytest.param(b",12,", b"," + b"9" * 100 + b",", id="a huge number"),
        pytest.param(b'"privateKey"', b'"record"', id="a record of number 12"),
        pytest.param(b'"privateKey"', b'"PrivateKey"', id="another field"),
        pytest.param(b'"privateKey"', b'"privateKey",1', id="an eighth item"),
        pytest.param(b',"privateKey"', b"", id="six items"),
        pytest.param(b",12", b", 12", id="a blank"),
        pytest.param(b"]", b"]\n", id="a last newline"),
        pytest.param(b"]", b"", id="cut"),
        pytest.param(b"[", b"\xef\xbb\xbf[", id="a byte order mark"),
        pytest.param(b"genomics", b"\xff", id="no UTF-8"),
    ],
)
def test_anything_else_is_no_place(was: bytes, becomes: bytes) -> None:
    assert was in GOOD
    assert place_of(GOOD.replace(was, becomes, 1)) is None


@pytest.mark.parametrize("aad", [b"", b"null", b"{}", b"[]", b'"text"', b"[" * 500, b"x" * 100_000])
def test_other_bytes_are_no_place(aad: bytes) -> None:
    assert place_of(aad) is None
