"""`tools/setup.sh` on machines where something is missing: it says the line to type."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PYTHON_WITHOUT_VENV = f"""#!/bin/sh
case "$2" in
    *ensurepip*) exit 1 ;;
    *) exec {sys.executable} "$@" ;;
esac
"""


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder of programs that stand in for the machine's own: a Debian on which the user is not root."""
    folder = tmp_path / "bin"
    folder.mkdir()
    scripts = {
        "id": "#!/bin/sh\necho 1000\n",
        "dpkg-query": "#!/bin/sh\nexit 1\n",
        "apt-get": "#!/bin/sh\nexit 1\n",
        "python3.11-without-venv": PYTHON_WITHOUT_VENV,
    }
    for name, text in scripts.items():
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    return folder


def setup(programs: Path, venv: Path, python: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "PYTHON": python}
    command = ["sh", str(ROOT / "tools/setup.sh"), str(venv), "demo"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_says_what_to_do_without_python(programs, tmp_path):
    done = setup(programs, tmp_path / "venv", "/no/such/python3")
    assert done.returncode == 1
    assert "Python 3.11 or later is needed" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_says_which_package_brings_the_venv_module(programs, tmp_path):
    done = setup(programs, tmp_path / "venv", "python3.11-without-venv")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert done.returncode == 1
    assert f"sudo apt-get install -y python{version}-venv" in done.stderr
    assert not (tmp_path / "venv").exists()
