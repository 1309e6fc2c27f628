"""What the palette offers for a few typed letters: commands, modules and nodes, the best fits first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from graphviz_nn_ui.viewmodels.commands import Command

if TYPE_CHECKING:
    from graphviz_nn.model.structure import Structure

LIMIT: Final = 60
"""Offers at most."""

_NO_FIT: Final = 9


@dataclass(frozen=True, slots=True)
class Offer:
    """One line. `kind` is "command", "module" or "node"; `key` its name, path or name; `detail` stands at the right."""

    kind: str
    title: str
    detail: str
    key: str


class Catalogue:
    """The modules and nodes of a step, prepared for searching."""

    def __init__(self, structure: Structure | None) -> None:
        modules = structure.modules if structure is not None else ()
        nodes = structure.nodes if structure is not None else ()
        self._offers = [
            Offer("module", module.path or "(the model)", module.type, module.path) for module in modules
        ] + [Offer("node", node.name, node.op, node.name) for node in nodes]
        self._lower = [offer.title.lower() for offer in self._offers]

    def matching(self, text: str) -> list[Offer]:
        """Returns what holds the text, the best fits first; nothing for fewer than two letters."""
        if len(text) < 2:
            return []
        found = [(fit(text, lower), place) for place, lower in enumerate(self._lower) if text in lower]
        found.sort(key=lambda pair: (pair[0], len(self._lower[pair[1]]), pair[1]))
        return [self._offers[place] for _, place in found[:LIMIT]]


def offers(text: str, commands: Iterable[Command], catalogue: Catalogue, shortcut_of: dict[str, str]) -> list[Offer]:
    """Returns what fits: commands that can be done now, then modules and nodes. Without text, all commands."""
    wanted = text.strip().lower()
    ranked = []
    for place, command in enumerate(commands):
        title = f"{command.menu.replace('/', ' › ')} › {command.title}" if command.menu else command.title
        score = min(fit(wanted, command.title.lower()), fit(wanted, title.lower()) + 1)
        if score < _NO_FIT and command.enabled():
            detail = shortcut_of.get(command.name, "")
            ranked.append((score, place, Offer("command", title.rstrip("…"), detail, command.name)))
    ranked.sort(key=lambda row: row[:2])
    return [*(offer for _, _, offer in ranked), *catalogue.matching(wanted)][:LIMIT]


def fit(wanted: str, text: str) -> int:
    """How well a text fits, both in lower case: 0 begins with it, 1 a word does, 2 holds it, 3 its words begin with the
    letters, 4 it holds every word; 9 does not fit."""
    if text.startswith(wanted):
        return 0
    place = text.find(wanted)
    if place > 0:
        return 1 if not text[place - 1].isalnum() else 2
    initials = "".join(word[0] for word in text.split() if word[0].isalnum())
    if len(wanted) > 1 and wanted in initials:
        return 3
    words = wanted.split()
    return 4 if len(words) > 1 and all(word in text for word in words) else _NO_FIT
