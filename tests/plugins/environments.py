"""A fresh environment with a package in it, built and installed by pip without a network."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import Final

_OFFLINE: Final = ("--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check")


def run(*command: str | Path, folder: Path) -> str:
    """Returns what a command writes; fails with its errors where it does."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def environment_with(package: Path, folder: Path) -> Path:
    """Returns the interpreter of an environment in `folder` that has the package and sees what this one has."""
    venv.create(folder / "env", with_pip=False, symlinks=True)
    python = folder / "env" / "bin" / "python"
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    outer = sysconfig.get_path("purelib")
    (site / "outer.pth").write_text(f"import site; site.addsitedir({outer!r})\n")
    run(sys.executable, "-m", "pip", "--python", python, "install", *_OFFLINE, str(package), folder=folder)
    return python
