"""Damages run files in every way that a disk, a copy or an enemy may, and reads them in a process of their own."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from graphviz_nn.errors import DamagedRunFile, RunFileError
from graphviz_nn.store import RunFile, RunWriter, open_run
from graphviz_nn.store.checks import ROWS_OF_EVENTS
from graphviz_nn.store.format import FORMAT_VERSION
from tests.core.store.samples import (
    assert_same_array,
    assert_same_metric,
    assert_same_tensor,
    make_finding,
    make_step,
    make_structure,
)

ROOT = Path(__file__).parents[3]
PAGE = 4096
MEMORY_LIMIT = 2 << 30
SECONDS_A_FILE = 10.0
FORBIDDEN = frozenset({"exec", "compile", "import", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen"})
"""Audit events of Python that no reading of data may cause."""

STEPS = [make_step(i, make_structure(30 + i % 3), histograms=True, tensors=5_000) for i in range(20)]
FINDINGS = [make_finding(i, node=None if i == 5 else i) for i in range(20)]


class Outcome(msgspec.Struct):
    """How reading a file ended: the class of the error that `open_run` raised, or "" and what could be read."""

    file: str
    error: str
    message: str
    parts_read: int
    parts_lost: int
    seconds: float


def write_base(folder: Path) -> Path:
    """Writes `base.gvnn`, the run that all damage is done to, and `log.gvnn`, the same with its steps in the log."""
    base, log = folder / "base.gvnn", folder / "log.gvnn"
    writer = RunWriter(base)
    for step in STEPS:
        writer.write(step)
    for finding in FINDINGS:
        writer.add_finding(finding)
    writer.flush()
    shutil.copy(base, log)
    shutil.copy(f"{base}-wal", f"{log}-wal")
    writer.close()
    return base


# Ways to damage a file


def truncate(path: Path, random: np.random.Generator) -> None:
    os.truncate(path, int(random.integers(0, path.stat().st_size)))


def flip_bytes(path: Path, random: np.random.Generator) -> None:
    _flip(path, random, 0, path.stat().st_size)


def flip_header(path: Path, random: np.random.Generator) -> None:
    _flip(path, random, 0, 100)


def flip_page_header(path: Path, random: np.random.Generator) -> None:
    start = int(random.integers(0, path.stat().st_size // PAGE)) * PAGE
    _flip(path, random, start, start + 40)


def zero_page(path: Path, random: np.random.Generator) -> None:
    _overwrite_page(path, random, bytes(PAGE))


def random_page(path: Path, random: np.random.Generator) -> None:
    _overwrite_page(path, random, random.bytes(PAGE))


def copy_page(path: Path, random: np.random.Generator) -> None:
    start = int(random.integers(0, path.stat().st_size // PAGE)) * PAGE
    _overwrite_page(path, random, path.read_bytes()[start : start + PAGE])


def random_file(path: Path, random: np.random.Generator) -> None:
    path.write_bytes(random.bytes(int(random.integers(1, 100_000))))


def random_behind_magic(path: Path, random: np.random.Generator) -> None:
    path.write_bytes(b"SQLite format 3\0" + random.bytes(50_000))


def flip_log(path: Path, random: np.random.Generator) -> None:
    _take_log(path)
    log = Path(f"{path}-wal")
    _flip(log, random, 0, log.stat().st_size)


def truncate_log(path: Path, random: np.random.Generator) -> None:
    _take_log(path)
    truncate(Path(f"{path}-wal"), random)


def foreign_database(path: Path, random: np.random.Generator) -> None:
    path.unlink()
    _change(path, f"CREATE TABLE step (position, name); PRAGMA user_version={int(random.integers(0, 3))}")


def newer(path: Path, random: np.random.Generator) -> None:
    _change(path, f"PRAGMA user_version={FORMAT_VERSION + int(random.integers(1, 1000))}")


def with_view(path: Path, random: np.random.Generator) -> None:
    del random
    _change(path, "DROP TABLE meta; CREATE VIEW meta AS SELECT 'run' AS key, load_extension('x') AS value, 0 AS crc")


def with_trigger(path: Path, random: np.random.Generator) -> None:
    del random
    _change(path, "CREATE TRIGGER t AFTER INSERT ON step BEGIN DELETE FROM step; END")


DAMAGE: tuple[Callable[[Path, np.random.Generator], None], ...] = (
    truncate,
    flip_bytes,
    flip_header,
    flip_page_header,
    zero_page,
    random_page,
    copy_page,
    random_file,
    random_behind_magic,
    flip_log,
    truncate_log,
    foreign_database,
    newer,
    with_view,
    with_trigger,
)

EXPECTED_ERROR = {
    "random_file": {"NotARunFile"},
    "random_behind_magic": {"NotARunFile", "DamagedRunFile"},
    "foreign_database": {"NotARunFile"},
    "newer": {"NewerRunFile"},
    "with_view": {"DamagedRunFile"},
    "with_trigger": {"DamagedRunFile"},
}
"""Where only an error will do. Elsewhere an error and the intact part are both right."""


def _flip(path: Path, random: np.random.Generator, start: int, stop: int) -> None:
    data = bytearray(path.read_bytes())
    for place in random.integers(start, stop, int(random.integers(1, 33))):
        data[place] ^= int(random.integers(1, 256))
    path.write_bytes(data)


def _overwrite_page(path: Path, random: np.random.Generator, page: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(int(random.integers(1, path.stat().st_size // PAGE)) * PAGE)
        file.write(page)


def _take_log(path: Path) -> None:
    log = path.with_name("log.gvnn")
    shutil.copy(log, path)
    shutil.copy(f"{log}-wal", f"{path}-wal")


def _change(path: Path, script: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


def damaged_files(base: Path, count: int, seed: int) -> list[Path]:
    """Makes `count` files beside `base`, named for their damage, each kind in turn; the same ones for one seed."""
    random = np.random.default_rng(seed)
    files = []
    for number in range(count):
        damage = DAMAGE[number % len(DAMAGE)]
        path = base.with_name(f"{damage.__name__}.{number}.gvnn")
        shutil.copy(base, path)
        damage(path, random)
        files.append(path)
    return files


# Reading in a process of its own


def read_all(files: Iterable[Path]) -> list[Outcome]:
    """Reads every part of every file, in one process with limited memory in which nothing may run code.

    Raises `AssertionError` where that process crashes, hangs, or comes upon a wrong number.
    """
    names = [str(file) for file in files]
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", "from tests.core.store.damage import main; main()"],
        cwd=ROOT, input="\n".join(names), capture_output=True, text=True, check=False,
        timeout=60 + SECONDS_A_FILE * len(names),
    )  # fmt: skip
    outcomes = [msgspec.json.decode(line, type=Outcome) for line in done.stdout.splitlines()]
    last = outcomes[-1].file if outcomes else "nothing"
    assert done.returncode == 0, f"the reader ended with {done.returncode} after {last}:\n{done.stderr}"
    assert len(outcomes) == len(names)
    for outcome in outcomes:
        _judge(outcome)
    return outcomes


def _judge(outcome: Outcome) -> None:
    kind = Path(outcome.file).name.partition(".")[0]
    assert outcome.seconds < SECONDS_A_FILE, f"{outcome.file} took {outcome.seconds:.1f} s"
    assert outcome.error in EXPECTED_ERROR.get(kind, {"", "NotARunFile", "NewerRunFile", "DamagedRunFile"}), outcome
    assert not outcome.error or Path(outcome.file).name in outcome.message


def main() -> None:
    """Reads the files named on standard input; prints an `Outcome` as JSON for each."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))
    names = sys.stdin.read().splitlines()
    _warm_up(Path(names[0]).with_name("base.gvnn"))
    sys.addaudithook(_refuse_code)
    for name in names:
        print(msgspec.json.encode(_read(name)).decode(), flush=True)


def _warm_up(base: Path) -> None:
    """Imports what is imported late, and makes sure that the undamaged file is read whole."""
    outcome = _read(str(base))
    assert (outcome.error, outcome.parts_lost) == ("", 0), outcome
    _read(str(base.with_name("missing.gvnn")))


def _refuse_code(event: str, arguments: tuple[object, ...]) -> None:
    if event in FORBIDDEN:
        raise SystemError(f"reading a file caused {event} {arguments}")


def _read(name: str) -> Outcome:
    started = time.monotonic()
    parts: Counter[bool] = Counter()
    error, message = "", ""
    try:
        with open_run(name) as run:
            read_parts(run, parts)
    except RunFileError as problem:
        error, message = type(problem).__name__, str(problem)
    return Outcome(name, error, message, parts[True], parts[False], time.monotonic() - started)


def read_parts(run: RunFile, parts: Counter[bool]) -> None:
    """Reads everything; counts parts that came back as they were written, and parts reported as damaged."""
    originals = {step.info.index: step for step in STEPS}
    assert run.meta is not None
    _count(parts, run.sources)
    places = {info.index: place for place, info in enumerate(run.steps())}
    findings = tuple(replace(finding, step=places[finding.step]) for finding in FINDINGS if finding.step in places)
    _count(parts, lambda: _begins(findings, run.findings()))
    parts[False] += len(run.damage)
    for position, info in enumerate(run.steps()):
        step = originals[info.index]
        assert info == step.info
        _count(parts, lambda i=info, s=step: _equal(run.structure(i.structure), s.structure))
        _count(parts, lambda p=position, s=step: assert_same_array(s.events, run.events(p)))
        for name in ("output", *ROWS_OF_EVENTS):
            _count(parts, lambda p=position, n=name, s=step: assert_same_array(s.stats[n], run.stats(p, n)))
            _count(parts, lambda p=position, n=name, s=step: assert_same_array(s.histograms[n], run.histograms(p, n)))
        _count(parts, lambda p=position, s=step: _equal(list(run.metric_names(p)), list(s.metrics)))
        for name, table in step.metrics.items():
            _count(parts, lambda p=position, n=name, t=table: assert_same_metric(t, run.metric(p, n)))
        _count(parts, lambda p=position, s=step: _equal(list(run.tensor_keys(p)), list(s.tensors)))
        for key, tensor in step.tensors.items():
            _count(parts, lambda p=position, k=key, t=tensor: assert_same_tensor(t, run.tensor(p, k)))


def _equal(found: object, expected: object) -> None:
    assert found == expected


def _begins(whole: Sequence[object], found: Sequence[object]) -> None:
    """Findings are written after their steps: where the file ends early, the last of them are not there."""
    assert found == whole[: len(found)]


def _count(parts: Counter[bool], read: Callable[[], object]) -> None:
    try:
        read()
        parts[True] += 1
    except DamagedRunFile:
        parts[False] += 1
