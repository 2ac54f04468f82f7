"""What the random steps choose from: names, sources, times, and Secrets that a user brings. Used by `steps`."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from hypothesis import strategies as st

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.keys.generate import generate

Spec = dict[str, Any]

LIVING: Final = ("hpc-login", "laptop")
NAMES: Final = st.sampled_from(["hpc-login", "hpc-login", "hpc-login", "laptop"])
PAIRS: Final = [generate(Algorithm.ED25519, 256, f"brought-{number}") for number in range(3)]
BROUGHT: Final[dict[str, Mapping[str, bytes] | None]] = {
    "a key": {"ssh-privatekey": PAIRS[0].private.reveal(), "second": PAIRS[1].private.reveal()},
    "another key": {"ssh-privatekey": PAIRS[1].private.reveal(), "second": PAIRS[0].private.reveal()},
    "a third key": {"ssh-privatekey": PAIRS[2].private.reveal()},
    "a public key": {"ssh-privatekey": PAIRS[0].public.line.encode()},
    "something else": {"other": b"1"},
    "nothing": None,
}
SOURCES: Final[dict[str, Spec]] = {
    "Ed25519": {"generate": {"algorithm": "Ed25519"}},
    "ECDSA": {"generate": {"algorithm": "ECDSA", "bits": 256}},
    "a passphrase": {"generate": {"algorithm": "Ed25519", "passphrase": "Generate", "comment": "new"}},
    "an input": {"importFrom": {"privateKey": {"secretName": "", "key": "ssh-privatekey"}}},
    "its second key": {"importFrom": {"privateKey": {"secretName": "", "key": "second"}}},
}
"""Each credential has an input Secret of its own."""

ROTATIONS: Final = st.fixed_dictionaries(
    {
        "prepare": st.sampled_from(["0s", "0s", "20s", "2h"]),
        "overlap": st.sampled_from(["24h", "24h", "0s", "5s", "1h"]),
        "every": st.sampled_from([None, None, "24h", "240h"]),
    }
)
DELETIONS: Final = st.fixed_dictionaries(
    {
        "deletionPolicy": st.sampled_from(["Delete", "Delete", "Retain"]),
        "deletionGracePeriod": st.sampled_from(["168h", "0s", "1m"]),
    }
)
RAISES: Final = st.sampled_from([1, 1, 1, 2, 0, -1, -2])
WHILES: Final = st.sampled_from([timedelta(seconds=s) for s in (1, 5, 10, 20, 60, 3600, 7200, 90_000, 700_000)])
JUMPS: Final = st.sampled_from([timedelta(hours=h) for h in (1, -1, 24, -24, 24 * 365, -24 * 365)])
WHICH: Final = st.integers(0, 30)
UNKNOWN: Final = "SHA256:" + "A" * 43


def input_of(name: str) -> str:
    """Return the name of the Secret that a user brings a key for this credential in."""
    return f"{name}-key"


def source_of(name: str, which: str) -> Spec:
    """Return a source that is not sealed."""
    source = copy.deepcopy(SOURCES[which])
    if "importFrom" in source:
        source["importFrom"]["privateKey"]["secretName"] = input_of(name)
    return source
