"""Of words: statuses and events hold texts of the catalogues only, with facts that look like facts (I12).

The patterns are made from the product's own templates. What may stand in a template's place is said here for each
fact, as narrow as it can be, so that a library's text does not fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from faults.oracles_story import Story
from faults.run import Violation
from sshcredential_operator.api.messages import CATALOGUE
from sshcredential_operator.api.names import FIELD_MANAGER, KIND
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.remarks import REMARKS
from sshcredential_operator.api.staged import STAGED_TEXTS
from sshcredential_operator.api.text import MESSAGE_LIMIT

NAME: Final = r"[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?"
FINGERPRINT: Final = r"SHA256:[A-Za-z0-9+/]{43}"
MOMENT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
NUMBER: Final = r"\d{1,19}"
KIND_OF_KEY: Final = r"(?:Ed25519|(?:RSA|ECDSA|DSA) \d{1,5}|[A-Za-z0-9@.-]{1,40})"
FIELD: Final = r"spec(?:\.[A-Za-z]{1,30}|\[\d{1,3}\]){0,6}"
KEY_OF_SECRET: Final = r"[-._a-zA-Z0-9]{1,253}"

FACTS: Final[dict[str, str]] = {
    **dict.fromkeys(("secret", "input_secret", "rival", "credential", "config_map", "target"), NAME),
    **dict.fromkeys(("count", "stored_number", "status_number", "serial", "code", "number", "line"), NUMBER),
    **dict.fromkeys(("bits", "least"), r"\d{1,7}"),
    **dict.fromkeys(("stored_fingerprint", "input_fingerprint", "fingerprint", "other_fingerprint"), FINGERPRINT),
    **dict.fromkeys(("until", "moment"), MOMENT),
    **dict.fromkeys(("input_key", "config_map_key"), KEY_OF_SECRET),
    **dict.fromkeys(("wanted", "stored", "key"), KIND_OF_KEY),
    **dict.fromkeys(("field", "passphrase_field"), FIELD),
    "sealed_field": r"(?:record|privateKey|passphrase)",
    "stored_source": rf"(?:generate|sealed|importFrom Secret {NAME}, key {KEY_OF_SECRET})",
    "name": r"[A-Za-z0-9_-]{1,99}",
    "allowed": r"(?:(?:Ed25519|ECDSA|RSA from \d{1,5} bits)(?:, )?){1,3}",
    "verb": r"(?:get|list|watch|create|update|patch|delete)",
    "resource": r"[a-z]{1,40}(?:\.[a-z0-9.]{1,60})?(?:/[a-z]{1,20})?",
    "origin": rf"(?:spec\.sealed|Secret {NAME})(?: \({KIND_OF_KEY}, {FINGERPRINT}\))?",
    "weakness": r"(?:ROCA|[a-z ,]{1,100})",
    "label": r"[A-Z0-9 ]{1,60}",
    "place": rf"(?:any credential of {NAME}|{NAME}/{NAME})",
    "kid": r"[A-Za-z0-9._-]{1,64}",
    "targets": rf"{NAME}(?:, {NAME})*(?: and others)?",
}
"""What may stand in a place of a template."""

EVENTS: Final[dict[str, str]] = {
    "Adopted": "Took over the key stored in Secret {secret}.",
    "Imported": "The private key of Secret {input_secret} is now stored encrypted. That Secret still holds it in "
    "plaintext: delete it with `kubectl delete secret {input_secret}`; the credential lives on without it.",
    "Destroyed": "The previous key {fingerprint} was destroyed.",
    "Withdrawn": "The next key, {fingerprint}, is not used: the spec holds another one now.",
    "Promoted": "The key is now {fingerprint}; before it was {fingerprint}.",
    "Recovered": "The credential is usable again.",
}
"""The notes of events about credentials whose words are the same each time."""

OTHER_EVENTS: Final[dict[str, str]] = {
    "Staged": rf"The next key is {FINGERPRINT}; it is used "
    rf"(?:from {MOMENT} on|when every SSHTarget of this credential lets it in)\.",
    "PromotionForced": rf"The key {FINGERPRINT} is used because a person said so; "
    rf"(?:SSHTarget {FACTS['targets']} has not|nobody knows which SSHTargets have) let it in\.",
}


def texts_are_the_catalogues(story: Story) -> Iterator[Violation]:
    """Look at every condition that an operator wrote, and at every event of its credentials."""
    for step in story.credentials:
        if step.object is None or not step.by_operator:
            continue
        for condition in step.object["status"].get("conditions", []):
            said = condition["message"]
            if len(said.encode()) > MESSAGE_LIMIT or not is_of_catalogue(condition["type"], condition["reason"], said):
                yield Violation("I12", f"{step}: {condition['type']} {condition['reason']} says {said!r}")
    for event in story.run.events:
        if event.get("reportingController") != FIELD_MANAGER or event["regarding"].get("kind") != KIND:
            continue
        said = event.get("note", "")
        if len(said.encode()) > MESSAGE_LIMIT or not is_of_event(event["reason"], said):
            yield Violation("I12", f"event {event['reason']} about {event['regarding']['name']} says {said!r}")


def is_of_catalogue(kind: str, reason: str, said: str) -> bool:
    """Whether a condition's message is what its reason's template can come to."""
    staged = kind == "RotationStaged"
    patterns = _staged() if staged else _messages()
    pattern = patterns.get(reason)
    return pattern is not None and pattern.fullmatch(said) is not None


def is_of_event(reason: str, said: str) -> bool:
    """Whether an event's note is what its template can come to."""
    if reason == "Stalled":
        why, _, message = said.partition(": ")
        return is_of_catalogue("Stalled", why, message)
    pattern = _events().get(reason)
    return pattern is not None and pattern.fullmatch(said) is not None


def pattern_of(template: str) -> str:
    """Return the pattern of a template. A fact that nobody has described is a KeyError."""
    parts = re.split(r"\{(\w+)\}", template)
    return "".join(
        rf"(?:{FACTS[part]}|\(unknown\))" if place % 2 else re.escape(part) for place, part in enumerate(parts)
    )


@cache
def _messages() -> dict[str, re.Pattern[str]]:
    remarks = "|".join(pattern_of(text) for text in REMARKS.values())
    found = {reason.value: pattern_of(f"{text.says} {text.do}".strip()) for reason, text in CATALOGUE.items()}
    found[Reason.AVAILABLE.value] += f"(?: (?:{remarks}))*"
    return {reason: re.compile(pattern) for reason, pattern in found.items()}


@cache
def _staged() -> dict[str, re.Pattern[str]]:
    return {reason.value: re.compile(pattern_of(f"{text.says} {text.do}")) for reason, text in STAGED_TEXTS.items()}


@cache
def _events() -> dict[str, re.Pattern[str]]:
    plain = {reason: pattern_of(template) for reason, template in EVENTS.items()}
    return {reason: re.compile(pattern) for reason, pattern in {**plain, **OTHER_EVENTS}.items()}
