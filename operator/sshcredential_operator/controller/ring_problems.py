"""What is wrong with the key ring, and what to do, for the log, /readyz and events. One sentence or two for each."""

from __future__ import annotations

from typing import Final

from sshcredential_operator.encryption.root_check import RootProblem
from sshcredential_operator.encryption.root_key import RootSource
from sshcredential_operator.encryption.roots import RootPlace

_SENTENCES: Final[dict[RootProblem, str]] = {
    RootProblem.ROOT_LOST: (
        "The root key ({where}) is gone, but things encrypted under it exist. No new one is made. "
        "Restore it from its backup."
    ),
    RootProblem.ROOT_MISSING: (
        "There is no root key ({where}), and the operator does not make one there. "
        "Put one there, or name another source."
    ),
    RootProblem.ROOT_WRONG: (
        "The root key in {where} is not the one that the workspaces' keys were wrapped with. "
        "Restore the right one from its backup."
    ),
    RootProblem.ROOT_MALFORMED: (
        "{Where} does not hold a root key (cut, changed, or of another type). Restore it from its backup."
    ),
    RootProblem.ROOT_AWAY: (
        "The root key ({where}) cannot be read now. "
        "What was opened before is served; nothing new is made until it is back."
    ),
    RootProblem.CANARY_MALFORMED: (
        "The canary of the root key is damaged. Delete its Secret (sshcredential-canary-...): "
        "it is made again if the root key opens the workspaces' keys."
    ),
    RootProblem.KEKS_LOST: (
        "Credentials exist, but neither the root key's canary nor any workspace's key does. "
        "Restore the Secrets of the operator's namespace from their backup."
    ),
    RootProblem.UNSETTLED: (
        "The Secrets of the key ring keep changing, or a Secret of another type has the name of one of them. "
        "Look for whoever writes to the operator's namespace."
    ),
}

_OF_A_KMS: Final[dict[RootProblem, str]] = {
    RootProblem.ROOT_WRONG: (
        "The {where} opens neither its canary nor any workspace's key: it works with another key than before. "
        "Give it the right key."
    ),
    RootProblem.ROOT_AWAY: (
        "The {where} does not answer, or says that it is not healthy or cannot do it now. "
        "What was opened before is served; nothing new is made until it is back."
    ),
}


def sentence_of(problem: RootProblem, place: RootPlace) -> str:
    """Return the sentence about a problem with the root that should be at this place."""
    texts = _SENTENCES | _OF_A_KMS if place.source is RootSource.KMS else _SENTENCES
    where = place.where
    return texts[problem].format(where=where, Where=where[:1].upper() + where[1:])
