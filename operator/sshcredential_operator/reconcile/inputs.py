"""What stands against a new key, as a decision. Used where a key is made first and where it is replaced."""

from __future__ import annotations

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.spec import Generate, ImportFrom, Spec, describe_key
from sshcredential_operator.keys.judge import Accepted, Refused
from sshcredential_operator.keys.keypair import PublicKey
from sshcredential_operator.reconcile.decision import Decision
from sshcredential_operator.reconcile.observed import Input, InputKeyMissing, InputSecretMissing, Observed


def policy_refuses(observed: Observed, spec: Spec) -> Decision | None:
    """Return that the workspace's policy does not allow the key that the spec asks for or the input brings."""
    match spec.source, observed.input:
        case Generate(algorithm=algorithm, bits=bits), _:
            pass
        case _, Accepted(pair=pair):
            algorithm, bits = pair.public.algorithm, pair.public.bits
        case _:
            return None
    if observed.policy.allows(algorithm, bits):
        return None
    facts = {"key": describe_key(algorithm, bits), "allowed": observed.policy.words}
    return Decision(Reason.NOT_ALLOWED_BY_POLICY, facts)


def what_the_input_lacks(found: Input, source: ImportFrom) -> Decision | None:
    """Return why this input gives no key; None when it does."""
    match found:
        case InputSecretMissing(secret_name):
            return Decision(Reason.INPUT_SECRET_MISSING, {"input_secret": secret_name})
        case InputKeyMissing(secret_name, key):
            return Decision(Reason.INPUT_KEY_MISSING, {"input_secret": secret_name, "input_key": key})
        case Refused() as refused:
            facts = dict(refused.detail) | {
                "origin": f"Secret {source.private_key.secret_name}{_described(refused.public)}",
                "passphrase_field": "spec.importFrom.passphrase",
            }
            return Decision(Reason(refused.reason.value), facts)
    return None


def _described(public: PublicKey | None) -> str:
    """Return in brackets which key it is, where an encrypted file shows that without its passphrase."""
    return f" ({describe_key(public.algorithm, public.bits)}, {public.fingerprint})" if public else ""
