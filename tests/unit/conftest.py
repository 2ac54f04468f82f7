"""Key files for the tests of `keys` and `cli`, made once."""

from __future__ import annotations

import pytest

from unit.keys.key_files import KeyFiles


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return KeyFiles(tmp_path_factory.mktemp("keys"))
