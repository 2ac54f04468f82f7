"""The operator installed on the node of this run, for all tests of this folder."""

from __future__ import annotations

import pytest

from controlplane.fixtures import NODE, spoken
from node.installation import Installation
from node.node import Node
from node.operator_image import cannot_build, operator_image
from node.upgrade.earlier import Earlier, NoHistory, taken_from_history


@pytest.fixture(scope="session")
def installation(request: pytest.FixtureRequest, node: Node, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The node with the operator's image and the namespaces, on which a test installs for itself, or removes."""
    if request.config.option.cluster == NODE:
        pytest.skip("installs on a node that nobody has prepared: not with --cluster=node")
    if reason := cannot_build():
        pytest.skip(reason)
    with spoken(request.config):
        image = operator_image()
    return Installation(node, image, tmp_path_factory.mktemp("installation")).prepare()


@pytest.fixture
def installed(installation: Installation) -> Installation:
    """The release with its two pods ready and its usual values. It is installed once, unless a test changed it."""
    return installation.ensure()


@pytest.fixture(scope="session")
def earlier(tmp_path_factory: pytest.TempPathFactory) -> Earlier:
    """The operator and the CRDs of an earlier commit."""
    try:
        return taken_from_history(tmp_path_factory.mktemp("earlier"))
    except NoHistory as reason:
        pytest.skip(str(reason))
