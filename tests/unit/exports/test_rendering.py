"""`exports/rendering.py`: each consumer's Secret, what it cannot take, and what was given in vain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.export_spec import ExportSpec, InlineKnownHosts, Passphrase, Profile
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.encryption.credential_secret import KeyMaterial
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.recipient import Delivery, open_with
from sshcredential_operator.encryption.record import RecordedKey
from sshcredential_operator.encryption.sealing import Scope, Seal, open_value, seal_of
from sshcredential_operator.exports.profiles import LAYOUTS
from sshcredential_operator.exports.rendering import Ignored, SealTo, Unfit, ignored, render, unfit
from sshcredential_operator.keys.generate import generate
from sshcredential_operator.keys.handed_out import KeyFormat, handed_out
from sshcredential_operator.keys.judge import Accepted, judge
from unit.encryption.test_recipient import PRIVATE
from unit.reconcile.sealing_desk import FIRST

PAIR = generate(Algorithm.ED25519, 256, "me@here")
SECRET = Sensitive(b"test-only-passphrase")
HOSTS = "git.example.org ssh-ed25519 AAAA\n"
URL = "ssh://git@git.example.org/team/repo.git"
FIELDS = (Field.PRIVATE_KEY, Field.PASSPHRASE)
PLAIN = KeyMaterial(PAIR.private, None)
PROTECTED = KeyMaterial(PAIR.private, SECRET)
PRIVATE_FILE = PAIR.private.reveal()
PUBLIC_FILE = PAIR.public.line.encode() + b"\n"


def key(*, protected: bool = False, algorithm: Algorithm = Algorithm.ED25519) -> RecordedKey:
    public = PAIR.public
    return RecordedKey(3, algorithm, 256, public.fingerprint, public.line, "2026-01-01T00:00:00Z", protected, ())


def wanted(profile: Profile | None, **more: object) -> ExportSpec:
    spec = ExportSpec("hpc-login", "git-auth", profile, None if profile else str(PRIVATE["x"]))
    return replace(spec, **more)  # type: ignore[arg-type]  # members of the dataclass


FULL = {"url": URL, "known_hosts": InlineKnownHosts(HOSTS)}


@pytest.mark.parametrize(
    ("profile", "type_", "labels", "data"),
    [
        pytest.param(
            Profile.SSH_AUTH,
            "kubernetes.io/ssh-auth",
            {},
            {"ssh-privatekey": PRIVATE_FILE, "ssh-publickey": PUBLIC_FILE, "known_hosts": HOSTS.encode()},
            id="Kubernetes",
        ),
        pytest.param(
            Profile.FLUX,
            "Opaque",
            {},
            {"identity": PRIVATE_FILE, "identity.pub": PUBLIC_FILE, "known_hosts": HOSTS.encode()},
            id="Flux",
        ),
        pytest.param(
            Profile.ARGO_CD_REPOSITORY,
            "Opaque",
            {"argocd.argoproj.io/secret-type": "repository"},
            {"type": b"git", "url": URL.encode(), "sshPrivateKey": PRIVATE_FILE},
            id="Argo CD",
        ),
        pytest.param(
            Profile.GIT_SYNC, "Opaque", {}, {"ssh": PRIVATE_FILE, "known_hosts": HOSTS.encode()}, id="git-sync"
        ),
    ],
)
def test_each_consumer_gets_its_own_form(
    profile: Profile, type_: str, labels: dict[str, str], data: dict[str, bytes]
) -> None:
    spec = wanted(profile, **FULL)

    assert unfit(spec, key()) is None
    assert spec.is_plain
    assert render(spec, key(), PLAIN, "genomics", HOSTS) == (type_, labels, data)


def test_flux_takes_the_passphrase() -> None:
    spec = wanted(Profile.FLUX, **FULL)
    data = render(spec, key(protected=True), PROTECTED, "genomics", HOSTS).data

    assert unfit(spec, key(protected=True)) is None
    assert data["password"] == SECRET.reveal()
    assert b"OPENSSH PRIVATE KEY" in data["identity"]
    assert data["identity"] != PRIVATE_FILE


@pytest.mark.parametrize("profile", [p for p in Profile if LAYOUTS[p].passphrase is None])
def test_who_takes_no_passphrase_gets_the_key_without_one_only_when_that_is_asked_for(profile: Profile) -> None:
    kept, stripped = wanted(profile, **FULL), wanted(profile, **FULL, passphrase=Passphrase.STRIP)

    assert unfit(kept, key(protected=True)) is Unfit.PASSPHRASE_NOT_TAKEN
    assert unfit(stripped, key(protected=True)) is None
    data = render(stripped, key(protected=True), PROTECTED, "genomics", HOSTS).data
    assert PRIVATE_FILE in data.values()
    assert SECRET.reveal() not in data.values()


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        pytest.param(wanted(Profile.FLUX, url=URL), Unfit.KNOWN_HOSTS_MISSING, id="Flux without known hosts"),
        pytest.param(wanted(Profile.GIT_SYNC), Unfit.KNOWN_HOSTS_MISSING, id="git-sync without known hosts"),
        pytest.param(wanted(Profile.ARGO_CD_REPOSITORY), Unfit.URL_MISSING, id="Argo CD without an address"),
        pytest.param(wanted(Profile.SSH_AUTH, pem=True), Unfit.NO_SUCH_FORMAT, id="Ed25519 as PEM"),
        pytest.param(wanted(None, recipient="A" * 43), Unfit.RECIPIENT_INVALID, id="a recipient's zero point"),
        pytest.param(wanted(Profile.SSH_AUTH), None, id="nothing but a name"),
    ],
)
def test_what_does_not_fit_is_told(spec: ExportSpec, why: Unfit | None) -> None:
    assert unfit(spec, key()) is why


@pytest.mark.parametrize(
    ("spec", "notes"),
    [
        pytest.param(wanted(Profile.SSH_AUTH, **FULL), (Ignored.URL,), id="an address for Kubernetes"),
        pytest.param(
            wanted(Profile.ARGO_CD_REPOSITORY, **FULL, username="git"),
            (Ignored.USERNAME, Ignored.KNOWN_HOSTS),
            id="a user and known hosts for Argo CD",
        ),
        pytest.param(wanted(Profile.GIT_SYNC, known_hosts=InlineKnownHosts(HOSTS)), (), id="what is used"),
        pytest.param(
            wanted(None, **FULL, username="git"),
            (Ignored.URL, Ignored.USERNAME, Ignored.KNOWN_HOSTS),
            id="all of it for a recipient",
        ),
        pytest.param(
            wanted(Profile.SEALED, **FULL, username="git"),
            (Ignored.URL, Ignored.USERNAME, Ignored.KNOWN_HOSTS),
            id="all of it for the operator itself",
        ),
    ],
)
def test_what_is_given_in_vain_is_noted(spec: ExportSpec, notes: tuple[Ignored, ...]) -> None:
    assert ignored(spec) == notes


@pytest.mark.parametrize("handling", Passphrase)
def test_a_recipient_gets_sealed_values_and_nothing_else(handling: Passphrase) -> None:
    spec = wanted(None, passphrase=handling)
    copy = render(spec, key(protected=True), PROTECTED, "genomics", None)

    opened = {name: open_with(PRIVATE, value) for name, value in copy.data.items()}
    private = opened.pop("privateKey.jwe")
    assert (copy.type, copy.labels) == ("Opaque", {})
    assert private
    assert private[0] == Delivery("genomics", "hpc-login", 3, Field.PRIVATE_KEY)
    if handling is Passphrase.STRIP:
        assert opened == {}
        assert private[1] == handed_out(PAIR.private, None, KeyFormat.OPENSSH)
    else:
        assert opened == {"passphrase.jwe": (Delivery("genomics", "hpc-login", 3, Field.PASSPHRASE), SECRET)}
        assert private[1] != PAIR.private


SEALED = {Scope.STRICT: "hpc-login", Scope.NAMESPACE: None}
"""Which name a sealed value is for."""


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("protected", [False, True], ids=["plain", "with a passphrase"])
def test_the_operator_itself_gets_what_stands_in_spec_sealed(scope: Scope, protected: bool) -> None:
    spec, material = wanted(Profile.SEALED), PROTECTED if protected else PLAIN
    copy = render(spec, key(protected=protected), material, "genomics", None, SealTo(FIRST.kid, FIRST.x, scope))

    assert unfit(spec, key(protected=protected)) is None
    assert not spec.is_plain
    assert (copy.type, copy.labels) == ("Opaque", {})
    values = {name: value.decode() for name, value in copy.data.items()}
    said = {name: seal_of(value) for name, value in values.items()}
    wanted_of = Seal(FIRST.kid, scope, "genomics", SEALED[scope], Field.PRIVATE_KEY, PAIR.public.fingerprint)
    assert said == {field: wanted_of._replace(field=field) for field in FIELDS[: 1 + protected]}
    opened = {name: open_value(value, FIRST.private) for name, value in values.items()}
    assert opened.get(Field.PASSPHRASE) == (SECRET if protected else None)
    found = judge(opened[Field.PRIVATE_KEY] or Sensitive(b""), opened.get(Field.PASSPHRASE))
    assert isinstance(found, Accepted)
    assert found.pair.private == handed_out(PAIR.private, None, KeyFormat.OPENSSH) or protected
    assert found.pair.public.fingerprint == PAIR.public.fingerprint


def test_without_a_sealing_key_nothing_is_made() -> None:
    with pytest.raises(TypeError):
        render(wanted(Profile.SEALED), key(), PLAIN, "genomics")


def test_every_profile_has_a_layout() -> None:
    assert set(LAYOUTS) == set(Profile)
