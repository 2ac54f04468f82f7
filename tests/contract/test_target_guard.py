"""The admission policy that the process of targets wants to see is the one that the chart brings."""

from __future__ import annotations

import copy
from typing import Any, Final

import pytest
import yaml

from contract.tree import ROOT
from sshcredential_operator.controller.admission import says
from sshcredential_operator.controller.target_policy import TARGET_GUARD, TARGET_POLICY

FILE: Final = ROOT / "charts" / "sshcredential-operator" / "files" / "admission" / "target.yaml"
POLICY, BINDING = "validatingadmissionpolicies", "validatingadmissionpolicybindings"
KINDS: Final = {"ValidatingAdmissionPolicy": POLICY, "ValidatingAdmissionPolicyBinding": BINDING}
DOCUMENTS: Final = list(yaml.safe_load_all(FILE.read_text()))
SPECS: Final[dict[str, Any]] = {KINDS[one["kind"]]: one["spec"] for one in DOCUMENTS}


def test_both_are_there_under_the_name_that_is_looked_for() -> None:
    assert {document["metadata"]["name"] for document in DOCUMENTS} == {TARGET_POLICY}
    assert SPECS.keys() == TARGET_GUARD.keys()


@pytest.mark.parametrize("kind", [POLICY, BINDING])
def test_the_operator_knows_the_charts_own(kind: str) -> None:
    assert says(SPECS[kind], TARGET_GUARD[kind])


@pytest.mark.parametrize("number", range(4))
def test_a_policy_that_asks_for_one_right_less_is_another(number: int) -> None:
    spec = copy.deepcopy(SPECS[POLICY])
    del spec["validations"][number]

    assert not says(spec, TARGET_GUARD[POLICY])


@pytest.mark.parametrize("number", range(4))
def test_a_policy_that_asks_about_another_name_is_another(number: int) -> None:
    spec = copy.deepcopy(SPECS[POLICY])
    spec["variables"][number]["expression"] = "'mine'"

    assert not says(spec, TARGET_GUARD[POLICY])
