"""`graphviz-nn run`: records an unmodified script."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

import graphviz_nn as gnn
from graphviz_nn.cli import outputs
from graphviz_nn.cli.check import configured, known_thresholds
from graphviz_nn.cli.ending import ended_by, exit_code, leave
from graphviz_nn.cli.kept import unmatched
from graphviz_nn.cli.late import after_import
from graphviz_nn.cli.parameters import Every, OneOf, Share, parse_keep
from graphviz_nn.cli.progress import StepTitle
from graphviz_nn.cli.script import Program, load_module, load_script
from graphviz_nn.cli.text import plural, shell_word
from graphviz_nn.errors import GraphvizNNError, OptionError
from graphviz_nn.model.ranks import Place
from graphviz_nn.model.steps import StepRecord
from graphviz_nn.store.rank_files import prepare

if TYPE_CHECKING:
    from graphviz_nn.api import Recording
    from graphviz_nn.run import Run


_NO_STEP = "no module was called and no backward pass ran."


@click.command(
    short_help="Run a script, unchanged, and record its steps.", context_settings={"allow_interspersed_args": False}
)
@click.option("-m", "--module", "is_module", is_flag=True, help="SCRIPT is a module's name, as in python -m.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Run file to write. Default: the script's name with .gvnn."
)
@click.option(
    "--every",
    type=Every(),
    metavar="auto|N",
    default="auto",
    show_default=True,
    help="Record every N-th step in full, or as many as the budget allows.",
)
@click.option(
    "--budget", type=Share(), default="5%", show_default=True, help="With --every auto: how much slower it may get."
)
@click.option(
    "--keep",
    default="stats",
    show_default=True,
    help="none: structure and order; stats: numbers of each tensor; all: the tensors too. "
    "Or module patterns, joined by commas, whose tensors are kept: 'layer3.*'.",
)
@click.option("--aten", is_flag=True, help="Also note the ATen operators that run inside each call. Slow.")
@click.option("--saved", is_flag=True, help="Also note what autograd saves of each call for the backward pass.")
@click.option(
    "--on-finding",
    type=OneOf(("warn", "stop")),
    help="Check steps while the script runs: warn of what is found, or also stop the training at an error.",
)
@click.option("--quiet", is_flag=True, help="No line at the end that says what was recorded.")
@click.argument("script")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(
    *,
    is_module: bool,
    output: Path | None,
    every: int | str,
    budget: float,
    keep: str,
    aten: bool,
    saved: bool,
    on_finding: str | None,
    quiet: bool,
    script: str,
    arguments: tuple[str, ...],
) -> None:
    """Run SCRIPT with its ARGUMENTS, unchanged, and record what its training steps do.

    Its output, exit code and errors are its own. Ctrl+C ends it as always; what was recorded stays. Several processes
    that train together (torchrun -m graphviz_nn run train.py) write a file each, in a folder of the run file's name.

    \b
    Example:
      graphviz-nn run train.py --epochs 3
      graphviz-nn run -o first.gvnn --every 100 train.py
      graphviz-nn run --on-finding stop train.py
      graphviz-nn run -m package.train --epochs 3
    """
    path = output or _default_output(script, is_module)
    outputs.ensure_run_suffix(path)
    place = Place.in_environment(os.environ)
    if place is None:
        outputs.ensure_writable(path)
    else:
        prepare(path, place)
    try:
        program = (load_module if is_module else load_script)(script, arguments)
    except GraphvizNNError:
        raise
    except BaseException as error:  # a script that does not compile, a package whose import fails
        leave(ended_by(error))
    options: dict[str, Any] = {"every": every, "budget": budget, "keep": parse_keep(keep), "aten": aten, "saved": saved}
    if on_finding is not None:
        options |= {"on_finding": on_finding, "thresholds": known_thresholds(Path.cwd())}
    recording = ScriptRecording(path, options, place)
    code = exit_code(lambda: recording.run(program))
    if not quiet:
        recording.tell()
    leave(code)


class ScriptRecording:
    """The recording of one program: it starts when PyTorch is there, and never stands in the program's way."""

    def __init__(self, path: Path, options: Mapping[str, Any], place: Place | None = None) -> None:
        self._path = path
        self._folder = Path.cwd()  # the program may change the current folder
        self._file = path.absolute()
        self._process = os.getpid()
        self._options = options
        self._place = place
        self._recording: Recording | None = None
        self._failure = ""
        self._title = StepTitle()
        self._recorded = 0
        self._began = time.time()

    def run(self, program: Program) -> None:
        """Runs the program and records it from its `import torch` on. What it raises passes through."""
        try:
            with ExitStack() as stack, after_import("torch", lambda: self._start(stack)):
                program.run()
        finally:
            self._title.clear()

    def tell(self) -> None:
        """Says what was recorded and found. Whatever becomes of that, the program's own end stands."""
        if not self._has_news:
            return
        try:
            for line in (self.summary(), *self.unmatched(), *self.findings()):
                outputs.note(line)
        except KeyboardInterrupt:
            return
        except Exception as error:
            outputs.note(f"the run could not be looked at: {type(error).__name__}: {error}")

    @property
    def _has_news(self) -> bool:
        """Whether there is something to say that no other process says.

        Of several that train together the first speaks for all; the copies that a program forks of itself are silent.
        """
        own = os.getpid() == self._process
        return own and (self._place is None or self._place.rank == 0 or not self._recorded)

    def summary(self) -> str:
        """One line that says what was recorded."""
        if self._place is not None and self._place.rank:
            return f"rank {self._place.rank}: {self._summary()}"
        return self._summary()

    def _summary(self) -> str:
        if self._failure:
            return f"nothing was recorded: {self._failure}"
        if self._recording is None:
            return "nothing was recorded: the program did not import torch."
        try:
            with self._open() as run:
                steps, meta = [step.info for step in run.steps], run.meta
        except GraphvizNNError as error:
            return f"nothing was recorded: {_NO_STEP if not self._recorded else error}"
        if not self._recorded:
            # Without a step an older run may still be at that place; its notes are about something else.
            problem = meta.notes[0] if meta.notes and meta.created >= self._began else _NO_STEP
            return f"nothing was recorded: {problem}"
        losses = [step.loss for step in steps if step.loss is not None]
        change = f", loss {losses[0]:.4g} → {losses[-1]:.4g}" if len(losses) > 1 else ""
        seen = self._recording.steps_seen
        count = f"{len(steps)} of {seen} steps" if seen > len(steps) else plural(len(steps), "step")
        return f"{count} recorded{change}. See them: graphviz-nn info {self._name}"

    def unmatched(self) -> list[str]:
        """One line for each pattern of `keep` that chose nothing."""
        if not self._recorded:
            return []
        try:
            with self._open() as run:
                return unmatched(self._options["keep"], run.data)
        except GraphvizNNError:
            return []  # the summary has said what is wrong with the file

    def findings(self) -> list[str]:
        """One line for each error and warning that the checks found, and one that says how to see more."""
        if not self._recorded:
            return []
        from graphviz_nn.cli.check import brief

        try:
            with self._open() as run:
                return brief(run, configured(self._folder), self._name)
        except OptionError as error:
            return [f"the run was not checked: {error}"]
        except GraphvizNNError:
            return []  # the summary has said what is wrong with the file

    @property
    def _name(self) -> str:
        """The run file as a shell takes it."""
        name = str(self._path)
        return shell_word(f".{os.sep}{name}" if name.startswith("-") else name)

    def _open(self) -> Run:
        return gnn.load(self._file, None if self._place is None else self._place.rank)

    def _start(self, stack: ExitStack) -> None:
        """Starts the recorder in the middle of the program, which must go on whatever comes of it."""
        try:
            self._recording = stack.enter_context(gnn.record(self._file, on_step=self._on_step, **self._options))
        except GraphvizNNError as error:
            self._failure = str(error)
        except Exception as error:
            self._failure = f"the recorder failed with {type(error).__name__}: {error}"

    def _on_step(self, step: StepRecord) -> None:
        self._recorded += 1
        self._title(step)


def _default_output(script: str, is_module: bool) -> Path:
    """`train.gvnn` beside the script; for a module in the current folder."""
    if is_module:
        return Path(script.rpartition(".")[2]).with_suffix(outputs.RUN_SUFFIX)
    return Path(script).with_suffix(outputs.RUN_SUFFIX)
