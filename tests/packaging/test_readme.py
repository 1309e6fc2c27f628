"""What the documents promise exists and works as written."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from graphviz_nn.plugin.manager import plugins

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("*/README.md")])

SETTING = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 2, 3)

    def forward(self, x):
        return self.conv1(x).relu()

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer1 = nn.Sequential(Block())
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        return self.head(self.layer1(x).flatten(1))

model, criterion = Net(), nn.CrossEntropyLoss()
images, labels = torch.randn(5, 1, 4, 4), torch.arange(5) % 3
optimizer, loader = torch.optim.SGD(model.parameters(), 0.1), [(images, labels)] * 3
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def shell_commands() -> list[list[str]]:
    """Every `graphviz-nn` line of the README, as words."""
    lines = (line for block in blocks("sh") for line in block.splitlines())
    return [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("graphviz-nn ")]


def test_python_blocks_run_as_written(tmp_path):
    program = "\n".join([SETTING, *blocks("python")])
    (tmp_path / "readme.py").write_text(program, encoding="utf-8")
    done = subprocess.run([sys.executable, "readme.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {file.name for file in tmp_path.iterdir()} == {"readme.py", "model.svg", "model.gvnn", "train.gvnn"}


@pytest.mark.parametrize("words", shell_commands(), ids=" ".join)
def test_shell_lines_parse(words):
    commands = {command.name: command for command in plugins().commands}
    command = commands[words[0]]
    context = command.make_context(words[0], words[1:])
    assert set(context.params) == {parameter.name for parameter in command.params if parameter.expose_value}


def test_make_targets_exist():
    named = {word for block in blocks("sh") for word in re.findall(r"^make (\w+)", block, flags=re.MULTILINE)}
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert named == {"demo", "test"}
    assert named <= set(targets)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document):
    links = re.findall(r"\]\(([^)#\s]+)", document.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (document.parent / link).exists()]
    assert missing == []
