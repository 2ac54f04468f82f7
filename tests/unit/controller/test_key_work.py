"""`controller/key_work.py`: how long the work on keys took is told for each key."""

from __future__ import annotations

import pytest

from sshcredential_operator.api.algorithms import Algorithm
from sshcredential_operator.api.names import CredentialKey
from sshcredential_operator.api.sensitive import Sensitive
from sshcredential_operator.api.spec import Generate
from sshcredential_operator.controller.key_work import LocalKeyWork
from sshcredential_operator.controller.work_queue import WorkQueue
from sshcredential_operator.reconcile.trouble import TroubleError


async def test_every_key_that_was_made_or_judged_is_told_with_its_time() -> None:
    told: list[tuple[str, float]] = []
    keys = LocalKeyWork(WorkQueue[CredentialKey](), lambda work, seconds: told.append((work, seconds)))
    await keys.generate(Generate(Algorithm.ED25519, 256, "", passphrase=False))
    await keys.judge(Sensitive(b"not a key"), None, min_rsa_bits=2048)
    await keys.close()
    with pytest.raises(TroubleError):
        await keys.judge(Sensitive(b"-----BEGIN OPENSSH PRIVATE KEY-----"), None, min_rsa_bits=2048)

    assert [work for work, _ in told] == ["generate", "judge"]
    assert all(seconds > 0 for _, seconds in told)
