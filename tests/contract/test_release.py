"""The version has one place; what a release says and packs comes from the project's own files."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from contract.tree import ROOT
from image.places import MAKINGS, version
from sshcredential_operator import __version__

CHART = ROOT / "charts/sshcredential-operator"


def script(name: str) -> ModuleType:
    """Return one of the release's scripts, which are programs and no package."""
    spec = importlib.util.spec_from_file_location(f"release_{name}", ROOT / "scripts/release" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_image_has_the_version_of_the_package() -> None:
    assert version() == __version__


def test_chart_has_the_version_of_the_package() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert (chart["version"], chart["appVersion"]) == (__version__, __version__)


@pytest.mark.parametrize(
    ("tag", "code"),
    [
        pytest.param(f"v{__version__}", 0, id="the version's own tag"),
        pytest.param(__version__, 1, id="a tag without its v"),
        pytest.param("v99.0.0", 1, id="another version's tag"),
    ],
)
def test_only_the_tag_of_the_version_is_released(tag: str, code: int) -> None:
    command = [sys.executable, str(ROOT / "scripts/release/version.py"), "--tag", tag]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout) == (code, "" if code else f"version={__version__}\n")


CHANGES = """\
# Changelog

## [Unreleased]

## [1.1.0] - 2030-01-02

### Added

- This.

## [1.0.0] - 2030-01-01

- First.
"""


@pytest.mark.parametrize(
    ("version", "notes"),
    [
        pytest.param("1.1.0", "### Added\n\n- This.", id="a version between others"),
        pytest.param("1.0.0", "- First.", id="the last of the page"),
        pytest.param("Unreleased", None, id="a section with nothing in it"),
        pytest.param("1.1", None, id="the beginning of a version"),
        pytest.param("1x1.0", None, id="a point is a point"),
    ],
)
def test_notes_are_the_section_of_the_version(version: str, notes: str | None) -> None:
    assert script("notes").notes(CHANGES, version) == notes


VALUES = """\
replicas: 2
image:
  # -- Where
  repository: localhost/x
  tag: ''
  digest: ''
other:
  repository: mine
"""


def test_chart_names_the_released_image_by_digest() -> None:
    pinned = yaml.safe_load(script("chart").pinned(VALUES, "registry.test/a/b", "sha256:1"))
    assert pinned["image"] == {"repository": "registry.test/a/b", "tag": "", "digest": "sha256:1"}
    assert pinned["other"] == {"repository": "mine"}


def test_chart_without_an_image_is_refused() -> None:
    with pytest.raises(SystemExit, match="no image"):
        script("chart").pinned("replicas: 2\n", "registry.test/a/b", "sha256:1")


def test_chart_of_this_checkout_can_be_pinned() -> None:
    values = script("chart").pinned(
        (CHART / "values.yaml").read_text(encoding="utf-8"), "registry.test/a/b", "sha256:1"
    )
    image = yaml.safe_load(values)["image"]
    assert (image["repository"], image["digest"]) == ("registry.test/a/b", "sha256:1")


def test_everything_that_the_dockerfile_copies_is_a_making_of_the_image() -> None:
    copied = [
        source
        for line in (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    assert copied
    assert [name for name in copied if not any(Path(name).is_relative_to(making) for making in MAKINGS)] == []
