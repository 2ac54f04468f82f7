"""`ssh/lookup.py`: a lookup that cannot begin takes no place from those that come later."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from sshcredential_operator.api.target_reasons import TargetReason
from sshcredential_operator.ssh.deadline import Deadline
from sshcredential_operator.ssh.lookup import MOST_AT_ONCE, addresses_of
from sshcredential_operator.ssh.trouble import VisitEnded


def test_lookups_for_which_there_is_no_thread_leave_their_places_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_thread(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", no_thread)
        for _ in range(MOST_AT_ONCE):
            with pytest.raises(VisitEnded) as end:
                addresses_of("localhost", Deadline.after(5))
            assert end.value.failed.reason is TargetReason.TIMED_OUT

    assert addresses_of("localhost", Deadline.after(5))
