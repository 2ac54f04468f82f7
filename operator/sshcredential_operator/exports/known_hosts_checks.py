"""Whether the known hosts that a copy takes are there: one of the checks in `checks.py`, with where they come from."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sshcredential_operator.api.export import Export
from sshcredential_operator.api.export_spec import InlineKnownHosts
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.exports.decision import Decision, Look
from sshcredential_operator.exports.observed import ConfigMapLacks, Observed, TargetBehind, TargetLacks
from sshcredential_operator.exports.rendering import layout_of
from sshcredential_operator.exports.wish import spec_of, tells_of_its_copy
from sshcredential_operator.keys.known_hosts import BadLine

SOON: Final = timedelta(minutes=1)
"""What is not watched and missing is looked at again after this time."""
LATER: Final = timedelta(minutes=5)
"""The same for what is there and may change: a ConfigMap, or a target."""


def host_keys_are_wanting(observed: Observed, export: Export) -> Decision | None:
    """The known hosts that the copy takes cannot be read."""
    spec = spec_of(export)
    if spec.known_hosts is None or layout_of(spec).known_hosts is None:
        return None
    match observed.host_keys:
        case None:
            return Decision(Reason.EXPORTING, look=Look.HOST_KEYS)
        case BadLine(number):
            again = None if isinstance(spec.known_hosts, InlineKnownHosts) else observed.now + LATER
            return Decision(Reason.KNOWN_HOSTS_INVALID, {"line": number}, due=again)
        case TargetLacks(target, exists):
            reason = Reason.TARGET_HOST_KEY_UNKNOWN if exists else Reason.TARGET_MISSING
            return Decision(reason, {"target": target}, due=observed.now + SOON)
        case TargetBehind(target):
            return _while_the_target_is_probed(target, observed, export)
        case ConfigMapLacks(config_map, key):
            facts = {"config_map": config_map, "config_map_key": key}
            return Decision(Reason.KNOWN_HOSTS_CONFIG_MAP_MISSING, facts, due=observed.now + SOON)
    return None


def _while_the_target_is_probed(target: str, observed: Observed, export: Export) -> Decision:
    """A copy that is there, and its word, stay."""
    again = observed.now + SOON
    if tells_of_its_copy(export):
        return Decision(None, due=again)
    return Decision(Reason.TARGET_HOST_KEY_UNKNOWN, {"target": target}, due=again)
