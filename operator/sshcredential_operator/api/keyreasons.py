"""Why a private key is refused, and what is remarked about one that is accepted. Messages: `api/messages.py`."""

from __future__ import annotations

from enum import StrEnum


class KeyRefusal(StrEnum):
    """Why a private key that a user brings is refused. Each is also a reason of the Ready condition."""

    EMPTY = "Empty"
    NOT_A_KEY = "NotAKey"
    TOO_LARGE = "TooLarge"
    PUBLIC_KEY = "PublicKey"
    CERTIFICATE = "Certificate"
    X509_CERTIFICATE = "X509Certificate"
    HARDWARE_KEY = "HardwareKey"
    DSA_KEY = "DsaKey"
    UNSUPPORTED_KEY_TYPE = "UnsupportedKeyType"
    UNSUPPORTED_CURVE = "UnsupportedCurve"
    RSA_TOO_SMALL = "RsaTooSmall"
    RSA_TOO_LARGE = "RsaTooLarge"
    ODD_MODULUS_SIZE = "OddModulusSize"
    TRUNCATED = "Truncated"
    CORRUPT = "Corrupt"
    LABEL_MISMATCH = "LabelMismatch"
    MULTIPLE_KEYS = "MultipleKeys"
    PUBLIC_PRIVATE_MISMATCH = "PublicPrivateMismatch"
    PASSPHRASE_REQUIRED = "PassphraseRequired"
    WRONG_PASSPHRASE = "WrongPassphrase"
    UNSUPPORTED_CIPHER = "UnsupportedCipher"
    PPK_FORMAT = "PpkFormat"
    KDF_TOO_EXPENSIVE = "KdfTooExpensive"
    TIMED_OUT = "KeyCheckTimedOut"


class Note(StrEnum):
    """Remarks in `status.notes` that refuse nothing."""

    NO_PASSPHRASE = "NoPassphrase"
    RSA_BELOW_3072 = "RsaBelow3072"
    SMALL_EXPONENT = "SmallExponent"
    LEGACY_KDF = "LegacyKdf"
    LINE_ENDINGS_REPAIRED = "LineEndingsRepaired"
    WHITESPACE_REPAIRED = "WhitespaceRepaired"
    PASSPHRASE_NEWLINE_REMOVED = "PassphraseNewlineRemoved"
    PASSPHRASE_NOT_NEEDED = "PassphraseNotNeeded"
    ROTATION_DUE = "RotationDue"
    SERIAL_IGNORED = "SerialIgnored"
    ROLLBACK_TARGET_MISSING = "RollbackTargetMissing"
    INPUT_SECRET_PRESENT = "InputSecretPresent"
