"""Runs the Lua scripts of examples/argocd over objects, by Debian's Lua 5.1. Used by contract and cluster tests.

Argo CD has another interpreter of that Lua; tests/cluster/test_gitops_judges.py runs the same scripts in it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from contract.tree import ROOT

RULES: Final = ROOT / "examples" / "argocd" / "sshcredentials.dev"
CREDENTIAL_HEALTH: Final = RULES / "SSHCredential" / "health.lua"

DRIVER: Final = r"""
local function quoted(text)
  return '"' .. text:gsub('[%c"\\\128-\255]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end
local function json(value)
  if type(value) ~= "table" then return type(value) == "string" and quoted(value) or tostring(value) end
  local members = {}
  for _, item in ipairs(value) do members[#members + 1] = json(item) end
  if #members > 0 or next(value) == nil then return "[" .. table.concat(members, ",") .. "]" end
  for name, item in pairs(value) do members[#members + 1] = quoted(name) .. ":" .. json(item) end
  return "{" .. table.concat(members, ",") .. "}"
end
-- What scripts of argocd-cm find in Argo CD: basic functions and tables, neither strings nor files.
local found = { ipairs = ipairs, next = next, pairs = pairs, tonumber = tonumber, tostring = tostring, type = type }
found.table = table
local script = assert(loadfile(arg[1]))
setfenv(script, found)
for line in io.lines() do
  found.obj = assert(loadstring("return " .. line))()
  print(json(script()))
end
"""


def answers(script: Path, objects: Sequence[Any]) -> list[Any]:
    """Return what a script returns for each object; an empty table is an empty list."""
    lines = "".join(f"{as_lua(found)}\n" for found in objects)
    command = ["lua5.1", "-e", f"arg = {{{as_lua(str(script))}}}", "-e", DRIVER]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def as_lua(value: Any) -> str:
    """Return a JSON value as an expression of Lua, on one line. A null in a table is no member of it."""
    match value:
        case dict():
            members = (f"[{as_lua(key)}]={as_lua(member)}" for key, member in value.items() if member is not None)
            return "{" + ",".join(members) + "}"
        case list():
            return "{" + ",".join(map(as_lua, value)) + "}"
        case str() if value.isascii() and value.isprintable():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case str():
            return '"' + "".join(f"\\{byte:03d}" for byte in value.encode()) + '"'
        case None:
            return "nil"
        case _:
            return json.dumps(value)
