"""What the processes that shard a model found, for the tests that look at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.core.distributed.launching import results


@pytest.fixture(scope="package")
def sharded_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sharded")


@pytest.fixture(scope="package")
def sharded_results(sharded_folder: Path) -> list[dict[str, Any]]:
    return results("sharded_variants", sharded_folder)
