"""What users and operators do in a plan: one row for each operation, with what is wanted in the end.

`prepare` goes undisturbed; `act` is what faults strike. An operation that begins cold starts its operators in `act`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from cluster.credentials import Credentials
from cluster.etcd_history import CREDENTIALS, SECRETS
from cluster.sealing import SealingDesk, published
from cluster.shown import Object, data_of, generated, imported, secret_of
from faults.keys import encrypted_file, plain_file
from faults.ring import roots_in
from faults.run import Wanted
from faults.scene import Scene
from sshcredential_operator.encryption.kek import KEK_SECRET_TYPE
from sshcredential_operator.encryption.sealing_key import SEALING_KEY_SECRET_TYPE

HPC: Final = "hpc"
INPUT: Final = "brought"
HOUR: Final = 3600.0
AT_ONCE: Final = {"deletionGracePeriod": "0s"}


class Operation(NamedTuple):
    """One row."""

    act: Callable[[Scene], object]
    prepare: Callable[[Scene], object] = lambda scene: started(scene)  # noqa: PLW0108 - it stands below
    cold: bool = False
    others: int = 0
    """How many other workspaces there are."""


# --- how it begins


def started(scene: Scene) -> None:
    """Begin with operators that have nothing to do."""
    scene.start()
    scene.until(scene.says_ready, "the operators are ready")
    scene.until_idle()


def ready(scene: Scene, **spec: Any) -> None:
    """Begin with a credential that is Ready."""
    started(scene)
    scene.users.create(HPC, generated() | spec)
    scene.want(hpc=Wanted())
    settled(scene)


def settled(scene: Scene) -> None:
    """Wait until all is as wanted, and nobody has anything to do."""
    scene.until_level()
    scene.until_idle()
    scene.rest()


def ready_with(**spec: Any) -> Callable[[Scene], None]:
    """Return how it begins with a credential of this spec."""
    return lambda scene: ready(scene, **spec)


def ready_and_rotated(scene: Scene) -> None:
    """Begin with a key in use and a previous one."""
    ready(scene, rotation={"overlap": "24h"})
    rotate(scene)
    settled(scene)


# --- what happens then


def generate(scene: Scene, **members: Any) -> None:
    scene.users.create(HPC, generated(**members))
    scene.want(hpc=Wanted())


def generate_cold(scene: Scene) -> None:
    generate(scene)
    scene.start()


def bring(scene: Scene, passphrase: bytes | None = None) -> None:
    file = encrypted_file(passphrase) if passphrase else plain_file()
    data = {"ssh-privatekey": file} | ({"passphrase": passphrase} if passphrase else {})
    scene.users.needles["the key that is brought"] = file
    if passphrase:
        scene.users.needles["the passphrase that is brought"] = passphrase
    scene.users.make_secret(INPUT, data)


def import_plain(scene: Scene) -> None:
    scene.users.create(HPC, imported(INPUT))
    scene.want(hpc=Wanted())


def import_encrypted(scene: Scene) -> None:
    scene.users.create(HPC, imported(INPUT, INPUT))
    scene.want(hpc=Wanted())


def started_with_input(scene: Scene) -> None:
    bring(scene)
    started(scene)


def started_with_encrypted_input(scene: Scene) -> None:
    bring(scene, b"for plans of faults only")
    started(scene)


def input_comes_late(scene: Scene) -> None:
    import_plain(scene)
    scene.until_reason(HPC, "InputSecretMissing")
    bring(scene)


def seal(scene: Scene) -> None:
    key = published(scene.users.desk._cluster, scene.place.own).newest
    assert key
    file = plain_file()
    scene.users.needles["the key that is sealed"] = file
    scene.users.create(HPC, SealingDesk(key, scene.users.desk).sealed(HPC, file))
    scene.want(hpc=Wanted())


def seal_another(scene: Scene) -> None:
    key = published(scene.users.desk._cluster, scene.place.own).newest
    assert key
    scene.users.edit(HPC, {"generate": None, **SealingDesk(key, scene.users.desk).sealed(HPC, plain_file())})
    scene.want(hpc=Wanted(keys=2))


def change_harmlessly(scene: Scene) -> None:
    scene.users.edit(HPC, {"description": "another text"})


def rotate(scene: Scene) -> None:
    scene.users.edit(HPC, {"rotation": {"serial": 1}})
    scene.want(hpc=Wanted(serial=1, keys=2))


def rotate_until_the_overlap_ends(scene: Scene) -> None:
    rotate(scene)
    scene.until_level()
    scene.also = lambda: _has_previous(scene)
    scene.pass_time(2 * HOUR)


def rotate_with_little_overlap(scene: Scene) -> None:
    """The key before ends while the operator may not know yet that the status shows it."""
    rotate(scene)
    scene.until(lambda: _status(scene, "previous"), "the status shows the key before")
    scene.cast.set_ahead(10)
    scene.also = lambda: _has_previous(scene)


def rotate_prepared(scene: Scene) -> None:
    scene.users.edit(HPC, {"rotation": {"serial": 1, "prepare": "1h"}})
    scene.until(lambda: _status(scene, "next"), "the next key is announced")
    scene.want(hpc=Wanted(serial=1, keys=2))
    scene.also = lambda: (f"the next key of {HPC} is not used" for _ in _status(scene, "next"))
    scene.pass_time(2 * HOUR)


def go_back(scene: Scene) -> None:
    before = _status(scene, "previous")["fingerprint"]
    scene.users.edit(HPC, {"rotation": {"rollbackTo": before}})
    scene.want(hpc=Wanted(serial=1, keys=2))
    scene.also = lambda: (f"{HPC} does not use {before}" for _ in [0] if _status(scene, "fingerprint") != before)


def change_algorithm(scene: Scene) -> None:
    scene.users.edit(HPC, {"generate": {"algorithm": "ECDSA"}})
    scene.want(hpc=Wanted(ready=False, reason="AlgorithmChanged"))


def change_algorithm_and_rotate(scene: Scene) -> None:
    scene.users.edit(HPC, {"generate": {"algorithm": "ECDSA"}, "rotation": {"serial": 1}})
    scene.want(hpc=Wanted(serial=1, keys=2))


def delete_secret(scene: Scene) -> None:
    scene.users.delete_secret(HPC)
    scene.want(hpc=Wanted(ready=False, reason="SecretLost", secret=False))


def change_secret(scene: Scene) -> None:
    record = json.loads(data_of(_present(scene.secret(HPC)))["record"])
    record["tag"] = record["tag"][::-1]
    scene.users.change_secret(HPC, {"record": json.dumps(record).encode()})
    scene.want(hpc=Wanted(ready=False, reason="SecretTampered"))


def put_secret_back(scene: Scene) -> None:
    secret = _present(scene.secret(HPC))
    scene.users.delete_secret(HPC)
    scene.until_reason(HPC, "SecretLost")
    scene.users.put_back(secret)


def delete(scene: Scene) -> None:
    scene.users.delete(HPC)
    del scene.wanted[HPC]


def delete_and_keep(scene: Scene) -> None:
    delete(scene)
    scene.kept.add(HPC)


def delete_until_the_grace_ends(scene: Scene) -> None:
    delete(scene)
    scene.until(lambda: _present(scene.secret(HPC))["metadata"].get("annotations"), "the Secret is marked")
    scene.pass_time(170 * HOUR)


def delete_and_come_back(scene: Scene) -> None:
    delete(scene)
    generate(scene)


def restore(scene: Scene) -> None:
    scene.users.put_back(scene.backup[SECRETS, secret_of(HPC)])
    spec = scene.backup[CREDENTIALS, HPC]["spec"]
    scene.users.create(HPC, spec)
    scene.kept.clear()
    scene.want(hpc=Wanted(serial=1, keys=2))


def lost_after_backup(scene: Scene) -> None:
    ready_and_rotated(scene)
    scene.backup = scene.present()
    delete(scene)
    scene.until(lambda: _present(scene.secret(HPC))["metadata"].get("annotations"), "the Secret is marked")
    scene.users.delete_secret(HPC)
    settled(scene)


def rotate_root(scene: Scene) -> None:
    (old, *_) = roots_in(scene.ring())
    scene.also = lambda: _under_old_root(scene, old)
    scene.users.ask(rotate_root=old)


def ready_with_sheet(scene: Scene) -> None:
    for namespace in scene.place.beside:
        Credentials(scene.users.desk._core.api_client, namespace).create(generated(), HPC)
    ready(scene)
    if scene.plan.cast != "elected":  # the Lease would run out meanwhile
        scene.pass_time(10)  # then it tells of its workspaces
    namespaces = (scene.place.namespace, *scene.place.beside)
    scene.until(lambda: _all_told(scene, namespaces), "the key ring tells of its workspaces")
    scene.until_idle()
    scene.rest()


def rotate_workspace_key(scene: Scene) -> None:
    status = _present(scene.credential(HPC))["status"]
    old = status["encryption"]["keyId"]
    scene.users.ask(**{f"rotate.{scene.place.namespace}": old})
    scene.also = lambda: (
        f"{HPC} is under {old}" for _ in [0] if _present(scene.credential(HPC))["status"]["encryption"]["keyId"] == old
    )


def meet_foreign_secret(scene: Scene) -> None:
    scene.users.create(HPC, generated())
    scene.want(hpc=Wanted(ready=False, reason="SecretConflict"))


def started_with_foreign_secret(scene: Scene) -> None:
    scene.users.make_secret(secret_of(HPC), {"password": b"of somebody else"})
    started(scene)


def lose_namespace(scene: Scene) -> None:
    scene.users.create("another", generated())
    scene.users.delete_namespace()
    scene.wanted.clear()
    scene.serves = False


# --- what is asked of the scene


def _present(found: Object | None) -> Object:
    return found or {"metadata": {}, "status": {}, "data": {}}


def _status(scene: Scene, member: str) -> Any:
    return _present(scene.credential(HPC))["status"].get(member) or {}


def _has_previous(scene: Scene) -> Iterator[str]:
    if _status(scene, "previous") or "privateKey.1" in _present(scene.secret(HPC))["data"]:
        yield f"{HPC} has a previous key"


def _under_old_root(scene: Scene, old: str) -> Iterator[str]:
    ring = scene.ring()
    if roots_in(ring)[:1] == [old]:
        yield "the root is the old one"
    for secret in ring:
        for value in data_of(secret).values() if secret["type"] in {KEK_SECRET_TYPE, SEALING_KEY_SECRET_TYPE} else ():
            if json.loads(value)["rootKeyId"] == old:
                yield f"{secret['metadata']['name']} is under the old root"


def _all_told(scene: Scene, namespaces: tuple[str, ...]) -> bool:
    return all(f'"{name}"' in scene.users.sheet().get("state.json", "") for name in namespaces)


OPERATIONS: Final[dict[str, Operation]] = {
    "generate-at-first-start": Operation(generate_cold, lambda _: None, cold=True),
    "generate": Operation(generate),
    "generate-with-passphrase": Operation(lambda scene: generate(scene, passphrase="Generate")),
    "import": Operation(import_plain, started_with_input),
    "import-encrypted": Operation(import_encrypted, started_with_encrypted_input),
    "import-late": Operation(input_comes_late),
    "seal": Operation(seal),
    "seal-another": Operation(seal_another, ready),
    "change-harmlessly": Operation(change_harmlessly, ready),
    "rotate": Operation(rotate, ready),
    "rotate-until-overlap-ends": Operation(rotate_until_the_overlap_ends, ready_with(rotation={"overlap": "1h"})),
    "rotate-with-little-overlap": Operation(rotate_with_little_overlap, ready_with(rotation={"overlap": "5s"})),
    "rotate-prepared": Operation(rotate_prepared, ready),
    "go-back": Operation(go_back, ready_and_rotated),
    "change-algorithm": Operation(change_algorithm, ready),
    "change-algorithm-and-rotate": Operation(change_algorithm_and_rotate, ready),
    "secret-deleted": Operation(delete_secret, ready),
    "secret-changed": Operation(change_secret, ready),
    "secret-put-back": Operation(put_secret_back, ready),
    "delete": Operation(delete, ready_with(**AT_ONCE)),
    "delete-until-grace-ends": Operation(delete_until_the_grace_ends, ready),
    "delete-and-retain": Operation(delete_and_keep, ready_with(deletionPolicy="Retain", **AT_ONCE)),
    "delete-and-come-back": Operation(delete_and_come_back, ready),
    "restore": Operation(restore, lost_after_backup),
    "rotate-root": Operation(rotate_root, ready_with_sheet, others=2),
    "rotate-workspace-key": Operation(rotate_workspace_key, ready_with_sheet),
    "foreign-secret": Operation(meet_foreign_secret, started_with_foreign_secret),
    "namespace-deleted": Operation(lose_namespace, ready),
}
