"""`graphviz-nn trace`: records one call of a model."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click

import graphviz_nn as gnn
from graphviz_nn.cli import outputs, tracebacks
from graphviz_nn.cli.inputs import HELP, SEED, InputParameter, InputSpec, make_inputs
from graphviz_nn.cli.json_output import show_json
from graphviz_nn.cli.kept import unmatched
from graphviz_nn.cli.losses import Loss, find_loss
from graphviz_nn.cli.parameters import parse_keep
from graphviz_nn.cli.picture import picture_options
from graphviz_nn.cli.progress import working
from graphviz_nn.cli.target import Target, load_target
from graphviz_nn.errors import GraphvizNNError, OptionError, SelectorError, TargetError
from graphviz_nn.model.exporters import PictureOptions

if TYPE_CHECKING:
    from graphviz_nn.run import Run


@click.command(short_help="Record one call of a model.")
@click.argument("target")
@click.option("--input", "specs", type=InputParameter(), multiple=True, help=HELP)
@click.option(
    "--loss",
    "loss_name",
    metavar="sum|mean|TARGET",
    help="Run backward from this: the sum or mean of the outputs, or a function of the output.",
)
@click.option("--no-backward", is_flag=True, help="Forward only, also where the target gives a loss.")
@click.option(
    "-o",
    "--output",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    help="File to write: a run file (.gvnn), or a picture or graph by its suffix. Repeatable.",
)
@click.option(
    "--keep",
    default="stats",
    show_default=True,
    help="none: structure and order; stats: numbers of each tensor; all: the tensors too, for replay. "
    "Or module patterns, joined by commas, whose tensors are kept.",
)
@click.option("--aten", is_flag=True, help="Also note the ATen operators that run inside each call. Slow.")
@click.option("--json", "as_json", is_flag=True, help="Write the summary as JSON, for a program.")
@picture_options
def trace(
    *,
    target: str,
    specs: tuple[InputSpec, ...],
    loss_name: str | None,
    no_backward: bool,
    files: tuple[Path, ...],
    keep: str,
    aten: bool,
    as_json: bool,
    step: int,
    picture: PictureOptions,
) -> None:
    """Call the model that TARGET makes once, record it, and show what it did.

    TARGET is package.module:callable or path/file.py:callable: a module, a class of modules, or a function that
    returns a module, (module, inputs) or (module, inputs, loss). Random numbers start from seed 0.

    \b
    Example:
      graphviz-nn trace models.py:resnet --input 1x3x224x224 -o resnet.svg
      graphviz-nn trace models.py:gpt --input 1x64:int64:50257 --loss sum -o gpt.gvnn -o gpt.svg
    """
    _check(loss_name, no_backward, files)
    model = _prepare(target, specs)
    loss = None if no_backward else find_loss(loss_name) if loss_name else model.loss
    kept = parse_keep(keep)
    try:
        run = _record(model, loss, kept, aten)
    except GraphvizNNError:
        raise
    except Exception as error:
        partial = gnn.partial_run()
        if partial is not None:
            _write(partial, files, step, picture)
        _fail(error, model, specs)
    if missing := unmatched(kept, run.data):
        raise SelectorError(" ".join(missing))
    _write(run, files, step, picture)
    _show(run, as_json)
    if not files and not as_json:
        outputs.note("nothing was written. To draw it: -o model.svg; to keep it: -o model.gvnn")


def _check(loss_name: str | None, no_backward: bool, files: tuple[Path, ...]) -> None:
    """Refuses what cannot come to anything before the model is made."""
    if loss_name and no_backward:
        raise OptionError("--loss and --no-backward contradict each other. Leave one out.")
    for file in files:
        outputs.ensure_writable(file)
        outputs.ensure_known_format(file)


def _prepare(target: str, specs: tuple[InputSpec, ...]) -> Target:
    """The target with its inputs; the program ends with its traceback where the target's own code fails."""
    import torch

    torch.manual_seed(SEED)
    try:
        model = load_target(target)
    except GraphvizNNError:
        raise
    except SystemExit as stop:
        raise TargetError(f"Making {target!r} ended the program (exit code {stop.code}). Leave sys.exit out.") from stop
    except Exception as error:
        tracebacks.show(error)
        sys.exit(1)
    if specs:
        model = dataclasses.replace(model, args=make_inputs(specs), kwargs={})
    _ensure_inputs_fit(model)
    return model


def _ensure_inputs_fit(target: Target) -> None:
    """Raises `OptionError` where the number of inputs is not what the model's forward takes."""
    try:
        signature = inspect.signature(target.model.forward)
    except (TypeError, ValueError):  # a scripted module does not say what it takes
        return
    try:
        signature.bind(*target.args, **target.kwargs)
    except TypeError as error:
        count = len(target.args) + len(target.kwargs)
        raise OptionError(
            f"{target.name}: forward{signature} cannot be called with {count or 'no'} input{'s' * (count != 1)}: "
            f"{error}. Give --input once for each: --input 1x3x224x224"
        ) from error


def _record(target: Target, loss: Loss | None, keep: str | tuple[str, ...], aten: bool) -> Run:
    with working(f"Tracing {target.name}"):
        return gnn.trace(target.model, *target.args, loss=loss, keep=keep, aten=aten, **target.kwargs)


_OF_INPUTS: Final = (RuntimeError, ValueError, TypeError, IndexError, AssertionError)
"""What a model raises that was given the wrong shape, dtype or integers; a NameError is its author's."""


def _fail(error: Exception, target: Target, specs: tuple[InputSpec, ...]) -> NoReturn:
    """An error of the model's own code: inputs that were made up here are at fault first, else it is the author's."""
    if not specs or not isinstance(error, _OF_INPUTS):
        tracebacks.show(error)
        sys.exit(1)
    given = ", ".join(map(str, specs))
    raise OptionError(
        f"{target.name} fails on --input {given}: {tracebacks.brief(error)}. "
        "Check shape and dtype; integers below another limit are written 1x16:int64:1000."
    ) from error


def _write(run: Run, files: tuple[Path, ...], step: int, picture: PictureOptions) -> None:
    from graphviz_nn.export import export

    for file in files:
        if file.suffix == outputs.RUN_SUFFIX:
            run.save(file)
        else:
            export(run.data, file, step=step, options=picture)
        outputs.note(f"wrote {file}")


def _show(run: Run, as_json: bool) -> None:
    from graphviz_nn.cli import summary_table
    from graphviz_nn.cli.summary import summarise

    summary = summarise(run.data)
    if as_json:
        show_json(summary)
    else:
        summary_table.show(summary)
