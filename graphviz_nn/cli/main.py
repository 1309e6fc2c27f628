"""The front door: the group of commands, and how errors leave it."""

from __future__ import annotations

import errno
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

import click

from graphviz_nn.cli.ending import Interrupted, let_go
from graphviz_nn.errors import GraphvizNNError, did_you_mean

OWN: Final = {
    "check": "graphviz_nn.cli.check:check",
    "export": "graphviz_nn.cli.export:export",
    "info": "graphviz_nn.cli.info:info",
    "plugins": "graphviz_nn.cli.plugins:list_plugins",
    "run": "graphviz_nn.cli.run:run",
    "trace": "graphviz_nn.cli.trace:trace",
    "view": "graphviz_nn_ui.view:view",
}
"""Where this distribution's own commands are. Its plugins register the same; this finds one without loading them all,
which takes as long as opening the app does."""


class Refusal(click.ClickException):
    """A request that cannot be met: one message, exit code 2."""

    exit_code = 2


class CommandGroup(click.Group):
    """Looks its commands up among the plugins' and turns this package's errors into one message each."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(_commands())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        return _own(cmd_name) or _commands().get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            hint = did_you_mean(name, _commands()) or " See graphviz-nn --help."
            raise click.UsageError(f"There is no command {name!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GraphvizNNError as error:
            if ctx.params["traceback"]:
                traceback.print_exc(file=sys.stderr)
            raise Refusal(str(error)) from error
        except OSError as error:  # no program of the user's: theirs are shown where they run
            if error.errno == errno.EPIPE:
                raise  # a reader that has seen enough: click ends quietly
            if ctx.params["traceback"]:
                traceback.print_exc(file=sys.stderr)
            let_go(sys.stdout)
            place = f"{error.filename}: " if error.filename else "The output cannot be written: "
            raise Refusal(f"{place}{error.strerror or error}.") from error


def _own(name: str) -> click.Command | None:
    """The built-in command, or None where there is none, or where a plugin may have put another in its place."""
    if name not in OWN or "graphviz_nn.plugin.manager" in sys.modules:
        return None
    from graphviz_nn.plugin.installed import any_third_party

    if any_third_party():
        return None
    module, _, attribute = OWN[name].partition(":")
    command: click.Command = getattr(import_module(module), attribute)
    return command


def _commands() -> dict[str, click.Command]:
    """Every plugin's commands by name."""
    from graphviz_nn.plugin.manager import plugins

    return {command.name: command for command in plugins().commands if command.name}


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="graphviz-nn", message="graphviz-nn %(version)s")
@click.option("--traceback", is_flag=True, help="With an error, also show where in graphviz_nn it was raised.")
def cli(traceback: bool) -> None:
    """Record, draw and debug the computation graph of a PyTorch program.

    \b
    Example:
      graphviz-nn run train.py          record an unmodified training script
      graphviz-nn info train.gvnn       what was recorded
      graphviz-nn export train.gvnn -o train.svg
    """
    del traceback  # read from the context by `CommandGroup.invoke`


def main(args: Sequence[str] | None = None) -> None:
    """Runs the command line and exits: 0 done, 1 the user's program failed, 2 the request cannot be met.

    Raises:
        KeyboardInterrupt: Ctrl+C ended the user's program. Python then ends this process by the signal, as it would
            have ended the program: a shell's loop around it stops only so.
    """
    try:
        cli.main(args, prog_name="graphviz-nn")
    except Interrupted:
        sys.excepthook = lambda *shown: None  # the program's traceback has been
        raise KeyboardInterrupt from None
