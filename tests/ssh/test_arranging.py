"""Keys are installed in a real account, over SFTP and over a shell, and nothing else in its home changes."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ssh.installing import BROKEN_SFTP, NO_SFTP, SFTP, Door, door
from sshcredential_operator.ssh.visit import Failed
from unit.ssh.authorized_lines import MARK, A, B, arrangement, fingerprints

OURS = f"{A} {MARK}\n"
ODD = "# theirs\r\n\trestrict ssh-ed25519 AAAA x\0y\n\ufeffhalf % \\n $HOME `id` 'q' \"r\""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(SFTP, id="SFTP"),
        pytest.param(NO_SFTP, id="a shell"),
        pytest.param(BROKEN_SFTP, id="a shell since SFTP is broken"),
        pytest.param({"MaxSessions": 1}, id="a shell with one session at a time"),
    ],
)
def any_door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with door(tmp_path_factory.mktemp("door"), request.param) as opened:
        yield opened


@pytest.fixture
def at(any_door: Door) -> Iterator[Door]:
    yield any_door
    for path in any_door.account.home.iterdir():
        path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def cause(told: object) -> object:
    assert isinstance(told, Failed), told
    assert told.reason == "InstallFailed"
    assert told.offered is not None
    return told.facts["cause"]


def test_first_key_makes_folder_and_file(at: Door) -> None:
    told = at.arranged(arrangement(A))
    assert (told.changed, told.ours, told.by_hand) == (True, fingerprints(A), frozenset())
    assert at.account.content == OURS
    assert (mode(at.account.file.parent), mode(at.account.file)) == (0o700, 0o600)
    assert at.account.names() == {"authorized_keys"}
    assert at.account.file.owner() == at.account.name


def test_others_bytes_stay(at: Door) -> None:
    at.account.holds(ODD)
    told = at.arranged(arrangement(A, options="restrict,pty"))
    assert told.ours == fingerprints(A)
    assert at.account.file.read_bytes() == f"{ODD}\nrestrict,pty {OURS}".encode()


def test_nothing_is_written_where_nothing_lacks(at: Door) -> None:
    at.account.holds(OURS, 0o644)
    before = at.account.file.stat(), at.account.file.parent.stat().st_mtime_ns
    told = at.arranged(arrangement(A))
    assert (told.changed, told.ours) == (False, fingerprints(A))
    now = at.account.file.stat()
    assert (now.st_ino, now.st_mtime_ns) == (before[0].st_ino, before[0].st_mtime_ns)
    assert at.account.file.parent.stat().st_mtime_ns == before[1]


def test_old_key_goes(at: Door) -> None:
    at.account.holds(f"x\n{OURS}y")
    told = at.arranged(arrangement(B))
    assert (told.ours, told.removed) == (fingerprints(B), fingerprints(A))
    assert at.account.content == f"x\ny\n{B} {MARK}\n"


def test_large_file_is_kept_whole(at: Door) -> None:
    rest = os.urandom(700_000).replace(b"\0", b"\n")
    at.account.holds("")
    at.account.file.write_bytes(rest + b"\n")
    at.arranged(arrangement(A))
    assert at.account.file.read_bytes() == rest + b"\n" + OURS.encode()


@pytest.mark.parametrize(
    ("before", "content", "after"),
    [
        pytest.param(0o644, "x\n", 0o644, id="stays when others may read"),
        pytest.param(0o400, "x\n", 0o400, id="stays when it is stricter"),
        pytest.param(0o666, "x\n", 0o644, id="is mended with the content"),
        pytest.param(0o664, OURS, 0o644, id="is mended alone"),
    ],
)
def test_mode(at: Door, before: int, content: str, after: int) -> None:
    at.account.holds(content, before)
    assert at.arranged(arrangement(A)).changed
    assert mode(at.account.file) == after


def test_mode_of_the_folder_is_mended(at: Door) -> None:
    at.account.holds(OURS)
    at.account.file.parent.chmod(0o777)
    assert at.arranged(arrangement(A)).changed
    assert mode(at.account.file.parent) == 0o755


def test_link_within_the_home_folder_is_written_through(at: Door) -> None:
    at.account.holds("")
    at.account.file.unlink()
    real = at.account.home / "dotfiles" / "keys"
    real.parent.mkdir()
    real.write_text("x\n")
    at.account.file.symlink_to("../dotfiles/keys")
    at.account.own()
    at.arranged(arrangement(A))
    assert at.account.file.is_symlink()
    assert real.read_text() == f"x\n{OURS}"
    assert [path.name for path in real.parent.iterdir()] == ["keys"]


@pytest.mark.parametrize("to", ["/dev/null", "/etc/hostname", "nowhere", "authorized_keys"])
def test_other_links_are_refused(at: Door, to: str) -> None:
    at.account.holds("")
    at.account.file.unlink()
    at.account.file.symlink_to(to)
    assert cause(at.arrange(arrangement(A))) == "Link"
    assert str(at.account.file.readlink()) == to


def test_what_is_no_file_is_refused(at: Door) -> None:
    at.account.file.mkdir(parents=True)
    at.account.own()
    assert cause(at.arrange(arrangement(A))) == "NotAFile"


def test_too_large_file_is_refused(at: Door) -> None:
    at.account.holds("#" * (1024 * 1024 + 1))
    assert cause(at.arrange(arrangement(A))) == "TooLarge"


def test_folder_that_may_not_be_written_is_refused(at: Door) -> None:
    at.account.holds("x\n")
    at.account.file.parent.chmod(0o500)
    assert cause(at.arrange(arrangement(A))) == "NoPermission"
    assert at.account.content == "x\n"


def test_file_of_somebody_else_is_refused(at: Door) -> None:
    at.account.holds("x\n", 0o644)
    os.chown(at.account.file, 0, 0)
    assert cause(at.arrange(arrangement(A))) == "OtherOwner"
    assert at.account.content == "x\n"
    assert at.account.names() == {"authorized_keys"}


def test_missing_home_is_refused(at: Door) -> None:
    away = at.account.home.with_name("away")
    at.account.home.rename(away)
    try:
        assert cause(at.arrange(arrangement(A))) == "HomeMissing"
    finally:
        away.rename(at.account.home)
    assert not Path("/.ssh").exists()


def test_lock_of_a_living_writer_is_respected(at: Door) -> None:
    at.account.holds("x\n")
    lock = at.account.file.with_name(".authorized_keys.sshcredential-operator.lock")
    lock.touch()
    assert cause(at.arrange(arrangement(A), timeout=6)) == "Busy"
    assert at.account.content == "x\n"
    assert lock.exists()


def test_what_a_dead_writer_left_is_cleaned(at: Door) -> None:
    at.account.holds("x\n")
    folder = at.account.file.parent
    left = [folder / f".authorized_keys.sshcredential-operator.{name}" for name in ("lock", f"{'0a' * 16}.tmp")]
    alike = [folder / ".authorized_keys.sshcredential-operator.mine", folder / ".authorized_keys.x.tmp"]
    for path in [*left, *alike]:
        path.touch()
        os.utime(path, (1, 1))
    at.account.own()
    at.arranged(arrangement(A))
    assert at.account.names() == {"authorized_keys", *(path.name for path in alike)}
