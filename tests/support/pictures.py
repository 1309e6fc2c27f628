"""What can be wrong with a placement: each function returns the faults that it finds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from itertools import combinations
from random import Random

from graphviz_nn.layout.geometry import Box, Path, Placement, Point, Rect, Wire, cubics

SLACK = 1e-6


def overlaps(root: Box, placement: Placement) -> list[tuple[Hashable, Hashable]]:
    """Siblings that share some area."""
    found = []
    for box in root.walk():
        row = sorted(((placement.rects[child.key], child.key) for child in box.children), key=lambda each: each[0].y)
        for number, (rect, key) in enumerate(row):
            for other, other_key in row[number + 1 :]:
                if other.y >= rect.bottom - SLACK:
                    break
                if other.x < rect.right - SLACK and rect.x < other.right - SLACK:
                    found.append((key, other_key))
    return found


def strays(root: Box, placement: Placement) -> list[Hashable]:
    """Boxes that are not inside their parent, or reach into its title strip; containers below their least size."""
    found = []
    for box in root.walk():
        outer = placement.rects[box.key]
        if outer.width < box.width - SLACK or outer.height < box.height - SLACK:
            found.append(box.key)
        for child in box.children:
            rect = placement.rects[child.key]
            across = rect.x < outer.x - SLACK or rect.right > outer.right + SLACK
            along = rect.y < outer.y + box.title_height - SLACK or rect.bottom > outer.bottom + SLACK
            if across or along:
                found.append(child.key)
    return found


def loose_ends(wires: Sequence[Wire], placement: Placement) -> list[Wire]:
    """Wires that do not start on the border of their source, or end on that of their target."""
    return [
        wire
        for wire, path in zip(wires, placement.paths, strict=True)
        if not _on_border(path[0], placement.rects[wire.source])
        or not _on_border(path[-1], placement.rects[wire.target])
    ]


def _on_border(point: Point, rect: Rect) -> bool:
    x, y = point
    inside = rect.x - 0.01 <= x <= rect.right + 0.01 and rect.y - 0.01 <= y <= rect.bottom + 0.01
    return inside and min(abs(x - rect.x), abs(x - rect.right), abs(y - rect.y), abs(y - rect.bottom)) < 0.01


def pierced(root: Box, wires: Sequence[Wire], placement: Placement) -> list[tuple[Wire, Hashable]]:
    """Wires that run through a leaf that is not their end, with that leaf."""
    grid = _Grid(placement.rects[box.key] for box in root.walk() if not box.children)
    keys = [box.key for box in root.walk() if not box.children]
    return [
        (wire, keys[number])
        for wire, path in zip(wires, placement.paths, strict=True)
        for point in sampled(path, placement.direction)
        for number in grid.around(point)
        if keys[number] not in (wire.source, wire.target)
    ]


def covered_titles(root: Box, wires: Sequence[Wire], placement: Placement) -> list[tuple[Wire, Hashable]]:
    """Wires that run through the title of a container, with that container."""
    keys = list(placement.titles)
    grid = _Grid(placement.titles[key] for key in keys)
    return [
        (wire, keys[number])
        for wire, path in zip(wires, placement.paths, strict=True)
        for point in sampled(path, placement.direction)
        for number in grid.around(point)
    ]


class _Grid:
    """Rectangles by the cells of a grid."""

    def __init__(self, rects: Iterator[Rect]) -> None:
        self._rects = list(rects)
        self._cells: dict[tuple[int, int], list[int]] = defaultdict(list)
        for number, rect in enumerate(self._rects):
            for column in range(int(rect.x // 100), int(rect.right // 100) + 1):
                for row in range(int(rect.y // 100), int(rect.bottom // 100) + 1):
                    self._cells[column, row].append(number)

    def around(self, point: Point) -> list[int]:
        """The rectangles that hold the point, borders aside."""
        x, y = point
        near = self._cells.get((int(x // 100), int(y // 100)), ())
        return [
            number
            for number in near
            if self._rects[number].x + 0.5 < x < self._rects[number].right - 0.5
            and self._rects[number].y + 0.5 < y < self._rects[number].bottom - 0.5
        ]


def sampled(path: Path, direction: str) -> Iterator[Point]:
    """Points along the curve that the path stands for, about every 10 pixels."""
    chain = cubics(path, direction)
    for k in range(0, len(chain) - 1, 3):
        (x0, y0), (x1, y1), (x2, y2), (x3, y3) = chain[k : k + 4]
        count = 1 + int((abs(x3 - x0) + abs(y3 - y0)) / 10)
        for step in range(count + 1):
            t = step / count
            a, b, c, d = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3
            yield a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3


def random_nest(seed: int, largest: int = 60) -> tuple[Box, list[Wire]]:
    """A tree of boxes of random sizes, up to four levels deep, with random wires: cycles, loops and repeats too."""
    random = Random(seed)
    root = Box("root", 0, 0)
    containers = [(root, 0)]
    leaves: list[int] = []
    for number in range(random.randint(1, largest)):
        outer, depth = random.choice(containers)
        width, height = random.randint(20, 300), random.randint(10, 200)
        if depth < 4 and random.random() < 0.25:
            title = random.choice((0, 40, 160))
            box = Box(f"box{number}", width, height, title_height=title and 20.0, title_width=float(title))
            containers.append((box, depth + 1))
        else:
            box = Box(number, width, height)
            leaves.append(number)
        outer.children.append(box)
    leaves += [str(box.key) for box in root.walk() if not box.children and isinstance(box.key, str)]  # type: ignore[misc]
    count = random.randint(0, 2 * len(leaves))
    wires = [Wire(random.choice(leaves), random.choice(leaves), random.randint(0, 2)) for _ in range(count)]
    return root, [wire for wire in wires if "root" not in (wire.source, wire.target)]


def shut(root: Box, wires: Sequence[Wire], closed: Collection[Hashable]) -> tuple[Box, list[Wire]]:
    """The same picture with some containers closed: boxes without an inside, and one wire for each two boxes."""
    owners: dict[Hashable, Hashable] = {}

    def close(box: Box) -> Box:
        if box.key in closed:
            owners.update((inner.key, box.key) for inner in box.walk())
            return Box(box.key, max(box.width, 60.0), 40.0)
        owners[box.key] = box.key
        children = [close(child) for child in box.children]
        return Box(box.key, box.width, box.height, children, box.title_height, box.title_width)

    shown, joined = close(root), {}
    for wire in wires:
        source, target = owners[wire.source], owners[wire.target]
        if source != target or source == wire.source:
            joined.setdefault((source, target), Wire(source, target, (wire.source, wire.net)))
    return shown, list(joined.values())


def moved_siblings(before: Placement, after: Placement, siblings: Iterable[Box]) -> list[tuple[Hashable, Hashable]]:
    """Pairs of siblings that stand side by side in both pictures, but not in the same order."""
    moved = []
    for first, second in combinations([box.key for box in siblings], 2):
        pairs = [(each.rects[first], each.rects[second]) for each in (before, after)]
        beside = all(left.y < right.bottom and right.y < left.bottom for left, right in pairs)
        if beside and len({left.x < right.x for left, right in pairs}) > 1:
            moved.append((first, second))
    return moved
