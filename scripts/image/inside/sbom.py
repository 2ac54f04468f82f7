"""Writes the image's list of parts (SBOM, CycloneDX 1.6 as JSON) to the standard output. Called by the Dockerfile.

From what is really installed: the metadata of the wheels in the virtual environment, and Debian's own words about the
packages that the root file system was picked from. The same parts give the same bytes: no time, no random number.
"""

from __future__ import annotations

import argparse
import json
import platform
import sys
import uuid
from collections.abc import Iterator
from email.parser import HeaderParser
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Final

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

NAMESPACE: Final = uuid.UUID("6f0ef3b4-8c1c-5c7e-9b8e-6d2f3f3d8c11")
"""Serial numbers are made in this namespace, from the parts."""


def main() -> None:
    """Print the list."""
    parser = argparse.ArgumentParser()
    for name in ("--rootfs", "--venv", "--product"):
        parser.add_argument(name, type=Path, required=True)
    arguments = parser.parse_args()
    (product,) = installed(arguments.product)
    parts = [*installed(arguments.venv), *debian_packages(arguments.rootfs)]
    if not any(part.name.startswith("libpython3") for part in parts):
        parts.append(python())
    bom = Bom(
        components=parts, serial_number=uuid.uuid5(NAMESPACE, " ".join(sorted(map(reference, [product, *parts]))))
    )
    bom.metadata.component = product
    bom.register_dependency(product, parts)
    sys.stdout.write(without_time(JsonV1Dot6(bom).output_as_string()) + "\n")


def installed(prefix: Path) -> Iterator[Component]:
    """Yield the Python distributions below the prefix."""
    folders = [str(folder) for folder in sorted(prefix.glob("lib/python3*/site-packages"))]
    for distribution in sorted(distributions(path=folders), key=lambda each: each.name.lower()):
        yield Component(
            type=ComponentType.LIBRARY if prefix.name == "venv" else ComponentType.APPLICATION,
            name=distribution.name,
            version=distribution.version,
            purl=PackageURL("pypi", None, distribution.name.lower().replace("_", "-"), distribution.version),
            bom_ref=f"pypi:{distribution.name}",
            description=distribution.metadata.get("Summary"),
            licenses=[DisjunctiveLicense(name=licence(distribution), acknowledgement=LicenseAcknowledgement.DECLARED)],
        )


def licence(distribution: Distribution) -> str:
    """Return the licence as the distribution's metadata declare it."""
    said = distribution.metadata
    classified = [
        line.rpartition(" :: ")[2] for line in said.get_all("Classifier", []) if line.startswith("License ::")
    ]
    stated = said.get("License-Expression") or said.get("License") or ""
    return stated if stated and "\n" not in stated else " AND ".join(classified) or "unknown"


def debian_packages(rootfs: Path) -> Iterator[Component]:
    """Yield the packages of which files lie in the root file system."""
    for path in sorted((rootfs / "var/lib/dpkg/status.d").iterdir()):
        said = HeaderParser().parsestr(path.read_text(encoding="utf-8"))
        yield Component(
            type=ComponentType.LIBRARY,
            name=said["Package"],
            version=said["Version"],
            purl=PackageURL("deb", "debian", said["Package"], said["Version"], {"arch": said["Architecture"]}),
            bom_ref=f"deb:{said['Package']}",
        )


def python() -> Component:
    """Return the interpreter, where no package of Debian brought it."""
    version = platform.python_version()
    purl = PackageURL("generic", None, "python", version)
    return Component(type=ComponentType.PLATFORM, name="python", version=version, purl=purl, bom_ref="generic:python")


def reference(component: Component) -> str:
    """Return a component's address with its version."""
    return str(component.purl)


def without_time(text: str) -> str:
    """Return the document without the moment of its making, which would make every build another."""
    document = json.loads(text)
    document["metadata"].pop("timestamp", None)
    return json.dumps(document, indent=2, ensure_ascii=False)


if __name__ == "__main__":
    main()
