"""The checks over a living export, in their order: the first that has something to say decides.

Each is small, pure, and looks at one thing. One may ask for evidence first (`look`): nothing is removed or overwritten
that was not read live and proven in the same pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from sshcredential_operator.api.export import Export
from sshcredential_operator.api.export_spec import (
    ConfigMapKnownHosts,
    ExportSpec,
    Profile,
    TargetKnownHosts,
)
from sshcredential_operator.api.reasons import KEY_IN_DOUBT, Reason
from sshcredential_operator.api.spec import Spec
from sshcredential_operator.api.timestamps import format_timestamp
from sshcredential_operator.exports.decision import NOTHING, Act, Decision, Look, Why
from sshcredential_operator.exports.guard import is_admitted, verdict
from sshcredential_operator.exports.known_hosts_checks import LATER, SOON, host_keys_are_wanting
from sshcredential_operator.exports.observed import Foreign, Observed, Ours, Unguarded
from sshcredential_operator.exports.rendering import layout_of, unfit
from sshcredential_operator.exports.wish import (
    is_as_wished,
    is_as_written,
    record_of,
    source_of,
    spec_of,
    tells_of_its_copy,
)
from sshcredential_operator.reconcile.observed import Stored

Check = Callable[[Observed, Export], Decision | None]


def in_operator_namespace(observed: Observed, _: Export) -> Decision | None:
    """The key ring's namespace is no workspace."""
    return None if observed.served else Decision(Reason.OPERATOR_NAMESPACE)


def spec_unreadable(_: Observed, export: Export) -> Decision | None:
    """A schema that is older or newer than this operator let something through."""
    spec = export.spec
    return None if isinstance(spec, ExportSpec) else Decision(Reason.SPEC_INVALID, {"field": spec.field})


def in_trouble(observed: Observed, _: Export) -> Decision | None:
    """The API server did not do what this pass asked."""
    trouble = observed.trouble
    return Decision(trouble.reason, trouble.facts) if trouble else None


def has_expired(observed: Observed, export: Export) -> Decision | None:
    """Its time is over: there is no copy, and none is made again."""
    ends = export.expires_at
    if ends is None or ends > observed.now:
        return None
    return withdrawn(observed, Why.EXPIRED) or Decision(Reason.EXPIRED, {"until": format_timestamp(ends)})


def copy_is_elsewhere(observed: Observed, export: Export) -> Decision | None:
    """The export names another Secret or another credential now, or is another object of the same name."""
    return next((_remove(observed, name, Why.MOVED) for name in _stale(observed, export)), None)


def secret_is_another_exports(observed: Observed, _: Export) -> Decision | None:
    """Two exports want one Secret: the older has it."""
    return Decision(Reason.EXPORT_CONFLICT, {"rival": observed.rival}) if observed.rival else None


def credential_is_gone(observed: Observed, _: Export) -> Decision | None:
    """Without the credential there is no copy."""
    if observed.credential is not None:
        return None
    if not observed.credential_is_live:
        return Decision(Reason.CREDENTIAL_MISSING, look=Look.CREDENTIAL)
    return withdrawn(observed, Why.CREDENTIAL_GONE) or Decision(Reason.CREDENTIAL_MISSING)


def is_suspended(observed: Observed, _: Export) -> Decision | None:
    """A suspended credential changes nothing."""
    spec = observed.credential.spec if observed.credential else None
    return Decision(Reason.SUSPENDED) if isinstance(spec, Spec) and spec.suspend else None


def key_is_not_good(observed: Observed, _: Export) -> Decision | None:
    """Only the key that the credential's status tells of is copied, and only while nothing is in doubt."""
    status = observed.credential.status if observed.credential else None
    if status is None or status.facts is None or not isinstance(observed.stored, Stored):
        return Decision(Reason.CREDENTIAL_NOT_READY)
    record, facts = observed.stored.record, status.facts
    if status.reason in KEY_IN_DOUBT or record.credential_id != facts.credential_id:
        return Decision(Reason.CREDENTIAL_NOT_READY)
    if record.current > facts.key_number:  # a moment of every rotation: the status is about to follow
        return NOTHING
    if (record.current, record.current_key.fingerprint) != (facts.key_number, facts.fingerprint):
        return Decision(Reason.CREDENTIAL_NOT_READY)
    return None


def key_does_not_fit(observed: Observed, export: Export) -> Decision | None:
    """The consumer cannot take this key, or needs something that is not given."""
    why = unfit(spec_of(export), record_of(observed).current_key)
    return Decision(Reason(why.value)) if why else None


def sealing_key_is_wanting(observed: Observed, export: Export) -> Decision | None:
    """There is nothing yet to seal the copy to, as after every start. A copy that is there, and its word, stay."""
    if spec_of(export).profile is not Profile.SEALED or observed.sealing_key is not None:
        return None
    return NOTHING if tells_of_its_copy(export) else Decision(Reason.SEALING_KEY_AWAITED)


def secret_is_foreign(observed: Observed, export: Export) -> Decision | None:
    """Somebody's Secret has the name, and no proof of ours."""
    name = spec_of(export).secret_name
    if name not in observed.read:
        return Decision(Reason.EXPORTING, look=Look.COPY, secret_name=name)
    return (
        Decision(Reason.SECRET_CONFLICT, due=observed.now + SOON) if isinstance(observed.read[name], Foreign) else None
    )


def nobody_was_asked(observed: Observed, export: Export) -> Decision | None:
    """Whoever made or changed the export may have had no right to it. A copy that is there stays as it is."""
    if not observed.must_be_guarded or (is_admitted(export) and _is_good(observed, export)):
        return None
    if observed.policy is None:
        return Decision(Reason.EXPORTING, look=Look.POLICY)
    if isinstance(observed.policy, Unguarded):
        return Decision(Reason.EXPORT_NOT_GUARDED, due=observed.now + SOON)
    return None if verdict(export, observed.policy).admitted else Decision(Reason.EXPORT_OLDER_THAN_POLICY)


def copy_is_to_be_made(observed: Observed, export: Export) -> Decision | None:
    """There is none, or it is not what it should be."""
    if _is_good(observed, export):
        return None
    name = spec_of(export).secret_name
    match observed.read[name]:
        case Ours(raw=raw, proof=proof) if (
            raw.immutable
            or raw.content.type != layout_of(spec_of(export)).secret_type
            or proof.source != source_of(export)
        ):
            return _remove(observed, name, Why.REMADE)
    return Decision(Reason.EXPORTING, act=Act.WRITE)


def all_is_well(observed: Observed, export: Export) -> Decision:
    """The copy is there, and holds the key in use."""
    given = spec_of(export).known_hosts
    again = observed.now + LATER if isinstance(given, ConfigMapKnownHosts | TargetKnownHosts) else None
    return Decision(Reason.EXPORTED, {"number": record_of(observed).current}, due=again)


CHECKS: Final[tuple[Check, ...]] = (
    in_operator_namespace,
    spec_unreadable,
    in_trouble,
    has_expired,
    copy_is_elsewhere,
    secret_is_another_exports,
    credential_is_gone,
    is_suspended,
    key_is_not_good,
    key_does_not_fit,
    host_keys_are_wanting,
    sealing_key_is_wanting,
    secret_is_foreign,
    nobody_was_asked,
    copy_is_to_be_made,
    all_is_well,
)
"""The order is part of the behaviour: what takes a copy away comes before what makes one."""


def withdrawn(observed: Observed, why: Why) -> Decision | None:
    """Return how to take away the next of all copies; None when there is none."""
    return next((_remove(observed, name, why) for name in _known(observed)), None)


def _remove(observed: Observed, name: str, why: Why) -> Decision:
    if name not in observed.read:
        return Decision(Reason.EXPORTING, look=Look.COPY, secret_name=name)
    return Decision(Reason.EXPORTING, act=Act.REMOVE, secret_name=name, why=why)


def _known(observed: Observed) -> Iterator[str]:
    """Yield the Secrets that are, or may be, copies of this export."""
    told = observed.export.status.secret_name if observed.export else None
    names = dict.fromkeys([*(copy.secret_name for copy in observed.copies), *([told] if told else ())])
    for name in names:
        seen = observed.read.get(name)
        if seen is None or (isinstance(seen, Ours) and seen.proof.source.export_name == observed.key.name):
            yield name


def _stale(observed: Observed, export: Export) -> Iterator[str]:
    spec, claimed = spec_of(export), {copy.secret_name: copy.source for copy in observed.copies}
    for name in _known(observed):
        seen = observed.read.get(name)
        source = seen.proof.source if isinstance(seen, Ours) else claimed.get(name, source_of(export))
        if name != spec.secret_name or source != source_of(export):
            yield name


def _is_good(observed: Observed, export: Export) -> bool:
    copy = observed.read.get(spec_of(export).secret_name)
    if not isinstance(copy, Ours) or copy.proof.source != source_of(export):
        return False
    return is_as_written(copy) and is_as_wished(copy, observed)
