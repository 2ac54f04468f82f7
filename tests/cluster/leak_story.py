"""What people do with credentials, played once on a control plane of its own; and all that is left of it afterwards.

Used by `test_leaks`. The operator logs at its most talkative; its home, temporary and working folders are its own.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from cluster import hiding_places
from cluster.desk import desk_in
from cluster.hiding_places import Kind, Place, ProcessLook
from cluster.keyfiles import KeyFile, KeyFiles, damaged, dsa_key
from cluster.needles import ANYWHERE, NOWHERE, Needles, of_file, of_numbers, of_words
from cluster.opened import kek_of, open_stored, sealing_key_of
from cluster.rights import grant_cluster, grant_operator_namespace, grant_workspace
from cluster.shown import data_of, generated, imported, secret_of
from controlplane.clusters import install
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from operators.process import OperatorProcess
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.root_key import ROOT_DATA_KEY, ROOT_SECRET_NAME, root_keys_from_bytes
from sshcredential_operator.encryption.sealing_key import FIRST_SLOT as FIRST_SEALING_SLOT

OWN: Final = "sshcredential-system"
METRIC: Final = "sshcredential_operator_reconciles_total"
VARIABLE: Final = "NAME_OF_THE_WORKSPACE"

GENERATED: Final = {
    "plain": generated(comment="genomics@hpc"),
    "with-passphrase": generated(passphrase="Generate"),
    "ecdsa": generated(algorithm="ECDSA", bits=384, passphrase="Generate"),
    "rsa": generated(algorithm="RSA", bits=3072, passphrase="Generate"),
    "deleted": generated(passphrase="Generate") | {"deletionGracePeriod": "0s"},
    "retained": generated() | {"deletionPolicy": "Retain"},
    "tampered": generated(),
}


class Told(NamedTuple):
    """The end of the story."""

    needles: Needles
    canaries: Needles
    """What is no secret: each kind of place has one of them."""
    places: list[Place]
    processes: int
    """How many processes of operators there were."""


def tell(folder: Path) -> Told:
    """Play the story in a folder, and gather all that is left of it."""
    plane = ControlPlane(folder / "plane", audit_level="RequestResponse")
    with plane:
        install(plane)
        with ExitStack() as until_the_end:
            story = Story(plane, until_the_end, folder)
            story.play()
        # The audit log comes first: from then on all objects are read.
        places = [*hiding_places.audited(plane), *hiding_places.objects(plane), *hiding_places.revisions(plane)]
    places += hiding_places.etcd_files(plane)
    shutil.rmtree(plane.data_dir / "etcd")
    return Told(story.needles, story.canaries, [*places, *story.places()], story.processes())


class Story:
    """One run of it."""

    def __init__(self, plane: ControlPlane, until_the_end: ExitStack, folder: Path) -> None:
        self._plane, self._until_the_end, self._folder = plane, until_the_end, folder
        for name in ("home", "keys", "given"):
            (folder / name).mkdir()
        self._files = KeyFiles(folder / "keys")
        self.workspace = f"genomics-{secrets.token_hex(12)}"
        self.needles: Needles = {}
        self.canaries = of_words("the workspace's name", self.workspace, ANYWHERE) | of_words(
            "a metric", METRIC, ANYWHERE
        )
        self._looks: list[ProcessLook] = []
        self._outputs: list[Path] = []
        self._answers: list[Place] = []
        for namespace in (OWN, self.workspace):
            plane.kubectl("create", "namespace", namespace)
        grant_operator_namespace(plane, OWN, "operator")
        grant_workspace(plane, self.workspace, "operator")
        grant_cluster(plane, "operator")
        self._own = until_the_end.enter_context(desk_in(plane, OWN))
        self._desk = until_the_end.enter_context(desk_in(plane, self.workspace))

    def play(self) -> None:
        """Do everything that the demo and its readers do."""
        operator = self._start()
        self._generate()
        self._import()
        self._refuse()
        self._know()
        self._end_some()
        self._stop(operator)
        self._stop(self._start())
        (self._home / "canary").write_text(self.workspace)

    def places(self) -> Iterator[Place]:
        """Yield what the operators said, and all that could be seen of them."""
        yield from self._answers
        for look in self._looks:
            yield from look.places
        for output in self._outputs:
            yield Place(Kind.OUTPUT, output.name, output.read_bytes())
        yield from hiding_places.files(self._home)

    def processes(self) -> int:
        """Return how many processes there were, operators and their children."""
        return sum(len(look.pids) for look in self._looks)

    # --- chapters

    def _generate(self) -> None:
        self._desk.apply(GENERATED)
        self._desk.wait_for_ready(list(GENERATED))

    def _import(self) -> None:
        protected = self._words("passphrase of my-key", "my-key")
        self._input("my-key", self._files.key(passphrase=protected), protected)
        self._input("my-pkcs8", self._files.key("PKCS#8"))
        self._desk.create("my-login", imported("my-key", "my-key"))
        self._desk.create("my-upload", imported("my-pkcs8"))
        self._desk.wait_for_ready(["my-login", "my-upload"])
        self._desk.delete_secret("my-pkcs8")  # as the README says

    def _refuse(self) -> None:
        right, wrong = self._files.key(passphrase="never given to anyone"), self._words("wrong words", "forgot")
        broken = self._files.key(which="to be damaged")
        self._input("forgot", right, wrong)
        self._input("broken", broken._replace(content=damaged(broken.content)))
        self._input("too-old", KeyFile(dsa_key(), "", ""))
        self._input("pasted", KeyFile(self._words("a passphrase in the wrong field", "pasted").encode(), "", ""))
        self._input("public", KeyFile(broken.public.encode(), broken.public, ""))
        wishes = {
            "forgot": Reason.WRONG_PASSPHRASE,
            "broken": Reason.CORRUPT,
            "too-old": Reason.DSA_KEY,
            "pasted": Reason.NOT_A_KEY,
            "public": Reason.PUBLIC_KEY,
        }
        for name, reason in wishes.items():
            self._desk.create(name, imported(name, name if name == "forgot" else None))
            self._desk.until(name, reason)

    def _end_some(self) -> None:
        self._desk.delete("deleted", "retained", "my-upload")
        self._desk.until_gone("deleted")
        other = data_of(self._desk.stored("plain"))["privateKey.1"]
        self._desk.change_secret(secret_of("tampered"), data={"privateKey.1": other})
        self._desk.until("tampered", Reason.SECRET_TAMPERED)

    def _know(self) -> None:
        """Open what is stored, while all of it is there."""
        for name in (*GENERATED, "my-login", "my-upload"):
            opened = open_stored(self._desk, name, self._own)
            public = opened.record.current_key.public_key
            self.needles |= of_file(name, opened.private, NOWHERE, public=public)
            self.needles |= of_numbers(
                name, opened.private, self._owner("my-pkcs8") if name == "my-upload" else NOWHERE
            )
            if opened.passphrase and name in GENERATED:
                self.needles |= of_words(f"{name}: passphrase", opened.passphrase, NOWHERE)
        stored = self._own.secret(ROOT_SECRET_NAME)
        roots = root_keys_from_bytes(data_of(stored or {})[ROOT_DATA_KEY])
        assert roots is not None
        root, owner = roots.writing.key.reveal(), f"secrets {OWN}/{ROOT_SECRET_NAME}"
        self.needles |= of_words("root key", root, owner) | of_words("root key as stored", b64url.encode(root), owner)
        kek = kek_of(self._desk.namespace_uid(), self._own)
        self.needles |= of_words("workspace key", kek.key.reveal(), NOWHERE)
        half = sealing_key_of(FIRST_SEALING_SLOT, self._own).reveal()
        self.needles |= of_words("sealing key", half, NOWHERE)
        self.needles |= of_words("sealing key as JWK", b64url.encode(half), NOWHERE)

    # --- what the chapters are made of

    def _owner(self, name: str) -> str:
        return f"secrets {self.workspace}/{name}"

    def _words(self, what: str, owner: str) -> str:
        words = f"{secrets.token_hex(12)} \"<&'+/é"
        self.needles |= of_words(what, words, self._owner(owner))
        return words

    def _input(self, name: str, key: KeyFile, passphrase: str = "") -> None:
        """`kubectl create secret`, which leaves no copy in an annotation as `kubectl apply` would."""
        folder = self._folder / "given" / name
        folder.mkdir()
        (folder / "ssh-privatekey").write_bytes(key.content)
        (folder / "passphrase").write_text(passphrase)
        keys = ["ssh-privatekey"] + (["passphrase"] if passphrase else [])
        given = [f"--from-file={key}={folder / key}" for key in keys]
        self._plane.kubectl("create", "secret", "generic", name, "-n", self.workspace, *given)
        self.needles |= of_file(name, key.content, self._owner(name), public=key.public)

    @property
    def _home(self) -> Path:
        """All the folders that the operator may take for its own."""
        return self._folder / "home"

    def _start(self) -> OperatorProcess:
        output = self._folder / f"operator-{len(self._outputs)}.log"
        self._outputs.append(output)
        with pytest.MonkeyPatch.context() as environment:
            for variable in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "KUBECACHEDIR"):
                environment.setenv(variable, str(self._home))
            environment.setenv(VARIABLE, self.workspace)
            environment.chdir(self._home)
            operator = OperatorProcess(
                self._plane.kubeconfig_for("operator"),
                output,
                operator_namespace=OWN,
                workspaces=[self.workspace],
                options=["--debug"],
            )
        self._until_the_end.enter_context(operator)
        self._looks.append(self._until_the_end.enter_context(ProcessLook(operator.pid)))
        return operator.wait_until_ready()

    def _stop(self, operator: OperatorProcess) -> None:
        """SIGTERM, after a look at every credential and at all that it answers."""
        wait_until(lambda: operator.metric(METRIC) >= len(GENERATED), "the operator has looked at every credential")
        for path in ("/healthz", "/readyz", "/metrics"):
            self._answers.append(Place(Kind.ANSWER, path, operator.get(path)[1].encode()))
        assert operator.stop() == 0
