"""Bugs that operators really have had, to be planted into the product: the judge has to catch each of them.

`PLANTED[name].plant()` in an operator's process, before its command line runs. `planted_keys`, `planted_secrets` and
`planted_conduct` hold them; `planted_operations` what shows some of them.
"""

from __future__ import annotations

from faults import planted_conduct, planted_keys, planted_secrets
from faults.planted_ground import PLANTED, DoesNotFit, PlantedBug

__all__ = ["PLANTED", "DoesNotFit", "PlantedBug", "planted_conduct", "planted_keys", "planted_secrets"]
