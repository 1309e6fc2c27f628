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


def setup(programs: Path, venv: Path, python: str, extras: str = "demo") -> subprocess.CompletedProcess[str]:
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "PYTHON": python}
    command = ["sh", str(ROOT / "tools/setup.sh"), str(venv), extras]
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
    assert f"sudo apt-get install -y python{version}-venv libgl1 libegl1 " in done.stderr
    assert done.stderr.count("apt-get") == 1
    assert not (tmp_path / "venv").exists()


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment that is there already, whose pip says what it is asked for."""
    folder = tmp_path / "venv"
    (folder / "bin").mkdir(parents=True)
    python = folder / "bin/python"
    python.write_text(f'#!/bin/sh\n[ "$1" = -m ] && echo "$@" || exec {sys.executable} "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return folder


def _dpkg(programs: Path, missing: str) -> None:
    """A dpkg-query that notes each call and has all packages but one; libgl1 under its newer name."""
    script = f"""#!/bin/sh
echo called >> {programs}/calls
shift 2
for name in "$@"; do
    case $name in
        {missing} | {missing}t64 | libgl1) ;;
        libgl1t64) echo "$name installed" ;;
        *t64) ;;
        *) echo "$name installed" ;;
    esac
done
exit 1
"""
    (programs / "dpkg-query").write_text(script, encoding="utf-8")


def test_the_tests_insist_on_the_libraries_of_qt(programs, venv):
    _dpkg(programs, "libxcb-cursor0")
    done = setup(programs, venv, sys.executable, "dev")
    assert done.returncode == 1
    assert done.stderr.endswith("sudo apt-get install -y libxcb-cursor0\n")
    assert done.stdout == ""


def test_the_demo_goes_on_without_them_and_says_the_line(programs, venv):
    _dpkg(programs, "libegl1")
    done = setup(programs, venv, sys.executable, "demo,ui")
    assert done.returncode == 0
    assert "the app will not start before you type:  sudo apt-get install -y libegl1\n" in done.stderr
    assert "--editable .[demo,ui]" in done.stdout


def test_root_installs_all_that_is_missing_at_once(programs, venv):
    _dpkg(programs, "libegl1")
    (programs / "id").write_text("#!/bin/sh\necho 0\n", encoding="utf-8")
    (programs / "apt-get").write_text(f'#!/bin/sh\necho "$@" >> {programs}/installed\n', encoding="utf-8")
    done = setup(programs, venv, "python3.11-without-venv", "dev")
    assert done.returncode == 0
    update, install = (programs / "installed").read_text().splitlines()
    assert update.startswith("update")
    assert install.endswith("--no-install-recommends libegl1"), "venv is there: nobody needs python3-venv"


def test_an_environment_without_pip_gets_it(programs, venv):
    _dpkg(programs, "nothing")
    python = venv / "bin/python"
    bare = f'#!/bin/sh\n[ "$2" = pip ] && [ ! -e {venv}/pip ] && exit 1\n[ "$2" = ensurepip ] && touch {venv}/pip\n'
    python.write_text(bare + python.read_text().removeprefix("#!/bin/sh\n"), encoding="utf-8")
    done = setup(programs, venv, sys.executable, "dev")
    assert done.returncode == 0
    assert "--editable .[dev]" in done.stdout


def test_one_question_to_dpkg_where_nothing_is_missing(programs, venv):
    _dpkg(programs, "nothing")
    done = setup(programs, venv, sys.executable, "dev")
    assert done.returncode == 0
    assert "apt-get" not in done.stderr
    assert (programs / "calls").read_text() == "called\n"
