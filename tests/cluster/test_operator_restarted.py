"""What happens while the operator is away is seen when it is back: as if it had been there, and nothing is lost.

One operator is killed in the middle of everything, once for all tests of this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest

from cluster.desk import Desk
from cluster.installation import installation
from cluster.keyfiles import KeyFiles
from cluster.shown import Object, data_of, generated, imported, message_of, reason_of, secret_of, states_of
from controlplane.clusters import Cluster
from controlplane.namespaces import Namespaces
from controlplane.waiting import wait_until

AT_ONCE: Final = {"deletionGracePeriod": "0s"}
BEFORE: Final[dict[str, Object]] = {
    "early": generated(),
    "comes-back": generated(),
    "marked": generated() | {"deletionGracePeriod": "3s"},
    "at-once": generated() | AT_ONCE,
    "retained": generated() | {"deletionPolicy": "Retain", **AT_ONCE},
    "lost": generated(),
    "lost-input": imported("my-key"),
    "tampered": generated(),
    "edited": generated(),
    "untouched": generated(),
}
STALLS: Final = {"Ready": "False", "Stalled": "True"}
SAME: Final = ("credentialId", "keyNumber", "fingerprint", "publicKey", "createdAt")


class Story:
    """What was done, and how things looked before."""

    def __init__(self, desk: Desk, fresh: Object, ready: dict[str, Object], stored: dict[str, Object]) -> None:
        self.desk, self.fresh, self.ready, self.stored = desk, fresh, ready, stored


@pytest.fixture(scope="module")
def story(
    cluster: Cluster, namespaces: Namespaces, key_files: KeyFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    with installation(cluster, namespaces, tmp_path_factory.mktemp("restarted")) as (installed, desk, _):
        desk.make_secret("my-key", {"ssh-privatekey": key_files.key().content})
        desk.apply({"early": BEFORE["early"]})
        fresh = desk.get("early")
        operator = installed.start()
        desk.apply(BEFORE)
        desk.wait_for_ready(list(BEFORE))
        ready = {name: desk.get(name) for name in BEFORE}
        stored = {name: desk.stored(name) for name in BEFORE}
        desk.delete("marked")
        desk.until_marked("marked")

        operator.kill()
        while_nobody_looks(desk)
        installed.start()
        yield Story(desk, fresh, ready, stored)


def while_nobody_looks(desk: Desk) -> None:
    desk.delete("comes-back", "at-once", "retained")
    for lost in ("lost", "lost-input"):
        desk.delete_secret(secret_of(lost))
    desk.change_secret(secret_of("tampered"), data={"note": b"to myself"})
    desk.edit("edited", {"generate": {"algorithm": "RSA"}})
    desk.create("late", generated())


def key_of(found: Object) -> dict[str, Any]:
    return {name: found["status"].get(name) for name in SAME}


def test_before_the_first_operator_a_credential_is_pending(story: Story) -> None:
    assert (reason_of(story.fresh), states_of(story.fresh)) == ("Pending", {"Ready": "Unknown"})
    assert message_of(story.fresh).endswith("Is this namespace among its workspaces?")


def test_what_came_meanwhile_is_made(story: Story) -> None:
    story.desk.wait_for_ready(["late"])


def test_what_was_not_touched_is_not_touched(story: Story) -> None:
    story.desk.until("late", "Available")
    assert story.desk.get("untouched") == story.ready["untouched"]
    assert story.desk.stored("untouched") == story.stored["untouched"]


def test_a_deletion_is_noticed_and_the_key_comes_back(story: Story) -> None:
    story.desk.until_marked("comes-back")
    story.desk.create("comes-back", generated())
    assert key_of(story.desk.until("comes-back", "Available")) == key_of(story.ready["comes-back"])
    story.desk.until_event("comes-back", "Adopted")


def test_a_grace_period_goes_on_over_the_restart(story: Story) -> None:
    story.desk.until_gone("marked")


def test_a_deletion_without_grace_is_carried_out(story: Story) -> None:
    story.desk.until_gone("at-once")


def test_a_retained_key_stays(story: Story) -> None:
    """The proof is in the order: what came after the restart was destroyed before."""
    story.desk.until_gone("at-once")
    story.desk.create("later", generated() | AT_ONCE)
    story.desk.until("later", "Available")
    story.desk.delete("later")
    story.desk.until_gone("later")
    assert story.desk.stored("retained") == story.stored["retained"]


def test_a_lost_key_is_told_and_none_is_made(story: Story) -> None:
    lost = story.desk.until("lost", "SecretLost")
    assert states_of(lost) == STALLS
    assert key_of(lost) == key_of(story.ready["lost"])
    assert story.desk.secret(secret_of("lost")) is None


def test_a_lost_key_is_taken_again_from_its_input(story: Story) -> None:
    wait_until(lambda: story.desk.secret(secret_of("lost-input")), "the Secret is there again")
    assert key_of(story.desk.until("lost-input", "Available")) == key_of(story.ready["lost-input"])


def test_tampering_is_told(story: Story) -> None:
    assert states_of(story.desk.until("tampered", "SecretTampered")) == STALLS


def test_an_edited_spec_is_answered(story: Story) -> None:
    edited = story.desk.until("edited", "AlgorithmChanged")
    assert key_of(edited) == key_of(story.ready["edited"])


@pytest.mark.parametrize("status", ["fresh", "with a key"])
def test_a_secret_of_another_installation_is_never_touched(story: Story, desk: Desk, name: str, status: str) -> None:
    """This installation's Secret is brought into the workspace of the operator that all tests share."""
    if status == "with a key":
        desk.create(name, generated())
        desk.until(name, "Available")
        desk.delete_secret(secret_of(name))
        desk.until(name, "SecretLost")
    brought = desk.put_back(story.stored["untouched"], name=secret_of(name))
    if status == "fresh":
        desk.create(name, generated())

    unavailable = desk.until(name, "KeyUnavailable")

    assert states_of(unavailable) == STALLS
    assert "is encrypted with a workspace key that is not in the operator's key ring" in message_of(unavailable)
    assert desk.secret(secret_of(name)) == brought
    assert data_of(brought) == data_of(story.stored["untouched"])
