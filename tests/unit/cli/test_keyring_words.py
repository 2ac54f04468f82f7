"""What the commands of `sshcred keyring` make of the operator's state: pure parts, and words for people."""

from __future__ import annotations

import pytest

from sshcredential_operator.cli.keyring_desk import kids_in, slot
from sshcredential_operator.cli.keyring_progress import Progress
from sshcredential_operator.cli.keyring_rotate import _wrapped_by_others
from sshcredential_operator.cli.keyring_verify import _wrong
from unit.encryption.samples import OTHER_UID, UID

DIGITS, OTHER_DIGITS = (uid.replace("-", "")[:12] for uid in (UID, "7" + OTHER_UID[1:]))


def kid(number: int, digits: str = DIGITS) -> str:
    return f"{number}.{digits}.0000000000000000"


@pytest.mark.parametrize(
    ("newest", "older", "kids"),
    [
        pytest.param(kid(2), [kid(1)], [kid(2), kid(1)], id="two keys"),
        pytest.param(kid(9), [kid(10), kid(2)], [kid(10), kid(9), kid(2)], id="slots of two digits"),
        pytest.param(kid(3, OTHER_DIGITS), [kid(1)], [kid(1)], id="the newest is of a namespace that is gone"),
        pytest.param(kid(3, OTHER_DIGITS), [], [], id="all are of a namespace that is gone"),
        pytest.param("", [], [], id="no key"),
        pytest.param("x", ["1.2"], [], id="no names of keys"),
    ],
)
def test_the_keys_of_the_namespace_that_exists_now_come_newest_first(
    newest: str, older: list[str], kids: list[str]
) -> None:
    assert kids_in({"keyId": newest, "olderKeyIds": older}, UID) == kids


def test_a_workspace_without_keys_has_none() -> None:
    assert kids_in({}, UID) == []
    assert [slot(text) for text in ("12.x", "x.y", "", "\u00b2.x")] == [12, 0, 0, 0]


@pytest.mark.parametrize(
    ("wrapped_by", "count"),
    [
        ([{"source": "Secret", "keyId": "a", "count": 3}], 0),
        ([{"source": "Secret", "keyId": "a", "count": 3}, {"source": "Secret", "keyId": "b", "count": 2}], 2),
        ([{"source": "File", "keyId": "a", "count": 1}], 1),
        ([], 0),
    ],
    ids=["all under it", "some under another", "the same name elsewhere", "none"],
)
def test_keys_under_another_root_key_are_counted(wrapped_by: list[dict[str, object]], count: int) -> None:
    assert _wrapped_by_others({"root": {"source": "Secret", "keyId": "a"}, "wrappedBy": wrapped_by}) == count


def test_what_a_look_has_found_wrong_is_said_line_by_line() -> None:
    found = {"problem": "", "unopened": [], "sealingUnopened": []}
    assert list(_wrong(found)) == []
    found = {"problem": "The root key is gone.", "unopened": ["a"], "sealingUnopened": ["b\x1b"]}
    assert list(_wrong(found)) == ["The root key is gone.", "does not open: a", "does not open: b?"]


def test_progress_is_told_in_lines_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("keys", lambda state: int(state["left"])) as progress:
        for left in (0, 3, 3, 5, 1, 0):
            progress.show({"left": left})
    assert capsys.readouterr().err.splitlines() == [
        "keys: 0 of 3 are done",
        "keys: 0 of 5 are done",
        "keys: 4 of 5 are done",
        "keys: 5 of 5 are done",
    ]
    with Progress() as silent:
        silent.show({"left": 3})
    assert capsys.readouterr().err == ""
