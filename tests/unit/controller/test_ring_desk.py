"""`controller/ring_desk.py`: what a person wrote into the ConfigMap is a request, or is left alone."""

from __future__ import annotations

import pytest

from sshcredential_operator.api.names import Namespace
from sshcredential_operator.controller.ring_desk import Asked, sheet_of

GENOMICS = Namespace("genomics")


@pytest.mark.parametrize(
    ("entry", "value", "asked"),
    [
        pytest.param("rotate-root", "0a", Asked("rotate-root", "rotate-root", None, "0a"), id="another root key"),
        pytest.param("drop-root", "0a", Asked("drop-root", "drop-root", None, "0a"), id="an old root key"),
        pytest.param("rotate.genomics", "k", Asked("rotate.genomics", "rotate", GENOMICS, "k"), id="another KEK"),
        pytest.param(
            "rotate.genomics",
            "k re-encrypt",
            Asked("rotate.genomics", "rotate", GENOMICS, "k", re_encrypt=True),
            id="new data keys",
        ),
        pytest.param("drop.genomics", "k", Asked("drop.genomics", "drop", GENOMICS, "k"), id="an old KEK"),
        pytest.param("rotate.Genomics", "k", None, id="no name of a namespace"),
        pytest.param("shred.genomics", "k", None, id="another verb"),
        pytest.param("rotate.genomics", "", None, id="no key"),
        pytest.param("rotate.genomics", "k\n", None, id="a line break"),
        pytest.param("rotate-root", "k" * 1101, None, id="a long key"),
        pytest.param("state.json", "{}", None, id="what the operator says"),
    ],
)
def test_an_entry_is_a_request_that_names_a_key(entry: str, value: str, asked: Asked | None) -> None:
    assert sheet_of("7", {entry: value}).asked == ((asked,) if asked else ())


def test_the_state_and_the_revision_are_kept() -> None:
    sheet = sheet_of("7", {"state.json": "{}", "other": "x"})
    assert (sheet.resource_version, sheet.state, sheet.asked) == ("7", "{}", ())
