"""Findings of `validate` as text for people, as JSON, and as commands that GitHub shows beside the changed line."""

from __future__ import annotations

import json
from dataclasses import asdict

from sshcredential_operator.cli.files import shown_name
from sshcredential_operator.manifests.finding import Finding


def as_text(finding: Finding) -> str:
    """Return `file:line: level: object field: sentence (rule)`."""
    about = " ".join(part for part in (finding.object, finding.field) if part)
    where = f"{shown_name(finding.file)}:{finding.line}: {finding.level.value}: "
    return f"{where}{about + ': ' if about else ''}{finding.says} ({finding.rule})"


def as_json(findings: list[Finding], files: int, objects: int) -> str:
    """Return one object with all findings."""
    found = [asdict(finding) for finding in findings]
    return json.dumps({"files": files, "objects": objects, "findings": found}, indent=2)


def as_github(finding: Finding) -> str:
    """Return a workflow command. A line break or a colon of a file's name must not begin another one."""
    about = " ".join(part for part in (finding.object, finding.field) if part)
    file, title = _property(finding.file), _property(f"{finding.rule} {about}".strip())
    return f"::{finding.level.value} file={file},line={finding.line},title={title}::{_data(finding.says)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
