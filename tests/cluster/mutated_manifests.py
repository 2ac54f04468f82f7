"""Manifests that are right, and what people make of them: for the agreement of `validate` and the server."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any, Final

from sshcredential_operator.manifests.crd import our_kinds
from sshcredential_operator.manifests.object_meta import SCHEMA as METADATA

Object = dict[str, Any]
Path = tuple[str, ...]

SEALED: Final = "eyJhbGciOiJFQ0RILUVTK0EyNTZLVyJ9.QUJD.REVG.R0hJ.SktM"
FINGERPRINT: Final = "SHA256:" + "A" * 43
HOST_KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIsvUCeHXCOIgQ6yTV8XAJmKPY1rAG05zAdwf22CPDq3"
DURATION_FIELDS: Final = {"every", "prepare", "overlap", "deletionGracePeriod", "expiresAfter", "timeout"}
DURATIONS: Final = ("0s", "", "1h", "59m59s", "60m", "1m", "59s", "87600h", "87600h1s", "315360000s", "315360001s")
MORE_DURATIONS: Final = ("1h30m", "30m1h", "1.5h", "-1h", "1d", "999999h", "1000000h", "24h\n", " 24h", "0h0m0s", "2h")
NAMES: Final = (
    "a",
    "ab",
    "a" * 63,
    "a" * 64,
    "a" * 99,
    "a" * 100,
    "a.b",
    "A-b",
    "-ab",
    "ab-",
    "a_b",
    "a b",
    "a..b",
    "7",
)
TEXTS: Final = (
    "",
    "x",
    "Größe",
    "a\nb",
    "a\x00b",
    "a\u202eb",
    "a\x7f",
    "-x",
    " ",
    "a/b",
    "https://git.test/a",
    FINGERPRINT,
)
MORE_TEXTS: Final = (
    "ssh://git@git.test/a/b.git",
    "git@git.test:a/b.git",
    "git@git.test:/a",
    "ssh://git:x@git.test/a",
    FINGERPRINT[:-1] + "B",
    SEALED,
    SEALED[:-5],
    "x-sshcredential",
    "PRIVATE KEY",
    "SSH",
    "RSA",
    "ECDSA",
    "rsa",
    "Delete",
)
TARGET_FIELDS: Final = {"host", "keys", "options"}
OF_TARGETS: Final = (
    HOST_KEY,
    f"{HOST_KEY} a comment",
    HOST_KEY[:-1],
    f"host {HOST_KEY}",
    f"@revoked * {HOST_KEY}",
    f"{HOST_KEY}\n",
    HOST_KEY.replace("ssh-ed25519", "ssh-rsa"),
    HOST_KEY.split()[1],
    "ssh-dss AAAA",
    "me@host",
    "host:22",
    "[::1]",
    "::1",
    "fe80::1%eth0",
    "192.0.2.7",
    "restrict,pty",
    "restrict, pty",
    'from="a b",pty',
    'command="a\\"b"',
    'command="a\\"',
    "cert-authority,pty",
    "hpc-login",
)
NUMBERS: Final = (
    22,
    65535,
    65536,
    -1,
    0,
    1,
    2,
    255,
    256,
    384,
    521,
    3071,
    3072,
    4096,
    2**31,
    2**53 + 1,
    2**63 - 1,
    2**63,
    1.0,
    1.5,
    10**20,
)
OTHERS: Final[tuple[Any, ...]] = (None, True, False, 7, 1.5, "text", "7", "true", [], {}, [{}], {"x": 1}, [None])
LABELS: Final = (
    "app",
    "example.org/app",
    "a" * 63,
    "a" * 64,
    "-a",
    "A/b",
    "/a",
    "a/b/c",
    "a/",
    "",
    "ä",
    "x.y/" + "a" * 63,
)

RIGHT: Final[dict[str, tuple[Object, ...]]] = {
    "SSHCredential": (
        {"generate": {}},
        {
            "generate": {"algorithm": "RSA", "bits": 3072, "comment": "me", "passphrase": "Generate"},
            "name": "HPC_login",
        },
        {
            "generate": {"algorithm": "ECDSA"},
            "rotation": {"every": "2h", "prepare": "1h", "overlap": "0s", "serial": 1},
        },
        {"importFrom": {"privateKey": {"secretName": "a"}, "passphrase": {"secretName": "b", "key": "c"}}},
        {"sealed": {"privateKey": SEALED, "passphrase": SEALED}, "deletionPolicy": "Retain", "suspend": True},
    ),
    "SSHCredentialExport": (
        {"credentialRef": {"name": "hpc-login"}, "secretName": "copy", "profile": "SSHAuth"},
        {
            "credentialRef": {"name": "hpc-login"},
            "secretName": "copy",
            "profile": "Flux",
            "url": "ssh://git@git.test/a",
            "knownHosts": {"inline": "git.test ssh-ed25519 AAAA"},
            "expiresAfter": "8h",
        },
        {
            "credentialRef": {"name": "hpc-login"},
            "secretName": "copy",
            "recipient": {"publicKey": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}},
            "knownHosts": {"configMapName": "hosts", "key": "known_hosts"},
        },
        {
            "credentialRef": {"name": "hpc-login"},
            "secretName": "copy",
            "profile": "Flux",
            "targetRef": {"name": "login"},
        },
    ),
    "SSHTarget": (
        {
            "credentialRef": {"name": "hpc-login"},
            "host": "login.test",
            "username": "me",
            "hostKeys": {"policy": "Pinned", "keys": [HOST_KEY, f"{HOST_KEY} me"]},
        },
        {
            "credentialRef": {"name": "hpc-login"},
            "host": "192.0.2.7",
            "port": 2222,
            "username": "me",
            "jumpTargetRef": {"name": "bastion"},
            "hostKeys": {"policy": "CertificateAuthority", "knownHosts": {"configMapName": "hosts"}},
            "authorizedKey": {
                "manage": "Install",
                "options": "restrict,pty",
                "bootstrap": {"passwordSecret": {"name": "first"}},
            },
            "probe": {"every": "2h", "timeout": "20s"},
        },
        {
            "credentialRef": {"name": "login-key"},
            "host": "2001:db8::7",
            "username": "me",
            "hostKeys": {"policy": "TrustOnFirstUse"},
            "authorizedKey": {"manage": "Install", "bootstrap": {"credentialRef": {"name": "root-key"}}},
        },
    ),
}


def manifests(rng: random.Random, number: int) -> Iterator[Object]:
    """Yield so many manifests; the first are right, of the others about a half is."""
    right = [_manifest(kind, spec) for kind, specs in RIGHT.items() for spec in specs]
    yield from right
    for _ in range(number - len(right)):
        manifest = copy.deepcopy(rng.choice(right))
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            _mutate(rng, manifest)
        yield manifest


def _manifest(kind: str, spec: Object) -> Object:
    metadata = {"name": "hpc-login", "labels": {"app": "x"}, "annotations": {"example.org/a": "b"}}
    return {"apiVersion": "sshcredentials.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec}


def _mutate(rng: random.Random, manifest: Object) -> None:
    if rng.random() < 0.2:
        _mutate_metadata(rng, manifest)
        return
    schema = our_kinds()[kind_of(manifest)].versions["v1alpha1"]["properties"]["spec"]
    _set(rng, manifest, *rng.choice(list(_fields(schema, ("spec",)))))


def kind_of(manifest: Object) -> str:
    """Return the kind that it was before it was changed."""
    spec = str(manifest.get("spec"))
    if "hostKeys" in spec or ("username" in spec and "secretName" not in spec):
        return "SSHTarget"
    return "SSHCredentialExport" if "credentialRef" in spec else "SSHCredential"


def _fields(schema: Object, path: Path) -> Iterator[tuple[Path, Object]]:
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from _fields(inner, (*path, name))


def _set(rng: random.Random, manifest: Object, path: Path, schema: Object) -> None:
    """Change one field; one whose parent is missing gets it in three of four cases."""
    parent: Any = manifest
    for name in path[:-1]:
        if not isinstance(parent, dict):
            return
        parent = parent.setdefault(name, {})
    if not isinstance(parent, dict):
        return
    match rng.random():
        case chance if chance < 0.12:
            parent.pop(path[-1], None)
        case chance if chance < 0.24:
            parent[path[-1]] = copy.deepcopy(rng.choice(OTHERS))
        case chance if chance < 0.3:
            parent[rng.choice(("unknown", path[-1].upper(), path[-1] + "s"))] = copy.deepcopy(rng.choice(OTHERS))
        case _:
            if (value := _value(rng, path[-1], schema)) is not None:
                parent[path[-1]] = value


def _value(rng: random.Random, name: str, schema: Object) -> Any:
    """Return a value of the right type: sound, at its bounds, or just over."""
    if "enum" in schema:
        return rng.choice((*schema["enum"], *schema["enum"], schema["enum"][0].lower(), "Other", ""))
    if schema["type"] == "string":
        bounds = ("a" * schema["maxLength"], "a" * (schema["maxLength"] + 1), "ä" * schema["maxLength"])
        if name in DURATION_FIELDS:
            return rng.choice((*DURATIONS, *MORE_DURATIONS, *bounds))
        texts = (*OF_TARGETS, *OF_TARGETS) if name in TARGET_FIELDS else (*NAMES, *TEXTS, *MORE_TEXTS)
        return rng.choice((*texts, *TEXTS, *bounds))
    if schema["type"] == "integer":
        return rng.choice(NUMBERS)
    if schema["type"] == "array":
        most = schema["maxItems"]
        return [_value(rng, name, schema["items"])] * rng.choice((0, 1, 1, 1, most, most + 1))
    return rng.choice((True, False)) if schema["type"] == "boolean" else None


def _mutate_metadata(rng: random.Random, manifest: Object) -> None:
    metadata = manifest["metadata"] if isinstance(manifest.get("metadata"), dict) else {}
    match rng.randrange(10):
        case 0:
            metadata["name"] = rng.choice((*NAMES, "a" * 253, "a" * 254, *OTHERS))
        case 1:
            metadata.pop("name", None)
            metadata["generateName"] = rng.choice((*NAMES, "a-", "a." * 20, "", 7, None))
        case 2:
            metadata["labels"] = rng.choice(({rng.choice(LABELS): rng.choice((*NAMES, "", "x/y", 7, None))}, *OTHERS))
        case 3:
            metadata["annotations"] = rng.choice(
                ({rng.choice(LABELS): rng.choice(("x", "x" * 2**18, "", 7, None, True))}, *OTHERS)
            )
        case 4:
            # Another namespace than the request's is refused for that alone.
            fields = (*(METADATA["properties"].keys() - {"namespace"}), "unknown", "Labels")
            metadata[rng.choice(sorted(fields))] = copy.deepcopy(rng.choice(OTHERS))
        case 8:
            metadata["namespace"] = rng.choice(("default", "", "a.b", "A", "-a", "a" * 64, 7, None, []))
        case 5:
            manifest[rng.choice(("apiVersion", "kind"))] = rng.choice(
                (
                    "sshcredentials.dev/v1beta1",
                    "sshcredentials.dev/v1alpha1",
                    "v1",
                    "SSHCredential",
                    "SSHcredential",
                    *OTHERS,
                )
            )
        case 6:
            manifest[rng.choice(("metadata", "status", "spec", "unknown", "apiVersion", "kind"))] = copy.deepcopy(
                rng.choice(OTHERS)
            )
        case 7:
            manifest["status"] = rng.choice(
                ({"unknown": 1}, {"keyNumber": "x"}, {"conditions": [{"typo": 1}]}, {"bits": 1})
            )
        case _:
            metadata["finalizers"] = [rng.choice((*LABELS, 7, None))]
