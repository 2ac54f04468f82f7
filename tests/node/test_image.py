"""The image as it is handed out: what is in it and what is not, and that it runs where nothing can be written."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import stat
import subprocess
import tarfile
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from contract.tree import ROOT, SOURCE_ROOT
from controlplane.clusters import Cluster
from controlplane.fixtures import spoken
from controlplane.namespaces import Namespaces
from node.operator_image import OperatorImage, cannot_build, operator_image
from operators.process import OperatorProcess
from sshcredential_operator import __version__

pytestmark = pytest.mark.skipif(bool(cannot_build()), reason=cannot_build())

COMPRESSED_MB_AT_MOST: Final = 120
FORBIDDEN: Final = re.compile(
    r"(pip3?|ensurepip|gcc.*|cc|c\+\+|clang.*|ld|make|apt.*|dpkg|sh|bash|dash|perl|busybox)(-[\d.]+)?"
)
"""Names that no file or folder of the image has: package managers, compilers, shells."""
PINNED: Final = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)

PATH: Final = f"{os.environ['PATH']}:/usr/sbin:/sbin"
MOUNT, CHROOT, UNSHARE, SHELL = (shutil.which(name, path=PATH) or name for name in ("mount", "chroot", "unshare", "sh"))
READ_ONLY: Final = f"""\
{MOUNT} --bind "$ROOT" "$ROOT" && {MOUNT} -t proc proc "$ROOT/proc" && {MOUNT} --rbind /dev "$ROOT/dev" &&
{MOUNT} -o remount,ro,bind "$ROOT" && exec {CHROOT} --userspec="$AS" "$ROOT" "$@"
"""


class Unpacked(NamedTuple):
    """An image's configuration and its files."""

    config: dict[str, Any]
    layers: list[Path]
    root: Path


@pytest.fixture(scope="module")
def image(request: pytest.FixtureRequest) -> OperatorImage:
    with spoken(request.config):
        return operator_image()


@pytest.fixture(scope="module")
def unpacked(image: OperatorImage, tmp_path_factory: pytest.TempPathFactory) -> Unpacked:
    archive, root = tmp_path_factory.mktemp("archive"), tmp_path_factory.mktemp("image")
    root.chmod(0o755)
    root.parent.chmod(0o755)
    with tarfile.open(image.archive) as tar:
        tar.extractall(archive, filter="data")
    (manifest,) = json.loads((archive / "manifest.json").read_text())
    layers = [archive / name for name in manifest["Layers"]]
    for layer in layers:
        with tarfile.open(layer) as tar:
            tar.extractall(root, filter="fully_trusted")  # noqa: S202 - built here, and owners and modes are looked at
    for folder in ("proc", "dev"):  # which a container runtime makes, too
        (root / folder).mkdir()
    assert manifest["RepoTags"] == [image.name]
    return Unpacked(json.loads((archive / manifest["Config"]).read_text())["config"], layers, root)


def command(unpacked: Unpacked, *arguments: str, **more: str) -> list[str]:
    """Return the command line that runs the arguments in the image: its user, its environment, nothing writable."""
    environment = [
        *unpacked.config["Env"],
        *(f"{name}={value}" for name, value in more.items()),
        f"ROOT={unpacked.root}",
        f"AS={unpacked.config['User']}",
    ]
    return ["env", "-i", *environment, UNSHARE, "--mount", SHELL, "-c", READ_ONLY, "sh", *arguments]


def run(unpacked: Unpacked, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(unpacked, *arguments), capture_output=True, text=True, check=False, timeout=60)


def files(root: Path) -> Iterator[Path]:
    return (path for path in root.rglob("*") if not path.is_relative_to(root / "dev"))


def pins() -> dict[str, str]:
    return {normal(name): version for name, version in PINNED.findall((ROOT / "requirements/operator.txt").read_text())}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_user_has_a_number_and_a_name(unpacked: Unpacked) -> None:
    assert unpacked.config["User"] == "65532:65532"
    said = run(
        unpacked, "/opt/venv/bin/python", "-c", "import getpass, os; print(getpass.getuser(), os.getuid(), os.getgid())"
    )
    assert said.stdout.split() == ["sshcredential", "65532", "65532"], said.stderr


def test_there_is_no_shell_package_manager_or_compiler(unpacked: Unpacked) -> None:
    names = {path.relative_to(unpacked.root) for path in files(unpacked.root) if not path.is_dir()}
    programs = {path for path in names if FORBIDDEN.fullmatch(path.name) and "site-packages" not in path.parts}
    packages = {part for path in names for part in path.parts if re.match(r"(pip|setuptools|wheel|ensurepip)\b", part)}
    assert not programs
    assert not packages


def test_nothing_gives_rights_and_only_tmp_is_for_everybody(unpacked: Unpacked) -> None:
    modes = {path: path.lstat().st_mode for path in files(unpacked.root) if not path.is_symlink()}
    assert not [path for path, mode in modes.items() if path.is_file() and mode & (stat.S_ISUID | stat.S_ISGID)]
    assert [path.name for path, mode in modes.items() if mode & stat.S_IWOTH] == ["tmp"]
    assert {path.lstat().st_uid for path in modes} == {0}


def test_labels_tell_what_it_is(unpacked: Unpacked) -> None:
    prefix = "org.opencontainers.image."
    labels = {name.removeprefix(prefix): value for name, value in unpacked.config["Labels"].items()}
    assert labels["title"] == "sshcredential-operator"
    assert (labels["version"], labels["licenses"]) == (__version__, "Apache-2.0")
    assert labels["description"]
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|unknown", labels["revision"])


def test_list_of_parts_is_what_is_pinned_and_installed(unpacked: Unpacked) -> None:
    listed = json.loads((unpacked.root / "sbom.cdx.json").read_text())
    assert (listed["bomFormat"], listed["specVersion"]) == ("CycloneDX", "1.6")
    assert listed["metadata"]["component"]["purl"] == f"pkg:pypi/sshcredential-operator@{__version__}"
    parts = [part["purl"].removeprefix("pkg:").partition("/") for part in listed["components"]]
    wheels = dict(rest.split("@") for kind, _, rest in parts if kind == "pypi")
    packages = {
        urllib.parse.unquote(rest.partition("/")[2].partition("@")[0]) for kind, _, rest in parts if kind == "deb"
    }
    assert wheels == pins()
    assert {"libc6", "libssl3t64"} <= packages
    assert packages == {path.name for path in (unpacked.root / "var/lib/dpkg/status.d").iterdir()}


def test_every_package_of_debian_in_it_brings_its_licence(unpacked: Unpacked) -> None:
    packages = {path.name for path in (unpacked.root / "var/lib/dpkg/status.d").iterdir()}
    assert packages == {path.parent.name for path in (unpacked.root / "usr/share/doc").glob("*/copyright")}


def test_build_machine_leaves_no_trace(unpacked: Unpacked) -> None:
    assert not [path for path in files(unpacked.root) if path.name in {"pip.conf", "sources.list", "secrets", "run"}]
    said = json.dumps(unpacked.config)
    assert not re.search(r"PIP_|/run/secrets|index", said)


def test_every_module_of_the_product_is_there_and_can_be_imported(unpacked: Unpacked) -> None:
    package = SOURCE_ROOT / "sshcredential_operator"
    modules = sorted(
        ".".join(path.relative_to(SOURCE_ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in package.rglob("*.py")
        if path.name != "__main__.py"
    )
    said = run(unpacked, "/opt/venv/bin/python", "-W", "error", "-c", f"import {', '.join(modules)}; print('all')")
    assert said.stdout == "all\n", said.stderr


def test_what_the_operator_loads_is_compiled_beforehand(unpacked: Unpacked) -> None:
    program = (
        "import sys, os, sshcredential_operator.cli.operator\n"
        "for module in list(sys.modules.values()):\n"
        "    spec = getattr(module, '__spec__', None)\n"
        "    source = spec and spec.cached and spec.origin.endswith('.py')\n"
        "    if source and not os.path.exists(spec.cached): print(spec.name)"
    )
    said = run(unpacked, "/opt/venv/bin/python", "-c", program)
    assert (said.stdout, said.returncode) == ("", 0), said.stderr


@pytest.mark.parametrize("program", ["sshcredential-operator", "sshcred", "kubectl-sshcred"])
def test_command_tells_its_version(unpacked: Unpacked, program: str) -> None:
    assert __version__ in run(unpacked, f"/opt/venv/bin/{program}", "--version").stdout


def test_without_a_cluster_it_says_what_it_lacks(unpacked: Unpacked) -> None:
    program, *arguments = unpacked.config["Entrypoint"]
    said = run(unpacked, f"/opt/venv/bin/{program}", *arguments, "--workspace", "genomics")
    assert said.returncode == 1
    assert said.stderr.startswith("Error: No cluster to work with: ")


def put_kubeconfig(cluster: Cluster, folder: Path) -> None:
    """Put an admin's kubeconfig there. The authority is a file: out of a kubeconfig, the client writes one to /tmp."""
    config = json.loads(cluster.kubeconfig_for("admin").read_text())
    for entry in config["clusters"]:
        entry["cluster"].pop("certificate-authority-data", None)
        entry["cluster"]["certificate-authority"] = "/etc/authority.crt"
    for name, text in (("kubeconfig", json.dumps(config)), ("authority.crt", cluster.ca_file.read_text())):
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)


def test_it_works_on_a_cluster_and_is_not_too_large(
    image: OperatorImage,
    unpacked: Unpacked,
    cluster: Cluster,
    namespaces: Namespaces,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    own, served = namespaces.create(), namespaces.create()
    put_kubeconfig(cluster, unpacked.root / "etc")
    started = time.monotonic()
    program = command(unpacked, "/opt/venv/bin/sshcredential-operator", KUBECONFIG="/etc/kubeconfig")
    log = tmp_path / "operator.log"
    with OperatorProcess(
        unpacked.root / "etc/kubeconfig", log, operator_namespace=own, workspaces=[served], program=program
    ) as operator:
        operator.wait_until_ready()
        ready = time.monotonic() - started
        cluster.kubectl("apply", "--namespace", served, "--filename", str(ROOT / "examples/generated.yaml"))
        waited = ("--for=condition=Ready", "sshcredential/hpc-login", "--timeout=30s")
        cluster.kubectl("wait", "--namespace", served, *waited)
        assert operator.stop() == 0
    sizes = [path.stat().st_size for path in unpacked.layers]
    compressed = sum(len(gzip.compress(path.read_bytes(), 6)) for path in unpacked.layers)
    with spoken(request.config):
        print(
            f"\n{image.name}: {compressed / 1e6:.0f} MB compressed, {sum(sizes) / 1e6:.0f} MB on disk;"
            f" ready after {ready:.1f} s"
        )
    assert compressed < COMPRESSED_MB_AT_MOST * 1e6
