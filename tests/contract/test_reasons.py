"""Reasons, messages and their page: complete, for people, and filled with facts that cannot carry a key."""

from __future__ import annotations

import ast
import re
import string
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.tree import ROOT, package_files, text_of
from sshcredential_operator.api.export_messages import SAID_OF_EXPORTS
from sshcredential_operator.api.keyreasons import KeyRefusal
from sshcredential_operator.api.messages import CATALOGUE, MESSAGE_LIMIT, Text, export_message, message
from sshcredential_operator.api.reasons import COURSE, Course, Reason
from sshcredential_operator.api.staged import STAGED_TEXTS, StagedReason, staged_message, targets_named

GENERATOR = ROOT / "scripts" / "generate" / "reasons.py"
PAGE = Path("docs/reference/reasons.md")
OF_CREDENTIALS, _, OF_TARGETS = text_of(PAGE).partition("\n## Reasons of an SSHTarget\n")

FACTS = {
    "secret": "name of our Secret",
    "input_secret": "name of the user's Secret",
    "origin": "where a key came from: the user's Secret, or a file",
    "passphrase_field": "where its passphrase is given: a field, or an option",
    "label": "word of our own tables",
    "weakness": "word of our own tables",
    "input_key": "key of the user's Secret",
    "name": "spec.name",
    "rival": "metadata.name of another credential",
    "field": "path in the spec",
    "verb": "verb of RBAC",
    "resource": "resource of RBAC",
    "code": "HTTP status code",
    "stored_number": "number",
    "serial": "number",
    "status_number": "number",
    "bits": "number",
    "least": "number",
    "count": "number",
    "until": "time",
    "fingerprint": "public",
    "other_fingerprint": "public",
    "place": "namespace and name that a value was sealed for",
    "kid": "id of a sealing key",
    "sealed_field": "privateKey or passphrase",
    "stored_fingerprint": "public",
    "input_fingerprint": "public",
    "wanted": "algorithm and size",
    "stored": "algorithm and size",
    "key": "algorithm and size",
    "allowed": "algorithms and sizes",
    "stored_source": "source in the words of the spec",
    "credential": "metadata.name of a credential",
    "number": "number of a key",
    "line": "number of a line",
    "config_map": "name of the user's ConfigMap",
    "config_map_key": "key of the user's ConfigMap",
}
"""Every fact that a message may hold, and what it is. None of them is text that another program wrote."""


LONG_NAMES = ("secret", "origin", "input_secret", "input_key", "config_map", "config_map_key")


def places(text: Text) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(f"{text.says} {text.do}") if name}


def test_every_reason_has_a_text_and_a_course_and_there_are_no_others() -> None:
    assert set(CATALOGUE) == set(COURSE) == set(Reason)


def test_every_refusal_of_a_key_is_a_reason_that_only_the_user_can_mend() -> None:
    assert {refusal.value for refusal in KeyRefusal} <= {reason.value for reason in Reason}
    assert {COURSE[Reason(refusal.value)] for refusal in KeyRefusal} == {Course.STOP}


@pytest.mark.parametrize("reason", list(Reason))
def test_a_message_holds_only_facts_that_cannot_carry_a_key(reason: Reason) -> None:
    assert places(CATALOGUE[reason]) <= FACTS.keys()


@pytest.mark.parametrize("reason", list(SAID_OF_EXPORTS))
def test_what_a_shared_reason_says_of_an_export_keeps_to_the_same(reason: Reason) -> None:
    text = Text(*SAID_OF_EXPORTS[reason])

    assert places(text) <= FACTS.keys()
    assert re.fullmatch(r"[A-Z].*[.]", text.says)
    assert re.fullmatch(r"[A-Z].*[.]", text.do)
    assert export_message(reason, dict.fromkeys(FACTS, "x")) != message(reason, dict.fromkeys(FACTS, "x"))


def test_every_fact_is_used() -> None:
    assert set().union(*map(places, CATALOGUE.values())) == FACTS.keys()


@pytest.mark.parametrize("reason", list(Reason))
def test_a_message_is_whole_sentences_of_plain_words(reason: Reason) -> None:
    text = CATALOGUE[reason]

    assert re.fullmatch(r"(?:[A-Z]|spec\.).*[.?]", text.says)
    assert re.fullmatch(r"([A-Z`].*)?", text.do)
    assert (text.says + text.do).isascii()
    assert (text.says + text.do).isprintable()
    assert "  " not in text.says + text.do


@pytest.mark.parametrize("reason", [reason for reason in Reason if COURSE[reason] not in {Course.READY, Course.WORK}])
def test_who_has_to_wait_or_to_do_something_is_told_what(reason: Reason) -> None:
    assert CATALOGUE[reason].do


@pytest.mark.parametrize("reason", list(Reason))
def test_the_longest_names_leave_room_for_what_to_do(reason: Reason) -> None:
    longest = dict.fromkeys(FACTS, "n" * 100) | dict.fromkeys(LONG_NAMES, "n" * 260)
    text = CATALOGUE[reason]
    told = message(reason, longest)

    assert len(told.encode()) < MESSAGE_LIMIT
    assert told.endswith((f"{text.says} {text.do}".strip()).format_map(longest)[-20:])


def test_a_fact_that_is_missing_silences_no_message() -> None:
    assert message(Reason.RSA_TOO_SMALL, {"bits": 1024}) == (
        "The RSA key in (unknown) has 1024 bits; at least (unknown) are asked for here. "
        "Make a new key: ssh-keygen -t ed25519, or ssh-keygen -t rsa -b 4096."
    )


def test_a_fact_is_filled_in_as_it_is() -> None:
    told = message(Reason.NAME_CONFLICT, {"name": "{rival}", "rival": "%s {0.__class__}"})

    assert "The name {rival} is already held by credential %s {0.__class__} of this namespace." in told


# --- what the code gives to the messages


def refusals() -> Iterator[tuple[str, set[str]]]:
    """Yield each refusal that the package makes, and the facts that it gives, wherever its name stands in the call."""
    for path in package_files():
        for node in ast.walk(ast.parse(text_of(path))):
            match node:
                case ast.Call(
                    func=ast.Name(id="Refusal" | "Refused"),
                    args=[ast.Attribute(value=ast.Name(id="KeyRefusal"), attr=name), *_],
                    keywords=keywords,
                ):
                    facts = [ast.unparse(keyword.value) for keyword in keywords if keyword.arg == "detail"]
                    named = {keyword.arg for keyword in keywords if keyword.arg and keyword.arg != "detail"}
                    yield name, named | set(re.findall(r"Fact\('(\w+)'", "".join(facts)))


REFUSALS = list(refusals())


def test_refusals_are_found() -> None:
    assert ("RSA_TOO_SMALL", {"bits", "least"}) in REFUSALS
    assert len(REFUSALS) > 20


@pytest.mark.parametrize(("name", "facts"), REFUSALS)
def test_a_refusal_gives_the_facts_that_its_message_tells(name: str, facts: set[str]) -> None:
    reason = Reason(KeyRefusal[name].value)

    assert places(CATALOGUE[reason]) <= facts | {"origin", "passphrase_field"}


# --- the page


def test_the_page_is_what_the_catalogue_says() -> None:
    checked = subprocess.run([sys.executable, GENERATOR, "--check"], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_page_that_is_not_what_the_catalogue_says_is_noticed(tmp_path: Path) -> None:
    copy = tmp_path / "scripts" / "generate" / GENERATOR.name
    copy.parent.mkdir(parents=True)
    copy.write_text(GENERATOR.read_text())
    page = tmp_path / PAGE

    def run(*arguments: str) -> int:
        return subprocess.run([sys.executable, copy, *arguments], capture_output=True, check=False).returncode

    assert run("--check") == 1
    assert run() == 0
    assert run("--check") == 0
    assert page.read_text() == text_of(PAGE)
    page.write_text(page.read_text().replace("Only you", "Nobody"))
    assert run("--check") == 1


FACTS_OF_STAGED = {"fingerprint", "moment", "credential", "target"}
OF_STAGED = "\n## A next key is announced\n"


def rows_of(text: str) -> list[list[str]]:
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return [[name.strip("|` "), says, do.removesuffix("|").strip()] for name, says, do in rows]


def test_the_page_has_every_reason_once_with_its_words() -> None:
    rows = rows_of(text_of(PAGE).split(OF_STAGED)[0])

    assert sorted(name for name, _, _ in rows) == sorted(reason.value for reason in Reason)
    for name, says, do in rows:
        text = CATALOGUE[Reason(name)]
        assert (says, do) == (text.says, text.do)


def test_the_page_has_every_reason_of_an_announced_key_with_its_words() -> None:
    rows = rows_of(text_of(PAGE).split(OF_STAGED)[1].split("\n## ")[0])

    assert rows == [[reason.value, text.says, text.do] for reason, text in STAGED_TEXTS.items()]
    assert STAGED_TEXTS.keys() == set(StagedReason)


@pytest.mark.parametrize("reason", list(StagedReason))
def test_what_is_said_of_an_announced_key_is_whole_sentences_and_fits_with_the_longest_names(
    reason: StagedReason,
) -> None:
    text = STAGED_TEXTS[reason]
    names = ["n" * 253] * 9
    facts = dict.fromkeys(FACTS_OF_STAGED, "n" * 63) | {"targets": targets_named(names)}
    told = staged_message(reason, **facts)

    assert re.fullmatch(r"[A-Z].*[.]", text.says)
    assert re.fullmatch(r"[A-Z].*[.]", text.do)
    assert re.fullmatch(r"[A-Z][A-Za-z]+", reason)
    assert len(told.encode()) < MESSAGE_LIMIT
    assert told.endswith(text.do.format_map(facts))


@pytest.mark.parametrize("course", list(Course))
def test_a_reason_stands_under_its_course(course: Course) -> None:
    headings = {
        Course.READY: "Nothing is left to do",
        Course.WORK: "The operator is at work",
        Course.WAIT: "Something has to come",
        Course.RETRY: "It is tried again",
        Course.STOP: "Only you can help",
    }
    [section] = [part for part in OF_CREDENTIALS.split("\n## ") if part.startswith(headings[course])]

    assert set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == {r.value for r in Reason if COURSE[r] is course}
