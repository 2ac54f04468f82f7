"""Ways to change JSON as JSON: members and items go, come twice, change places and kinds. Texts in it are changed, too.

What is no JSON is changed by its bytes.
"""

from __future__ import annotations

import copy
import json
import random
from typing import Any, Final

from fuzz.mutations import INSIDE, ODD_TEXTS, TEXT, flip_bits
from fuzz.target import Mutation

Json = Any
_ODD: Final[tuple[Json, ...]] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63), 0.5, 1e308, "", " ", "a", [], {}),
    *([[]], {"": None}, [None], {"name": {}}, "x" * 300, "\ud800", "2026-01-31T12:00:00Z", "9999-12-31T23:59:59Z"),
    *("0001-01-01T00:00:00Z", "87600h", "0s", "1h1h", "SHA256:" + "A" * 43, "a" * 63, "a" * 64, "-a", "A", "a.b"),
)


def change_value(data: bytes, chance: random.Random) -> bytes:
    """Let one value be another: an odd one, one from elsewhere in it, a text changed, none at all."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return chance.choice(TEXT)(data, chance)
    holder = {"": value}
    places = list(_places(holder))
    container, key = chance.choice(places)
    changed = chance.choice((_odd, _odd, _from_elsewhere, _text, _text, _inside, _gone, _named_otherwise, _wrapped))
    changed(container, key, places, chance)
    return dumped(holder.get(""))


def respell(data: bytes, chance: random.Random) -> bytes:
    """Write the same JSON in another way: blanks, escapes, another order, a member twice."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return flip_bits(data, chance)
    if chance.random() < 0.25 and isinstance(value, dict) and value:
        name = chance.choice(list(value))
        return data.rstrip()[:-1] + b"," + dumped({name: value[name]})[1:]
    if isinstance(value, dict) and chance.random() < 0.5:
        names = list(value)
        chance.shuffle(names)
        value = {name: value[name] for name in names}
    separators = chance.choice(((", ", ": "), (",", ":"), (" ,", ":\n")))
    text = json.dumps(value, separators=separators, ensure_ascii=chance.random() < 0.5)
    return text.encode("utf-8", "surrogatepass")


def dumped(value: Json) -> bytes:
    """Return JSON as compact as what is stored here."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def _places(value: Json) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting and len(found) < 5000:
        container = waiting.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], (dict, list)):
                waiting.append(container[key])
    return found


def _odd(container: Any, key: Any, _: list[tuple[Any, Any]], chance: random.Random) -> None:
    container[key] = copy.deepcopy(chance.choice((*_ODD, chance.choice(ODD_TEXTS))))


def _from_elsewhere(container: Any, key: Any, places: list[tuple[Any, Any]], chance: random.Random) -> None:
    other, name = chance.choice(places)
    container[key] = copy.deepcopy(other[name])


def _text(container: Any, key: Any, _: list[tuple[Any, Any]], chance: random.Random) -> None:
    if isinstance(container[key], str):
        data = container[key].encode("utf-8", "surrogatepass")
        container[key] = chance.choice(TEXT)(data, chance).decode("utf-8", "replace")
    elif isinstance(container[key], (int, float)) and not isinstance(container[key], bool):
        container[key] += chance.choice((1, -1, 2**31, -(2**63)))


def _inside(container: Any, key: Any, _: list[tuple[Any, Any]], chance: random.Random) -> None:
    if isinstance(container[key], str):
        data = container[key].encode("utf-8", "surrogatepass")
        container[key] = chance.choice(INSIDE)(data, chance).decode("utf-8", "replace")


def _gone(container: Any, key: Any, _: list[tuple[Any, Any]], __: random.Random) -> None:
    del container[key]


def _named_otherwise(container: Any, key: Any, places: list[tuple[Any, Any]], chance: random.Random) -> None:
    other = chance.choice(places)[1]
    if isinstance(container, dict) and isinstance(other, str):
        container[other] = container.pop(key)


def _wrapped(container: Any, key: Any, _: list[tuple[Any, Any]], chance: random.Random) -> None:
    depth = chance.choice((1, 1, 2, 60))
    for _level in range(depth):
        container[key] = [container[key]] if chance.random() < 0.5 else {"name": container[key]}


JSON: Final[tuple[Mutation, ...]] = (change_value, change_value, change_value, respell)
