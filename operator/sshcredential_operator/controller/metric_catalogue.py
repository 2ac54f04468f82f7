"""Every metric of ours: name, type, labels and meaning. Read by the modules that fill them.

docs/reference/metrics.md is made from it, and the alerts and the dashboard are held to it. Names follow the conventions
of Prometheus: base units, `_total` for counters, `_timestamp_seconds` for moments. No label holds a name of an object.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

PREFIX: Final = "sshcredential_operator"


class Type(StrEnum):
    """The types of Prometheus that are in use here."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Meaning(NamedTuple):
    """What a metric is; the help is one sentence or two."""

    type: Type
    help: str
    labels: tuple[str, ...] = ()


_WHERE_STATUS: Final = ("ready", "reason", "course")

CATALOGUE: Final[dict[str, Meaning]] = {
    "build_info": Meaning(Type.GAUGE, "Always 1; the version that runs.", ("version",)),
    "ready": Meaning(Type.GAUGE, "1 while /readyz says that this replica is ready, 0 otherwise."),
    "leader": Meaning(Type.GAUGE, "1 while this replica does the work, 0 while it stands by."),
    "elections_won_total": Meaning(Type.COUNTER, "How often this replica has begun to lead."),
    "credentials": Meaning(Type.GAUGE, "Credentials by status, reason and course of Ready.", _WHERE_STATUS),
    "orphaned_secrets": Meaning(
        Type.GAUGE, "Secrets of ours whose credential is gone: in their grace period, or kept by the policy Retain."
    ),
    "rotation_due_timestamp_seconds": Meaning(
        Type.GAUGE, "When the first key becomes older than its workspace's policy wants; NaN where no policy says so."
    ),
    "rotations_overdue": Meaning(
        Type.GAUGE,
        "Credentials whose key should have been replaced: older than the policy wants, or the schedule's date is over.",
        ("by",),
    ),
    "promotions_held": Meaning(Type.GAUGE, "Credentials whose next key waits for SSHTargets to let it in."),
    "promotion_held_since_timestamp_seconds": Meaning(
        Type.GAUGE, "Since when the next key that waits longest could be in use; NaN where none waits."
    ),
    "exports": Meaning(Type.GAUGE, "Exports by status, reason and course of Ready.", _WHERE_STATUS),
    "plain_copies": Meaning(Type.GAUGE, "Secrets that hold a private key that was exported in plain."),
    "reconciles_total": Meaning(Type.COUNTER, "Passes by what they came to.", ("kind", "result")),
    "reconcile_duration_seconds": Meaning(Type.HISTOGRAM, "How long passes took.", ("kind",)),
    "queue_depth": Meaning(Type.GAUGE, "How many wait for a pass.", ("kind",)),
    "queue_age_seconds": Meaning(Type.GAUGE, "How long the one that waits longest has waited.", ("kind",)),
    "queue_wait_seconds": Meaning(Type.HISTOGRAM, "How long who got a pass had waited for it.", ("kind",)),
    "running_passes": Meaning(Type.GAUGE, "How many passes are running.", ("kind",)),
    "key_work_duration_seconds": Meaning(
        Type.HISTOGRAM, "How long it took to generate a key pair, or to judge one that was brought.", ("work",)
    ),
    "api_requests_total": Meaning(
        Type.COUNTER,
        "Requests to the API server by verb, resource and status code; the code is error where nobody answered.",
        ("verb", "resource", "code"),
    ),
    "api_request_duration_seconds": Meaning(
        Type.HISTOGRAM, "How long the API server took to begin its answer.", ("verb",)
    ),
    "api_last_answer_timestamp_seconds": Meaning(
        Type.GAUGE, "When the API server last answered a request of this replica; 0 before the first answer."
    ),
    "api_last_write_timestamp_seconds": Meaning(
        Type.GAUGE, "When the API server last took a write of this replica, the Lease aside; 0 before the first one."
    ),
    "watch_last_event_timestamp_seconds": Meaning(
        Type.GAUGE,
        "When the watch that has been silent longest last brought anything; at rest a bookmark comes every minute.",
        ("resource",),
    ),
    "watch_failures_total": Meaning(Type.COUNTER, "Lists and watches that ended in trouble.", ("resource",)),
    "blocked_watches": Meaning(Type.GAUGE, "Lists or watches that the API server does not permit at the moment."),
    "import_policy_present": Meaning(
        Type.GAUGE,
        "1 if the admission policy guards imports, 0 if it is missing, -1 if that cannot be told. "
        "Looked at when the watches start.",
    ),
    "export_policy_present": Meaning(
        Type.GAUGE,
        "1 if the admission policy guards exports, 0 if it is missing or changed, -1 if that cannot be told. "
        "Looked at when the watches start, and for every copy.",
    ),
    "key_ring_open": Meaning(Type.GAUGE, "1 while the root key is open, 0 while the operator must not work with it."),
    "root_key_problem": Meaning(
        Type.GAUGE,
        "1 for what is wrong with the root key, so that nothing new is made; all 0 while it is good.",
        ("problem",),
    ),
    "root_key_rewraps_left": Meaning(
        Type.GAUGE, "Keys of the key ring that should be wrapped by the present root key, and could not be so far."
    ),
    "workspace_key_rewraps_pending": Meaning(
        Type.GAUGE, "Secrets of credentials that are still under an older key of their workspace."
    ),
    "workspace_key_rewraps_total": Meaning(
        Type.COUNTER, "Secrets of credentials that got their turn to be put under a newer key of their workspace."
    ),
    "workspace_keys": Meaning(Type.GAUGE, "Key-encryption keys of workspaces that this replica has opened."),
    "workspace_keys_unopened": Meaning(
        Type.GAUGE, "Secrets of workspaces' keys that did not open at the start: what they protect cannot be read."
    ),
    "key_ring_changed_timestamp_seconds": Meaning(
        Type.GAUGE, "When the newest Secret of the key ring was made, as far as this replica has seen them."
    ),
    "root_key_backup_timestamp_seconds": Meaning(
        Type.GAUGE,
        "When the key ring was last backed up, as a person has noted on the root key's Secret; 0 for never. "
        "Read at the start and when a workspace gets its first key.",
    ),
    "sealing_keys": Meaning(Type.GAUGE, "The operator's sealing keys by state, as of the last look.", ("state",)),
    "sealing_key_created_timestamp_seconds": Meaning(
        Type.GAUGE, "When the newest sealing key that is not retired was made; 0 where there is none."
    ),
    "sealing_key_period_seconds": Meaning(Type.GAUGE, "After how long another sealing key is made."),
    "sealing_keys_published": Meaning(
        Type.GAUGE,
        "1 if the ConfigMap holds the public sealing keys, 0 if it cannot be written, -1 as long as nobody has looked: "
        "a replica that stands by does not look.",
    ),
    "targets": Meaning(
        Type.GAUGE, "SSHTargets by status, reason and course of Ready. Of the process `targets`.", _WHERE_STATUS
    ),
    "target_visits_total": Meaning(
        Type.COUNTER,
        "Visits to SSH servers by what for and what came of it. Of the process `targets`.",
        ("visit", "came"),
    ),
    "target_visit_duration_seconds": Meaning(
        Type.HISTOGRAM, "How long visits to SSH servers took. Of the process `targets`.", ("visit",)
    ),
    "target_visits_running": Meaning(
        Type.GAUGE, "How many visits to SSH servers are running. Of the process `targets`."
    ),
    "retired_keys_accepted": Meaning(
        Type.GAUGE,
        "SSHTargets at which a key that was replaced still opens the door. Of the process `targets`.",
    ),
    "target_policy_in_force": Meaning(
        Type.GAUGE,
        "1 if the admission policy guards targets, 0 if it is missing or changed, -1 if that cannot be told. Of the "
        "process `targets`.",
    ),
    "reseal_recommended": Meaning(
        Type.GAUGE, "Credentials whose values in spec.sealed were sealed to another than the newest key."
    ),
}
"""By name without the prefix, in the order of the page."""

VALUES: Final[dict[str, str]] = {
    "ready": "`True`, `False`, `Unknown`",
    "reason": "the word in the status, [one of these](reasons.md); `Other` for any other word",
    "course": "`ready`, `work`, `wait`, `retry`, `stop` (the headings of [Reasons](reasons.md)), or `other`",
    "kind": "`credential`, `export`, `target`",
    "visit": "`login`, `query` (which keys the server would accept), `arrange` (authorized_keys)",
    "came": "`success`, or the reason, [one of these](reasons.md)",
    "result": "the reason that a pass came to, or `none` (there is nothing to report on), `deferred` (it waits for a "
    "place for costly work on keys), `trouble` (the status could not be written), `error`, `cancelled`",
    "by": "`policy` (`longestAge`), `schedule` (`spec.rotation.every`, more than five minutes late)",
    "work": "`generate`, `judge`",
    "problem": "`RootLost`, `RootMissing`, `RootWrong`, `RootMalformed`, `RootAway`, `CanaryMalformed`, `KeksLost`, "
    "`Unsettled`",
    "verb": "`get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `other`",
    "resource": "the plural in Kubernetes, with `/status` where it is that; `other` for what the operator does not use",
    "code": "the HTTP status, or `error`",
    "state": "`open`, `retired` (by a person), `unopened` (damaged, or wrapped by a root key that is not there)",
    "version": "the operator's",
}
"""What each label may hold; all are closed sets."""
