"""A script that we run finds the same world as one that Python runs, and fails with the same words."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from graphviz_nn.cli.script import load_module, load_script
from graphviz_nn.errors import TargetError

PROBE = """
import multiprocessing, pickle, sys, __main__

class Thing:
    pass

def square(x):
    return x * x

if __name__ == "__main__":
    print(sys.argv, __name__, __file__, sys.path[0], __package__, __spec__ and __spec__.name, __doc__)
    print(__builtins__, "__cached__" in globals() and __cached__)
    print(__main__.Thing is Thing, type(pickle.loads(pickle.dumps(Thing()))) is Thing)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(square, [1, 2, 3]))
    print("to stderr", file=sys.stderr)
"""

FAILING = """
import asyncio

def inner(depth):
    if depth:
        return inner(depth - 1)
    return {}["missing"]

try:
    inner(2)
except KeyError as error:
    raise RuntimeError("outer") from error
"""

RUNNER = """
import sys
from graphviz_nn.cli.ending import exit_code
from graphviz_nn.cli.script import load_module, load_script
if __name__ == "__main__":
    load = {"script": load_script, "module": load_module}[sys.argv[1]]
    sys.exit(exit_code(load(sys.argv[2], tuple(sys.argv[3:])).run))
"""


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def ours(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    runner = folder / "runner_of_the_test.py"
    runner.write_text(RUNNER, encoding="utf-8")
    return python(folder, str(runner), *arguments)


def outcome(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "package").mkdir()
    for file in ("scripts/probe.py", "package/probe.py"):
        (tmp_path / file).write_text(PROBE, encoding="utf-8")
    (tmp_path / "package/__main__.py").write_text("import sys\nprint(sys.argv, __file__, __package__, __spec__.name)")
    (tmp_path / "package/__init__.py").touch()
    (tmp_path / "scripts/failing.py").write_text(FAILING, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("script", ["scripts/probe.py", "./scripts/probe.py", "scripts/../scripts/probe.py"])
def test_a_script_finds_the_world_as_python_makes_it(folder, script):
    expected = python(folder, script, "-x", "--epochs=3", "two words")
    assert "[1, 4, 9]" in expected.stdout
    assert outcome(ours(folder, "script", script, "-x", "--epochs=3", "two words")) == outcome(expected)


def test_a_script_behind_a_link_finds_its_neighbours(folder):
    link = folder / "link.py"
    link.symlink_to(folder / "scripts" / "probe.py")
    assert outcome(ours(folder, "script", "link.py")) == outcome(python(folder, "link.py"))


@pytest.mark.parametrize("name", ["package.probe", "package"])
def test_a_module_finds_the_world_as_python_makes_it(folder, name):
    expected = python(folder, "-m", name, "-x")
    assert (expected.returncode, "'-x'" in expected.stdout) == (0, True)
    assert outcome(ours(folder, "module", name, "-x")) == outcome(expected)


def test_an_uncaught_exception_is_shown_as_python_shows_it(folder):
    expected = python(folder, "scripts/failing.py")
    assert "RuntimeError: outer" in expected.stderr
    assert outcome(ours(folder, "script", "scripts/failing.py")) == outcome(expected)


def test_a_hook_for_uncaught_exceptions_is_called(folder):
    hook = "import sys\nsys.excepthook = lambda kind, error, tb: print('caught', error, tb.tb_lineno)\nraise OSError(1)"
    (folder / "hooked.py").write_text(hook, encoding="utf-8")
    assert ours(folder, "script", "hooked.py").stdout == "caught 1 3\n"


@pytest.mark.parametrize("end", ["sys.exit()", "sys.exit(3)", "sys.exit('why')", "1 / 0"])
def test_exit_codes_are_those_of_python(folder, end):
    (folder / "ending.py").write_text(f"import atexit, sys\natexit.register(print, 'bye')\n{end}\n", encoding="utf-8")
    done, expected = ours(folder, "script", "ending.py"), python(folder, "ending.py")
    assert outcome(done) == outcome(expected)


@pytest.mark.parametrize(
    ("script", "hint"),
    [("scripts/prob.py", "Did you mean"), ("scripts", "is a folder"), ("nowhere/at/all.py", "There is no script")],
)
def test_a_script_that_is_not_there_is_named(folder, monkeypatch, script, hint):
    monkeypatch.chdir(folder)
    with pytest.raises(TargetError, match=hint):
        load_script(script, ())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("no_such_module_anywhere", "There is no module"),
        ("package/probe.py", "There is no module"),
        ("package.probe.py", "Leave the .py off: -m package.probe"),
        ("math", "not written in Python"),
        ("concurrent", "without a __main__"),
    ],
)
def test_a_module_that_is_not_there_is_named(folder, monkeypatch, clean_imports, name, hint):
    monkeypatch.chdir(folder)
    with pytest.raises(TargetError, match=hint):
        load_module(name, ())
