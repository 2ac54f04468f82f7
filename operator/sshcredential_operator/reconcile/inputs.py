"""What the input Secret lacks to become a key, as a decision. Used where a key is made and where it is replaced."""

from __future__ import annotations

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.spec import ImportFrom
from sshcredential_operator.keys.judge import Refused
from sshcredential_operator.reconcile.decision import Decision
from sshcredential_operator.reconcile.observed import Input, InputKeyMissing, InputSecretMissing


def what_the_input_lacks(found: Input, source: ImportFrom) -> Decision | None:
    """Return why this input gives no key; None when it does."""
    match found:
        case InputSecretMissing(secret_name):
            return Decision(Reason.INPUT_SECRET_MISSING, {"input_secret": secret_name})
        case InputKeyMissing(secret_name, key):
            return Decision(Reason.INPUT_KEY_MISSING, {"input_secret": secret_name, "input_key": key})
        case Refused() as refused:
            facts = dict(refused.detail) | {"input_secret": source.private_key.secret_name}
            return Decision(Reason(refused.reason.value), facts)
    return None
