"""Gather what is known about one credential into one frozen value, and live evidence where `decide` asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import SECRET_TYPE, CredentialKey
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import ImportFrom, Sealed, Spec
from sshcredential_operator.api.timestamps import parse_timestamp
from sshcredential_operator.encryption.credential_secret import (
    OpenedCredential,
    Unreadability,
    Unreadable,
    open_credential,
    peek_kids,
)
from sshcredential_operator.encryption.record import MAX_KEYS
from sshcredential_operator.encryption.sealing import Seal
from sshcredential_operator.encryption.sealing_keys import SealingKey
from sshcredential_operator.keys.stored import stored_public_key
from sshcredential_operator.reconcile.decision import Look
from sshcredential_operator.reconcile.observed import (
    Foreign,
    Input,
    InputKeyMissing,
    InputSecretMissing,
    Observed,
    RawSecret,
    SealRefused,
    SecretSeen,
    Stored,
    Unopened,
)
from sshcredential_operator.reconcile.ports import World
from sshcredential_operator.reconcile.seals import is_sealed_to, read_seals, unseal
from sshcredential_operator.reconcile.trouble import TroubleError

_WATCHED: Final = (RawSecret, Stored, Unopened)
"""Of any other type than ours a watch tells nothing."""

MOST_VALUES: Final = 1 + 2 * MAX_KEYS
"""A record, and for every key of it a private key and a passphrase."""


async def observe(key: CredentialKey, world: World) -> Observed:
    """Return what the watches have shown; the Secret is opened once per revision and remembered as what it is."""
    credential = world.known.credential(key)
    secret = world.known.secret(key)
    trouble = world.known.trouble(key)
    if isinstance(secret, RawSecret):
        try:
            secret = await understand(secret, key, world)
        except TroubleError as met:  # the key ring could not be asked
            secret, trouble = None, met
        else:
            world.known.remember_secret(key, secret)
    return Observed(
        key=key,
        now=world.now(),
        served=key.namespace != world.operator_namespace,
        policy=world.policies.of(key.namespace),
        secret=secret,
        use=world.use(key),
        rewrap=world.rewrap(key),
        targets=world.targets(key),
        trouble=trouble,
        **_of_credential(credential, key, world),
    )


async def look(at: Look, observed: Observed, world: World) -> Observed:
    """Return the observation with the evidence that was asked for."""
    match at:
        case Look.SECRET:
            raw = await world.secrets.read(observed.key)
            if raw is None and isinstance(world.known.secret(observed.key), _WATCHED):
                raise TroubleError(Reason.SERVER_UNAVAILABLE)  # its end is believed when the watch says so, too
            secret = await understand(raw, observed.key, world) if raw else None
            match observed.secret, secret:
                case Stored(uid=uid, made_for=made_for), Stored() if secret.uid == uid:
                    secret = replace(secret, made_for=made_for)
            if not world.known.remember_secret(observed.key, secret):  # a watch has told of something newer, or its end
                newer = world.known.secret(observed.key)
                secret = await understand(newer, observed.key, world) if isinstance(newer, RawSecret) else newer
            return replace(observed, secret=secret, secret_is_live=True)
        case Look.CREDENTIAL:
            credential = await read_credential(observed.key, world)
            return replace(observed, credential_is_live=True, **_of_credential(credential, observed.key, world))
        case Look.INPUT:
            found = await read_input(observed, world)
            present = not isinstance(found, InputSecretMissing)
            return replace(observed, input=found, input_present=present)


async def read_credential(key: CredentialKey, world: World) -> Credential | None:
    """Read a credential live; raises TroubleError where the watch has told of what is newer, or that there is one."""
    credential = await world.credentials.read(key)
    as_told = world.known.remember_credential(key, credential) if credential else world.known.credential(key) is None
    if not as_told:
        raise TroubleError(Reason.SERVER_UNAVAILABLE)
    return credential


async def understand(raw: RawSecret, key: CredentialKey, world: World) -> SecretSeen:
    """Open a Secret and verify that it is what its place says; the ciphertexts are let go."""
    if raw.type != SECRET_TYPE:
        return Foreign(raw.resource_version)
    if len(raw.data) > MOST_VALUES:  # nobody makes us read a thousand workspace keys
        return Unopened(raw.uid, raw.resource_version, Unreadable(Unreadability.DOES_NOT_OPEN))
    key_ids = peek_kids(raw.data)
    keks = {key_id: await world.workspaces.kek(key_id, key.namespace) for key_id in key_ids}
    opened = open_credential(raw.data, key.namespace, key.name, keks.get, stored_public_key)
    if isinstance(opened, OpenedCredential):
        since = parse_timestamp(raw.orphaned_since) if raw.orphaned_since else None
        return Stored(raw.uid, raw.resource_version, opened.record, opened.kid, since, mixed=len(key_ids) > 1)
    return Unopened(raw.uid, raw.resource_version, opened)


async def read_input(observed: Observed, world: World) -> Input:
    """Read and judge the key that the user brings. Called only after `decide` saw such a spec."""
    spec = observed.credential.spec if observed.credential else None
    match spec, observed.sealed:
        case Spec(source=ImportFrom() as source), _:
            return await _import(source, observed, world)
        case Spec(source=Sealed() as source), Seal() as seal:
            return await unseal(source, seal, world, min_rsa_bits=observed.policy.min_rsa_bits)
    raise TypeError


async def _import(source: ImportFrom, observed: Observed, world: World) -> Input:
    values: list[Sensitive | None] = []
    secrets: dict[str, Mapping[str, bytes] | None] = {}
    for reference in (source.private_key, source.passphrase):
        if reference is None:
            values.append(None)
            continue
        if reference.secret_name not in secrets:
            secrets[reference.secret_name] = await world.inputs.read(observed.key.namespace, reference.secret_name)
        data = secrets[reference.secret_name]
        if data is None:
            return InputSecretMissing(reference.secret_name)
        if reference.key not in data:
            return InputKeyMissing(reference.secret_name, reference.key)
        values.append(Sensitive(data[reference.key]))
    private_key, passphrase = values
    least = observed.policy.min_rsa_bits
    return await world.keys.judge(private_key or Sensitive(b""), passphrase, min_rsa_bits=least)


def _of_credential(credential: Credential | None, key: CredentialKey, world: World) -> dict[str, Any]:
    """Return the members of an observation that follow from the credential: all of them change when it does."""
    return {
        "credential": credential,
        "rival": world.known.rival(credential) if credential else None,
        "sealed": _sealed(key, credential.spec, world) if credential else None,
        "reseal_recommended": _reseal_recommended(credential.spec, world) if credential else None,
        "input_present": _input_present(key, credential.spec, world) if credential else None,
    }


def _sealed(key: CredentialKey, spec: object, world: World) -> Seal | SealRefused | None:
    match spec:
        case Spec(source=Sealed() as source):
            return read_seals(source, key, strict_only=world.strict_seals_only)
    return None


def _reseal_recommended(spec: object, world: World) -> bool | None:
    match spec, world.sealing.newest():
        case Spec(source=Sealed() as source), SealingKey(kid=newest):
            return not is_sealed_to(source, newest)
    return None


def _input_present(key: CredentialKey, spec: object, world: World) -> bool | None:
    if isinstance(spec, Spec) and isinstance(spec.source, ImportFrom):
        return world.inputs.present(key.namespace, spec.source.private_key.secret_name)
    return None
