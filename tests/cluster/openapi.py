"""What the API server says of its kinds, as JSON schemas in files that kubeconform reads. Used by `test_chart.py`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

GROUPS: Final = (
    "api/v1",
    "apis/admissionregistration.k8s.io/v1",
    "apis/apiextensions.k8s.io/v1",
    "apis/apps/v1",
    "apis/networking.k8s.io/v1",
    "apis/policy/v1",
    "apis/rbac.authorization.k8s.io/v1",
)
KIND: Final = "x-kubernetes-group-version-kind"


def write_schemas(get: Callable[[str], str], folder: Path) -> None:
    """Write one file `<kind>-<version>.json` for each kind, which refuses fields that the server does not know."""
    for group in GROUPS:
        schemas = json.loads(get(f"/openapi/v3/{group}"))["components"]["schemas"]
        for schema in schemas.values():
            _allow_no_other_fields(schema)
        for name, schema in schemas.items():
            for kind in schema.get(KIND, [])[:1]:
                whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
                (folder / f"{kind['kind'].lower()}-{kind['version']}.json").write_text(json.dumps(whole))


def _allow_no_other_fields(schema: dict[str, Any]) -> None:
    if "properties" in schema:
        schema["additionalProperties"] = False
