"""Names of the classes and operators that layer types cover."""

from __future__ import annotations


def torch_nn(file: str, *names: str) -> tuple[str, ...]:
    """Returns the importable names of classes in `torch.nn.modules.<file>`, without importing torch."""
    return tuple(f"torch.nn.modules.{file}.{name}" for name in names)


def words(text: str) -> tuple[str, ...]:
    """Returns the words of a long list."""
    return tuple(text.split())
