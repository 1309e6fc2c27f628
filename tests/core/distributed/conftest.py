"""What two processes found, started once for all tests that look at it."""

from __future__ import annotations

import signal
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


@pytest.fixture(scope="package")
def parallel_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data_parallel")


@pytest.fixture(scope="package")
def parallel_results(parallel_folder: Path) -> list[dict[str, Any]]:
    """At the end rank 1 is killed on purpose."""
    return results("data_parallel_variants", parallel_folder, codes=(0, -signal.SIGKILL))
