"""What can go wrong between the operator and the API server, as one exception. Raised by the ports' implementations."""

from __future__ import annotations

from collections.abc import Mapping

from sshcredential_operator.api.reasons import Reason


class TroubleError(Exception):
    """The API server did not do what was asked: a reason and safe facts, never the server's or a library's text.

    `retry_after` is what the server asked for, in seconds; None leaves it to the queue's backoff.
    """

    def __init__(
        self, reason: Reason, facts: Mapping[str, str | int] | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.facts = dict(facts or {})
        self.retry_after = retry_after
