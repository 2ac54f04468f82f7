"""Logging in (RFC 4252): one request at a time, its answer read strictly, and nothing of the server's text kept.

Stands in the place of paramiko's own handler, which cannot ask about a key without signing, waits for ever for a
service that is not granted, and reads as many prompts as the server announces. Used by `client.py` and `dial.py`.
"""

from __future__ import annotations

import queue
from collections.abc import Callable
from enum import Enum, auto
from typing import Final, NamedTuple

from paramiko import Message  # type: ignore[import-untyped]  # it has no types

from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.keys.wire import string
from sshcredential_operator.ssh.signing import RSA, RSA_SIGNATURES, Signer, type_of
from sshcredential_operator.ssh.transport import Broken, Connection
from sshcredential_operator.ssh.trouble import VisitEnded, ended

_SERVICE_REQUEST, _SERVICE_ACCEPT = 5, 6
_REQUEST, _FAILURE, _SUCCESS, _BANNER = 50, 51, 52, 53
_OK_OR_PROMPT: Final = 60
_RESPONSE: Final = 61
_MOST_ROUNDS: Final = 4


class Said(Enum):
    """What a server can say to a request."""

    SERVICE = auto()
    YES = auto()
    NO = auto()
    PARTLY = auto()
    """The key is good, and the server wants something else as well."""
    MORE = auto()
    """SSH_MSG_USERAUTH_PK_OK or SSH_MSG_USERAUTH_INFO_REQUEST: the same number, told apart by what was asked."""


class _Answer(NamedTuple):
    said: Said
    message: Message


class Authentication:
    """One connection's login. Its public names are those that paramiko's Transport asks its handler for."""

    def __init__(self, connection: Connection, username: str) -> None:
        self._connection = connection
        self._username = username.encode()
        self._answers = queue.SimpleQueue[_Answer | None]()
        self._authenticated = False
        self._methods: frozenset[str] = frozenset()
        self._handler_table: dict[int, Callable[[Message], None]] = {
            _SERVICE_ACCEPT: lambda message: self._answers.put(_Answer(Said.SERVICE, message)),
            _SUCCESS: self._succeeded,
            _FAILURE: self._failed,
            _BANNER: lambda _: None,
            _OK_OR_PROMPT: lambda message: self._answers.put(_Answer(Said.MORE, message)),
        }

    @classmethod
    def begun(cls, connection: Connection, username: str) -> Authentication:
        """Ask for the service that lets one log in."""
        begun = cls(connection, username)
        connection.auth_handler = begun
        if begun._ask(bytes([_SERVICE_REQUEST]) + string(b"ssh-userauth")).said is not Said.SERVICE:
            raise ended(TargetReason.NOT_AN_SSH_SERVER)
        return begun

    def is_authenticated(self) -> bool:
        """Tell whether the server has said yes."""
        return self._authenticated

    def abort(self) -> None:
        """Wake who waits: the connection is over."""
        self._answers.put(None)

    def sign_in(self, signer: Signer) -> Said:
        """Log in with a key."""
        algorithm = self._algorithm(signer.blob)
        if algorithm is None:
            raise ended(TargetReason.SIGNATURE_ALGORITHM_REFUSED)
        said = self._signed(algorithm, signer)
        return self._signed_otherwise(algorithm, signer) if said is Said.NO and signer.is_rsa else said

    def would_accept(self, blob: bytes) -> bool:
        """Ask whether this public key would be let in, without signing anything."""
        return self._would_accept(self._algorithm(blob) or RSA, blob)

    def give_password(self, password: Sensitive) -> Said:
        """Log in with a password, also where it is asked for in a dialogue (RFC 4256) with one hidden prompt."""
        said = self._ask(self._request(b"password") + b"\0" + string(password.reveal())).said
        if said is Said.NO and "keyboard-interactive" in self._methods:
            return self._in_a_dialogue(password)
        return Said.NO if said is Said.MORE else said  # it wants another password to be set

    def _signed(self, algorithm: bytes, signer: Signer) -> Said:
        request = self._public_key(algorithm, signer.blob, signed=True)
        signature = signer.sign(algorithm, string(self._connection.session_id) + request)
        return self._ask(request + string(signature)).said

    def _signed_otherwise(self, refused: bytes, signer: Signer) -> Said:
        """Find out whether it was only the hash: what a server lists is not always what it takes."""
        for algorithm in (*RSA_SIGNATURES, RSA):
            try:
                accepted = algorithm != refused and self._would_accept(algorithm, signer.blob)
            except VisitEnded as end:
                if end.failed.reason is TargetReason.CONNECTION_LOST:  # too many tries
                    return Said.NO
                raise
            if accepted and algorithm == RSA:
                raise ended(TargetReason.SIGNATURE_ALGORITHM_REFUSED)
            if accepted:
                return self._signed(algorithm, signer)
        return Said.NO

    def _in_a_dialogue(self, password: Sensitive) -> Said:
        answer = self._ask(self._request(b"keyboard-interactive") + string(b"") + string(b""))
        unused = [password.reveal()]
        for _ in range(_MOST_ROUNDS):
            if answer.said is not Said.MORE:
                break
            prompts = _hidden_prompts(answer.message)
            if prompts is None or prompts > len(unused):
                return Said.NO
            replies = [unused.pop() for _ in range(prompts)]
            answer = self._ask(bytes([_RESPONSE]) + len(replies).to_bytes(4, "big") + b"".join(map(string, replies)))
        return Said.NO if answer.said is Said.MORE else answer.said

    def _would_accept(self, algorithm: bytes, blob: bytes) -> bool:
        answer = self._ask(self._public_key(algorithm, blob, signed=False))
        if answer.said is Said.YES:
            raise ended(TargetReason.NOT_AN_SSH_SERVER)  # it lets in whoever asks
        return answer.said is Said.MORE and answer.message.asbytes() == string(algorithm) + string(blob)

    def _algorithm(self, blob: bytes) -> bytes | None:
        """Return the signature algorithm for this key; None when the server takes SHA-1 for it, and nothing better."""
        kind = type_of(blob)
        if kind != RSA:
            return kind
        named: bytes = self._connection.server_extensions.get(b"server-sig-algs", b"")
        taken = named.split(b",")
        if RSA in taken and not set(RSA_SIGNATURES) & set(taken):
            return None
        return next((name for name in RSA_SIGNATURES if name in taken), RSA_SIGNATURES[0])

    def _public_key(self, algorithm: bytes, blob: bytes, *, signed: bool) -> bytes:
        return self._request(b"publickey") + bytes([signed]) + string(algorithm) + string(blob)

    def _request(self, method: bytes) -> bytes:
        return bytes([_REQUEST]) + string(self._username) + string(b"ssh-connection") + string(method)

    def _ask(self, request: bytes) -> _Answer:
        self._connection.say(request)
        try:
            answer = self._answers.get(timeout=self._connection.deadline.remaining())
        except queue.Empty:
            answer = None
        if answer is None:
            raise ended(self._connection.reason_of_end())
        return answer

    def _succeeded(self, message: Message) -> None:
        if not self._authenticated:  # here, since the server may go on at once
            self._connection.stream.allow(self._connection.after_login)
        self._authenticated = True
        self._connection.authenticated = True
        self._answers.put(_Answer(Said.YES, message))

    def _failed(self, message: Message) -> None:
        self._methods = frozenset(message.get_list())
        self._answers.put(_Answer(Said.PARTLY if message.get_boolean() else Said.NO, message))


def _hidden_prompts(message: Message) -> int | None:
    """Return how many prompts there are, without their texts; None when one of them is not for a secret."""
    try:
        for _ in range(3):  # name, instruction, language
            message.get_string()
        count = message.get_int()
        if count > 1:
            return None
        shown = any((message.get_string(), message.get_boolean())[1] for _ in range(count))
    except Broken:
        return None
    return None if shown else count
