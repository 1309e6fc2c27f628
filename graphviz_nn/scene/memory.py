"""What all pictures of one structure have in common, worked out once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Final

from graphviz_nn.model.nodes import KINDS, SOURCE_KINDS
from graphviz_nn.model.structure import Structure
from graphviz_nn.model.wording import plural
from graphviz_nn.scene.box_texts import BoxText
from graphviz_nn.scene.text import readable
from graphviz_nn.scene.words import count_text

_CALL_KINDS: Final = frozenset(KINDS) - SOURCE_KINDS


@dataclass(eq=False)
class Memory:
    """What a structure is called, how large it is, and the words of boxes that were written already.

    Attributes:
        boxes: words by what they depend on.
    """

    structure: Structure
    boxes: dict[Hashable, BoxText] = field(default_factory=dict)

    @cached_property
    def calls(self) -> Counter[str]:
        """How often each module was called in the forward pass, by its path."""
        return Counter(call.path for call in self.structure.module_calls if call.phase == "forward")

    @cached_property
    def title(self) -> str:
        """The classes of the root modules."""
        modules = self.structure.modules_by_path
        roots = [call for call in self.structure.module_calls if call.parent is None]
        names = dict.fromkeys(modules[call.path].type for call in roots if call.path in modules)
        return readable(" + ".join(names)) or "computation graph"

    @cached_property
    def description(self) -> str:
        """How large what was recorded is: "60 calls · 11.7M parameters"."""
        nodes = self.structure.nodes
        calls = sum(node.phase == "forward" and node.kind in _CALL_KINDS for node in nodes)
        parameters = [node.outputs[0] for node in nodes if node.kind == "parameter"]
        elements = sum(prod(output.shape) for output in parameters)
        return f"{plural(calls, 'call')} · {count_text(elements)} {'parameter' if elements == 1 else 'parameters'}"
