"""Finds what a TARGET names, and makes of it a model with its inputs."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from graphviz_nn.cli.nearby import python_files_near
from graphviz_nn.cli.tracebacks import brief
from graphviz_nn.errors import TargetError, did_you_mean, few

if TYPE_CHECKING:
    from torch import nn

FORM = "package.module:callable or path/file.py:callable"


@dataclass(frozen=True, slots=True)
class Target:
    """A model, and what its author says it is called with.

    Attributes:
        name: the last part of the TARGET, for files and messages.
        model: the module to trace.
        args, kwargs: inputs, empty where the target gave none.
        loss: from the model's output to a scalar tensor, or None.
    """

    name: str
    model: nn.Module
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    loss: Callable[[Any], Any] | None = None


def load_target(text: str) -> Target:
    """Returns what TARGET names: a module, a class of modules, or a function that makes one.

    The function returns a module, `(module, inputs)` or `(module, inputs, loss)`; inputs are a tensor, a tuple or list
    of positional arguments, or a dict of keyword arguments.

    Raises:
        TargetError: it does not import, or gives back something else. What the function itself raises passes through.
    """
    from torch import nn

    found = resolve(text)
    if not isinstance(found, nn.Module):
        found = _call_without_arguments(found, text)
    name = text.rpartition(":")[2].rpartition(".")[2]
    if isinstance(found, nn.Module):
        return Target(name, found)
    if isinstance(found, Sequence) and len(found) in (2, 3) and isinstance(found[0], nn.Module):
        args, kwargs = _inputs(found[1])
        loss = found[2] if len(found) == 3 else None
        if loss is None or callable(loss):
            return Target(name, found[0], args, kwargs, loss)
    raise TargetError(
        f"{text!r} gave back {_what(found)}. "
        "Let it return a module, (module, inputs) or (module, inputs, loss), loss being a function of the output."
    )


def resolve(text: str) -> Any:
    """Returns the object that `package.module:name` or `path/file.py:name` names; `name` may be dotted.

    Raises:
        TargetError: the form is wrong, the module does not import, or it has no such name.
    """
    module_name, colon, name = text.rpartition(":")
    if not colon or not module_name or not name:
        raise TargetError(f"{text!r} names no callable. Write it as {FORM}.{_callables_hint(text)}")
    is_file = module_name.endswith(".py") or os.sep in module_name
    found: Any = _import_file(module_name) if is_file else _import_module(module_name)
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            known = [each for each in dir(found) if not each.startswith("_")]
            own = [each for each in known if not inspect.ismodule(getattr(found, each, None))]
            hint = did_you_mean(part, known) or (f" It has {few(own)}." if own else "")
            raise TargetError(f"{module_name!r} has no {name!r}.{hint}") from None
    return found


def _import_file(path: str) -> ModuleType:
    file = Path(path)
    if not file.is_file():
        raise TargetError(f"There is no file {path!r}.{python_files_near(path)}")
    spec = importlib.util.spec_from_file_location(file.stem, file.absolute())
    if spec is None or spec.loader is None:
        raise TargetError(f"{path!r} is no Python file. Write the target as {FORM}.")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)  # where dataclasses and pickle look for the file's own classes
    sys.path.insert(0, str(file.absolute().parent))
    _run_import(path, functools.partial(spec.loader.exec_module, module))
    return module


def _import_module(name: str) -> ModuleType:
    sys.path.insert(0, os.getcwd())
    try:
        _run_import(name, functools.partial(importlib.import_module, name))
    except TargetError as error:
        missing = error.__cause__
        if isinstance(missing, ModuleNotFoundError) and f"{name}.".startswith(f"{missing.name}."):
            raise TargetError(
                f"There is no module {missing.name!r}. Install it, run from the folder that holds it, "
                "or name a file: path/file.py:callable."
            ) from missing
        raise
    return sys.modules[name]


def _run_import(name: str, load: Callable[[], object]) -> None:
    """Runs the import; whatever the imported code raises becomes one message that says where."""
    try:
        load()
    except SystemExit as stop:
        raise TargetError(
            f"Importing {name!r} ended the program (exit code {stop.code}). "
            'Put what it does as a script under: if __name__ == "__main__":'
        ) from stop
    except Exception as error:
        raise TargetError(f"{name!r} does not import: {brief(error)}") from error


def _call_without_arguments(found: Any, text: str) -> Any:
    if not callable(found):
        raise TargetError(f"{text!r} is {_what(found)}, not a callable or a module. Name a function that returns one.")
    try:
        parameters = list(inspect.signature(found).parameters.values())
    except (TypeError, ValueError):  # a callable written in C may not say what it takes
        parameters = []
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in variadic]
    if needed:
        raise TargetError(
            f"{text!r} needs arguments ({', '.join(needed)}). Name a function without arguments that makes the model, "
            "for instance: def tiny(): return Model(width=8)"
        )
    return found()


def _inputs(given: Any) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Splits a target's inputs into positional and keyword arguments."""
    if isinstance(given, Mapping):
        return (), dict(given)
    if isinstance(given, (tuple, list)):
        return tuple(given), {}
    return (given,), {}


def _what(value: Any) -> str:
    """What a value is, in a few words: "None", "an int", "a tuple of (Linear, Tensor, int)"."""
    if value is None:
        return "None"
    if isinstance(value, ModuleType):
        return f"the module {value.__name__!r}"
    kind = type(value).__name__
    article = "an" if kind[0].lower() in "aeiou" else "a"
    inside = f" of ({', '.join(type(each).__name__ for each in value)})" if isinstance(value, tuple) else ""
    return f"{article} {kind}{inside}"


def _callables_hint(text: str) -> str:
    """For a target that is only a file: an example that would work, with the first name that the file defines."""
    import ast

    if not (text.endswith(".py") and os.path.isfile(text)):
        return ""
    try:
        body = ast.parse(Path(text).read_text(encoding="utf-8")).body
    except (SyntaxError, UnicodeDecodeError):
        return ""
    names = [each.name for each in body if isinstance(each, (ast.FunctionDef, ast.ClassDef))]
    return f" That file defines {', '.join(names)}: {text}:{names[-1]}" if names else ""
