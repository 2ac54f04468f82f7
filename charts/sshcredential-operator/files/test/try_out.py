"""`helm test`: makes a credential in a workspace, waits until it is Ready, and deletes it again.

Runs in the operator's image with the standard library alone, as a ServiceAccount that may do this and nothing else. It
reads public facts only: of the credential's Secret, that it is there.
"""

import json
import os
import re
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

ACCOUNT = Path(os.environ.get("SERVICE_ACCOUNT", "/var/run/secrets/kubernetes.io/serviceaccount"))
HOST = os.environ["KUBERNETES_SERVICE_HOST"]
SERVER = f"https://{f'[{HOST}]' if ':' in HOST else HOST}:{os.environ['KUBERNETES_SERVICE_PORT']}"
NAMESPACE, NAME, OPERATOR = os.environ["NAMESPACE"], os.environ["NAME"], os.environ["OPERATOR"]
SECONDS = float(os.environ.get("SECONDS", "60"))

CREDENTIALS = f"/apis/sshcredentials.dev/v1alpha1/namespaces/{NAMESPACE}/sshcredentials"
CREDENTIAL = f"{CREDENTIALS}/{NAME}"
SECRET = f"/api/v1/namespaces/{NAMESPACE}/secrets/{NAME}-sshcredential"
METADATA_ALONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
WISH = {
    "apiVersion": "sshcredentials.dev/v1alpha1",
    "kind": "SSHCredential",
    "metadata": {"name": NAME},
    "spec": {
        "description": "Made by helm test, which deletes it again",
        "generate": {},
        "deletionPolicy": "Delete",
        "deletionGracePeriod": "0s",
    },
}


def main() -> int:
    """Go through the steps; return the exit status."""
    try:
        say(f"1. The operator at {OPERATOR} is ready", until(ready, "it is ready"))
        call("DELETE", CREDENTIAL)  # left by a test that was cut off
        until(gone, "what an earlier test left is gone")
        say(f"2. SSHCredential {NAME} in namespace {NAMESPACE} was created", created())
        try:
            status = until(credential_ready, "the credential is Ready")
            say("3. It is Ready, with the fingerprint", facts(status))
            say("4. Its Secret is there", secret_there())
        finally:
            call("DELETE", CREDENTIAL)
        say("5. The credential was deleted, and its Secret with it", until(gone, "credential and Secret are gone"))
    except Failed as failed:
        print(f"FAILED: {failed.sentence}", flush=True)
        return 1
    print("All is well.", flush=True)
    return 0


class Failed(Exception):
    """A step did not succeed; `sentence` is for a person."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


def ready() -> tuple[bool, str]:
    """Return what /readyz says, or why not yet."""
    try:
        with direct.open(f"{OPERATOR}/readyz", timeout=5) as answer:
            return True, answer.read(2000).decode().strip().replace("\n", " ")
    except urllib.error.HTTPError as refused:
        return False, f"/readyz says: {refused.read(2000).decode().strip()}"
    except OSError:
        return False, f"{OPERATOR} does not answer: does a NetworkPolicy keep this pod from it?"


def created() -> str:
    """Create the credential."""
    code, answer = call("POST", CREDENTIALS, WISH)
    if code != HTTPStatus.CREATED:
        raise Failed(f"The API server refused the SSHCredential ({code}): {answer.get('message')}")
    return "ok"


def credential_ready() -> tuple[bool, Any]:
    """Return the status once Ready is True for this generation, or what Ready says. Stalled needs no more patience."""
    code, found = call("GET", CREDENTIAL)
    if code != HTTPStatus.OK:
        return False, f"The API server answers {code}: {found.get('message')}"
    status = found.get("status", {})
    conditions = {condition["type"]: condition for condition in status.get("conditions", [])}
    if "Ready" not in conditions:
        return False, "It has no condition Ready."
    ready = conditions["Ready"]
    said = f"Ready is {ready['status']}, {ready.get('reason')}: {ready.get('message')}"
    if conditions.get("Stalled", {}).get("status") == "True":
        raise Failed(f"The credential is stalled. {said}")
    done = ready["status"] == "True" and status.get("observedGeneration") == found["metadata"]["generation"]
    return done, status if done else said


def facts(status: dict[str, Any]) -> str:
    """Check what the status shows; return the fingerprint."""
    fingerprint, public_key = str(status.get("fingerprint")), str(status.get("publicKey"))
    if not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", fingerprint):
        raise Failed(f"status.fingerprint is no fingerprint: {fingerprint!r}")
    if not public_key.startswith("ssh-ed25519 "):
        raise Failed(f"status.publicKey is no Ed25519 key: {public_key!r}")
    return fingerprint


def secret_there() -> str:
    """See that the Secret exists, without reading it."""
    code, answer = call("GET", SECRET, accept=METADATA_ALONE)
    if code != HTTPStatus.OK:
        raise Failed(f"The credential is Ready, but its Secret is not there ({code}): {answer.get('message')}")
    return str(answer["metadata"]["name"])


def gone() -> tuple[bool, str]:
    """Whether neither the credential nor its Secret is there."""
    for path in (CREDENTIAL, SECRET):
        code, answer = call("GET", path, accept=METADATA_ALONE)
        if code == HTTPStatus.OK:
            return False, f"{path} is still there."
        if code != HTTPStatus.NOT_FOUND:
            return False, f"The API server answers {code}: {answer.get('message')}"
    return True, "ok"


def until(look: Callable[[], tuple[bool, Any]], what: str) -> Any:
    """Return what is seen once the look succeeds; raise Failed with what was seen last."""
    end = time.monotonic() + SECONDS
    while True:
        done, seen = look()
        if done:
            return seen
        if time.monotonic() > end:
            raise Failed(f"Waited {SECONDS:.0f} seconds until {what}. {seen}")
        time.sleep(0.5)


def call(
    method: str, path: str, body: dict[str, Any] | None = None, accept: str = "application/json"
) -> tuple[int, dict[str, Any]]:
    """Send a request to the API server; return the code of the answer and its JSON."""
    headers = {
        "Authorization": "Bearer " + (ACCOUNT / "token").read_text().strip(),
        "Accept": accept,
        "Content-Type": "application/json",
    }
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(SERVER + path, data, headers, method=method)
    try:
        with api.open(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        text = refused.read(10000)
        try:
            return refused.code, json.loads(text)
        except ValueError:
            return refused.code, {"message": "no JSON"}
    except OSError:
        raise Failed(f"The API server at {SERVER} does not answer.") from None


def say(step: str, result: str) -> None:
    """Tell that a step succeeded."""
    print(f"{step}: {result}", flush=True)


no_proxy = urllib.request.ProxyHandler({})
direct = urllib.request.build_opener(no_proxy)
tls = ssl.create_default_context(cafile=str(ACCOUNT / "ca.crt"))
api = urllib.request.build_opener(no_proxy, urllib.request.HTTPSHandler(context=tls))

if __name__ == "__main__":
    sys.exit(main())
