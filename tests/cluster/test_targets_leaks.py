"""No private key, bootstrap password or key of the key ring is anywhere that the process of targets could put it.

Looked for in nine encodings: API objects, logs, HTTP answers, environment, command lines, its files, and what lies on
the servers. It logs all it can; its home and its temporary folder are its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from cluster import hiding_places
from cluster.desk import Desk, desk_in
from cluster.encodings import Search
from cluster.hiding_places import Kind, Place, ProcessLook
from cluster.needles import ANYWHERE, NOWHERE, Needle, Needles, of_file, of_numbers, of_words
from cluster.opened import kek_of, open_stored, root_of
from cluster.target_doors import home, ready, rotate, until_key_number
from cluster.target_stage import Stage, installed_at, stage
from controlplane.namespaces import Namespaces
from controlplane.plane import ControlPlane
from ssh.accounts import Account
from ssh.servers import Sshd
from sshcredential_operator.encryption import b64url
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME

PASSWORD: Final = "test-only-secret-value \"<&'+/ of-the-account"
METRIC: Final = "sshcredential_operator_target_visits_total"
LOOKED_AT: Final = (Kind.OBJECT, Kind.OUTPUT, Kind.ANSWER, Kind.ENVIRON, Kind.COMMAND, Kind.FILE)


@pytest.fixture(scope="module")
def staged(embedded: ControlPlane, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The process of targets is started in a folder that it takes for all of its own."""
    folder = tmp_path_factory.mktemp("leaks-of-targets")
    (folder / "home").mkdir()
    with stage(embedded, namespaces, folder) as made:
        assert made.process.stop() == 0
        with pytest.MonkeyPatch.context() as environment:
            for variable in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "KUBECACHEDIR"):
                environment.setenv(variable, str(folder / "home"))
            environment.setenv("NAME_OF_THE_METRIC", METRIC)
            made.start()
        yield made


def of_key(staged: Stage, ring: Desk, name: str) -> Needles:
    """Return what is secret of the key in use."""
    opened = open_stored(staged.desk, name, ring)
    key = opened.record.current_key
    what = f"{name} {key.fingerprint}"
    return of_file(what, opened.private, NOWHERE, public=key.public_key) | of_numbers(what, opened.private, NOWHERE)


def of_ring(staged: Stage, ring: Desk) -> Needles:
    """Return what is secret of the key ring."""
    root, owner = root_of(ring).key.reveal(), f"secrets {ring.namespace}/{ROOT_SECRET_NAME}"
    kek = kek_of(staged.desk.namespace_uid(), ring).key.reveal()
    stored = of_words("root key", root, owner) | of_words("root key as stored", b64url.encode(root), owner)
    return stored | of_words("workspace key", kek, NOWHERE)


def play(staged: Stage, name: str, server: Sshd, person: Account) -> Needles:
    """Install by a password, rotate, fail, and stop."""
    person.set_password(PASSWORD)
    ready(staged, name)
    staged.desk.make_secret(name, {"password": PASSWORD.encode()})
    needles = of_words("password", PASSWORD, f"secrets {staged.namespace}/{name}")
    bootstrap = {"bootstrap": {"passwordSecret": {"name": name}}}
    with desk_in(staged.cluster, staged.own) as ring:
        needles |= of_ring(staged, ring) | of_key(staged, ring, name)
        staged.targets.create(name, installed_at(server, person, name, authorizedKey=bootstrap))
        staged.targets.until(name, "LoggedIn")
        rotate(staged, name)
        current = until_key_number(staged, name, 2)["status"]["fingerprint"]
        staged.targets.until_object(  # no visit is under way that would put the line back
            name, lambda one: one["status"]["authenticatedFingerprints"] == [current], "at its second key"
        )
        needles |= of_key(staged, ring, name)
    person.holds("")
    person.set_password("another one than this")
    staged.targets.probe(name)
    staged.targets.until(name, "BootstrapFailed")
    return needles


def places(staged: Stage, plane: ControlPlane, looked: set[Place], server: Sshd) -> Iterator[Place]:
    """Yield all places."""
    yield from looked
    yield from hiding_places.objects(plane)
    for path in ("/metrics", "/readyz", "/healthz"):
        yield Place(Kind.ANSWER, path, staged.process.get(path)[1].encode())
    for log in (*staged.folder.glob("*.log"), server.log):
        yield Place(Kind.OUTPUT, log.name, log.read_bytes())
    yield from hiding_places.files(staged.folder / "home")


def test_no_secret_is_anywhere_but_where_it_belongs(
    staged: Stage, embedded: ControlPlane, name: str, tmp_path: Path
) -> None:
    with home(tmp_path / "sshd", PasswordAuthentication="yes") as (server, person):
        with ProcessLook(staged.process.pid) as look:
            needles = play(staged, name, server, person)
        (staged.folder / "home" / "canary").write_text(METRIC)
        searched = list(places(staged, embedded, look.places, server))
        assert staged.process.stop() == 0
        # While it runs, the client of the API keeps the API server's certificate in a temporary file.
        assert [path.name for path in (staged.folder / "home").rglob("*")] == ["canary"]
    canaries = of_words("metric", METRIC, ANYWHERE) | of_words("workspace", staged.namespace, ANYWHERE)
    search = Search(needles | canaries)
    found = [(hit.needle, place, hit.encoding) for place in searched for hit in search.hits(place.content)]

    assert {place.kind for needle, place, _ in found if needle in canaries} == set(LOOKED_AT)
    assert len(needles) > 10
    assert [told(*one) for one in found if one[0] in needles and one[0].owner != one[1].about] == []
    assert any(needle.what == "password" for needle, _, _ in found)


def told(needle: Needle, place: Place, encoding: str) -> str:
    return f"{needle.what} in {place.kind} {place.about} as {encoding}"
