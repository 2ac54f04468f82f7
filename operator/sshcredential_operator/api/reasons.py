"""Every reason that a condition can carry, and what follows from it. A closed set: `reconcile` decides, people read.

The texts for each reason stand in `api/messages.py`, and docs/reference/reasons.md is made from both.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal


class Course(Enum):
    """What follows from a reason, decided once for all of them."""

    READY = "ready"
    """Nothing is left to do."""
    WORK = "work"
    """The operator itself does the next step."""
    WAIT = "wait"
    """Something else has to appear; it is taken as soon as it is there."""
    RETRY = "retry"
    """Trouble that passes or is mended elsewhere; tried again with backoff, for ever."""
    STOP = "stop"
    """Only the user can help; a change of the spec, the Secret or the input is what continues it."""


class Reason(StrEnum):
    """The reason of the Ready condition."""

    PENDING = "Pending"
    AVAILABLE = "Available"
    CREATING = "Creating"
    UPDATING = "Updating"
    SUSPENDED = "Suspended"

    ROTATING = "Rotating"
    TOO_MANY_KEYS = "TooManyKeys"

    INPUT_SECRET_MISSING = "InputSecretMissing"
    INPUT_KEY_MISSING = "InputKeyMissing"

    SEALED_VALUE_INVALID = "SealedValueInvalid"
    SEALED_ELSEWHERE = "SealedElsewhere"
    SEALED_SCOPE_REFUSED = "SealedScopeRefused"
    SEALED_FIELD_MISMATCH = "SealedFieldMismatch"
    SEALED_VALUES_DIFFER = "SealedValuesDiffer"
    SEALING_KEY_UNKNOWN = "SealingKeyUnknown"
    SEALING_KEY_RETIRED = "SealingKeyRetired"
    SEALED_VALUE_DAMAGED = "SealedValueDamaged"
    SEALED_KEY_MISMATCH = "SealedKeyMismatch"

    SECRET_LOST = "SecretLost"
    SECRET_TAMPERED = "SecretTampered"
    SECRET_CONFLICT = "SecretConflict"
    KEY_UNAVAILABLE = "KeyUnavailable"
    ROLLBACK_DETECTED = "RollbackDetected"
    ADOPTED_KEY_DIFFERS = "AdoptedKeyDiffers"
    ALGORITHM_CHANGED = "AlgorithmChanged"
    SOURCE_CHANGED = "SourceChanged"
    NAME_CONFLICT = "NameConflict"
    NOT_ALLOWED_BY_POLICY = "NotAllowedByPolicy"
    OPERATOR_NAMESPACE = "OperatorNamespace"
    SPEC_INVALID = "SpecInvalid"

    EXPORTED = "Exported"
    EXPORTING = "Exporting"
    EXPIRED = "Expired"
    CREDENTIAL_MISSING = "CredentialMissing"
    CREDENTIAL_NOT_READY = "CredentialNotReady"
    EXPORT_NOT_GUARDED = "ExportNotGuarded"
    EXPORT_OLDER_THAN_POLICY = "ExportOlderThanPolicy"
    EXPORT_CONFLICT = "ExportConflict"
    PASSPHRASE_NOT_TAKEN = "PassphraseNotTaken"
    URL_MISSING = "UrlMissing"
    NO_SUCH_FORMAT = "NoSuchFormat"
    RECIPIENT_INVALID = "RecipientInvalid"
    SEALING_KEY_AWAITED = "SealingKeyAwaited"
    KNOWN_HOSTS_MISSING = "KnownHostsMissing"
    KNOWN_HOSTS_INVALID = "KnownHostsInvalid"
    KNOWN_HOSTS_CONFIG_MAP_MISSING = "KnownHostsConfigMapMissing"
    TARGET_MISSING = "TargetMissing"
    TARGET_HOST_KEY_UNKNOWN = "TargetHostKeyUnknown"

    FORBIDDEN = "Forbidden"
    QUOTA_EXCEEDED = "QuotaExceeded"
    REFUSED_BY_SERVER = "RefusedByServer"
    SERVER_UNAVAILABLE = "ServerUnavailable"
    KEY_RING_UNAVAILABLE = "KeyRingUnavailable"
    KEY_CHECK_UNAVAILABLE = "KeyCheckUnavailable"

    EMPTY = KeyRefusal.EMPTY.value
    NOT_A_KEY = KeyRefusal.NOT_A_KEY.value
    TOO_LARGE = KeyRefusal.TOO_LARGE.value
    PUBLIC_KEY = KeyRefusal.PUBLIC_KEY.value
    CERTIFICATE = KeyRefusal.CERTIFICATE.value
    X509_CERTIFICATE = KeyRefusal.X509_CERTIFICATE.value
    PGP_KEY = KeyRefusal.PGP_KEY.value
    AGE_IDENTITY = KeyRefusal.AGE_IDENTITY.value
    AGE_ENCRYPTED = KeyRefusal.AGE_ENCRYPTED.value
    HARDWARE_KEY = KeyRefusal.HARDWARE_KEY.value
    DSA_KEY = KeyRefusal.DSA_KEY.value
    UNSUPPORTED_KEY_TYPE = KeyRefusal.UNSUPPORTED_KEY_TYPE.value
    UNSUPPORTED_CURVE = KeyRefusal.UNSUPPORTED_CURVE.value
    RSA_PSS_KEY = KeyRefusal.RSA_PSS_KEY.value
    RSA_TOO_SMALL = KeyRefusal.RSA_TOO_SMALL.value
    RSA_TOO_LARGE = KeyRefusal.RSA_TOO_LARGE.value
    ODD_MODULUS_SIZE = KeyRefusal.ODD_MODULUS_SIZE.value
    WEAK_KEY = KeyRefusal.WEAK_KEY.value
    TRUNCATED = KeyRefusal.TRUNCATED.value
    CORRUPT = KeyRefusal.CORRUPT.value
    LABEL_MISMATCH = KeyRefusal.LABEL_MISMATCH.value
    MULTIPLE_KEYS = KeyRefusal.MULTIPLE_KEYS.value
    PUBLIC_PRIVATE_MISMATCH = KeyRefusal.PUBLIC_PRIVATE_MISMATCH.value
    PASSPHRASE_REQUIRED = KeyRefusal.PASSPHRASE_REQUIRED.value
    WRONG_PASSPHRASE = KeyRefusal.WRONG_PASSPHRASE.value
    UNSUPPORTED_CIPHER = KeyRefusal.UNSUPPORTED_CIPHER.value
    PKCS12 = KeyRefusal.PKCS12.value
    SSH_COM_FORMAT = KeyRefusal.SSH_COM_FORMAT.value
    SSH1_KEY = KeyRefusal.SSH1_KEY.value
    PPK_FORMAT = KeyRefusal.PPK_FORMAT.value
    KDF_TOO_EXPENSIVE = KeyRefusal.KDF_TOO_EXPENSIVE.value
    TIMED_OUT = KeyRefusal.TIMED_OUT.value


KEY_IN_DOUBT: Final = frozenset(
    {
        Reason.SECRET_LOST,
        Reason.SECRET_TAMPERED,
        Reason.SECRET_CONFLICT,
        Reason.KEY_UNAVAILABLE,
        Reason.ROLLBACK_DETECTED,
    }
)
"""What a credential says when its key must not be relied on."""

_EXCEPTIONS: Final[dict[Reason, Course]] = {
    Reason.AVAILABLE: Course.READY,
    Reason.SUSPENDED: Course.READY,
    Reason.PENDING: Course.WORK,
    Reason.CREATING: Course.WORK,
    Reason.UPDATING: Course.WORK,
    Reason.ROTATING: Course.WORK,
    Reason.TOO_MANY_KEYS: Course.WAIT,
    Reason.INPUT_SECRET_MISSING: Course.WAIT,
    Reason.INPUT_KEY_MISSING: Course.WAIT,
    Reason.EXPORTED: Course.READY,
    Reason.EXPORTING: Course.WORK,
    Reason.CREDENTIAL_MISSING: Course.WAIT,
    Reason.CREDENTIAL_NOT_READY: Course.WAIT,
    Reason.KNOWN_HOSTS_CONFIG_MAP_MISSING: Course.WAIT,
    Reason.TARGET_MISSING: Course.WAIT,
    Reason.TARGET_HOST_KEY_UNKNOWN: Course.WAIT,
    Reason.SEALING_KEY_AWAITED: Course.WAIT,
    Reason.EXPORT_NOT_GUARDED: Course.RETRY,
    Reason.FORBIDDEN: Course.RETRY,
    Reason.QUOTA_EXCEEDED: Course.RETRY,
    Reason.REFUSED_BY_SERVER: Course.RETRY,
    Reason.SERVER_UNAVAILABLE: Course.RETRY,
    Reason.KEY_RING_UNAVAILABLE: Course.RETRY,
    Reason.KEY_CHECK_UNAVAILABLE: Course.RETRY,
}

COURSE: Final[dict[Reason, Course]] = {reason: _EXCEPTIONS.get(reason, Course.STOP) for reason in Reason}
"""What follows from each reason: where this table says nothing else, only the user can help."""
