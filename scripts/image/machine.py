"""What the build machine has set up for itself, handed to the build as secrets: it leaves no trace in the image.

A mirror of the package index, a company's own authorities. Used by the builder.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

HANDED_ON: Final = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout", "retries")
"""pip's settings that make sense inside the build; paths of this machine do not."""

BUNDLES: Final = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")
"""Where systems keep the authorities that they trust."""

INSIDE: Final = "/run/secrets/ca-certificates"


def write_secrets(folder: Path) -> dict[str, Path]:
    """Write what is to be handed in; return secret names and their files."""
    settings = pip_settings()
    secrets = {"pip.conf": folder / "pip.conf"}
    bundle = authorities(settings)
    if bundle is not None:
        secrets["ca-certificates"] = bundle
    lines = [f"{name} = {value}" for name, value in settings.items() if name in HANDED_ON]
    lines += [f"cert = {INSIDE}"] if bundle else []
    secrets["pip.conf"].touch(mode=0o600)  # an index's address may hold a password
    secrets["pip.conf"].write_text("\n".join(["[global]", *lines, ""]), encoding="utf-8")
    return secrets


def pip_settings() -> dict[str, str]:
    """Return pip's settings of this machine by name; pip lists the strongest source last."""
    listing = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    said = subprocess.run(listing, capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^(?:global|install|:env:)\.([a-z-]+)=(['\"].*)$", said, re.MULTILINE)
    return {name: str(ast.literal_eval(value)).replace("\n", " ") for name, value in found}


def authorities(settings: dict[str, str]) -> Path | None:
    """Return the file of authorities that this machine trusts."""
    candidates = (settings.get("cert"), os.environ.get("SSL_CERT_FILE"), *BUNDLES)
    return next((Path(name) for name in candidates if name and Path(name).is_file()), None)
