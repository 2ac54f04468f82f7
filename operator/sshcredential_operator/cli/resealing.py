"""One credential's key, sealed anew by the operator: asked for by an export, read, compared. Used by `reseal`.

Nothing is decrypted here. What the operator gives back must say of itself exactly what it is to be.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from sshcredential_operator.api.credential import Credential, parse_credential
from sshcredential_operator.api.export import Export
from sshcredential_operator.api.export_spec import Profile
from sshcredential_operator.api.names import API_VERSION, EXPORT_KIND
from sshcredential_operator.cli.export_waiting import is_ready, settled, why_not
from sshcredential_operator.cli.sealed_manifests import FIELDS, Kept
from sshcredential_operator.encryption.place import Field
from sshcredential_operator.encryption.sealing import Seal, seal_of
from sshcredential_operator.encryption.sealing_keys import SealingKey

if TYPE_CHECKING:
    from sshcredential_operator.client.credential_writes import CredentialWrites
    from sshcredential_operator.client.exports import Exports

ENDS_ANYWAY: Final = "10m"
"""Where this program is killed, the copy is gone after this time all the same."""
STEM: Final = 40
NOT_FOUND: Final = 404


class ByOperator:
    """Sealing by the operator of a cluster, to its newest sealing key."""

    def __init__(self, credentials: CredentialWrites, exports: Exports, newest: SealingKey, wait: timedelta) -> None:
        self._credentials, self._exports = credentials, exports
        self._newest, self._wait = newest, wait

    def seal(self, name: str, old: Seal) -> Mapping[Field, str] | Kept:
        """Return the values for a credential whose private key was sealed as `old`, in the same scope."""
        found = self._with_key(old.namespace, name, old.fingerprint)
        if isinstance(found, Kept):
            return found
        values = self.sealed(found)
        return values if isinstance(values, Kept) else _as_wanted(values, old._replace(kid=self._newest.kid))

    def sealed(self, credential: Credential) -> Mapping[Field, str] | Kept:
        """Return the key that a credential has now, sealed; unread."""
        with self._asked_for(credential) as export:
            if isinstance(export, Kept):
                return export
            done = settled(self._exports, export, self._wait)
            if not isinstance(done, Export):
                return Kept(done.sentence)
            if not is_ready(done):
                return Kept(why_not(done))
            copy = self._exports.copy(export.key.namespace, export.key.name)
        if not isinstance(copy, dict):
            return Kept(copy.sentence)
        return {field: copy[field.value].decode("ascii", "replace") for field in FIELDS if field.value in copy}

    def _with_key(self, namespace: str, name: str, fingerprint: str) -> Credential | Kept:
        answer = self._credentials.get(namespace, name)
        if not isinstance(answer, dict):
            missing = answer.code == NOT_FOUND and "not found" in answer.sentence
            return Kept(_missing(namespace, name) if missing else answer.sentence)
        credential = parse_credential(answer)
        stored = credential.status.facts.fingerprint if credential.status.facts else "no key"
        if stored != fingerprint:
            return Kept(
                f"the manifest holds {fingerprint}, and the cluster has {stored}: apply the manifest first, and wait "
                "until that key is the one in use; or seal it from the original file, with --private-key"
            )
        return credential

    @contextmanager
    def _asked_for(self, credential: Credential) -> Iterator[Export | Kept]:
        """Make an export for the time of the block."""
        wanted, namespace = _export(credential.key.name), credential.key.namespace
        try:
            export = self._exports.create(namespace, wanted)
        except KeyboardInterrupt:  # it may be there although the answer did not come; its name is nobody else's
            made = self._exports.get(namespace, wanted["metadata"]["name"])
            if isinstance(made, Export):
                self._exports.delete(made)
            raise
        if not isinstance(export, Export):
            yield Kept(export.sentence)
            return
        try:
            yield export
        finally:
            if self._exports.delete(export):
                where = f"{export.key.name} -n {export.key.namespace}"
                click.echo(f"warning: an export is left: kubectl delete sshcredentialexport {where}", err=True)


def _export(credential: str) -> dict[str, Any]:
    name = f"{credential[:STEM].rstrip('-')}-reseal-{secrets.token_hex(4)}"
    spec = {"credentialRef": {"name": credential}, "secretName": name, "profile": Profile.SEALED.value}
    metadata = {"name": name}
    spec["expiresAfter"] = ENDS_ANYWAY
    return {"apiVersion": API_VERSION, "kind": EXPORT_KIND, "metadata": metadata, "spec": spec}


def _missing(namespace: str, name: str) -> str:
    return (
        f"there is no SSHCredential {name} in namespace {namespace}: apply the manifest first, or seal its key from "
        "the original file, with --private-key"
    )


def _as_wanted(values: Mapping[Field, str], wanted: Seal) -> Mapping[Field, str] | Kept:
    """Return the values if they say of themselves what they are to be."""
    for field in values:
        said = seal_of(values[field])
        if said is None:
            return Kept("the operator gave something that is no sealed value; is it of another version?")
        if said == wanted._replace(field=field):
            continue
        if said.kid != wanted.kid:
            return Kept("the operator has sealed it to another key than the newest that it publishes; try again")
        return Kept(
            f"the operator has sealed it for {said.place}, and the manifest's value is for {wanted.place}: the scope "
            "is that of spec.sealed in the cluster, so apply the manifest first"
        )
    return (
        values if Field.PRIVATE_KEY in values else Kept("the operator gave no private key; is it of another version?")
    )
