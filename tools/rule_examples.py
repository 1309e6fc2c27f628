"""The examples of `examples/rules`, by the name of their rule."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

import examples.rules

Example = Callable[[bool], None]


def _found() -> dict[str, Example]:
    """Every function that takes `repaired` alone, in the order of the files and in each as it stands there."""
    found: dict[str, Example] = {}
    for file in sorted(Path(examples.rules.__path__[0]).glob("[a-z]*.py")):
        module = import_module(f"examples.rules.{file.stem}")
        found |= {name: value for name, value in vars(module).items() if _is_example(value)}
    return found


def _is_example(value: object) -> bool:
    return inspect.isfunction(value) and list(inspect.signature(value).parameters) == ["repaired"]


EXAMPLES: Final[Mapping[str, Example]] = _found()
