"""What the operator's command line refuses before it does anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from sshcredential_operator.cli.operator import main


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(None, "cannot be read.", id="no such file"),
        pytest.param("default: [", "is not YAML.", id="no YAML"),
        pytest.param("- default", "cannot be used: the file must be a mapping.", id="a list"),
        pytest.param(
            "default: {minRSABits: 3072}",
            "cannot be used: default has an unknown member minRSABits; known are algorithms, longestAge, minRsaBits.",
            id="an unknown member",
        ),
        pytest.param(
            "default: {minRsaBits: '3072'}",
            "cannot be used: default.minRsaBits must be a number from 2048 to 8192.",
            id="a number as text",
        ),
        pytest.param(
            "workspaces: {genomics: {algorithms: [ed25519]}}",
            "cannot be used: workspaces.genomics.algorithms must be a list of some of Ed25519, ECDSA, RSA.",
            id="an unknown algorithm",
        ),
        pytest.param(
            "workspaces: {genomics: {longestAge: 90d}}",
            "cannot be used: workspaces.genomics.longestAge must be a duration such as 8760h, or null for none.",
            id="an age in days",
        ),
    ],
)
def test_a_policy_file_that_is_none_is_refused_in_one_sentence(
    tmp_path: Path, content: str | None, sentence: str
) -> None:
    file = tmp_path / "policy.yaml"
    if content is not None:
        file.write_text(content)

    ended = CliRunner().invoke(main, ["run", "--workspace", "genomics", "--policy", str(file)])

    assert (ended.exit_code, ended.output) == (1, f"Error: The policy file {file} {sentence}\n")


def test_a_folder_is_no_policy_file(tmp_path: Path) -> None:
    ended = CliRunner().invoke(main, ["run", "--workspace", "genomics", "--policy", str(tmp_path)])

    assert ended.output == f"Error: The policy file {tmp_path} cannot be read.\n"
