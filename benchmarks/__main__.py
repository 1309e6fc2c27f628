"""Runs every benchmark of this folder, each in a process of its own: `python -m benchmarks [NAME …]`.

A benchmark prints rows `figure | target | seen | ok`. The exit code is 1 if one of them did not run to its end.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from graphviz_nn.errors import did_you_mean

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The benchmarks: every module of the folder that can be run by itself."""
    modules = (file for file in FOLDER.glob("*.py") if file.name != "__main__.py")
    return sorted(file.stem for file in modules if '__name__ == "__main__"' in file.read_text(encoding="utf-8"))


def main(wanted: list[str]) -> int:
    known = names()
    for name in wanted:
        if name not in known:
            print(f"There is no benchmark {name!r}; there are {', '.join(known)}.{did_you_mean(name, known)}")
            return 2
    failed = []
    for name in wanted or known:
        print(f"\n== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], cwd=FOLDER.parent, check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\nnot run to the end: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
