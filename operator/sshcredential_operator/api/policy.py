"""What a workspace's keys have to be: least RSA size, allowed algorithms, longest age.

Given by whoever runs the operator, in a file that `cli/operator.py` reads. A policy says what new keys may be; a stored
key stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.durations import parse_duration
from sshcredential_operator.api.names import Namespace
from sshcredential_operator.api.terminal import printable

LEAST_RSA_BITS: Final = 2048
MOST_RSA_BITS: Final = 8192


class PolicyInvalid(Exception):
    """A policy file that cannot be used; `sentence` says where and what to write instead."""

    def __init__(self, sentence: str) -> None:
        super().__init__()
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Policy:
    """The policy of one workspace. `longest_age` None means that keys may become as old as they like."""

    min_rsa_bits: int = LEAST_RSA_BITS
    algorithms: frozenset[Algorithm] = frozenset(Algorithm)
    longest_age: timedelta | None = None

    def allows(self, algorithm: Algorithm, bits: int) -> bool:
        """Whether a new key may be of this kind."""
        return algorithm in self.algorithms and (algorithm is not Algorithm.RSA or bits >= self.min_rsa_bits)

    @property
    def words(self) -> str:
        """What is allowed, for people: `Ed25519, RSA from 3072 bits`."""
        named = (a for a in Algorithm if a in self.algorithms)
        return ", ".join(f"RSA from {self.min_rsa_bits} bits" if a is Algorithm.RSA else a.value for a in named)


@dataclass(frozen=True, slots=True)
class Policies:
    """The policies of all workspaces."""

    default: Policy = Policy()
    workspaces: Mapping[Namespace, Policy] = field(default_factory=dict)

    def of(self, namespace: Namespace) -> Policy:
        """Return the policy of one workspace."""
        return self.workspaces.get(namespace, self.default)


def parse_policies(raw: object) -> Policies:
    """Read a policy file's contents: `default` and `workspaces`, whose members begin with the default's.

    Raises PolicyInvalid.
    """
    members = _mapping(raw, "the file", {"default", "workspaces"})
    default = _policy(Policy(), members.get("default"), "default")
    workspaces = _mapping(members.get("workspaces"), "workspaces", None)
    return Policies(
        default,
        {
            Namespace(name): _policy(default, entry, f"workspaces.{printable(name)}")
            for name, entry in workspaces.items()
        },
    )


def _policy(default: Policy, raw: object, path: str) -> Policy:
    members = _mapping(raw, path, {"minRsaBits", "algorithms", "longestAge"})
    policy = default
    if "minRsaBits" in members:
        policy = replace(policy, min_rsa_bits=_bits(members["minRsaBits"], f"{path}.minRsaBits"))
    if "algorithms" in members:
        policy = replace(policy, algorithms=_algorithms(members["algorithms"], f"{path}.algorithms"))
    if "longestAge" in members:
        policy = replace(policy, longest_age=_age(members["longestAge"], f"{path}.longestAge"))
    return policy


def _mapping(raw: object, path: str, allowed: set[str] | None) -> Mapping[str, Any]:
    if raw is None:  # in YAML, a name with nothing after it
        return {}
    if not isinstance(raw, Mapping) or not all(isinstance(name, str) for name in raw):
        raise PolicyInvalid(f"{path} must be a mapping")
    unknown = sorted(set(raw) - allowed) if allowed else []
    if unknown:
        known = ", ".join(sorted(allowed or ()))
        raise PolicyInvalid(f"{path} has an unknown member {printable(unknown[0])}; known are {known}")
    return raw


def _bits(raw: object, path: str) -> int:
    if type(raw) is not int or not LEAST_RSA_BITS <= raw <= MOST_RSA_BITS:
        raise PolicyInvalid(f"{path} must be a number from {LEAST_RSA_BITS} to {MOST_RSA_BITS}")
    return raw


def _algorithms(raw: object, path: str) -> frozenset[Algorithm]:
    known = {algorithm.value: algorithm for algorithm in Algorithm}
    if not isinstance(raw, list) or not raw or not all(isinstance(name, str) and name in known for name in raw):
        raise PolicyInvalid(f"{path} must be a list of some of {', '.join(known)}")
    return frozenset(known[name] for name in raw)


def _age(raw: object, path: str) -> timedelta | None:
    if raw is None:
        return None
    age = parse_duration(raw) if isinstance(raw, str) else None
    if not age:
        raise PolicyInvalid(f"{path} must be a duration such as 8760h, or null for none")
    return age
