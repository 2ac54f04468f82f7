"""The chart as Helm renders it, for a table of values. Used by the tests here and by those in tests/cluster."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from controlplane.places import CHECKOUT
from tools.programs import program

CHART: Final = CHECKOUT / "charts" / "sshcredential-operator"
RELEASE: Final = "sshcredential-operator"
NAMESPACE: Final = "sshcredential-system"
HELMS: Final = ("helm4", "helm3")
OLDEST_KUBERNETES: Final = "1.30.0"
"""As Chart.yaml says. What is rendered depends on no cluster."""

DIGEST: Final = "sha256:" + "0123456789abcdef" * 4
VALUES: Final[dict[str, dict[str, Any]]] = {
    "one workspace": {"workspaces": ["genomics"]},
    "two workspaces, the test in the second": {
        "workspaces": ["genomics", "proteomics"],
        "tests": {"namespace": "proteomics"},
    },
    "all namespaces": {"workspaces": ["*"]},
    "an image by digest": {
        "workspaces": ["genomics"],
        "image": {
            "repository": "example.com/sshcredential-operator",
            "tag": "v1",
            "digest": DIGEST,
            "pullPolicy": "Always",
            "pullSecrets": [{"name": "pull"}],
        },
    },
    "a policy": {
        "workspaces": ["genomics"],
        "policy": {
            "default": {"minRsaBits": 3072, "algorithms": ["Ed25519", "RSA"], "longestAge": "8760h"},
            "workspaces": {"genomics": {"algorithms": ["Ed25519"], "longestAge": None}},
        },
    },
    "a root key in a file": {
        "workspaces": ["genomics"],
        "keyRing": {
            "rootSource": "file",
            "olderSources": ["file:/run/old/keys"],
            "file": {"name": "keys.json", "volume": {"secret": {"secretName": "root-key"}}},
            "rewrapRate": 10,
        },
    },
    "a root key in a KMS": {
        "workspaces": ["genomics"],
        "keyRing": {"rootSource": "kms", "kms": {"socket": "v2.sock", "plugin": {"image": "example.com/plugin:1"}}},
        "extraVolumes": [{"name": "more", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
        "extraContainers": [
            {
                "name": "agent",
                "image": "example.com/agent:1",
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
            }
        ],
        "networkPolicy": {"extraEgress": [{"ports": [{"port": 8443, "protocol": "TCP"}]}]},
    },
    "everything on": {
        "workspaces": ["genomics", "proteomics"],
        "replicas": 3,
        "sealing": {"keyPeriod": "360h", "strictOnly": True},
        "log": {"format": "console", "debug": True},
        "allowExportsWithoutAdmissionPolicy": True,
        "extraArgs": ["--operator-namespace", NAMESPACE],
        "extraEnv": [{"name": "TZ", "value": "UTC"}],
        "listenAddress": "[::]",
        "serviceAccount": {
            "annotations": {"a": "b"},
            "token": {"audience": "the-api", "expirationSeconds": 600},
        },
        "networkPolicy": {
            "from": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
            "dns": False,
            "apiServer": {"ports": [6443], "to": [{"ipBlock": {"cidr": "192.0.2.10/32"}}]},
        },
        "service": {"labels": {"a": "b"}, "annotations": {"a": "b"}},
        "terminationGracePeriodSeconds": 60,
        "commonLabels": {"team": "storage"},
        "deploymentAnnotations": {"a": "b"},
        "podLabels": {"a": "b"},
        "podAnnotations": {"a": "b"},
        "priorityClassName": "system-cluster-critical",
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists"}],
        "affinity": {
            "podAntiAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": [
                    {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}}
                ]
            }
        },
        "metrics": {
            "serviceMonitor": {"enabled": True, "interval": "30s", "labels": {"a": "b"}},
            "prometheusRule": {"enabled": True, "labels": {"a": "b"}},
            "dashboard": {"enabled": True, "labels": {"a": "b"}, "annotations": {"a": "b"}},
        },
    },
    "targets": {
        "workspaces": ["genomics", "proteomics"],
        "targets": {
            "enabled": True,
            "allowDestinations": ["login.hpc.example.org:22", "192.0.2.0/24"],
            "clusterRanges": ["10.0.0.0/16", "fd00::/64"],
            "allowWithoutAdmissionPolicy": True,
            "extraArgs": ["--operator-namespace", NAMESPACE],
            "networkPolicy": {"ports": [22, 2222], "to": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]},
            "resources": None,
        },
    },
    "targets everywhere": {"workspaces": ["*"], "targets": {"enabled": True}},
    "CRDs that go with the chart": {"workspaces": ["genomics"], "crds": {"keep": False}},
    "everything off": {
        "workspaces": ["genomics"],
        "replicas": 0,
        "rbac": {"enabled": False, "people": False},
        "crds": {"enabled": False},
        "admission": {"enabled": False},
        "networkPolicy": {"enabled": False},
        "podDisruptionBudget": {"enabled": False},
        "resources": None,
        "topologySpreadConstraints": [],
        "tests": {"enabled": False},
    },
}

Object = dict[str, Any]


def helm(
    which: str, *arguments: str | Path, values: Mapping[str, Any] | None = None, kubeconfig: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one of the two Helms with these values, as nobody's own settings change it."""
    given = [] if values is None else ["--values", "-"]
    own = {name: value for name, value in os.environ.items() if not name.startswith("HELM_")}
    return subprocess.run(
        [program(which), *arguments, *given],
        input=None if values is None else yaml.safe_dump(dict(values)),
        capture_output=True,
        text=True,
        check=False,
        env={**own, "KUBECONFIG": str(kubeconfig or os.devnull)},
    )


@cache
def rendered(which: str, name: str) -> str:
    """Return what one of the Helms makes of a set of values, hooks and all."""
    done = template(which, VALUES[name])
    assert done.returncode == 0, done.stderr
    return done.stdout


def template(which: str, values: Mapping[str, Any], namespace: str = NAMESPACE) -> subprocess.CompletedProcess[str]:
    """Render the chart."""
    place = ("--namespace", namespace, "--kube-version", OLDEST_KUBERNETES)
    return helm(which, "template", RELEASE, CHART, *place, values=values)


def objects(text: str) -> list[Object]:
    """Return the objects in rendered text."""
    return [found for found in yaml.safe_load_all(text) if found]


def is_hook(found: Object) -> bool:
    """Whether Helm installs it for a test alone."""
    return "helm.sh/hook" in found["metadata"].get("annotations", {})


def of_kind(found: list[Object], *kinds: str) -> list[Object]:
    """Return the objects of some kinds that are installed, hooks left out."""
    return [one for one in found if one["kind"] in kinds and not is_hook(one)]


def documents(*folders: Path) -> list[Object]:
    """Return what the files of some folders hold."""
    return [one for folder in folders for path in sorted(folder.glob("*.yaml")) for one in objects(path.read_text())]
