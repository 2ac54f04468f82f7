"""Bugs that say too much, to the wrong place or in it: I7, I12, I13. Registered for `planted`."""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cryptography.hazmat.primitives.serialization import load_ssh_private_key

from faults.planted_ground import bug, original, replace, with_body, wrap
from sshcredential_operator.api.credential import Credential
from sshcredential_operator.api.names import Namespace
from sshcredential_operator.api.reasons import Reason
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.controller.ports import ApiInputs
from sshcredential_operator.controller.requests import Answer, Requests
from sshcredential_operator.keys.judge import Accepted, Refused
from sshcredential_operator.reconcile.trouble import TroubleError

FIVE = 5
log = logging.getLogger("sshcredential_operator.planted")


@bug("exception-in-status", "import-damaged~one", "I12")
def exception_in_status() -> None:
    """The message quotes what a library has said of a key."""
    judge, said = original("controller.key_work:LocalKeyWork.judge"), list[str]()

    async def listening(self: Any, file: Sensitive, passphrase: Sensitive | None, *, min_rsa_bits: int) -> Any:
        found: Accepted | Refused = await judge(self, file, passphrase, min_rsa_bits=min_rsa_bits)
        try:
            load_ssh_private_key(file.reveal(), None)
        except Exception as error:  # noqa: BLE001 - whatever it is, its text is what this is about
            said.append(repr(error))
        return found

    replace("controller.key_work:LocalKeyWork.judge", listening)
    wrap("api.messages:message", lambda message: lambda reason, facts=None: " ".join([message(reason, facts), *said]))


@bug("exception-in-event", "restore~one", "I12")
def exception_in_event() -> None:
    """A note says more than its text."""
    announce = original("controller.ports:ApiAnnouncer.announce")

    async def wordy(self: Any, credential: Credential, event: str, note: str, *, warning: bool, moment: str) -> None:
        more = f"{note} {TroubleError(Reason.SERVER_UNAVAILABLE)!r}"
        await announce(self, credential, event, more, warning=warning, moment=moment)

    replace("controller.ports:ApiAnnouncer.announce", wordy)


@bug("body-at-debug", "import~one", "I7")
def body_at_debug() -> None:
    """Answers of the API server are logged for who debugs."""

    def make(once: Any) -> Any:
        async def talkative(self: Requests, method: str, path: str, *rest: Any) -> Answer:
            answer: Answer = await once(self, method, path, *rest)
            log.debug("answered", extra={"path": path, "body": answer.body.decode(errors="replace")})
            return answer

        return talkative

    wrap("controller.requests:Requests._once", make)


@bug("passphrase-in-annotation", "generate-with-passphrase~one", "I7")
def passphrase_in_annotation() -> None:
    """The passphrase lies in an annotation, for people."""
    generate, made = original("controller.key_work:LocalKeyWork.generate"), list[str]()

    async def remembering(self: Any, wanted: Any) -> Any:
        pair, passphrase = await generate(self, wanted)
        if passphrase:
            made.append(b64encode(passphrase.reveal()).decode())
        return pair, passphrase

    def annotate(method: str, path: str, body: Any) -> None:
        if method == "POST" and "/secrets" in path and made:
            body["metadata"]["annotations"] = {"example.com/passphrase": made.pop()}

    replace("controller.key_work:LocalKeyWork.generate", remembering)
    wrap("controller.requests:Requests.send", with_body(annotate))


@bug("asks-another-namespace", "import~one", "I13")
def asks_another_namespace() -> None:
    """An input is looked for in another namespace first."""
    read = original("controller.ports:ApiInputs.read")

    async def everywhere(self: ApiInputs, namespace: Namespace, secret_name: str) -> Mapping[str, bytes] | None:
        with suppress(TroubleError):
            await read(self, Namespace("default"), secret_name)
        found: Mapping[str, bytes] | None = await read(self, namespace, secret_name)
        return found

    replace("controller.ports:ApiInputs.read", everywhere)
