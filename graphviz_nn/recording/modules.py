"""Names of modules, found from their roots, and the patched `nn.Module.__call__` that keeps the module path.

A *root* is a module that is called from outside any other module. With one root that has parameters its path is ""
and its children have the names that `named_modules` gives; several roots are told apart by the names of the variables
that hold them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from inspect import CO_OPTIMIZED
from types import FrameType
from typing import Any
from weakref import ref

from torch import nn

from graphviz_nn.model.literals import clean
from graphviz_nn.recording.sources import is_user_code


class Root:
    """A module called from outside any other. It is a model, rather than a loss, where it has parameters."""

    __slots__ = ("is_model", "label", "module")

    def __init__(self, module: nn.Module, label: str, *, is_model: bool = False) -> None:
        self.module = ref(module)
        self.label = label
        self.is_model = is_model or next(module.parameters(), None) is not None


class ModuleEntry:
    """One module: its root, its dotted path inside that root, and the class that it has."""

    __slots__ = ("module", "path", "root", "training", "type")

    def __init__(self, module: nn.Module, root: Root, path: str) -> None:
        self.module = ref(module)
        self.root = root
        self.path = path
        self.type = type(module)
        self.training = module.training


class ModuleNames:
    """Finds the entry of a module. Entries live as long as the recorder; modules are held weakly.

    Attributes:
        entries: by `id` of a module what is known of it, if it still is that module.
        roots: modules called from outside any other.
        unregistered: modules called inside others without being registered there.
        counts: roots and unregistered modules found so far; another object each time one is added.
    """

    def __init__(self) -> None:
        self.roots: list[Root] = []
        self.unregistered: list[ModuleEntry] = []
        self.entries: dict[int, ModuleEntry] = {}
        self.counts: tuple[int, int] = (0, 0)

    def begin_step(self) -> None:
        """Gives the names of modules that are gone to those to come, so that steps that do the same read the same."""
        self.roots = [root for root in self.roots if root.module() is not None]
        self.unregistered = [entry for entry in self.unregistered if entry.module() is not None]

    def owners(self) -> Iterator[tuple[nn.Module, Root, str]]:
        """Yields each living root, and each living unregistered module, with its root and its path inside that."""
        for root in self.roots:
            module = root.module()
            if module is not None:
                yield module, root, ""
        for entry in self.unregistered:
            module = entry.module()
            if module is not None:
                yield module, entry.root, entry.path

    def entry(self, module: nn.Module) -> ModuleEntry | None:
        """Returns the entry of a module seen before, or None."""
        entry = self.entries.get(id(module))
        return entry if entry is not None and entry.module() is module else None

    def add_root(self, module: nn.Module, label: str | None = None, *, is_model: bool = False) -> ModuleEntry:
        """Makes the module a root, names everything inside it, and returns its entry."""
        label = label or variable_name(module) or type(module).__name__
        root = Root(module, _unique(label, {other.label for other in self.roots}), is_model=is_model)
        self.roots.append(root)
        self.counts = self.counts[0] + 1, self.counts[1]
        self._name_inside(module, root, "")
        entry = self.entry(module)
        assert entry is not None
        return entry

    def add_inside(self, module: nn.Module, caller: ModuleEntry) -> ModuleEntry:
        """Names a module that was called inside another and not found before.

        Either it was registered since the root was read, or it hangs on a plain list or attribute; then its path is
        its caller's with its class name.
        """
        owner = caller.root.module()
        if owner is not None:
            self._name_inside(owner, caller.root, "")
            found = self.entry(module)
            if found is not None:
                return found
        stem = f"{caller.path}.{type(module).__name__}" if caller.path else type(module).__name__
        taken = {entry.path for entry in self.unregistered if entry.root is caller.root}
        self._name_inside(module, caller.root, _unique(stem, taken))
        entry = self.entry(module)
        assert entry is not None
        self.unregistered.append(entry)
        self.counts = self.counts[0], self.counts[1] + 1
        return entry

    def path(self, root: Root, path: str) -> str:
        """Returns the full path: with several roots that are models each path starts with its root's label."""
        models = [other for other in self.roots if other.is_model] or self.roots
        if models == [root]:
            return clean(path)
        return clean(f"{root.label}.{path}" if path else root.label)

    def _name_inside(self, module: nn.Module, root: Root, prefix: str) -> None:
        for name, child in module.named_modules(prefix=prefix):
            known = self.entry(child)
            if known is None:
                self.entries[id(child)] = ModuleEntry(child, root, name)


def _unique(label: str, taken: set[str]) -> str:
    if label not in taken:
        return label
    return next(f"{label}_{k}" for k in range(2, len(taken) + 3) if f"{label}_{k}" not in taken)


def variable_name(module: nn.Module) -> str | None:
    """Returns the name of the variable, or attribute of `self`, that holds the module in the calling user's frame."""
    frame = sys._getframe(1)
    while frame is not None:
        if is_user_code(frame.f_code.co_filename):
            break
        frame = frame.f_back  # type: ignore[assignment]
    for _ in range(3):
        if frame is None:
            return None
        name = _name_in(frame, module)
        if name is not None:
            return name
        frame = frame.f_back  # type: ignore[assignment]
    return None


def _name_in(frame: FrameType, module: nn.Module) -> str | None:
    local = frame.f_locals
    name = (
        _variable_holding(module, local)
        or _variable_holding(module, frame.f_globals)
        or _attribute_holding(module, local.get("self"))
    )
    # Before Python 3.13 a function's frame keeps this dict, and with it every tensor that a variable held just now.
    # Three references are the frame's, ours and this very call's: the program itself has not asked for the dict.
    if sys.version_info < (3, 13) and frame.f_code.co_flags & CO_OPTIMIZED and sys.getrefcount(local) <= 3:
        local.clear()
    return name


def _variable_holding(module: nn.Module, variables: dict[str, Any]) -> str | None:
    for key, value in variables.items():
        if value is module and key.isidentifier() and not key.startswith("_") and key != "self":
            return key
    return None


def _attribute_holding(module: nn.Module, owner: Any) -> str | None:
    for key, value in getattr(owner, "__dict__", {}).items():
        if value is module:
            return str(key)
    return None
