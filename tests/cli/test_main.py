"""The front door: commands, help, and how errors leave it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import click
import pytest
import torch
from click.testing import CliRunner

import graphviz_nn as gnn
from graphviz_nn.cli.main import OWN, cli
from graphviz_nn.plugin import hookimpl
from graphviz_nn.plugin.manager import PluginManager, plugins

COMMANDS = ["check", "export", "info", "plugins", "run", "trace", "view"]


@pytest.fixture
def runner() -> CliRunner:
    return CliRunner()


def test_lists_every_command(runner):
    listed = runner.invoke(cli, ["--help"])
    assert listed.exit_code == 0
    assert sorted(plugin_command.name for plugin_command in plugins().commands) == COMMANDS
    for name in COMMANDS:
        assert f"\n  {name} " in listed.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(runner, name):
    shown = runner.invoke(cli, [name, "--help"])
    assert shown.exit_code == 0
    assert f"Example:\n    graphviz-nn {name}" in shown.output


def test_short_help_is_not_cut(runner):
    listed = runner.invoke(cli, ["--help"], terminal_width=80).output
    assert "..." not in listed.partition("Commands:")[2]


def test_version_is_that_of_the_distribution(runner):
    assert runner.invoke(cli, ["--version"]).output == f"graphviz-nn {version('graphviz-nn')}\n"


def test_python_m_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "graphviz_nn", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"graphviz-nn {version('graphviz-nn')}\n"


def test_an_unknown_command_names_the_nearest(runner):
    answer = runner.invoke(cli, ["inof"])
    assert answer.exit_code == 2
    assert "There is no command 'inof'. Did you mean 'info'?" in answer.output


def test_an_error_is_one_message_without_a_traceback(runner, tmp_path):
    answer = runner.invoke(cli, ["info", str(tmp_path / "missing.gvnn")])
    assert answer.exit_code == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("Error: There is no run file")
    assert "Traceback" not in answer.stderr


def test_traceback_is_shown_when_asked_for(runner, tmp_path):
    answer = runner.invoke(cli, ["--traceback", "info", str(tmp_path / "missing.gvnn")])
    assert answer.exit_code == 2
    assert "Traceback (most recent call last)" in answer.stderr
    assert answer.stderr.rstrip().splitlines()[-1].startswith("Error: There is no run file")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no file that is always full")
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_an_output_that_takes_nothing_is_one_message(tmp_path, form):
    run = tmp_path / "run.gvnn"
    gnn.trace(lambda: torch.ones(2) + 1, keep="none").save(run)
    with open("/dev/full", "w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "graphviz_nn", "info", *form, str(run)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "Error: The output cannot be written: No space left on device.\n")


def test_an_output_that_cannot_encode_all_shows_the_rest(tmp_path):
    run = tmp_path / "run.gvnn"
    gnn.trace(torch.nn.Linear(2, 3), torch.ones(4, 2)).save(run)
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "graphviz_nn", "info", str(run)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Linear" in done.stdout
    assert "4?3" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text there")
def test_json_of_a_file_whose_name_is_no_text_escapes_it(tmp_path):
    run = tmp_path / os.fsdecode(b"run\xff.gvnn")
    gnn.trace(lambda: torch.ones(2) + 1, keep="none").save(run)
    done = subprocess.run([sys.executable, "-m", "graphviz_nn", "info", "--json", run], capture_output=True, check=True)
    assert json.loads(done.stdout)["path"] == str(tmp_path / "run\\udcff.gvnn")


def test_a_plugin_adds_and_replaces_commands(runner, monkeypatch):
    class Plugin:
        @hookimpl
        def add_commands(self):
            return [click.Command("hello", callback=lambda: click.echo("hi")), click.Command("info", short_help="mine")]

    manager = PluginManager()
    manager.register(Plugin(), "greeter")
    monkeypatch.setattr("graphviz_nn.plugin.manager.plugins", lambda: manager)
    assert runner.invoke(cli, ["hello"]).output == "hi\n"
    assert "mine" in runner.invoke(cli, ["--help"]).output


def test_the_table_of_own_commands_is_what_the_built_in_plugins_register():
    registered = {command.name: command for command in plugins().commands}
    assert set(OWN) == set(registered)
    for name, place in OWN.items():
        module, _, attribute = place.partition(":")
        assert getattr(import_module(module), attribute) is registered[name]


def loaded_by(arguments: list[str], path: str = "") -> set[str]:
    """Names of the modules that a fresh process has loaded once it has printed the help of a command."""
    program = (
        "import sys; from graphviz_nn.cli.main import cli\n"
        f"cli.main({arguments!r}, standalone_mode=False); print(*sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": path, "GRAPHVIZ_NN_PLUGINS": "on"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_an_own_command_is_found_without_loading_every_plugin():
    modules = loaded_by(["view", "--help"])
    assert "graphviz_nn_ui.view" in modules
    assert modules.isdisjoint({"numpy", "graphviz_nn.plugin.manager", "graphviz_nn.analysis.builtin", "PyQt6"})


def test_a_plugin_of_another_distribution_may_replace_an_own_command(tmp_path):
    (tmp_path / "acme_module.py").write_text(
        "import click\nfrom graphviz_nn.plugin import hookimpl\n"
        "@hookimpl\ndef add_commands():\n    return [click.Command('view', help='Acme looks.')]\n"
    )
    metadata = tmp_path / "acme-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[graphviz_nn]\nacme = acme_module\n")
    modules = loaded_by(["view", "--help"], path=str(tmp_path))
    assert "acme_module" in modules


def test_plugins_lists_the_built_in_ones(runner):
    listed = runner.invoke(cli, ["plugins"])
    assert listed.exit_code == 0
    assert "builtin_commands" in listed.output
    assert "add_commands" in listed.output


def test_a_bad_environment_gets_one_message(monkeypatch):
    environment = {**os.environ, "GRAPHVIZ_NN_PLUGINS": "perhaps"}
    command = [sys.executable, "-m", "graphviz_nn", "plugins"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "GRAPHVIZ_NN_PLUGINS" in done.stderr
    assert "Traceback" not in done.stderr
