"""A structural schema, interpreted as the API server does for an object that is made. Used by `judge`.

In the server's order: unknown fields, defaults (a null counts as absent), types and bounds, and rules where these hold.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any, Final

from sshcredential_operator.manifests.finding import Fault
from sshcredential_operator.manifests.rules import applies, holds

Path = tuple[str | int, ...]
Schema = dict[str, Any]

_TYPES: Final[dict[str, tuple[str, type | tuple[type, ...]]]] = {
    "object": ("a mapping", dict),
    "array": ("a list", list),
    "string": ("a text", str),
    "boolean": ("true or false", bool),
    "integer": ("a whole number", int),
    "number": ("a number", (int, float)),
}
_INT64: Final = range(-(2**63), 2**63)


def unknown_fields(value: Any, schema: Schema, path: Path = ()) -> Iterator[Fault]:  # noqa: ANN401 - any JSON
    """Find what the schema does not know, which strict field validation refuses."""
    known = schema.get("properties", {})
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from unknown_fields(item, schema.get("items", {}), (*path, index))
    if not isinstance(value, dict) or schema.get("type") != "object" or "additionalProperties" in schema:
        return
    for name, member in value.items():
        here = (*path, name)
        if name in known:
            yield from unknown_fields(member, known[name], here)
        else:
            yield Fault(here, "UnknownField", _unknown(name, known))


def _unknown(name: str, known: Schema) -> str:
    like = next((other for other in known if other.lower() == name.lower().replace("_", "").replace("-", "")), None)
    if like:
        return f"There is no such field here; it is written {like}."
    return f"There is no such field here. Remove it; there are: {', '.join(known)}."


def with_defaults(value: Any, schema: Schema) -> Any:  # noqa: ANN401 - any JSON
    """Return the value with defaults filled in, members that are null left out, and whole numbers as such."""
    if schema.get("type") == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [with_defaults(item, schema.get("items", {})) for item in value]
    if not isinstance(value, dict) or "properties" not in schema:
        return value
    filled = {name: member for name, member in value.items() if member is not None}
    for name, inner in schema["properties"].items():
        if name not in filled and "default" in inner:
            filled[name] = copy.deepcopy(inner["default"])
        if name in filled:
            filled[name] = with_defaults(filled[name], inner)
    return filled


def faults_of(value: Any, schema: Schema, path: Path = ()) -> list[Fault]:  # noqa: ANN401 - any JSON
    """Find what breaks the schema in a value with defaults. Rules are asked only about what is sound otherwise."""
    faults = list(_own_faults(value, schema, path))
    if not faults:
        faults = [fault for inner in _inner_faults(value, schema, path) for fault in inner]
    return faults or list(_broken_rules(value, schema, path))


def _inner_faults(value: Any, schema: Schema, path: Path) -> Iterator[list[Fault]]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        missing = [name for name in schema.get("required", ()) if name not in value]
        yield [Fault((*path, name), "Required", f"{name} is missing here. Add it.") for name in missing]
        for name, inner in schema.get("properties", {}).items():
            if name in value:
                yield faults_of(value[name], inner, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield faults_of(item, schema.get("items", {}), (*path, index))


def _own_faults(value: Any, schema: Schema, path: Path) -> Iterator[Fault]:  # noqa: ANN401 - any JSON
    words, wanted = _TYPES.get(schema.get("type", ""), ("", object))
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted not in {bool, object}):
        yield Fault(path, "WrongType", f"This must be {words}. {_quoting(value, wanted)}".rstrip())
        return
    if "enum" in schema and value not in schema["enum"]:
        yield Fault(path, "NotSupported", f"This must be one of: {', '.join(map(str, schema['enum']))}.")
    if isinstance(value, str):
        yield from _text_faults(value, schema, path)
    if isinstance(value, int) and not isinstance(value, bool):
        yield from _number_faults(value, schema, path)
    if isinstance(value, list) and len(value) > schema.get("maxItems", len(value)):
        yield Fault(path, "TooMany", f"At most {schema['maxItems']} entries can be here. Remove some.")


def _quoting(value: Any, wanted: Any) -> str:  # noqa: ANN401 - any JSON
    if wanted is str and isinstance(value, int | float):
        return "Put it into quotes: without them, YAML takes it for a number or a truth value."
    return "Remove the quotes." if isinstance(value, str) and wanted in {int, bool} else ""


def _text_faults(value: str, schema: Schema, path: Path) -> Iterator[Fault]:
    most = schema.get("maxLength", len(value))
    if len(value) > most:
        yield Fault(path, "TooLong", f"At most {most} characters can be here. Shorten it.")
    if "pattern" in schema and not _matches(schema["pattern"], value):
        yield Fault(path, "WrongForm", f"This must have the form {schema['pattern']}.")


def _matches(pattern: str, value: str) -> bool:
    """Go's `$` ends a text; Python's also comes before a last newline."""
    return re.search(re.sub(r"(?<!\\)\$$", r"\\Z", pattern), value) is not None


def _number_faults(value: int, schema: Schema, path: Path) -> Iterator[Fault]:
    if value not in _INT64:
        yield Fault(path, "OutOfRange", "This number is too large. Make it smaller.")
    elif value < schema.get("minimum", value):
        yield Fault(path, "OutOfRange", f"This must be at least {schema['minimum']}.")
    elif value > schema.get("maximum", value):
        yield Fault(path, "OutOfRange", f"This must be at most {schema['maximum']}.")


def _broken_rules(value: Any, schema: Schema, path: Path) -> Iterator[Fault]:  # noqa: ANN401 - any JSON
    for rule in schema.get("x-kubernetes-validations", ()):
        if applies(rule["rule"]) and not holds(rule["rule"], value):
            steps = [step for step in rule.get("fieldPath", "").split(".") if step]
            yield Fault((*path, *steps), "Rule", f"{rule['message']}.")
