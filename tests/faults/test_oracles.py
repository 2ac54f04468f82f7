"""Every oracle can fail: what must not be is put into what really happened, and is found.

What happened comes from the product's own pass on a server in memory: a key with a passphrase, made and replaced.
"""

from __future__ import annotations

import copy
import json
import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from cluster.etcd_history import CREDENTIALS, SECRETS, Revision
from cluster.shown import Object, data_of, secret_of
from faults.oracles import judge
from faults.oracles_ring import ring_keys
from faults.oracles_story import Story
from faults.oracles_texts import FACTS, is_of_catalogue, pattern_of
from faults.recorded import KEK_SECRET, OWN, Recording
from faults.run import Request, Run, Wanted
from sshcredential_operator.api.messages import CATALOGUE, message
from sshcredential_operator.api.names import ORPHANED_SINCE_ANNOTATION
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.credential_secret import KeyMaterial, seal_credential
from sshcredential_operator.encryption.root_key import (
    ROOT_DATA_KEY,
    ROOT_SECRET_NAME,
    new_root_keys,
    root_keys_to_bytes,
)
from unit.reconcile.samples import KEY, OTHER_ID, PAIR, record, recorded

SPEC: Final = {
    "provider": "SSH",
    "generate": {"algorithm": "Ed25519", "passphrase": "Generate"},
    "deletionPolicy": "Delete",
    "deletionGracePeriod": "168h",
    "suspend": False,
}
SECRET: Final = secret_of(KEY.name)
AFTER: Final = 1000
"""Versions that are added begin here; odd ones are the users'."""

Change = Callable[[Object], object]


@pytest.fixture(scope="module")
def happened() -> Run:
    recording = Recording()
    recording.server.apply({**SPEC, "rotation": {"serial": 0}})
    recording.settle()
    recording.rest()
    recording.server.apply({**SPEC, "rotation": {"serial": 1}})
    recording.settle()
    return recording.run(hpc_login=Wanted(serial=1, keys=2))


def found_in(run: Run) -> set[str]:
    return {violation.oracle for violation in judge(run)}


def last(run: Run, resource: str, name: str) -> Revision:
    return [one for one in run.revisions if (one.resource, one.name) == (resource, name) and one.object][-1]


def last_credential(run: Run) -> Revision:
    return last(run, CREDENTIALS, KEY.name)


def last_secret(run: Run) -> Revision:
    return last(run, SECRETS, SECRET)


def and_then(run: Run, *revisions: Revision, by_users: bool = False) -> Run:
    """Return the run with more revisions, of operators or of users."""
    first = max(AFTER, run.revisions[-1].version + 1)
    more = tuple(one._replace(version=first + number) for number, one in enumerate(revisions))
    theirs = frozenset(one.version for one in more) if by_users else frozenset[int]()
    return replace(run, revisions=(*run.revisions, *more), by_users=run.by_users | theirs)


def changed(one: Revision, change: Change) -> Revision:
    """Return a revision with something else in it."""
    found = copy.deepcopy(one.object)
    assert found is not None
    change(found)
    return one._replace(object=found)


def gone(one: Revision) -> Revision:
    return one._replace(object=None)


def with_data(data: dict[str, bytes]) -> Change:
    return lambda found: found.update(data={name: b64encode(value).decode() for name, value in data.items()})


def key_of_another(credential_id: str) -> dict[str, bytes]:
    """Return the data of a Secret that opens, with a key that nobody asked for."""
    kek = Recording().run().kek_of("1.6f1c0a2b3c4d.00000000000000aa")
    assert kek
    said = record(recorded(PAIR), credential_id=credential_id)
    return seal_credential(said, {1: KeyMaterial(PAIR.private, None)}, kek, *KEY)


def status_of(run: Run) -> dict[str, Any]:
    status: dict[str, Any] = (last_credential(run).object or {})["status"]
    return status


def test_in_what_really_happened_nothing_is_wrong(happened: Run) -> None:
    assert judge(happened) == []
    assert len(happened.revisions) > 6


# --- statuses and their conditions: I16, I12, I10, I11

STATUSES: Final[dict[str, tuple[str, Change]]] = {
    "has a condition twice": (
        "I16",
        lambda found: found["status"]["conditions"].append(found["status"]["conditions"][0]),
    ),
    "has a new transition time and the same status": (
        "I16",
        lambda found: found["status"]["conditions"][0].update(lastTransitionTime="2030-01-01T00:00:00Z"),
    ),
    "answers a generation that is still to come": (
        "I16",
        lambda found: found["status"].update(observedGeneration=found["metadata"]["generation"] + 1),
    ),
    "quotes an exception": (
        "I12",
        lambda found: found["status"]["conditions"][0].update(
            message=found["status"]["conditions"][0]["message"] + " ValueError('b3BlbnNzaA')"
        ),
    ),
    "says something for a reason that is another's": (
        "I12",
        lambda found: found["status"]["conditions"][0].update(reason="SecretLost"),
    ),
    "has a finalizer": ("I11", lambda found: found["metadata"].update(finalizers=["example.com/planted"])),
    "forgets the key": ("I10", lambda found: found["status"].pop("credentialId")),
    "says what it said before": ("I14", lambda _: None),
    "tells of a key that is not stored": ("I1", lambda found: found["status"].update(fingerprint="SHA256:" + "A" * 43)),
}


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_found_that(happened: Run, status: str) -> None:
    oracle, change = STATUSES[status]
    assert oracle in found_in(and_then(happened, changed(last_credential(happened), change)))


def test_a_number_that_falls_is_found_and_one_that_a_user_wrote_is_not(happened: Run) -> None:
    first = next(one for one in happened.revisions if one.object and one.object.get("status", {}).get("keyNumber") == 1)
    fallen = changed(last_credential(happened), lambda found: found["status"].update((first.object or {})["status"]))
    texts = [violation.text for violation in judge(and_then(happened, fallen))]
    assert any("Ready with number 1 after 2" in text for text in texts)
    assert not any("after 2" in violation.text for violation in judge(and_then(happened, fallen, by_users=True)))


def test_a_change_of_a_secret_that_was_put_back_is_found(happened: Run) -> None:
    first = next(one for one in happened.revisions if one.name == SECRET)
    back = and_then(happened, first, by_users=True)
    on = changed(first, lambda found: found["metadata"].update(annotations={"seen": "yes"}))
    assert "number 1 was changed after 2" in " ".join(violation.text for violation in judge(and_then(back, on)))
    assert "was changed after" not in " ".join(violation.text for violation in judge(and_then(back, on, by_users=True)))


def test_an_event_is_found_that_says_what_no_template_can_come_to(happened: Run) -> None:
    def event(note: str) -> Object:
        about = {"kind": "SSHCredential", "name": KEY.name}
        said = {"reason": "Adopted", "note": note, "regarding": about, "reportingController": "sshcredential-operator"}
        return {"metadata": {"name": "one"}, **said}

    good = event("Took over the key stored in Secret hpc-login-sshcredential.")
    assert found_in(replace(happened, events=[good])) == set()
    assert found_in(replace(happened, events=[event("Took over it: OSError(13)")])) == {"I12"}
    assert found_in(replace(happened, events=[event(good["note"] + " " * 1024)])) == {"I12"}


# --- Secrets: I1, I2, I3, I5, I6, I8, I9


def test_another_key_of_the_same_number_is_found(happened: Run) -> None:
    data = key_of_another(status_of(happened)["credentialId"])
    assert "I2" in found_in(and_then(happened, changed(last_secret(happened), with_data(data))))


def test_a_secret_that_was_made_anew_with_another_key_is_found(happened: Run) -> None:
    lost = and_then(happened, gone(last_secret(happened)), by_users=True)
    made = changed(last_secret(happened), with_data(key_of_another(OTHER_ID)))
    assert "I1" in found_in(and_then(lost, made))
    assert "I1" not in {v.oracle for v in judge(and_then(lost, made, by_users=True)) if "made anew" in v.text}


def test_a_green_without_a_secret_is_found(happened: Run) -> None:
    without = [one for one in happened.revisions if one.name != SECRET]
    assert "I3" in found_in(replace(happened, revisions=without))


def test_a_green_over_a_secret_of_another_type_is_found(happened: Run) -> None:
    opaque = changed(last_secret(happened), lambda found: found.update(type="Opaque"))
    assert "I3" in found_in(and_then(happened, opaque, by_users=True))


def test_a_green_over_a_private_key_that_does_not_fit_is_found(happened: Run) -> None:
    data = data_of(last_secret(happened).object or {})
    data["privateKey.2"] = data["privateKey.1"]
    assert {"I3", "I8", "I9"} <= found_in(and_then(happened, changed(last_secret(happened), with_data(data))))


def test_an_owner_of_a_secret_is_found(happened: Run) -> None:
    owned = changed(last_secret(happened), lambda found: found["metadata"].update(ownerReferences=[{"name": "one"}]))
    assert "I5" in found_in(and_then(happened, owned))


def test_the_end_of_a_key_is_found_whose_credential_had_come_back_before_its_mark(happened: Run) -> None:
    marks = {ORPHANED_SINCE_ANNOTATION: "2026-01-31T12:00:00Z"}
    marked = changed(last_secret(happened), lambda found: found["metadata"].update(annotations=marks))
    nothing = {"observedGeneration": 0, "conditions": []}
    back = changed(last_credential(happened), lambda found: found.update(status=nothing))

    came_first = and_then(happened, gone(last_credential(happened)), back, by_users=True)
    too_late = and_then(came_first, marked, gone(marked))
    assert "the key of a living credential was destroyed" in " ".join(v.text for v in judge(too_late))

    marked_first = and_then(and_then(happened, gone(last_credential(happened)), by_users=True), marked)
    in_time = and_then(and_then(marked_first, back, by_users=True), gone(marked))
    assert "the key of a living" not in " ".join(v.text for v in judge(in_time))


def test_a_key_that_is_destroyed_within_its_grace_period_is_found(happened: Run) -> None:
    ended = and_then(happened, gone(last_credential(happened)), by_users=True)
    assert "I5" in found_in(and_then(ended, gone(last_secret(happened))))


def test_the_end_of_a_key_is_found_that_was_to_be_retained(happened: Run) -> None:
    kept = changed(last_credential(happened), lambda found: found["spec"].update(deletionPolicy="Retain"))
    deleted = and_then(happened, kept, gone(kept), by_users=True)
    ended = and_then(deleted, gone(last_secret(happened)))
    assert "a key was destroyed that was to be retained" in " ".join(violation.text for violation in judge(ended))


def test_a_secret_of_somebody_else_that_was_changed_or_deleted_is_found(happened: Run) -> None:
    theirs = changed(last_secret(happened), lambda found: found.update(type="Opaque"))._replace(name="theirs")
    made = and_then(happened, theirs, by_users=True)
    assert found_in(made) == set()
    assert "I6" in found_in(and_then(made, theirs))
    assert "I6" in found_in(and_then(made, gone(theirs)))


def test_a_nonce_that_is_used_twice_is_found(happened: Run) -> None:
    data = data_of(last_secret(happened).object or {})
    envelope = json.loads(data["privateKey.2"])
    envelope["ciphertext"] = b64url.encode(bytes(len(envelope["ciphertext"]) * 3 // 4))
    data["privateKey.2"] = json.dumps(envelope, separators=(",", ":")).encode()
    assert "I8" in found_in(and_then(happened, changed(last_secret(happened), with_data(data))))


def test_a_ciphertext_of_another_place_is_found(happened: Run) -> None:
    elsewhere = last_secret(happened)._replace(name=secret_of("another"))
    assert "I8" in found_in(and_then(happened, elsewhere))


def test_a_root_key_that_was_dropped_while_it_was_needed_is_found(happened: Run) -> None:
    other = {ROOT_DATA_KEY: root_keys_to_bytes(new_root_keys())}
    replaced = changed(last(happened, SECRETS, ROOT_SECRET_NAME), with_data(other))
    assert found_in(and_then(happened, replaced)) == {"I9"}


def test_a_workspace_key_that_was_dropped_while_it_was_needed_is_found(happened: Run) -> None:
    assert found_in(and_then(happened, gone(last(happened, SECRETS, KEK_SECRET)))) == {"I9"}


# --- leaks: I7


@pytest.fixture(scope="module")
def secrets_of(happened: Run) -> dict[str, bytes]:
    story = Story(happened)
    opened = [found for step in story.secrets if (found := story.opened(step))][-1]
    key = opened.keys[1]
    ring = {one.what: one.key for one in ring_keys(story)}
    return {"seed": min(key.secret), "passphrase": key.passphrase or b"", **ring}


@pytest.mark.parametrize("what", ["seed", "passphrase", "root key", "workspace key"])
@pytest.mark.parametrize("place", ["annotation", "managed field", "status", "event", "log", "path"])
def test_a_secret_is_found_in(
    happened: Run, secrets_of: dict[str, bytes], what: str, place: str, tmp_path: Path
) -> None:
    text = b64encode(b"it is " + secrets_of[what] + b" as you see").decode()
    credential, secret, log = last_credential(happened), last_secret(happened), tmp_path / "operator.log"
    log.write_text(text)
    leaks = {
        "annotation": lambda: and_then(
            happened, changed(secret, lambda found: found["metadata"].update(annotations={"said": text}))
        ),
        "managed field": lambda: and_then(
            happened, changed(credential, lambda found: found["metadata"]["managedFields"].append({"fieldsV1": text}))
        ),
        "status": lambda: and_then(happened, changed(credential, lambda found: found["status"].update(name=text))),
        "event": lambda: replace(happened, events=[{"metadata": {"name": "one"}, "note": text}]),
        "log": lambda: replace(happened, logs=[log]),
        "path": lambda: replace(happened, requests=[Request("one", "GET", f"/apis?{secrets_of[what].hex()}")]),
    }
    assert "I7" in found_in(leaks[place]())


def test_what_users_bring_is_found_but_where_they_have_put_it(happened: Run, tmp_path: Path) -> None:
    log, brought = tmp_path / "operator.log", PAIR.private.reveal()
    input_ = changed(last_secret(happened), with_data({"ssh-privatekey": brought}))._replace(name="my-key")
    with_input = and_then(happened, changed(input_, lambda found: found.update(type="Opaque")), by_users=True)
    knowing = replace(with_input, needles={"my key": brought}, logs=[log])
    log.write_text("nothing")
    assert found_in(knowing) == set()
    log.write_text(brought.decode())
    assert found_in(knowing) == {"I7"}


# --- conduct: I13, I14, I17

SECRETS_PATH: Final = f"/api/v1/namespaces/{KEY.namespace}/secrets/{SECRET}"
STATUS_PATH: Final = f"/apis/sshcredentials.dev/v1alpha1/namespaces/{KEY.namespace}/sshcredentials/{KEY.name}/status"
LEASE_PATH: Final = f"/apis/coordination.k8s.io/v1/namespaces/{OWN}/leases/sshcredential-operator"
GUARDED: Final = b'{"metadata":{"resourceVersion":"7"}}'

REQUESTS: Final[dict[str, tuple[str, Request]]] = {
    "asks for a Secret elsewhere": ("I13", Request("one", "GET", "/api/v1/namespaces/default/secrets/my-key")),
    "lists the Secrets of all": ("I13", Request("one", "GET", "/api/v1/secrets?watch=true")),
    "changes a Secret of any revision": ("I17", Request("one", "PATCH", SECRETS_PATH, 200, b'{"metadata":{}}')),
    "changes a status of any revision": ("I17", Request("one", "PATCH", STATUS_PATH, 200, b'{"status":{}}')),
    "deletes by name": ("I17", Request("one", "DELETE", SECRETS_PATH, 200, b'{"kind":"DeleteOptions"}')),
    "replaces": ("I17", Request("one", "PUT", SECRETS_PATH, 200, GUARDED)),
}


@pytest.mark.parametrize("request_that", REQUESTS)
def test_a_request_is_found_that(happened: Run, request_that: str) -> None:
    oracle, request = REQUESTS[request_that]
    assert found_in(replace(happened, requests=[request])) == {oracle}


def test_requests_that_are_as_they_should_be_are_not_found(happened: Run) -> None:
    preconditions = b'{"preconditions":{"uid":"u","resourceVersion":"7"}}'
    good = [
        Request("one", "GET", "/api/v1/namespaces/genomics/secrets?watch=true"),
        Request("one", "POST", f"/api/v1/namespaces/{OWN}/secrets", 201, b"{}"),
        Request("one", "PATCH", SECRETS_PATH, 200, GUARDED),
        Request("one", "PATCH", STATUS_PATH, 409, GUARDED),
        Request("one", "DELETE", SECRETS_PATH, 200, preconditions),
    ]
    assert found_in(replace(happened, requests=good)) == set()


def renewal(who: str, at: float, holder: str | None = None) -> Request:
    body = {"spec": {"holderIdentity": who if holder is None else holder}}
    return Request(who, "PUT", LEASE_PATH, 200, json.dumps(body).encode(), at)


def write(who: str, at: float) -> Request:
    return Request(who, "PATCH", STATUS_PATH, 200, GUARDED, at)


ELECTIONS: Final[dict[str, tuple[bool, list[Request]]]] = {
    "the leader writes": (True, [renewal("one", 1), write("one", 2)]),
    "the other one writes": (False, [renewal("one", 1), write("two", 2)]),
    "the Lease is taken from one who is silent": (True, [renewal("one", 1), renewal("two", 11.1), write("two", 12)]),
    "the Lease is taken from one who lives": (False, [renewal("one", 1), renewal("two", 4)]),
    "the Lease is given up": (True, [renewal("one", 1), renewal("one", 2, ""), renewal("two", 2.1), write("two", 3)]),
    "the one before goes on": (False, [renewal("one", 1), renewal("two", 12), write("one", 13)]),
    "there is no Lease": (True, [write("one", 1), write("two", 2)]),
}


@pytest.mark.parametrize("election", ELECTIONS)
def test_one_leads_where(happened: Run, election: str) -> None:
    good, requests = ELECTIONS[election]
    assert found_in(replace(happened, requests=requests, unhurried_until=100.0)) == (set() if good else {"I17"})


def test_too_many_writes_are_found(happened: Run) -> None:
    def said(number: int) -> Revision:
        return changed(last_credential(happened), lambda found: found["status"].update(notes=[f"note {number}"]))

    assert "I14" in found_in(and_then(happened, *(said(number) for number in range(8))))
    assert found_in(replace(happened, writes_in_quiet=("secrets hpc",))) == {"I14"}


# --- the end: I4, I18


@pytest.mark.parametrize(
    ("end", "oracle"),
    [
        pytest.param({"seconds_to_level": None}, "I4", id="never level"),
        pytest.param({"seconds_to_level": 61.0}, "I4", id="late"),
        pytest.param({"ended_by_itself": True}, "I18", id="a process ended by itself"),
        pytest.param({"wanted": {KEY.name: Wanted(serial=2)}}, "end state", id="another serial"),
        pytest.param({"wanted": {KEY.name: Wanted(ready=False, reason="SecretLost")}}, "end state", id="not Ready"),
        pytest.param({"wanted": {KEY.name: Wanted(serial=1, keys=1)}}, "end state", id="fewer keys"),
        pytest.param({"wanted": {KEY.name: Wanted(serial=1, keys=2, secret=False)}}, "end state", id="no Secret"),
        pytest.param({"wanted": {"another": Wanted()}}, "end state", id="another credential"),
    ],
)
def test_an_end_is_found_that_is_not_as_wanted(happened: Run, end: dict[str, Any], oracle: str) -> None:
    assert found_in(replace(happened, **end)) == {oracle}


# --- the catalogue's patterns


@pytest.mark.parametrize("reason", Reason)
def test_the_catalogues_own_text_fits_its_pattern_and_another_ones_does_not(reason: Reason) -> None:
    assert is_of_catalogue("Ready", reason.value, message(reason))
    assert not is_of_catalogue("Ready", reason.value, message(reason) + " b3BlbnNzaC1rZXk")
    assert not is_of_catalogue("Ready", reason.value, "no such text")


def test_every_fact_of_the_catalogue_is_described() -> None:
    for text in CATALOGUE.values():
        pattern_of(f"{text.says} {text.do}")


@pytest.mark.parametrize("fact", FACTS)
def test_no_fact_may_be_a_line_of_a_key_or_the_text_of_an_error(fact: str) -> None:
    line = PAIR.private.reveal().splitlines()[1].decode()
    texts = ["ValueError(b'x')", "Could not deserialize key data. <class>", "-----BEGIN OPENSSH PRIVATE KEY-----"]
    named_by_users = fact in {"name", "input_key", "config_map_key"}
    for text in texts if named_by_users else (*texts, line):
        assert re.fullmatch(FACTS[fact], text) is None
