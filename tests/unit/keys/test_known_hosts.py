"""`keys/known_hosts.py`: what ssh-keyscan and ssh write is taken; what ssh could not read is told by its line."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sshcredential_operator.keys.known_hosts import MAX_BYTES, BadLine, known_hosts
from unit.keys.key_files import ED25519, RSA2048, KeyFiles


@pytest.fixture(scope="session")
def key(key_files: KeyFiles) -> str:
    return " ".join(key_files.line(ED25519).split()[:2])


def test_lines_come_out_in_one_form(key: str) -> None:
    given = f"\r\n# a comment\r\n  git.example.org,192.0.2.1 {key}\t\r\n\n[git.example.org]:2222 {key} more words\n\n\n"

    assert known_hosts(given) == (
        f"# a comment\ngit.example.org,192.0.2.1 {key}\n[git.example.org]:2222 {key} more words\n"
    )


def test_ssh_keygen_finds_the_host_in_what_comes_out(key_files: KeyFiles, key: str, tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(f"git.example.org {key}\nother.example.org {key_files.line(RSA2048)}\n")
    subprocess.run(["ssh-keygen", "-H", "-f", file], check=True, capture_output=True)
    hashed = known_hosts(f"@cert-authority *.example.com {key}\n@revoked bad.example.org {key}\n{file.read_text()}")
    assert isinstance(hashed, str)
    file.write_text(hashed)

    found = subprocess.run(["ssh-keygen", "-F", "git.example.org", "-f", file], capture_output=True, check=True)
    assert key.encode() in found.stdout


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("", 0, id="nothing"),
        pytest.param("\n# only words\n", 0, id="only a comment"),
        pytest.param("#" * (MAX_BYTES + 1), 0, id="too long"),
        pytest.param("{good}\ngit.example.org", 2, id="a name alone"),
        pytest.param("{good}\n\nssh-ed25519 AAAA", 3, id="a public key alone"),
        pytest.param("git.example.org ssh-rsa {blob}", 1, id="another type than the key's"),
        pytest.param("git.example.org ssh-ed25519 A{blob}", 1, id="damaged base64"),
        pytest.param("@trusted git.example.org ssh-ed25519 {blob}", 1, id="a marker that there is not"),
        pytest.param("git.example.org\x00 ssh-ed25519 {blob}", 1, id="a NUL"),
        pytest.param("git.example.org\u202e ssh-ed25519 {blob}", 1, id="a mark that turns text"),
        pytest.param("git.example.org ssh-ed25519 AAAAC3NzaC1lZDI1NTE5", 1, id="a type and no key"),
    ],
)
def test_what_ssh_could_not_read_is_told_by_its_line(text: str, line: int, key: str) -> None:
    given = text.replace("{good}", f"git.example.org {key}").replace("{blob}", key.split()[1])
    assert known_hosts(given) == BadLine(line)
