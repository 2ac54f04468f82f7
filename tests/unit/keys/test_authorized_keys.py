"""`keys/authorized_keys.py`: options that sshd takes are let through as they are; nothing else gets into the line."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from sshcredential_operator.keys.authorized_keys import FLAGS, WITH_VALUE, BadOptions, options_of_a_line
from unit.reconcile.samples import PAIR

GOOD = [
    "restrict",
    "restrict,pty",
    "RESTRICT,X11-forwarding",
    'command="rsync --server --sender . /data"',
    r'command="echo \"hello\", world",no-pty',
    'from="10.0.0.0/8,!10.1.2.3",restrict',
    'expiry-time="20301231Z"',
    'environment="LANG=C",permitopen="localhost:80",permitlisten="8080",principals="a,b",tunnel="1"',
]


@pytest.mark.parametrize("options", GOOD)
def test_what_sshd_knows_is_taken_as_it_is(options: str) -> None:
    assert options_of_a_line(options) == options


@pytest.mark.parametrize("options", GOOD)
def test_ssh_keygen_reads_a_line_with_them(options: str, tmp_path: Path) -> None:
    assert shutil.which("ssh-keygen")
    file = tmp_path / "authorized_keys"
    file.write_text(f"{options_of_a_line(options)} {PAIR.public.line}\n")
    done = subprocess.run(["ssh-keygen", "-l", "-f", file], capture_output=True, text=True, check=True)

    assert PAIR.public.fingerprint in done.stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("", "one line"),
        ("restrict\nssh-ed25519 AAAA", "one line"),
        ("restrict\u2028pty", "one line"),
        ("x" * 5000, "one line"),
        ("restrict, pty", "character 10"),
        ("restrict pty", "character 9"),
        ("restrict,", "character 9"),
        (",restrict", "character 1"),
        ("comand", "does not know"),
        ('pty="yes"', "gives pty a value"),
        ("command", 'command="..."'),
        ("command=ls", "must give command a value"),
        ('command="ls', "must give command a value"),
        ('command="ls"x', "character 13"),
        ('command="a\\"', "must give command a value"),
    ],
    ids=repr,
)
def test_anything_else_is_refused_and_says_where(options: str, says: str) -> None:
    refused = options_of_a_line(options)

    assert isinstance(refused, BadOptions)
    assert says in refused.sentence


def test_every_option_is_named_once() -> None:
    assert FLAGS.isdisjoint(WITH_VALUE)
