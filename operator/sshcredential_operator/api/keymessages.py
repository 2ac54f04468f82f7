"""What is said of a key that a user brings: of each refusal what is wrong and what to do, and what each note means.

A part of the catalogue in `api/messages.py`; docs/keys.md is made from it. `{origin}` is where the key came from:
"Secret my-key", or "this file"; `{passphrase_field}` is where its passphrase is given.
"""

from __future__ import annotations

from typing import Final

from sshcredential_operator.api.keyreasons import KeyRefusal, Note
from sshcredential_operator.api.text import Text

KEY_TEXTS: Final[dict[KeyRefusal, Text]] = {
    KeyRefusal.EMPTY: Text("The private key in {origin} is empty.", "Put the whole private key file there."),
    KeyRefusal.NOT_A_KEY: Text(
        "What lies in {origin} is no private key: it has no BEGIN line.",
        "Put the contents of the private key file there, not its path "
        "(kubectl create secret generic ... --from-file=...).",
    ),
    KeyRefusal.TOO_LARGE: Text(
        "The private key in {origin} is larger than 64 KiB, or its passphrase larger than 4 KiB.",
        "Put only the private key file there, and only the passphrase.",
    ),
    KeyRefusal.PUBLIC_KEY: Text(
        "This is the public half of a key pair, in {origin}.",
        "Give the private key: the file of the same name without .pub.",
    ),
    KeyRefusal.CERTIFICATE: Text(
        "This is an SSH certificate, in {origin}.",
        "Give the private key it was issued for: the file without -cert.pub.",
    ),
    KeyRefusal.X509_CERTIFICATE: Text(
        "This is an X.509 certificate, in {origin}.", "Give the private key that belongs to it."
    ),
    KeyRefusal.PGP_KEY: Text(
        "This is a PGP key, in {origin}; SSH does not read those.", "Make an SSH key: ssh-keygen -t ed25519 -f FILE"
    ),
    KeyRefusal.AGE_IDENTITY: Text(
        "This is an age identity, in {origin}: it decrypts files and cannot log in.",
        "Make an SSH key: ssh-keygen -t ed25519 -f FILE",
    ),
    KeyRefusal.AGE_ENCRYPTED: Text(
        "The file in {origin} is encrypted with age.",
        "Decrypt it first: age --decrypt -o FILE FILE.age (with -i IDENTITY unless it has a passphrase)",
    ),
    KeyRefusal.HARDWARE_KEY: Text(
        "This key lives in a hardware token (sk-...): the file in {origin} does not hold the secret.",
        "Use a key that is not bound to a token, for example spec.generate.",
    ),
    KeyRefusal.DSA_KEY: Text(
        "This is a DSA key, which OpenSSH no longer accepts, in {origin}.",
        "Make a new key: ssh-keygen -t ed25519, or spec.generate.",
    ),
    KeyRefusal.UNSUPPORTED_KEY_TYPE: Text(
        "The key in {origin} is of a type that SSH does not use for logins.",
        "Use an Ed25519, ECDSA or RSA key: ssh-keygen -t ed25519, or spec.generate.",
    ),
    KeyRefusal.UNSUPPORTED_CURVE: Text(
        "The elliptic curve of the key in {origin} is none that SSH uses.",
        "Use P-256, P-384 or P-521, or Ed25519: ssh-keygen -t ed25519.",
    ),
    KeyRefusal.RSA_PSS_KEY: Text(
        "The RSA key in {origin} is bound to RSA-PSS signatures, which SSH does not use.",
        "Make a new key: ssh-keygen -t ed25519, or ssh-keygen -t rsa -b 4096.",
    ),
    KeyRefusal.RSA_TOO_SMALL: Text(
        "The RSA key in {origin} has {bits} bits; at least {least} are asked for here.",
        "Make a new key: ssh-keygen -t ed25519, or ssh-keygen -t rsa -b 4096.",
    ),
    KeyRefusal.RSA_TOO_LARGE: Text(
        "The RSA key in {origin} has {bits} bits; more than 8192 is refused.",
        "Make a new key: ssh-keygen -t ed25519.",
    ),
    KeyRefusal.ODD_MODULUS_SIZE: Text(
        "The RSA key in {origin} has {bits} bits, which is no multiple of 8; many SSH programs refuse it.",
        "Make a new key: ssh-keygen -t ed25519, or ssh-keygen -t rsa -b 4096.",
    ),
    KeyRefusal.WEAK_KEY: Text(
        "The private key in {origin} can be computed from its public half ({weakness}): whoever sees that may log in.",
        "Make a new key with ssh-keygen -t ed25519 and take this one out of every authorized_keys.",
    ),
    KeyRefusal.TRUNCATED: Text(
        "The private key in {origin} is cut off: its BEGIN or END line is missing.",
        "Copy the whole file, from the BEGIN line to the END line.",
    ),
    KeyRefusal.CORRUPT: Text(
        "The private key in {origin} is damaged.",
        "Copy the file again without changing it, and check it with: ssh-keygen -y -f FILE",
    ),
    KeyRefusal.LABEL_MISMATCH: Text(
        "The BEGIN line of the private key in {origin} names another format than its contents have: {label}.",
        "Copy the original file; or write {label} into its BEGIN and END lines.",
    ),
    KeyRefusal.MULTIPLE_KEYS: Text(
        "There is more than one private key in {origin}.",
        "Make one Secret and one SSHCredential for each of them.",
    ),
    KeyRefusal.PUBLIC_PRIVATE_MISMATCH: Text(
        "The public half that stands with the private key in {origin} belongs to another key.",
        "Take the file from where the key was made; this copy was put together wrongly.",
    ),
    KeyRefusal.PASSPHRASE_REQUIRED: Text(
        "The private key in {origin} is encrypted and no passphrase is given.",
        "Name it in {passphrase_field}, or give a key without one (ssh-keygen -p).",
    ),
    KeyRefusal.WRONG_PASSPHRASE: Text(
        "The passphrase does not open the private key in {origin} (or the file is damaged).",
        "Correct the passphrase; check it with: ssh-keygen -y -f FILE",
    ),
    KeyRefusal.UNSUPPORTED_CIPHER: Text(
        "The private key in {origin} is encrypted with a cipher that is not supported.",
        "Encrypt it anew: ssh-keygen -p -f FILE; or openssl pkcs8 -provider legacy -provider default -in FILE -out NEW",
    ),
    KeyRefusal.PKCS12: Text(
        "This is a PKCS#12 file (.p12, .pfx), in {origin}.",
        "Take the key out of it: openssl pkcs12 -in FILE.p12 -nocerts -nodes -out FILE (old files need -legacy, too)",
    ),
    KeyRefusal.SSH_COM_FORMAT: Text(
        "The private key in {origin} has the format of ssh.com (Tectia).",
        "Convert it: puttygen FILE -O private-openssh-new -o NEW",
    ),
    KeyRefusal.SSH1_KEY: Text(
        "This is a key for version 1 of SSH, which no server speaks any more, in {origin}.",
        "Make a new key: ssh-keygen -t ed25519 -f FILE",
    ),
    KeyRefusal.PPK_FORMAT: Text(
        "The private key in {origin} is a PuTTY file of an old version or with an unknown encryption.",
        "Convert it: puttygen FILE.ppk -O private-openssh-new -o FILE",
    ),
    KeyRefusal.KDF_TOO_EXPENSIVE: Text(
        "Opening the private key in {origin} would cost too much: its passphrase is stretched too far.",
        "Encrypt it anew with usual settings: ssh-keygen -p -a 16 -f FILE; a PuTTY file: "
        "puttygen FILE.ppk -O private-openssh-new -o FILE",
    ),
    KeyRefusal.TIMED_OUT: Text(
        "Checking the private key in {origin} took too long and was stopped.",
        "Encrypt it anew with usual settings: ssh-keygen -p -a 16 -f FILE; or use another key.",
    ),
}

NOTE_TEXTS: Final[dict[Note, str]] = {
    Note.ENCODING_REPAIRED: "The file was UTF-16 or began with a byte order mark.",
    Note.BASE64_REMOVED: "The whole file was encoded in base64 once more.",
    Note.LINE_ENDINGS_REPAIRED: "The file had line ends that `ssh` refuses. The stored copy does not.",
    Note.WHITESPACE_REPAIRED: "The file had blanks or indentation that `ssh` refuses. The stored copy does not.",
    Note.QUOTES_REMOVED: "The file stood in quotes, in a JSON string, or behind `>` as a mail program quotes.",
    Note.NEWLINES_RESTORED: r"The file's line breaks were missing, or had become blanks or a literal `\n`.",
    Note.HEADER_REPAIRED: "The BEGIN or END line had other dashes or letters than it must have.",
    Note.ARMOUR_RESTORED: "The BEGIN and END lines were missing.",
    Note.LABEL_REPAIRED: "The BEGIN line named another format than the contents had.",
    Note.DUPLICATE_REMOVED: "The same key stood in the file more than once.",
    Note.PUBLIC_HALF_REMOVED: "The public half stood beside the private key. It is the right one, and was left out.",
    Note.TEXT_REMOVED: "Other text or certificates stood beside the key, and were left out.",
    Note.NO_PASSPHRASE: "The key that you brought had no passphrase. "
    "One is recommended for a key that comes from elsewhere.",
    Note.PASSPHRASE_NOT_NEEDED: "A passphrase was given for a key without one. It was not stored.",
    Note.LEGACY_KDF: "The file protected the key with an outdated method (MD5 or SHA-1). The stored copy does not.",
    Note.RSA_BELOW_3072: "The RSA key has fewer than 3072 bits. It works; plan for a stronger one.",
    Note.SMALL_EXPONENT: "The RSA key has the public exponent 3.",
    Note.PASSPHRASE_NEWLINE_REMOVED: "The passphrase ended with a line break that did not belong to it, "
    "as `echo` makes one.",
}
"""What each note about a key means. The other notes are about the credential."""
