"""What a person should do about a target now: pure. Used by `target status`."""

from __future__ import annotations

from collections.abc import Iterator

from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.target import Target
from sshcredential_operator.api.target_reasons import TargetNote
from sshcredential_operator.api.target_spec import HostKeyPolicy, Manage, TargetSpec
from sshcredential_operator.cli.target_words import is_ready, last_failed, said_of


def still_open(seen: Target) -> bool:
    """Whether the server was seen to accept a key that was replaced."""
    return TargetNote.RETIRED_KEY_ACCEPTED in seen.status.notes


def next_steps(seen: Target, credential: Credential | None) -> Iterator[str]:
    """Yield what to do, the most urgent first; at the end that there is nothing."""
    steps = [*_host_key(seen), *_staged(seen, credential), *_retired(seen)]
    if not is_ready(seen):
        yield said_of(seen)
    yield from steps
    if is_ready(seen) and not steps:
        if last_failed(seen):
            yield "The latest probe did not succeed. It is tried again by itself; to try now:"
            yield f"sshcred target probe {seen.key.name} -n {seen.key.namespace}"
        else:
            yield "Nothing: every key logs in that should."


def _host_key(seen: Target) -> Iterator[str]:
    spec, offered = seen.spec, seen.status.offered_host_key
    if offered is None or not isinstance(spec, TargetSpec):
        return
    if spec.host_keys.policy is HostKeyPolicy.TRUST_ON_FIRST_USE:
        yield "Compare the host key that is not trusted with what the machine's owner publishes. If it is theirs:"
    else:
        yield "What to put into the spec, after comparing the host key with what the machine's owner publishes, tells:"
    yield f"sshcred target trust {seen.key.name} -n {seen.key.namespace}"


def _staged(seen: Target, credential: Credential | None) -> Iterator[str]:
    """The next key waits for this target."""
    staged, spec = credential.status.next if credential else None, seen.spec
    if staged is None or credential is None or not isinstance(spec, TargetSpec):
        return
    if staged.fingerprint in seen.status.authenticated_fingerprints:
        return
    key = credential.key
    if spec.manage is Manage.NONE:
        yield "The next key does not log in yet, and waits for that. Put it into authorized_keys there, and probe:"
        yield f"sshcred public-key {key.name} -n {key.namespace} --next"
        yield f"sshcred target probe {seen.key.name} -n {key.namespace}"
    else:
        yield "The next key does not log in yet, and waits for that; it is installed at the next probe that succeeds."
    yield "To use it without waiting, which locks its users out here until the key is there:"
    yield f"sshcred rotate {key.name} -n {key.namespace} --force"


def _retired(seen: Target) -> Iterator[str]:
    """A key that was replaced is still in the account's file."""
    if not still_open(seen):
        return
    yield "Keys that were replaced still open the door. Take their lines out of authorized_keys there:"
    yield from (key.public_key for key in seen.status.retired_keys)
