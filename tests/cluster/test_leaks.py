"""No plaintext of a key, a passphrase or the root key is anywhere but where a user put it, or in the root key's Secret.

`leak_story` does what people do, opens the stored keys, and gathers every place where they could have got to, with an
audit log of all that was said. Here they are looked for, in every encoding.
"""

from __future__ import annotations

import base64
import json
import random
import urllib.parse
from collections.abc import Callable
from typing import Final, NamedTuple

import pytest

from cluster.encodings import Search
from cluster.hiding_places import Kind, Place
from cluster.leak_story import GENERATED, Told, tell
from cluster.needles import NOWHERE, Needle
from controlplane.plane import ControlPlane

KEPT: Final = (Kind.OBJECT, Kind.AUDIT, Kind.HISTORY, Kind.DATA)
"""Where a Secret that somebody makes is to be found afterwards."""


class Found(NamedTuple):
    """Where something was found, and how it was written there."""

    kind: Kind
    about: str
    encoding: str


Finds = dict[Needle, set[Found]]


@pytest.fixture(scope="module")
def told(embedded: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """It asks for `embedded` because it starts a control plane of its own, of the same making."""
    return tell(tmp_path_factory.mktemp("leaks"))


@pytest.fixture(scope="module")
def finds(told: Told) -> Finds:
    search = Search(told.needles | told.canaries)
    finds: Finds = {needle: set() for needle in told.needles | told.canaries}
    for kind, about, content in told.places:
        for hit in search.hits(content):
            finds[hit.needle].add(Found(kind, about, hit.encoding))
    return finds


def test_what_the_operator_made_or_opened_is_nowhere(told: Told, finds: Finds) -> None:
    secret = [needle for needle in told.needles if needle.owner == NOWHERE]
    assert len(secret) > 10 * len(GENERATED)
    assert {needle: finds[needle] for needle in secret if finds[needle]} == {}


def test_what_a_user_handed_in_and_the_root_key_are_in_no_secret_but_their_own(told: Told, finds: Finds) -> None:
    strayed = {
        needle: [found for found in finds[needle] if found.kind is not Kind.DATA and found.about != needle.owner]
        for needle in told.needles
        if needle.owner != NOWHERE
    }
    assert {needle: found for needle, found in strayed.items() if found} == {}


@pytest.mark.parametrize("owner", ["my-key", "forgot", "broken", "too-old", "pasted", "sshcredential-root-key"])
@pytest.mark.parametrize("kind", KEPT)
def test_in_their_own_secret_and_in_what_is_kept_of_it_they_are_found(
    told: Told, finds: Finds, owner: str, kind: Kind
) -> None:
    own = [needle for needle in told.needles if needle.owner.endswith(f"/{owner}")]
    assert own
    assert any(found.kind is kind for needle in own for found in finds[needle])


@pytest.mark.parametrize("kind", Kind)
def test_in_every_kind_of_place_something_is_found_that_is_known_to_be_there(
    told: Told, finds: Finds, kind: Kind
) -> None:
    assert any(found.kind is kind for canary in told.canaries for found in finds[canary])


def test_the_operator_wrote_no_file_and_its_children_were_seen(told: Told) -> None:
    assert [place.about for place in told.places if place.kind is Kind.FILE] == ["canary"]
    assert told.processes > 2


def test_secrets_that_are_not_the_operators_are_listed_without_their_values(told: Told) -> None:
    lists = [json.loads(place.content) for place in told.places if is_list_of_all_secrets(place)]
    assert lists
    assert {answer["responseObject"]["kind"] for answer in lists} == {"PartialObjectMetadataList"}


def is_list_of_all_secrets(place: Place) -> bool:
    if place.kind is not Kind.AUDIT or not place.about.startswith("secrets "):
        return False
    event = json.loads(place.content)
    asked = (event["user"]["username"], event["verb"], "fieldSelector" in event["requestURI"])
    return asked == ("operator", "list", False)


# --- the search itself

OF_GO: Final = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})
"""What Go's JSON escapes, which others leave alone."""

WRITTEN: Final[dict[str, Callable[[bytes, bytes], bytes]]] = {
    "raw": lambda noise, secret: noise + secret + noise,
    "base64, first alignment": lambda noise, secret: base64.b64encode(noise[:30] + secret + noise),
    "base64, second alignment": lambda noise, secret: base64.b64encode(noise[:31] + secret + noise),
    "base64, third alignment": lambda noise, secret: base64.b64encode(noise[:32] + secret + noise),
    "base64, alone": lambda _, secret: base64.b64encode(secret),
    "base64url": lambda noise, secret: base64.urlsafe_b64encode(noise[:31] + secret + noise),
    "hexadecimal": lambda noise, secret: (noise + secret + noise).hex().encode(),
    "JSON": lambda noise, secret: json.dumps({"said": (noise + secret + noise).decode("latin-1")}).encode(),
    "URL": lambda noise, secret: urllib.parse.quote_plus(noise + secret + noise).encode(),
    "UTF-16": lambda noise, secret: (noise + secret + noise).decode("latin-1").encode("utf-16"),
    "Python": lambda noise, secret: repr(noise + secret + noise).encode(),
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("words", [False, True], ids=["octets", "words"])
def test_the_search_finds_a_planted_secret_however_it_is_written(written: str, words: bool, rng: random.Random) -> None:
    for length in range(16, 80):
        secret = rng.randbytes(length).hex().encode()[:length] if words else rng.randbytes(length)
        text = WRITTEN[written](rng.randbytes(rng.randint(33, 500)), secret)
        search = Search({"planted": secret, "another": rng.randbytes(40)})
        assert {hit.needle for hit in search.hits(text)} == {"planted"}, (length, secret)


@pytest.mark.parametrize(
    "written",
    [
        pytest.param(lambda text: json.dumps([text]).encode(), id="JSON in ASCII"),
        pytest.param(lambda text: json.dumps([text], ensure_ascii=False).encode(), id="JSON in UTF-8"),
        pytest.param(lambda text: json.dumps([text], ensure_ascii=False).translate(OF_GO).encode(), id="JSON of Go"),
        pytest.param(lambda text: f"?said={urllib.parse.quote_plus(text)}".encode(), id="URL"),
        pytest.param(lambda text: text.encode("utf-16-be"), id="UTF-16"),
        pytest.param(lambda text: repr(text.encode()).encode(), id="Python"),
    ],
)
def test_the_search_finds_words_with_odd_characters(written: Callable[[str], bytes]) -> None:
    words = 'Zoë\'s "correct horse" & <staple>/100%'
    assert {hit.needle for hit in Search({"words": words.encode()}).hits(written(words))} == {"words"}


def test_the_search_finds_nothing_in_noise(rng: random.Random) -> None:
    search = Search({number: rng.randbytes(32) for number in range(100)})
    assert search.hits(rng.randbytes(1_000_000)) == set()
