"""Chart and image of an earlier commit's operator. Used by `test_upgrade_release`.

That commit had neither. Its chart is today's, with its own CRD, roles and policies in it; its image is today's, with
its code in one more layer that goes before the installed package.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any, Final

from chart.rendering import CHART
from node.operator_image import OperatorImage
from node.upgrade.earlier import CHART_FILES, COMMIT, PACKAGE, Earlier

PLACE: Final = "earlier"
LAYER: Final = "earlier.tar"
CONFIGURATION: Final = "earlier.json"
REPLACED: Final = ("admission", "rbac")
RBAC: Final = {"enabled": True, "people": False}
"""There were no roles for people yet."""


def earlier_chart(earlier: Earlier, folder: Path) -> Path:
    """Return a chart of that commit's CRD, roles and policies."""
    chart = folder / "chart"
    shutil.copytree(CHART, chart)
    for name in REPLACED:
        shutil.rmtree(chart / "files" / name)
        shutil.copytree(earlier.folder / CHART_FILES / name, chart / "files" / name)
    shutil.rmtree(chart / "files" / "crds")
    shutil.copytree(earlier.crd.parent, chart / "files" / "crds")
    return chart


def earlier_image(present: OperatorImage, earlier: Earlier, folder: Path) -> OperatorImage:
    """Return an image that runs that commit's operator with the libraries of the present one."""
    archive, name = folder / "image.tar", f"{present.name.rpartition(':')[0]}:{COMMIT[:12]}"
    layer = _layer(earlier)
    with tarfile.open(present.archive) as old, tarfile.open(archive, "w") as new:
        [manifest] = json.load(_member(old, "manifest.json"))
        configuration = json.load(_member(old, manifest["Config"]))
        for layer_name in manifest["Layers"]:
            new.addfile(old.getmember(layer_name), old.extractfile(layer_name))
        _add(new, LAYER, layer)
        _add(new, CONFIGURATION, json.dumps(_with_layer(configuration, layer)).encode())
        told = {"Config": CONFIGURATION, "RepoTags": [name], "Layers": [*manifest["Layers"], LAYER]}
        _add(new, "manifest.json", json.dumps([told]).encode())
    return OperatorImage(archive, name)


def _layer(earlier: Earlier) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as layer:
        layer.add(earlier.source_root / PACKAGE, f"{PLACE}/{PACKAGE}", filter=_readable)
    return written.getvalue()


def _readable(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    if "__pycache__" in member.name:
        return None
    member.mode = 0o755 if member.isdir() else 0o644
    member.uid = member.gid = 0
    return member


def _with_layer(configuration: dict[str, Any], layer: bytes) -> dict[str, Any]:
    """Return an image's configuration with one layer more, and its code before what is installed."""
    configuration["rootfs"]["diff_ids"].append(f"sha256:{hashlib.sha256(layer).hexdigest()}")
    configuration["history"].append({"created_by": f"the operator of {COMMIT}"})
    configuration["config"]["Env"].append(f"PYTHONPATH=/{PLACE}")
    return configuration


def _member(archive: tarfile.TarFile, name: str) -> Any:
    found = archive.extractfile(name)
    assert found is not None, name
    return found


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
