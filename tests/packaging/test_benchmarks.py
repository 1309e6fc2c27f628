"""The runner of the benchmarks; the figures themselves are no test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the runner with two small benchmarks and a helper."""
    runner = (ROOT / "benchmarks" / "__main__.py").read_text(encoding="utf-8")
    files = {
        "__main__": runner,
        "good": 'from benchmarks.helper import row\nif __name__ == "__main__":\n    print(row)',
        "bad": 'if __name__ == "__main__":\n    raise SystemExit(3)',
        "helper": 'row = "figure | target | seen | ok"',
    }
    (tmp_path / "benchmarks").mkdir()
    for name, text in files.items():
        (tmp_path / "benchmarks" / f"{name}.py").write_text(text, encoding="utf-8")
    return tmp_path


def run(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *names]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_runs_each_benchmark_and_reports_those_that_did_not_finish(folder):
    done = run(folder)
    assert done.returncode == 1
    assert "== bad" in done.stdout
    assert "== good\nfigure | target | seen | ok" in done.stdout
    assert "helper" not in done.stdout
    assert done.stdout.rstrip().endswith("not run to the end: bad")


def test_runs_only_the_named_ones(folder):
    done = run(folder, "good")
    assert done.returncode == 0
    assert "== bad" not in done.stdout


def test_names_the_nearest_of_an_unknown_one(folder):
    done = run(folder, "god")
    assert done.returncode == 2
    assert "Did you mean 'good'?" in done.stdout
