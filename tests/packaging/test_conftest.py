"""The rules that `tests/conftest.py` lays on every test do catch what they are there for."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).parents[1] / "conftest.py"


@pytest.fixture
def run(pytester: pytest.Pytester):
    """Runs one test file under this repository's conftest in a process of its own."""
    pytester.makeconftest(CONFTEST.read_text(encoding="utf-8"))
    pytester.makeini("[pytest]\nmarkers = cuda: x\nfilterwarnings = error\n")

    def run_file(text: str) -> pytest.RunResult:
        pytester.makepyfile(text)
        return pytester.runpytest_subprocess("-rs", "-p", "no:cacheprovider")

    return run_file


def test_an_unexpected_log_fails(run):
    result = run("import logging\ndef test_it():\n    logging.getLogger('a').warning('boo')\n    assert True")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*unexpected log*", "*WARNING a: boo*"])


def test_a_log_that_the_test_reads_is_expected(run):
    run(
        """
        import logging

        def test_it(caplog):
            logging.getLogger("a").warning("boo")
            assert "boo" in caplog.text
        """
    ).assert_outcomes(passed=1)


def test_a_thread_left_behind_fails(run):
    result = run(
        """
        import threading

        def test_it():
            threading.Thread(target=threading.Event().wait, name="lost", daemon=True).start()
            assert True
        """
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*threads still running: *lost*"])


def test_a_warning_fails(run):
    run("import warnings\ndef test_it():\n    warnings.warn('old')").assert_outcomes(failed=1)


def test_cuda_tests_are_skipped_aloud_without_a_gpu(run):
    result = run(
        """
        import pytest
        import torch

        @pytest.fixture(autouse=True, scope="session")
        def nothing():
            return None

        @pytest.mark.cuda
        def test_it():
            assert torch.cuda.is_available()
        """
    )
    outcomes = result.parseoutcomes()
    assert outcomes in ({"skipped": 1}, {"passed": 1})
    if "skipped" in outcomes:
        result.stdout.fnmatch_lines(["SKIPPED*no CUDA device*"])
