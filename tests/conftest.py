"""What every test answers for: no unexpected log, no thread left behind, and no silent skip without a GPU."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

import pytest

THREAD_GRACE = 2.0
"""Seconds that a thread gets to end by itself after its test."""


class _Collector(logging.Handler):
    """Keeps every record at WARNING and above."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def _no_unexpected_log(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that logs a warning. A test that asks for `caplog` reads the log itself and is left alone."""
    collector = _Collector()
    root = logging.getLogger()
    root.addHandler(collector)
    yield
    root.removeHandler(collector)
    if collector.records and "caplog" not in request.node.fixturenames:
        lines = "\n".join(f"{r.levelname} {r.name}: {r.getMessage()}" for r in collector.records)
        pytest.fail(f"unexpected log:\n{lines}", pytrace=False)


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """Fails a test after which a thread that it started still runs."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + THREAD_GRACE
    while left := _started_threads(before):
        if time.monotonic() > deadline:
            pytest.fail(f"threads still running: {[thread.name for thread in left]}", pytrace=False)
        time.sleep(0.01)


def _started_threads(before: set[threading.Thread]) -> list[threading.Thread]:
    """Threads that Python started since; those of C++ (autograd's workers) only borrow a dummy object."""
    return [t for t in threading.enumerate() if t not in before and not isinstance(t, threading._DummyThread)]


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("cuda") is not None:
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device")
