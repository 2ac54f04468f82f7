"""What stands against a new key, as a decision. Used where a key is made first and where it is replaced."""

from __future__ import annotations

from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.spec import Generate, ImportFrom, Sealed, Spec, describe_key
from sshcredential_operator.keys.judge import Accepted, Refused
from sshcredential_operator.keys.keypair import PublicKey
from sshcredential_operator.reconcile.decision import Decision
from sshcredential_operator.reconcile.observed import Input, InputKeyMissing, InputSecretMissing, Observed, SealRefused


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


def what_the_input_lacks(found: Input, source: ImportFrom | Sealed) -> Decision | None:
    """Return why this input gives no key; None when it does."""
    match found:
        case InputSecretMissing(secret_name):
            return Decision(Reason.INPUT_SECRET_MISSING, {"input_secret": secret_name})
        case InputKeyMissing(secret_name, key):
            return Decision(Reason.INPUT_KEY_MISSING, {"input_secret": secret_name, "input_key": key})
        case SealRefused(reason, facts):
            return Decision(reason, facts)
        case Refused() as refused:
            return Decision(Reason(refused.reason.value), dict(refused.detail) | _origin(source, refused.public))
    return None


def _origin(source: ImportFrom | Sealed, public: PublicKey | None) -> dict[str, str]:
    """Return where the key and its passphrase were given, in words."""
    if isinstance(source, Sealed):
        origin, field = "spec.sealed", "spec.sealed.passphrase"
    else:
        origin, field = f"Secret {source.private_key.secret_name}", "spec.importFrom.passphrase"
    return {"origin": f"{origin}{_described(public)}", "passphrase_field": field}


def _described(public: PublicKey | None) -> str:
    """Return in brackets which key it is, where an encrypted file shows that without its passphrase."""
    return f" ({describe_key(public.algorithm, public.bits)}, {public.fingerprint})" if public else ""
