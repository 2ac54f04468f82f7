"""Passes over exports of the profile Sealed: to which key, in which scope, and when the copy is made anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

import pytest

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.status import User
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Scope, Seal, open_value, seal_of
from sshcredential_operator.keys.generate import generate
from sshcredential_operator.keys.stored import stored_public_key
from sshcredential_operator.reconcile.observed import Use
from unit.exports.export_memory import EXPORT, PLACE, SPEC, Lab
from unit.reconcile.samples import KEY
from unit.reconcile.sealing_desk import FIRST, PASSPHRASE, SECOND, sealed

PAIR, OTHER = (generate(Algorithm.ED25519, 256, "") for _ in range(2))
SEALED = {**SPEC, "profile": "Sealed"}
GENERATED = {"generate": {"algorithm": "Ed25519", "bits": 256}}
FINGERPRINT = PAIR.public.fingerprint


async def lab_with(spec: Mapping[str, object] | None = None) -> Lab:
    lab = await Lab().with_credential(spec)
    lab.apply(SEALED)
    return lab


def values(lab: Lab) -> dict[str, str]:
    return {name: value.decode() for name, value in lab.copies[PLACE].content.data.items()}


def seals(lab: Lab) -> dict[str, Seal | None]:
    return {name: seal_of(value) for name, value in values(lab).items()}


def said(scope: Scope, *, kid: str = FIRST.kid, fingerprint: str = FINGERPRINT) -> Seal:
    name = KEY.name if scope is Scope.STRICT else None
    return Seal(kid, scope, KEY.namespace, name, Field.PRIVATE_KEY, fingerprint)


async def test_a_sealed_key_is_sealed_again_with_its_passphrase_and_is_no_plain_copy() -> None:
    lab = await lab_with(sealed(PAIR, passphrase=PASSPHRASE))
    await lab.settle()

    strict = said(Scope.STRICT)
    assert seals(lab) == {"privateKey": strict, "passphrase": strict._replace(field=Field.PASSPHRASE)}
    assert open_value(values(lab)["passphrase"], FIRST.private) == PASSPHRASE
    assert lab.reason() == "Exported"
    use = lab.store.use(KEY, lab.operator.now)
    assert use == Use((User("SSHCredentialExport", EXPORT.name),), False)
    [(event, note, warning)] = lab.events
    assert (event, note.endswith("sealed for spec.sealed."), warning) == ("Exported", True, False)


async def test_a_generated_key_is_sealed_for_this_credential_alone() -> None:
    lab = await lab_with()
    await lab.settle()

    assert seals(lab) == {"privateKey": said(Scope.STRICT, fingerprint=lab.server.status()["fingerprint"])}


async def no_change(_: Lab) -> None: ...


async def a_newer_sealing_key(lab: Lab) -> None:
    lab.operator.world.sealing.halves[SECOND.kid] = SECOND.private  # type: ignore[attr-defined]


async def unknown_sealing_key(lab: Lab) -> None:
    lab.operator.world.sealing.known = False  # type: ignore[attr-defined]


async def a_wider_scope(lab: Lab) -> None:
    lab.server.apply(sealed(PAIR, scope=Scope.NAMESPACE, name=None))
    await lab.operator.settle()


async def a_tampered_copy(lab: Lab) -> None:
    found = lab.copies[PLACE]
    lab.put(PLACE, found.__class__(found.uid, "1", found.content._replace(data={"privateKey": b"x"}), found.proof))


async def a_restart(lab: Lab) -> None:
    lab.start()


Story = Callable[[Lab], Awaitable[None]]


@pytest.mark.parametrize(
    ("story", "made_anew", "after"),
    [
        pytest.param(no_change, False, said(Scope.STRICT), id="nothing happens"),
        pytest.param(a_restart, False, said(Scope.STRICT), id="the operator starts again"),
        pytest.param(unknown_sealing_key, False, said(Scope.STRICT), id="the sealing key is not known after a start"),
        pytest.param(a_newer_sealing_key, True, said(Scope.STRICT, kid=SECOND.kid), id="a newer sealing key"),
        pytest.param(a_wider_scope, True, said(Scope.NAMESPACE), id="the credential's own values get another scope"),
        pytest.param(a_tampered_copy, True, said(Scope.STRICT), id="somebody changes the copy"),
    ],
)
async def test_the_copy_is_made_anew_only_when_it_would_be_another(story: Story, made_anew: bool, after: Seal) -> None:
    lab = await lab_with(sealed(PAIR))
    await lab.settle()
    before = values(lab)
    await story(lab)
    lab.server.writes.clear()
    await lab.settle()

    assert (values(lab) != before) is made_anew
    assert ("patch copy" in lab.server.writes) is made_anew
    assert seals(lab) == {"privateKey": after}
    assert lab.reason() == "Exported"


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(sealed(OTHER, scope=Scope.NAMESPACE, name=None), id="of another key"),
        pytest.param(sealed(PAIR, scope=Scope.NAMESPACE, name=None, namespace="elsewhere"), id="for another namespace"),
        pytest.param({"sealed": {"privateKey": "e30.a.b.c.d"}}, id="that is none"),
    ],
)
async def test_a_value_that_is_not_the_stored_keys_own_gives_no_scope(spec: Mapping[str, object]) -> None:
    lab = await lab_with(sealed(PAIR))
    lab.server.apply({**spec, "rotation": {"prepare": "1h"}})
    await lab.operator.settle()
    await lab.settle()

    assert seals(lab) == {"privateKey": said(Scope.STRICT)}


async def test_without_a_known_sealing_key_it_waits_and_says_so() -> None:
    lab = await lab_with(GENERATED)
    await unknown_sealing_key(lab)
    await lab.settle()
    assert (lab.reason(), lab.copies) == ("SealingKeyAwaited", {})

    lab.operator.world.sealing.known = True  # type: ignore[attr-defined]
    assert lab.store.sealed() == {EXPORT}
    await lab.settle()
    assert lab.reason() == "Exported"


async def test_what_was_a_plain_copy_is_none_any_more() -> None:
    lab = await lab_with(GENERATED)
    lab.apply({**SPEC, "profile": "Flux", "knownHosts": {"inline": HOST}})
    await lab.settle()
    plain = lab.copies[PLACE].content.data["identity"]
    lab.apply(SEALED)
    await lab.settle()

    assert seals(lab).keys() == {"privateKey"}
    assert plain not in lab.copies[PLACE].content.data.values()


async def test_a_key_that_is_replaced_is_sealed_as_the_new_one() -> None:
    lab = await lab_with(GENERATED)
    await lab.settle()
    lab.server.apply({**GENERATED, "rotation": {"serial": 1}})
    await lab.operator.settle()
    await lab.settle()

    opened = open_value(values(lab)["privateKey"], FIRST.private)
    assert opened
    assert stored_public_key(opened) == stored_public_key(lab.operator.keys.made[-1].private)


HOST = "git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
