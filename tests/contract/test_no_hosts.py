"""Nothing in the project names a package registry or holds a private key, and the CI entry point is `make test`.

Which index or mirror serves a build is the machine's business: a host name in a file would bypass it. The names are
put together from pieces here, so that this file holds none itself.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from contract.tree import ROOT, project_files, text_of

PIECES: list[tuple[str, ...]] = [
    ("pypi", ".org"),
    ("python", "hosted.org"),
    ("ana", "conda.org"),
    ("proxy.", "golang.org"),
    ("sum.", "golang.org"),
    ("go", "proxy.io"),
    ("go", "proxy.cn"),
    ("npm", "js.org"),
    ("npm", "js.com"),
    ("yarn", "pkg.com"),
    ("crates", ".io"),
    ("ruby", "gems.org"),
    ("maven", ".org"),
    ("debian", ".org"),
    ("ubuntu", ".com"),
    ("alpine", "linux.org"),
    ("docker", ".io"),
    ("docker", ".com"),
    ("gh", "cr.io"),
    ("quay", ".io"),
    ("gcr", ".io"),
    ("registry.", "k8s.io"),
    ("pkgs.", "k8s.io"),
    ("dl.", "k8s.io"),
    ("mcr.", "microsoft.com"),
    ("public.", "ecr.aws"),
]
HOSTS = re.compile("|".join(re.escape("".join(pieces)) for pieces in PIECES), re.IGNORECASE)

# A header with a body near it, whatever quotes, blanks or escapes stand between; or the start of any OpenSSH body.
HEADER = r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----"
PUTTY_HEADER = r"Private-Lines: \d"
OPENSSH_MAGIC = "b3BlbnNzaC1r" + "ZXktdj"
PRIVATE_KEY = re.compile(
    rf"(?:{HEADER}|{PUTTY_HEADER})(?s:.{{0,400}}?)[A-Za-z0-9+/=]{{40}}|{OPENSSH_MAGIC}[A-Za-z0-9+/=]{{40}}"
)


def occurrences(pattern: re.Pattern[str], text: str) -> list[int]:
    return [text.count("\n", 0, found.start()) + 1 for found in pattern.finditer(text)]


@pytest.mark.parametrize(
    "pattern", [pytest.param(HOSTS, id="registry host"), pytest.param(PRIVATE_KEY, id="private key")]
)
def test_no_file_of_the_project_holds_a(pattern: re.Pattern[str]) -> None:
    found = [f"{path}:{line}" for path in project_files() for line in occurrences(pattern, text_of(path))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("pieces", PIECES, ids=" ".join)
def test_planted_host_is_seen(pieces: tuple[str, ...]) -> None:
    assert occurrences(HOSTS, f"first line\nFROM https://{''.join(pieces).upper()}/simple") == [2]


BODY = "MC4CAQAwBQYDK2VwBCIEI" + "A" * 43


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"-----BEGIN {'PRIVATE'} KEY-----\n{BODY}\n", id="PKCS#8"),
        pytest.param(f"  -----BEGIN RSA {'PRIVATE'} KEY-----\n  {BODY}\n", id="indented in YAML"),
        pytest.param(f'"-----BEGIN EC {"PRIVATE"} KEY-----\\n{BODY}\\n"', id="one line with escapes"),
        pytest.param(f'"-----BEGIN EC {"PRIVATE"} KEY-----\\n"\n    "{BODY}"', id="string pieces"),
        pytest.param(f"-----BEGIN RSA {'PRIVATE'} KEY-----\nProc-Type: 4,ENCRYPTED\n\n{BODY}", id="with PEM headers"),
        pytest.param(f"Private-{'Lines'}: 1\n{BODY}", id="PuTTY"),
        pytest.param(OPENSSH_MAGIC + BODY, id="an OpenSSH body without its header"),
    ],
)
def test_planted_private_key_is_seen(text: str) -> None:
    assert occurrences(PRIVATE_KEY, text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("including its -----BEGIN OPENSSH PRIVATE KEY----- line and the END line", id="prose"),
        pytest.param('"-----BEGIN PRIVATE KEY-----\\nAAAA\\n-----END PRIVATE KEY-----"', id="a stub"),
        pytest.param(f"-----BEGIN {'PUBLIC'} KEY-----\n{BODY}", id="a public key"),
    ],
)
def test_what_holds_no_private_key_passes(text: str) -> None:
    assert occurrences(PRIVATE_KEY, text) == []


def commands(script: str) -> list[str]:
    lines = [line.strip() for line in script.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def test_ci_runs_the_tests_as_a_person_does() -> None:
    path = Path(".ci/run")
    assert commands(text_of(path)) == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "make test"]
    assert text_of(path).startswith("#!/usr/bin/env bash\n")
    assert os.access(ROOT / path, os.X_OK)


def test_another_command_in_ci_is_seen() -> None:
    assert commands("#!/bin/sh\n# why\nmake test || true\nexit 0\n") == ["make test || true", "exit 0"]
