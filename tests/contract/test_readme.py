"""What people read is true: commands, files, targets, fields and reasons exist, and the picture shows what is.

`tests/pages/test_readme.py` runs the commands, `tests/pages/test_demo.py` the demo that the transcript is from.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from contract.crd_schema import CREDENTIAL, DEFINITIONS, EXAMPLES, Field, fields
from contract.markdown import TRANSCRIPT, Shown, blocks, code_words, links, table, transcript, without_comment
from contract.readme_commands import FIRST_STEPS, NOT_RUN, QUICKSTART, README, TARGETS, commands_to_run, shell_commands
from contract.tree import ROOT, project_files
from controlplane.build import kubernetes_version
from controlplane.places import SOURCES
from demo.story import STORY, THINGS_TO_TRY, Run
from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.api.messages import CATALOGUE, message
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.staged import StagedReason
from sshcredential_operator.api.status import READY, RECONCILING, ROTATION_STAGED, STALLED
from sshcredential_operator.api.target_reasons import TargetNote, TargetReason
from sshcredential_operator.api.target_status import AUTHENTICATED, HOST_KEY_TRUSTED, INSTALLED

DOCS: Final = ROOT / "docs"
PAGES: Final = (
    README,
    DOCS / "README.md",
    DOCS / "concepts.md",
    DOCS / "exports.md",
    DOCS / "gitops.md",
    TARGETS,
    QUICKSTART,
    FIRST_STEPS,
)
STORY_COMMANDS: Final = [step.command for chapter in STORY for step in chapter.steps if isinstance(step, Run)]
SSHD_WORDS: Final = {"AllowTcpForwarding", "PermitOpen"}
"""Options of sshd, which look like words of ours."""
EVENTS: Final = {"Adopted", "Imported", "Stalled", "Recovered"}
KUBERNETES_WORDS: Final = {"True", "False", "Unknown"}
"""Words of Kubernetes that look like ours."""

ON_THE_PAGE: Final = {
    "input_secret": "my-key",
    "origin": "Secret my-key",
    "passphrase_field": "spec.importFrom.passphrase",
    "input_key": "ssh-privatekey",
    "secret": "my-login-sshcredential",
    "verb": "create",
    "resource": "secrets",
}
"""The names in the README's table of reasons, which are those of its examples."""

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def shown() -> list[Shown]:
    page = README.read_text()
    return [entry for block in blocks(page) if block.language == TRANSCRIPT for entry in transcript(block.text)]


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def missing_paths(page: str, folder: Path) -> list[str]:
    """Return links and paths that lead nowhere. Paths in code are seen from the checkout's root."""
    known = {str(path) for path in project_files()} | {
        str(parent) for path in project_files() for parent in path.parents
    }
    in_commands = re.findall(r"(?<![\w./(-])((?:crds|charts|docs|examples|operator|scripts|tests)/[\w./-]*)", page)
    places = [(ROOT / path).resolve() for path in in_commands] + [(folder / link).resolve() for link in links(page)]
    return [
        str(place) for place in places if not place.is_relative_to(ROOT) or str(place.relative_to(ROOT)) not in known
    ]


def unknown_targets(page: str) -> list[str]:
    """Return what `make` is told to do and cannot."""
    told = re.findall(r"(?:^|\s)make ([a-z][a-z-]*)", in_code(page), re.MULTILINE)
    return [target for target in told if target not in make_targets()]


def in_code(page: str) -> str:
    return "\n".join([*code_words(page), *(block.text for block in blocks(page))]) + "\n"


def unknown_words(page: str) -> list[str]:
    """Return words in code style that look like a reason, note, condition or value of ours and are none."""
    values = {str(value) for found in all_fields() for value in found.schema.get("enum", ())}
    reasons = {*Reason, *Note, *StagedReason, *TargetReason, *TargetNote}
    conditions = {READY, RECONCILING, STALLED, ROTATION_STAGED, HOST_KEY_TRUSTED, AUTHENTICATED, INSTALLED}
    known = reasons | conditions | set(map(str, DEFINITIONS)) | EVENTS | values | KUBERNETES_WORDS | SSHD_WORDS
    return [word for word in code_words(page) if re.fullmatch(r"[A-Z][A-Za-z0-9]+", word) and word not in known]


def all_fields() -> list[Field]:
    return [found for definition in DEFINITIONS for found in definition.fields()]


def unknown_fields(page: str) -> list[str]:
    """Return paths in spec or status that no CRD has."""
    known = {found.path.replace("[]", "") for found in all_fields()}
    named = re.findall(r"\b((?:spec|status)(?:\.[a-z]\w*)+)", in_code(page))
    return [path for path in named if path not in known]


def test_every_command_that_no_test_runs_has_a_reason_and_stands_in_the_readme() -> None:
    assert all(NOT_RUN.values())
    assert set(NOT_RUN) <= {without_comment(command) for command in shell_commands(README.read_text())}


def test_the_commands_to_run_are_those_of_the_quick_start_and_of_a_key_of_ones_own() -> None:
    found = commands_to_run(README.read_text())

    assert any("apply -f crds/" in command for command in found)
    assert any("create secret generic my-key" in command for command in found)
    assert any("delete secret my-key" in command for command in found)


def test_the_transcript_shows_commands_of_the_demo_in_their_order() -> None:
    places = [STORY_COMMANDS.index(entry.command) for entry in shown()]

    assert len(places) > 5
    assert places == sorted(places)


def test_the_tables_of_the_transcript_have_the_columns_of_the_crd() -> None:
    columns = [column.upper() for column in CREDENTIAL.columns]
    tables = [entry.output for entry in shown() if re.fullmatch(r"kubectl get sshcredentials?( \S+)?", entry.command)]

    assert len(tables) > 1
    for output in tables:
        assert output.splitlines()[0].split() == ["NAME", *columns]
        assert {line.split()[2] for line in output.splitlines()[1:]} <= set(Reason)


def test_the_transcript_shows_the_message_of_the_catalogue() -> None:
    [shown_key] = re.findall(r"Secret typo-key (\(Ed25519, SHA256:\S{43}\))", README.read_text())
    expected = message(Reason.WRONG_PASSPHRASE, {"origin": f"Secret typo-key {shown_key}"})

    assert expected in [entry.output for entry in shown()]


def test_the_transcript_shows_what_the_operator_stores() -> None:
    [output] = [entry.output for entry in shown() if "get secret hpc-login-sshcredential -o yaml" in entry.command]
    secret = yaml.safe_load(output)

    assert secret["type"] == "sshcredentials.dev/credential"
    assert secret["data"].keys() == {"record", "privateKey.1"}


def test_the_table_of_reasons_speaks_the_words_of_the_catalogue() -> None:
    rows = table(README.read_text(), "Reason")
    reasons = [Reason(row[0].strip("`")) for row in rows]
    expected = [
        [f"`{reason.value}`", *(part.format_map(ON_THE_PAGE) for part in CATALOGUE[reason])] for reason in reasons
    ]

    assert len(rows) > 5
    assert rows == expected


def test_manifests_in_the_readme_are_examples() -> None:
    manifests = [yaml.safe_load(block.text) for block in blocks(README.read_text()) if block.language == "yaml"]

    assert manifests
    assert all(manifest in _examples() for manifest in manifests)


def _examples() -> list[Any]:
    return [document for path in EXAMPLES.glob("*.yaml") for document in yaml.safe_load_all(path.read_text())]


def test_the_readme_names_the_kubernetes_that_the_tests_run_on() -> None:
    version = kubernetes_version((SOURCES / "go.mod").read_text()).removeprefix("v").rpartition(".")[0]

    assert f"(the tests run on {version})" in README.read_text()


def test_concepts_explain_every_note() -> None:
    rows = table((DOCS / "concepts.md").read_text(), "Note")

    assert {row[0].strip("`") for row in rows} == set(Note)


def test_concepts_explain_fields_of_the_status() -> None:
    explained = [name for row in table((DOCS / "concepts.md").read_text(), "Field") for name in code_words(row[0])]
    known = {found.path for found in fields(CREDENTIAL.schema["properties"]["status"])}

    assert len(explained) > 10
    assert set(explained) <= known


def test_every_page_is_in_the_index() -> None:
    index = DOCS / "README.md"
    listed = {(DOCS / link).resolve() for link in links(index.read_text())}
    pages = {ROOT / path for path in project_files() if path.suffix == ".md" and path.parts[0] == "docs"}
    design = {page for page in pages if page.parent == DOCS / "design" and page.name != "README.md"}

    assert pages - design - {index} <= listed


@each_page
def test_a_page_names_what_exists(page: Path) -> None:
    text = page.read_text()

    assert missing_paths(text, page.parent) == []
    assert unknown_targets(text) == []
    assert unknown_words(text) == []
    assert unknown_fields(text) == []


@pytest.mark.parametrize(
    ("find", "page", "found"),
    [
        pytest.param(unknown_targets, "Try `make dance`.", ["dance"], id="a target that is none"),
        pytest.param(unknown_targets, "```sh\nKEEP=1 make dance\n```", ["dance"], id="a target in a block"),
        pytest.param(unknown_words, "It says `WrongPassword`.", ["WrongPassword"], id="a reason that is none"),
        pytest.param(unknown_fields, "Set `spec.rotate.every`.", ["spec.rotate.every"], id="a field that is none"),
        pytest.param(
            unknown_fields,
            "```sh\nkubectl explain sshcredential.spec.nothing\n```",
            ["spec.nothing"],
            id="an explained one",
        ),
    ],
)
def test_what_does_not_exist_is_seen(find: Callable[[str], list[str]], page: str, found: list[str]) -> None:
    assert find(page) == found


@pytest.mark.parametrize(
    "page", ["[more](more.md)", "`examples/lost.yaml`", "```sh\nkubectl apply -f crd/ -f crds/x.yaml\n```"]
)
def test_a_path_that_leads_nowhere_is_seen(page: str) -> None:
    assert len(missing_paths(page, ROOT)) == 1


def test_what_the_demo_suggests_names_what_exists() -> None:
    text = "\n".join(f"`{command}`" for command in (*STORY_COMMANDS, *(command for command, _ in THINGS_TO_TRY)))

    assert missing_paths(text, ROOT) == []
    assert unknown_fields(text) == []
