"""requirements/*.txt are the lock: complete, hashed, free of addresses, and in step with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from contract.tree import ROOT

LOCKS = ["build", "dev", "operator", "operator-kms", "uv"]


@cache
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def lock_text(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.txt").read_text()


def blocks(text: str) -> list[str]:
    """One block for each distribution: its pin, then its hashes."""
    return re.findall(r"^\S.*(?:\n\s+.*)*", text, re.MULTILINE)


def pins(text: str) -> dict[str, Version]:
    found = (re.fullmatch(r"([a-z0-9-]+)==([^ ]+)(?: ; .*?)?(?: \\)?", block.splitlines()[0]) for block in blocks(text))
    return {match[1]: Version(match[2]) for match in found if match}


def unsatisfied(wanted: list[str], pinned: dict[str, Version]) -> list[str]:
    requirements = [Requirement(line) for line in wanted]
    return [str(r) for r in requirements if r.name not in pinned or pinned[r.name] not in r.specifier]


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_is_a_pin_with_hashes_and_no_address(name: str) -> None:
    text = lock_text(name)
    assert len(pins(text)) == len(blocks(text)) > 0
    assert all("--hash=sha256:" in block for block in blocks(text))
    assert "://" not in text
    assert "--index" not in text


def test_what_pyproject_asks_for_is_pinned() -> None:
    wanted = pyproject()["project"]["dependencies"]
    assert unsatisfied(wanted, pins(lock_text("operator"))) == [], "run make lock"
    assert unsatisfied(wanted + pyproject()["dependency-groups"]["dev"], pins(lock_text("dev"))) == [], "run make lock"


def test_build_backend_is_pinned_since_installs_are_not_isolated() -> None:
    assert unsatisfied(pyproject()["build-system"]["requires"], pins(lock_text("build"))) == []


@pytest.mark.parametrize("name", ["build", "operator", "operator-kms", "uv"])
def test_tests_run_the_versions_that_are_shipped(name: str) -> None:
    assert pins(lock_text(name)).items() <= pins(lock_text("dev")).items()


def test_vectors_are_those_of_the_library() -> None:
    pinned = pins(lock_text("dev"))
    assert pinned["cryptography-vectors"] == pinned["cryptography"]


@pytest.mark.parametrize("wanted", ["kopf==1.0", "not-there>=1"])
def test_a_requirement_without_its_pin_is_seen(wanted: str) -> None:
    assert unsatisfied([wanted], pins(lock_text("dev"))) == [wanted]
