"""What users do to show some of the planted bugs, beside the operations of the campaign. Played by `performance`."""

from __future__ import annotations

from typing import Final

from cluster.keyfiles import damaged
from cluster.rights import grant
from cluster.shown import Object, data_of, generated, imported, mark_of, secret_of
from faults.cast import USER
from faults.keys import plain_file
from faults.operations import (
    AT_ONCE,
    HPC,
    INPUT,
    Operation,
    delete,
    delete_and_keep,
    generate,
    ready,
    ready_with,
    rotate,
    settled,
)
from faults.run import Wanted
from faults.scene import Scene
from sshcredential_operator.api.names import CREDENTIAL_LABEL, GROUP, PLURAL

ANOTHER: Final = "another"
NOTHING: Final[Object] = {"metadata": {}}


def rotate_at_once(scene: Scene) -> None:
    """Ask for a second key while the first one is being made."""
    scene.users.create(HPC, generated())
    scene.users.edit(HPC, {"rotation": {"serial": 1}})
    scene.want(hpc=Wanted(serial=1, keys=2))


def import_damaged(scene: Scene) -> None:
    """Bring a key that is none any more."""
    scene.users.make_secret(INPUT, {"ssh-privatekey": damaged(plain_file())})
    scene.users.create(HPC, imported(INPUT))
    scene.want(hpc=Wanted(ready=False, reason="Corrupt", secret=False))


def with_lookalike(scene: Scene) -> None:
    """Begin with a Secret of another type that holds all that one of ours would."""
    ready(scene)
    secret = scene.secret(HPC)
    assert secret
    scene.users.delete(HPC)
    scene.users.delete_secret(HPC)
    scene.wanted.clear()
    settled(scene)
    made = scene.users.make_secret(secret_of(HPC), data_of(secret))
    assert made["type"] == "Opaque"
    assert CREDENTIAL_LABEL not in (made["metadata"].get("labels") or {})


def meet_lookalike(scene: Scene) -> None:
    """Come to a Secret that is not ours."""
    scene.users.create(HPC, generated())
    scene.want(hpc=Wanted(ready=False, reason="SecretConflict"))


def claim_one_name_twice(scene: Scene) -> None:
    """Give a second credential the name of the first."""
    scene.users.create(ANOTHER, generated() | {"name": HPC})
    scene.want(another=Wanted(ready=False, reason="NameConflict", secret=False))


def put_old_copy_back(scene: Scene) -> None:
    """Put the Secret back as it was before a rotation."""
    old = scene.secret(HPC)
    assert old
    rotate(scene)
    settled(scene)
    scene.users.delete_secret(HPC)
    scene.users.put_back(old)
    scene.want(hpc=Wanted(ready=False, reason="RollbackDetected", serial=1, keys=2))


def come_back(scene: Scene) -> None:
    """Delete a credential whose key does not wait, and create it again."""
    delete(scene)
    generate(scene)
    scene.want(hpc=Wanted(keys=2))


def delete_and_wait(scene: Scene) -> None:
    """Delete a credential whose key waits for its grace period."""
    delete_and_keep(scene)
    scene.also = lambda: (
        f"the Secret of {HPC} is not marked" for _ in [0] if not mark_of(scene.secret(HPC) or NOTHING)
    )


def generate_with_a_right_too_many(scene: Scene) -> None:
    """Make a key where the operator may do more than it needs."""
    cluster = scene.users.desk._cluster
    grant(cluster, scene.place.namespace, USER, f"{PLURAL}.{GROUP}", ["patch"])
    generate(scene)


MORE: Final[dict[str, Operation]] = {
    "generate-and-rotate-at-once": Operation(rotate_at_once),
    "import-damaged": Operation(import_damaged),
    "meet-lookalike": Operation(meet_lookalike, with_lookalike),
    "claim-one-name-twice": Operation(claim_one_name_twice, ready),
    "put-old-copy-back": Operation(put_old_copy_back, ready),
    "delete-and-wait": Operation(delete_and_wait, ready),
    "delete-at-once-and-come-back": Operation(come_back, ready_with(**AT_ONCE)),
    "generate-with-a-right-too-many": Operation(generate_with_a_right_too_many),
}
