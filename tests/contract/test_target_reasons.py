"""Reasons of targets and their messages: complete, for people, and filled with facts that say nothing of a server's."""

from __future__ import annotations

import re
import string

import pytest

from contract.test_reasons import OF_TARGETS
from sshcredential_operator.api.reasons import Course
from sshcredential_operator.api.target_causes import CAUSES
from sshcredential_operator.api.target_messages import TARGET_TEXTS, target_message
from sshcredential_operator.api.target_reasons import PASSING, TARGET_COURSE, TargetReason
from sshcredential_operator.api.text import MESSAGE_LIMIT, Text
from sshcredential_operator.targets.probe import UNTRUSTED

FACTS = {
    "host": "spec.host",
    "port": "spec.port",
    "username": "spec.username",
    "field": "path in the spec",
    "fingerprint": "public: of a key of the credential",
    "offered": "public: of the host key that a server shows",
    "expected": "public: of the host key that is trusted",
    "hop": "host:port of a jump host",
    "why": "TargetReason of a jump host",
    "cause": "word of our own, or its text",
    "credential": "metadata.name of a credential",
    "target": "metadata.name of this target",
    "jump": "metadata.name of a target to go through",
    "config_map": "name of the user's ConfigMap",
    "config_map_key": "key of the user's ConfigMap",
    "line": "number of a line",
    "secret": "name of our Secret",
    "verb": "verb of RBAC",
    "resource": "resource of RBAC",
}
"""Every fact that a message may hold, and what it is. None of them is text that another program wrote."""

LONGEST: dict[str, str] = dict.fromkeys(FACTS, "n" * 63) | {
    **dict.fromkeys(("host", "config_map", "config_map_key", "username"), "n" * 256),
    "hop": "n" * 260,
    "cause": max(CAUSES.values(), key=len),
}
each_reason = pytest.mark.parametrize("reason", list(TargetReason))


def places(text: Text) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(f"{text.says} {text.do}") if name}


def test_every_reason_has_a_text_and_a_course_and_there_are_no_others() -> None:
    assert set(TARGET_TEXTS) == set(TARGET_COURSE) == set(TargetReason)


def test_the_facts_are_these() -> None:
    assert set().union(*map(places, TARGET_TEXTS.values())) == FACTS.keys()


@each_reason
def test_a_message_is_whole_sentences_of_plain_words(reason: TargetReason) -> None:
    text = TARGET_TEXTS[reason]

    assert re.fullmatch(r"[A-Z{].*[.]", text.says)
    assert re.fullmatch(r"([A-Z].*[.?])?", text.do)
    assert (text.says + text.do).isascii()
    assert (text.says + text.do).isprintable()
    assert "  " not in text.says + text.do


@pytest.mark.parametrize("reason", [r for r in TargetReason if TARGET_COURSE[r] not in {Course.READY, Course.WORK}])
def test_who_has_to_wait_or_to_do_something_is_told_what(reason: TargetReason) -> None:
    assert TARGET_TEXTS[reason].do


@pytest.mark.parametrize("reason", sorted(PASSING))
def test_what_may_pass_says_that_it_is_tried_again(reason: TargetReason) -> None:
    assert TARGET_TEXTS[reason].do.endswith("It is tried again by itself.")


@pytest.mark.parametrize("reason", sorted(UNTRUSTED))
def test_who_distrusts_a_server_is_told_that_no_login_was_tried(reason: TargetReason) -> None:
    assert "No login was tried" in TARGET_TEXTS[reason].says


def test_a_changed_host_key_names_both_and_the_command_that_takes_the_new_one() -> None:
    facts: dict[str, str | int] = {
        "host": "login",
        "port": 22,
        "offered": "SHA256:new",
        "expected": "SHA256:old",
        "target": "hpc",
    }
    told = target_message(TargetReason.HOST_KEY_CHANGED, facts)

    assert told.startswith("login port 22 shows the host key SHA256:new, and not SHA256:old as before.")
    assert "with policy TrustOnFirstUse, sshcred target trust hpc; else replace the key in spec.hostKeys." in told


@each_reason
def test_the_longest_names_leave_room_for_what_to_do(reason: TargetReason) -> None:
    text = TARGET_TEXTS[reason]
    told = target_message(reason, LONGEST)

    assert len(told.encode()) < MESSAGE_LIMIT
    assert told.endswith(f"{text.says} {text.do}".strip().format_map(LONGEST)[-20:])


@each_reason
def test_a_message_never_grows_over_its_limit(reason: TargetReason) -> None:
    assert len(target_message(reason, dict.fromkeys(FACTS, "ä" * 2000)).encode()) <= MESSAGE_LIMIT


@each_reason
def test_facts_that_are_missing_silence_no_message(reason: TargetReason) -> None:
    assert "{" not in target_message(reason)


def test_facts_that_are_not_asked_for_make_no_difference() -> None:
    assert target_message(TargetReason.PROBING, {"nonsense": 1}) == target_message(TargetReason.PROBING)


@pytest.mark.parametrize("word", sorted(CAUSES))
def test_a_cause_is_told_in_words(word: str) -> None:
    assert f": {CAUSES[word]}." in target_message(TargetReason.INSTALL_FAILED, {"cause": word})
    assert re.fullmatch(r"[a-z].*[^.]", CAUSES[word])


def test_a_cause_that_has_no_words_is_told_as_it_is() -> None:
    told = target_message(TargetReason.HOST_CERTIFICATE_REFUSED, {"host": "h", "port": 22, "cause": "has expired"})

    assert told.startswith("The host certificate of h port 22 has expired. No login was tried.")


# --- the page


def test_the_page_has_every_reason_once_with_its_words() -> None:
    rows = [line.split(" | ") for line in OF_TARGETS.splitlines() if line.startswith("| `")]

    assert sorted(row[0].strip("|` ") for row in rows) == sorted(reason.value for reason in TargetReason)
    for name, says, do in rows:
        text = TARGET_TEXTS[TargetReason(name.strip("|` "))]
        assert (says, do.removesuffix("|").strip()) == (text.says, text.do)


@pytest.mark.parametrize("course", list(Course))
def test_a_reason_stands_under_its_course(course: Course) -> None:
    headings = {
        Course.READY: "nothing is left to do",
        Course.WORK: "the operator is at work",
        Course.WAIT: "something has to come",
        Course.RETRY: "it is tried again",
        Course.STOP: "only you can help",
    }
    [section] = [part for part in OF_TARGETS.split("\n### Targets: ") if part.startswith(headings[course])]

    assert set(re.findall(r"^\| `(\w+)`", section, re.MULTILINE)) == {
        reason.value for reason in TargetReason if TARGET_COURSE[reason] is course
    }


def test_the_page_tells_every_cause() -> None:
    assert re.findall(r"^- (.*)$", OF_TARGETS, re.MULTILINE) == list(CAUSES.values())
