"""`graphviz-nn run` under `torchrun`, and the commands that read what it leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from graphviz_nn.cli.main import cli
from tests.core.distributed.launching import PATIENCE, environment

TRAIN = """
import torch
import torch.distributed as dist
from torch import nn

torch.set_num_threads(1)
dist.init_process_group("gloo")
torch.manual_seed(0)
model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
torch.manual_seed(dist.get_rank())
losses = []
for _ in range(3):
    optimizer.zero_grad()
    loss = model(torch.randn(5, 4)).square().mean()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
with open(f"losses{dist.get_rank()}.txt", "w") as file:
    print(*losses, file=file)
dist.destroy_process_group()
"""


def torchrun(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in two processes, as `torchrun` does."""
    # By number: a bare system may not know the name localhost.
    place = ("--local-addr", "127.0.0.1", "--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0")
    return subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", *place, "--nproc-per-node", "2", *command],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("torchrun")
    (folder / "train.py").write_text(TRAIN, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def done(folder: Path) -> subprocess.CompletedProcess[str]:
    done = torchrun(folder, "-m", "graphviz_nn", "run", "--every", "1", "train.py")
    assert done.returncode == 0, done.stderr
    return done


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(argument) for argument in arguments], catch_exceptions=False)


def losses(folder: Path, rank: int) -> list[float]:
    return [float(text) for text in (folder / f"losses{rank}.txt").read_text().split()]


def test_one_rank_says_for_all_what_was_recorded(done):
    ours = [line for line in done.stderr.splitlines() if line.startswith("graphviz-nn: ") and "recorded" in line]
    (line,) = ours
    assert "3 steps recorded" in line
    assert "graphviz-nn info train.gvnn" in line


def test_info_has_a_line_for_each_rank_and_the_summary_of_one(folder, done):
    text = call("info", folder / "train.gvnn", "--rank", "1").output
    for rank in range(2):
        assert f"rank {rank}: complete, 3 steps, the last one step 2, loss {losses(folder, rank)[-1]:.4g}" in text
    assert "rank1.gvnn" in text
    assert "Linear" in text


def test_info_as_json_names_the_ranks(folder, done):
    found = json.loads(call("info", folder / "train.gvnn", "--json").output)
    assert found["world_size"] == 2
    assert [line["state"] for line in found["ranks"]] == ["complete", "complete"]
    assert [line["loss"] for line in found["ranks"]] == [losses(folder, rank)[-1] for rank in range(2)]
    assert found["loss_last"] == losses(folder, 0)[-1]
    assert found["problems"] == []


@pytest.mark.parametrize("rank", ["0", "1", "all"])
def test_every_command_opens_the_rank_asked_for(folder, done, rank):
    run = folder / "train.gvnn"
    picture = folder / f"rank_{rank}.svg"
    assert call("export", run, "-o", picture, "--rank", rank, "--color-by", "gradient").exit_code == 0
    assert "<svg" in picture.read_text(encoding="utf-8")
    assert call("check", run, "--rank", rank).exit_code == 0


@pytest.mark.parametrize(("rank", "message"), [("5", "holds no file of rank 5"), ("two", "is no rank")])
def test_a_rank_that_is_not_there_is_one_clear_message(folder, done, rank, message):
    result = CliRunner().invoke(cli, ["info", str(folder / "train.gvnn"), "--rank", rank])
    assert result.exit_code == 2
    assert message in result.output


def test_a_folder_of_another_s_is_refused_before_the_script_runs(folder, done, monkeypatch):
    (folder / "other.gvnn").mkdir()
    (folder / "other.gvnn" / "notes.txt").write_text("mine")
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = CliRunner().invoke(cli, ["run", "-o", str(folder / "other.gvnn"), str(folder / "train.py")])
    assert result.exit_code == 2
    assert "holds something else than a run" in result.output
    assert [file.name for file in (folder / "other.gvnn").iterdir()] == ["notes.txt"]
