"""Runs a script or a module as `python script.py` or `python -m module` would."""

from __future__ import annotations

import builtins
import importlib.util
import io
import os
import sys
import types
from dataclasses import dataclass
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType

from graphviz_nn.cli.nearby import python_files_near
from graphviz_nn.cli.outputs import RUN_SUFFIX
from graphviz_nn.errors import TargetError


@dataclass(frozen=True, slots=True)
class Program:
    """Code that is ready to run as `__main__`.

    Attributes:
        code: the compiled source; its file name is the one that tracebacks show.
        argv: what `sys.argv` will be.
        folder: what `sys.path[0]` will be.
        file: absolute name of the source file, the module's `__file__`.
        spec: the module's `__spec__`: None for a script, as in Python itself.
    """

    code: CodeType
    argv: tuple[str, ...]
    folder: str
    file: str
    spec: ModuleSpec | None = None

    def run(self) -> None:
        """Runs it in this process. Whatever it raises passes through, `SystemExit` and `KeyboardInterrupt` too."""
        main = types.ModuleType("__main__")
        main.__file__ = self.file
        main.__dict__["__cached__"] = self.spec.cached if self.spec else None
        main.__dict__["__builtins__"] = builtins  # exec would put the module's dictionary there
        main.__spec__ = self.spec
        main.__package__ = self.spec.parent if self.spec else None
        main.__loader__ = self.spec.loader if self.spec else SourceFileLoader("__main__", self.file)
        sys.modules["__main__"] = main  # where pickle and multiprocessing look for the program's own names
        sys.argv[:] = self.argv
        sys.path.insert(0, self.folder)
        exec(self.code, vars(main))  # the program that the user asked to run


def load_script(path: str, arguments: tuple[str, ...]) -> Program:
    """Returns the script at `path`, compiled.

    Raises:
        TargetError: there is no such file, or it cannot be read.
        SyntaxError: as Python raises it.
    """
    file = os.path.join(os.getcwd(), path)  # not normalised, as Python does
    if os.path.isdir(file):
        raise TargetError(f"{path!r} is a folder. Name a script in it, or run a package with -m.")
    if path.endswith(RUN_SUFFIX):
        raise TargetError(f"{path!r} is a run file, not a script. Look at it: graphviz-nn view {path}")
    try:
        with io.open_code(file) as stream:
            source = stream.read()
    except FileNotFoundError:
        raise TargetError(f"There is no script {path!r}.{python_files_near(path)}") from None
    except OSError as error:
        raise TargetError(f"The script {path!r} cannot be read: {error.strerror}.") from error
    folder = os.path.dirname(os.path.realpath(file))
    return Program(compile(source, file, "exec", dont_inherit=True), (path, *arguments), folder, file)


def load_module(name: str, arguments: tuple[str, ...]) -> Program:
    """Returns the module `name`, or a package's `__main__`, compiled.

    Raises:
        TargetError: there is no such module, or it is not written in Python.
    """
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        spec = _find(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = _find(f"{name}.__main__")
            if spec is None:
                raise TargetError(f"{name!r} is a package without a __main__. Name one of its modules.")
    finally:
        sys.path.remove(folder)
    if spec is None:
        hint = f" Leave the .py off: -m {name[:-3]}" if name.endswith(".py") else " Run from the folder that holds it."
        raise TargetError(f"There is no module {name!r}.{hint}")
    code = spec.loader.get_code(spec.name) if isinstance(spec.loader, InspectLoader) else None
    if code is None or spec.origin is None:
        raise TargetError(f"The module {name!r} is not written in Python, so it cannot be run.")
    return Program(code, (spec.origin, *arguments), folder, spec.origin, spec)


def _find(name: str) -> ModuleSpec | None:
    """The module's spec, or None where there is no such module."""
    try:
        return importlib.util.find_spec(name)
    except (ModuleNotFoundError, ValueError):
        return None
