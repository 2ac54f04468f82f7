"""What the operator asks of the API server, counted in its audit log: few writes, hardly a read, nothing at rest."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import pytest

from cluster.credentials import credentials_of
from cluster.desk import Desk
from cluster.footprint import Asked, Audited, audited, of_credential, selects_a_type, unselected_lists, writes
from cluster.keyfiles import PASSPHRASE, KeyFiles
from cluster.shown import generated, imported, secret_of
from controlplane.audit import BEGINNING, AuditMark
from controlplane.namespaces import Namespaces
from controlplane.plane import ControlPlane
from controlplane.waiting import wait_until
from sshcredential_operator.api.keyreasons import Note
from sshcredential_operator.api.names import KEY_RING_CONFIG_MAP
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.encryption.kek import FIRST_SLOT, kek_secret_name
from sshcredential_operator.encryption.root_key import ROOT_SECRET_NAME
from sshcredential_operator.encryption.sealing_key import sealing_key_secret_name

QUIET_SECONDS: Final = 60.0

AT_ONCE: Final = [f"made-{number}" for number in range(6)]
"""More than one in each workspace, so that they share its key from the start."""

PRESENT: Final = Note.INPUT_SECRET_PRESENT.value
OURS: Final = frozenset({"secrets", "sshcredentials", "sshcredentials/status", "events", "namespaces"})
"""What a credential may cost requests of. The rest is Kopf's discovery, at the start."""


class Resting(NamedTuple):
    """An operator that has nothing left to do since `since`."""

    operator: Audited
    made: Counter[Asked]
    """What it asked until the first credentials were Ready."""
    mark: AuditMark
    since: float


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return KeyFiles(tmp_path_factory.mktemp("keys-to-import"))


@pytest.fixture(scope="session")
def resting(
    embedded: ControlPlane, namespaces: Namespaces, files: KeyFiles, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Resting]:
    """Started before all other tests, and looked at again after them."""
    with audited(embedded, namespaces, tmp_path_factory.mktemp("resting")) as operator:
        for desk in operator.desks:
            desk.apply({name: generated() for name in AT_ONCE})
            desk.wait_for_ready(AT_ONCE)
        operator.caught_up()
        made = operator.asked(BEGINNING)
        every_way_of_being_at_rest(operator.desks[0], files)
        yield Resting(operator, made, operator.caught_up(), time.monotonic())


def every_way_of_being_at_rest(desk: Desk, files: KeyFiles) -> None:
    """Ready with and without its input, waiting, refused, suspended, behind somebody's Secret, deleted."""
    for name in ("kept", "dropped"):
        desk.make_secret(f"{name}-input", {"ssh-privatekey": files.key(which=name).content})
    desk.make_secret("wrong-input", {"ssh-privatekey": files.key().public.encode()})
    desk.make_secret(secret_of("taken"), {"mine": b"and not the operator's"})
    wishes: dict[str, tuple[dict[str, Any], Reason]] = {
        "kept": (imported("kept-input"), Reason.AVAILABLE),
        "dropped": (imported("dropped-input"), Reason.AVAILABLE),
        "waiting": (imported("missing-input"), Reason.INPUT_SECRET_MISSING),
        "refused": (imported("wrong-input"), Reason.PUBLIC_KEY),
        "suspended": (generated() | {"suspend": True}, Reason.SUSPENDED),
        "taken": (generated(), Reason.SECRET_CONFLICT),
        "deleted": (generated(), Reason.AVAILABLE),
    }
    for name, (spec, _) in wishes.items():
        desk.create(name, spec)
    for name, (_, reason) in wishes.items():
        desk.until_object(name, is_reason(reason), reason)
    desk.delete("deleted")
    desk.until_marked("deleted")
    desk.delete_secret("dropped-input")
    desk.until_object("dropped", lambda found: PRESENT not in found["status"]["notes"], "told of its input's end")


def is_reason(reason: Reason) -> Any:
    return lambda found: found["status"]["conditions"][0]["reason"] == reason


@pytest.fixture(scope="module")
def busy(embedded: ControlPlane, namespaces: Namespaces, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    """An operator that the other tests give work."""
    with audited(embedded, namespaces, tmp_path_factory.mktemp("busy")) as operator:
        operator.caught_up()
        # The key ring tells of the two workspaces' keys a few seconds later.
        find = ("get", "configmap", KEY_RING_CONFIG_MAP, "-n", operator.own.namespace, "-o", "jsonpath={.data}")
        served = {each.namespace for each in operator.desks}
        wait_until(lambda: all(name in embedded.kubectl(*find).stdout for name in served), "the key ring has told")
        operator.mark()
        yield operator


@pytest.fixture
def desk(busy: Audited) -> Desk:
    return busy.desks[0]


def plain_cost(desk: Desk, name: str) -> Counter[Asked]:
    """The two writes of a new credential."""
    made = Asked("create", "secrets", desk.namespace, secret_of(name))
    told = Asked("patch", "sshcredentials/status", desk.namespace, name)
    return Counter((made, told))


def read(desk: Desk, secret_name: str) -> Asked:
    return Asked("get", "secrets", desk.namespace, secret_name)


# --- the operator at rest; the first and the last test to run


@pytest.mark.first
def test_a_generated_credential_costs_two_writes_and_no_read(resting: Resting) -> None:
    for desk in resting.operator.desks:
        for name in AT_ONCE:
            cost = of_credential(resting.made, desk.namespace, {name, secret_of(name)})
            assert cost == plain_cost(desk, name)


def test_a_workspace_costs_one_write_for_its_key_and_one_read_of_its_uid(resting: Resting) -> None:
    own = resting.operator.own.namespace
    for desk in resting.operator.desks:
        uid = desk.namespace_uid()
        key = {one: times for one, times in resting.made.items() if uid in one.name}
        assert key == {Asked("create", "secrets", own, kek_secret_name(uid, FIRST_SLOT)): 1}
        assert resting.made[Asked("get", "namespaces", desk.namespace, desk.namespace)] == 1


def of_sealing_keys(operator: Audited, since: AuditMark) -> list[tuple[str, str]]:
    """Return verb and resource of what was asked for the sealing keys, in order."""
    about = [
        event
        for event in operator.requests(since)
        if KEY_RING_CONFIG_MAP not in event.uri and ("sealing-key" in event.uri or event.resource == "configmaps")
    ]
    return [(event.verb, event.resource) for event in about]


def test_a_first_start_makes_a_sealing_key_with_two_writes(resting: Resting) -> None:
    asked = [verb for verb, _ in of_sealing_keys(resting.operator, BEGINNING)]
    own = resting.operator.own.namespace

    # Two lists before there is a canary, to see whether a root key may be made; one in the look.
    # And one when the replica begins to lead, which tells of the key ring in a ConfigMap.
    # It looks once more if the watch brings its own writing before the answer to it.
    assert Counter(asked) in ({"list": 4, "get": 1, "create": 2}, {"list": 5, "get": 1, "create": 2})
    assert resting.made[Asked("create", "secrets", own, sealing_key_secret_name(1))] == 1


def test_nothing_is_listed_and_no_other_secret_read_once_there_are_credentials(resting: Resting) -> None:
    asked = [event for event in resting.operator.requests(BEGINNING) if event.verb != "watch"]
    made = [number for number, event in enumerate(asked) if event.name in AT_ONCE]
    begun = next(number for number, event in enumerate(asked) if event.name == secret_of(asked[made[0]].name))
    reads = [event for event in asked[begun : made[-1]] if event.verb in {"get", "list"}]
    assert made
    # For a workspace's first credential: the uid of its namespace, and whether the root key is still stored. The key
    # ring tells of the workspace's new key when it looks next, which a slow machine may see within these.
    of_ring = {ROOT_SECRET_NAME, KEY_RING_CONFIG_MAP}
    assert {event.resource for event in reads if event.name not in of_ring} <= {"namespaces"}


@pytest.mark.last
def test_in_a_quiet_minute_nothing_is_asked_but_watches(resting: Resting) -> None:
    over = resting.since + QUIET_SECONDS
    wait_until(lambda: time.monotonic() > over, "a minute has passed", QUIET_SECONDS + 10)
    # Later, when watches have lasted for long, an API server may end one so that it begins with a list again.
    until = (datetime.now(UTC) - timedelta(seconds=time.monotonic() - over)).isoformat()
    asked = [event for event in resting.operator.requests(resting.mark, buoys=True) if event.received < until]

    assert [event.uri for event in asked if event.verb != "watch"] == []
    resting.operator.caught_up()  # and not because it was dead


# --- imported keys


def test_an_imported_credential_also_reads_its_named_inputs_and_says_so_in_an_event(
    busy: Audited, desk: Desk, files: KeyFiles
) -> None:
    key, words = "my-key", "my-words"
    for each in busy.desks:  # the same names in another workspace are no business of this one's
        each.make_secret(key, {"ssh-privatekey": files.key(passphrase=PASSPHRASE).content})
        each.make_secret(words, {"passphrase": PASSPHRASE.encode()})
    mark = busy.mark()
    desk.create("imported", imported(key, words))
    desk.until("imported", Reason.AVAILABLE)
    desk.until_event("imported", "Imported")
    busy.caught_up()

    inputs = Counter((read(desk, key), read(desk, words), Asked("create", "events", desk.namespace, "")))
    begins_to_watch = Counter((Asked("list", "secrets", desk.namespace, ""),))
    assert busy.asked(mark) == plain_cost(desk, "imported") + inputs + begins_to_watch


def test_all_imports_of_a_workspace_share_one_watch_that_one_list_begins(busy: Audited, files: KeyFiles) -> None:
    desk, names = busy.desks[1], [f"shared-{number}" for number in range(3)]
    desk.make_secret("shared-input", {"ssh-privatekey": files.key().content})
    mark = busy.mark()
    desk.apply({name: imported("shared-input") for name in names})
    for name in names:
        desk.until_event(name, "Imported")
    busy.caught_up()

    everywhere = [event for event in busy.requests(mark) if event.resource == "secrets" and not selects_a_type(event)]
    assert Counter(e.verb for e in everywhere if not e.name) == {"list": 1, "watch": 1}
    assert writes(busy.asked(mark)) == sum(
        (plain_cost(desk, name) for name in names), Counter({Asked("create", "events", desk.namespace, ""): 3})
    )


def test_an_input_that_comes_late_is_the_only_secret_that_is_read(busy: Audited, desk: Desk, files: KeyFiles) -> None:
    mark = busy.mark()
    desk.create("late", imported("late-input"))
    desk.until("late", Reason.INPUT_SECRET_MISSING)
    desk.make_secret("late-input", {"ssh-privatekey": files.key().content})
    desk.until("late", Reason.AVAILABLE)
    desk.until_event("late", "Imported")
    busy.caught_up()

    asked = busy.asked(mark)
    twice_told = Counter((Asked("patch", "sshcredentials/status", desk.namespace, "late"),))
    announced = Counter((Asked("create", "events", desk.namespace, ""),))
    assert writes(asked) == plain_cost(desk, "late") + twice_told + announced
    assert {one for one in asked if one.verb == "get"} == {read(desk, "late-input")}


# --- changes and restarts

CHANGES: Final[dict[str, tuple[dict[str, Any], int, int]]] = {
    "a description": ({"spec": {"description": "the node for long jobs"}}, 0, 1),
    "what the next key's comment will be": ({"spec": {"generate": {"comment": "ada@lab"}}}, 0, 1),
    "a pause": ({"spec": {"suspend": True}}, 0, 1),
    "a label": ({"metadata": {"labels": {"team": "genomics"}}}, 0, 0),
    "an annotation": ({"metadata": {"annotations": {"example.com/ticket": "17"}}}, 0, 0),
    "the policy for its end, which only the record tells then": ({"spec": {"deletionPolicy": "Retain"}}, 1, 1),
}
"""A patch of the credential, and how many writes of its Secret and of its status follow."""


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_written_where_it_shows_and_reads_nothing(
    embedded: ControlPlane, busy: Audited, desk: Desk, name: str, change: str
) -> None:
    patch, of_secret, of_status = CHANGES[change]
    desk.create(name, generated())
    desk.until(name, Reason.AVAILABLE)
    mark = busy.caught_up()
    with credentials_of(embedded, desk.namespace) as admin:
        admin.patch(patch, name)
    busy.caught_up()

    secret = Asked("patch", "secrets", desk.namespace, secret_of(name))
    status = Asked("patch", "sshcredentials/status", desk.namespace, name)
    assert busy.asked(mark) == +Counter({secret: of_secret, status: of_status})


def test_a_label_on_the_credentials_secret_is_no_reason_to_ask_anything(busy: Audited, desk: Desk, name: str) -> None:
    desk.create(name, generated())
    desk.until(name, Reason.AVAILABLE)
    mark = busy.caught_up()
    desk.change_secret(secret_of(name), labels={"team": "genomics"})
    busy.caught_up()

    assert busy.asked(mark) == Counter()


def test_a_restart_over_existing_credentials_writes_nothing_and_reads_none_of_them(busy: Audited, desk: Desk) -> None:
    desk.apply({name: generated() for name in AT_ONCE})
    desk.wait_for_ready(AT_ONCE)
    busy.caught_up()
    busy.stop()
    mark = busy.mark()
    busy.start()
    busy.caught_up()

    asked = busy.asked(mark)
    # The first look may come before the first sealing key; the next start counts that among what the root key wraps.
    told = Asked("patch", "configmaps", busy.own.namespace, KEY_RING_CONFIG_MAP)
    assert writes(asked) - Counter((told,)) == Counter()
    by_name = {one: times for one, times in asked.items() if one.verb == "get" and one.resource in OURS and one.name}
    uids = {Asked("get", "namespaces", each.namespace, each.namespace): 1 for each in busy.desks}
    # Once to open the key ring, once more when the replica begins to lead, which lists the ring, too, and once more if
    # the ConfigMap then says what this replica has not written.
    of_root = by_name.pop(Asked("get", "secrets", busy.own.namespace, "sshcredential-root-key"))
    assert of_root in {2, 3}
    assert by_name == uids
    assert set(of_sealing_keys(busy, mark)) == {("get", "configmaps"), ("list", "secrets")}


# --- what holds for all of it


def test_every_request_for_a_secret_stays_in_the_credentials_namespace_or_the_operators(
    resting: Resting, busy: Audited
) -> None:
    for operator in (resting.operator, busy):
        own, served = operator.own.namespace, {desk.namespace for desk in operator.desks}
        asked = [event for event in operator.requests(BEGINNING, buoys=True) if event.resource == "secrets"]
        assert {event.namespace for event in asked} == {own, *served}
        assert {event.namespace for event in asked if event.verb == "patch"} <= served
        assert {event.namespace for event in unselected_lists(asked)} <= served
        assert {event.code for event in asked} <= {200, 201, 404, 409}
