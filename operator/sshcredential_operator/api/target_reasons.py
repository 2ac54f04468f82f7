"""Every reason that a condition of an SSHTarget can carry, and what follows from it: a closed set.

Of its own, since almost none of them says anything of a credential. The texts stand in `api/target_messages.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sshcredential_operator.api.reasons import Course


class TargetReason(StrEnum):
    """The reason of a condition."""

    PENDING = "Pending"
    LOGGED_IN = "LoggedIn"
    """Every key that should log in does."""
    PROBING = "Probing"

    # what lacks before anything is tried
    SPEC_INVALID = "SpecInvalid"
    OPERATOR_NAMESPACE = "OperatorNamespace"
    CREDENTIAL_MISSING = "CredentialMissing"
    CREDENTIAL_NOT_READY = "CredentialNotReady"
    KNOWN_HOSTS_CONFIG_MAP_MISSING = "KnownHostsConfigMapMissing"
    KNOWN_HOSTS_INVALID = "KnownHostsInvalid"
    TARGET_NOT_GUARDED = "TargetNotGuarded"
    """The admission policy is not in force: nobody was asked for the right to the credential."""
    DESTINATION_REFUSED = "DestinationRefused"
    """--allow-destination does not allow the address."""
    JUMP_TARGET_MISSING = "JumpTargetMissing"
    JUMP_LOOP = "JumpLoop"

    # what a probe found
    HOST_KEY_TRUSTED = "HostKeyTrusted"
    NAME_NOT_FOUND = "NameNotFound"
    CONNECTION_REFUSED = "ConnectionRefused"
    HOST_UNREACHABLE = "HostUnreachable"
    TIMED_OUT = "TimedOut"
    NOT_AN_SSH_SERVER = "NotAnSshServer"
    CONNECTION_LOST = "ConnectionLost"
    """The server ended the connection in the middle of it, such as sshd over its MaxStartups."""
    NO_COMMON_ALGORITHM = "NoCommonAlgorithm"
    HOST_KEY_UNKNOWN = "HostKeyUnknown"
    HOST_KEY_CHANGED = "HostKeyChanged"
    HOST_KEY_REVOKED = "HostKeyRevoked"
    HOST_CERTIFICATE_REFUSED = "HostCertificateRefused"
    """Expired, of another host, of an unknown CA, a user's certificate, with an unknown critical option."""
    AUTHENTICATION_FAILED = "AuthenticationFailed"
    SIGNATURE_ALGORITHM_REFUSED = "SignatureAlgorithmRefused"
    """The server takes RSA signatures with SHA-1 only."""
    CHANNEL_REFUSED = "ChannelRefused"
    """The login is good, and no session can be opened."""
    JUMP_FAILED = "JumpFailed"

    # what installing found
    INSTALLED = "Installed"
    INSTALLED_BY_HAND = "InstalledByHand"
    """The line is there and is not ours, or manage is None and the key logs in."""
    NOT_INSTALLED = "NotInstalled"
    BOOTSTRAP_MISSING = "BootstrapMissing"
    """No key logs in yet, and there is no bootstrap, or its Secret or credential is not there."""
    BOOTSTRAP_FAILED = "BootstrapFailed"
    INSTALL_FAILED = "InstallFailed"
    """Home or file cannot be written, is a link to elsewhere, is too large, or the disk is full: see the message."""
    RETIRED_KEY_ACCEPTED = "RetiredKeyAccepted"
    """A key that was replaced still opens the door."""

    FORBIDDEN = "Forbidden"
    SERVER_UNAVAILABLE = "ServerUnavailable"
    KEY_UNAVAILABLE = "KeyUnavailable"


_EXCEPTIONS: Final[dict[TargetReason, Course]] = {
    TargetReason.LOGGED_IN: Course.READY,
    TargetReason.HOST_KEY_TRUSTED: Course.READY,
    TargetReason.INSTALLED: Course.READY,
    TargetReason.INSTALLED_BY_HAND: Course.READY,
    TargetReason.PENDING: Course.WORK,
    TargetReason.PROBING: Course.WORK,
    TargetReason.CREDENTIAL_MISSING: Course.WAIT,
    TargetReason.CREDENTIAL_NOT_READY: Course.WAIT,
    TargetReason.KNOWN_HOSTS_CONFIG_MAP_MISSING: Course.WAIT,
    TargetReason.JUMP_TARGET_MISSING: Course.WAIT,
    TargetReason.TARGET_NOT_GUARDED: Course.RETRY,
    TargetReason.NAME_NOT_FOUND: Course.RETRY,
    TargetReason.CONNECTION_REFUSED: Course.RETRY,
    TargetReason.HOST_UNREACHABLE: Course.RETRY,
    TargetReason.TIMED_OUT: Course.RETRY,
    TargetReason.CONNECTION_LOST: Course.RETRY,
    TargetReason.JUMP_FAILED: Course.RETRY,
    TargetReason.NOT_AN_SSH_SERVER: Course.RETRY,
    TargetReason.CHANNEL_REFUSED: Course.RETRY,
    TargetReason.INSTALL_FAILED: Course.RETRY,
    TargetReason.FORBIDDEN: Course.RETRY,
    TargetReason.SERVER_UNAVAILABLE: Course.RETRY,
    TargetReason.KEY_UNAVAILABLE: Course.RETRY,
}

TARGET_COURSE: Final[dict[TargetReason, Course]] = {
    reason: _EXCEPTIONS.get(reason, Course.STOP) for reason in TargetReason
}
"""Where this table says nothing else, only the user can help. Every failed probe is tried again all the same."""

PASSING: Final = frozenset(
    {
        TargetReason.NAME_NOT_FOUND,
        TargetReason.CONNECTION_REFUSED,
        TargetReason.HOST_UNREACHABLE,
        TargetReason.TIMED_OUT,
        TargetReason.CONNECTION_LOST,
        TargetReason.NOT_AN_SSH_SERVER,
        TargetReason.CHANNEL_REFUSED,
        TargetReason.JUMP_FAILED,
    }
)
"""Trouble that may pass by itself: it does not turn a good state bad at once."""


class TargetNote(StrEnum):
    """Remarks about a target that refuse nothing."""

    BOOTSTRAP_PRESENT = "BootstrapPresent"
    """The key is installed: the bootstrap is not needed any more and can be removed from the spec."""
    RETIRED_KEY_ACCEPTED = "RetiredKeyAccepted"
    TRUSTED_ON_FIRST_USE = "TrustedOnFirstUse"
