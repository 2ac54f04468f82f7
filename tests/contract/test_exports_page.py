"""docs/exports.md has every consumer and every option, and the command line a name for each."""

from __future__ import annotations

import re

import pytest

from contract.readme_commands import EXPORTS, shell_commands
from sshcredential_operator.api.export_spec import Profile
from sshcredential_operator.cli.export import export
from sshcredential_operator.cli.export_manifest import ENDINGS
from sshcredential_operator.exports.profiles import LAYOUTS


@pytest.mark.parametrize("profile", Profile)
def test_every_profile_is_exported_on_the_page_and_its_values_are_named(profile: Profile) -> None:
    row, page = LAYOUTS[profile], EXPORTS.read_text()
    named = [row.private_key, row.public_key, row.known_hosts, row.passphrase, row.url, *row.fixed]

    assert any(f"--profile {profile.value} " in command for command in shell_commands(page))
    assert [value for value in named if value and f"`{value}`" not in page] == []


def test_every_consumer_has_an_ending_of_its_own() -> None:
    assert ENDINGS.keys() == {*Profile, None}
    assert len({*ENDINGS.values()}) == len(ENDINGS)


def test_every_option_on_the_page_exists() -> None:
    known = {name for parameter in export.params for name in parameter.opts}
    commands = [command for command in shell_commands(EXPORTS.read_text()) if "sshcred export " in command]

    assert len(commands) > 5
    assert {name for command in commands for name in re.findall(r"(?<= )--[a-z-]+", command)} <= known
