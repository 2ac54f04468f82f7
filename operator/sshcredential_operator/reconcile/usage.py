"""What the status tells of the use of a credential: by whom, and whether its key lies anywhere in plain."""

from __future__ import annotations

from sshcredential_operator.api.names import TARGET_KIND
from sshcredential_operator.api.status import MOST_USERS, Status, User
from sshcredential_operator.reconcile.observed import Observed, Unseen, Use


def users(observed: Observed, before: Status) -> tuple[User, ...]:
    """Return who uses the credential; of whom nobody can tell at the moment, what was said last."""
    targets = observed.targets
    if isinstance(targets, Unseen):
        through = tuple(user for user in before.used_by if user.kind == TARGET_KIND)
    else:
        names = {door.name for door in targets.doors} | set(targets.bootstraps)
        through = tuple(User(TARGET_KIND, name) for name in sorted(names))
    others = observed.use.users if observed.use else tuple(u for u in before.used_by if u.kind != TARGET_KIND)
    return (*others, *through)[:MOST_USERS]


def exposure(use: Use | None, before: Status, *, has_key: bool) -> str | None:
    """Return whether a plain copy of the key exists, as the status says it."""
    exported = use.exported if use else before.exposure == "Exported"
    return "Exported" if exported else "Encrypted" if has_key else None
