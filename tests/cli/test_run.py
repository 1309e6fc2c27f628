"""`graphviz-nn run`: an unmodified script, recorded, and none the wiser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import graphviz_nn as gnn

TRAIN = """
import argparse, os, signal, sys
os.environ["OMP_NUM_THREADS"] = "1"
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int)
parser.add_argument("--end", default="")
arguments = parser.parse_args()

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 1))
optimizer = torch.optim.Adam(model.parameters())
os.chdir(os.path.dirname(os.path.abspath(__file__)) + "/..")
for step in range(arguments.steps):
    if step == 2:
        if arguments.end == "shape":
            model(torch.ones(2, 5))
        if arguments.end == "exit":
            sys.exit(3)
        if arguments.end == "interrupt":
            os.kill(os.getpid(), signal.SIGINT)
    optimizer.zero_grad()
    loss = model(torch.randn(16, 4)).square().mean()
    loss.backward()
    optimizer.step()
    print(step, loss.item().hex())
print(sys.argv, __name__, torch.get_num_threads(), torch.get_rng_state().sum().item())
print("a line of its own", file=sys.stderr)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "work").mkdir()
    (folder / "work" / "train.py").write_text(TRAIN, encoding="utf-8")
    return folder


def start(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    # A shell starts what runs in its background with interrupts ignored, and Python keeps that.
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def recorded(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return start(folder, "-m", "graphviz_nn", "run", *arguments)


def own_lines(stderr: str) -> tuple[str, list[str]]:
    """What the script wrote to stderr, and what we added."""
    lines = stderr.splitlines(keepends=True)
    ours = [line for line in lines if line.startswith("graphviz-nn: ")]
    return "".join(line for line in lines if line not in ours), ours


def outcome(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    """Exit code and output, without the lines that are ours."""
    return done.returncode, done.stdout, own_lines(done.stderr)[0]


@pytest.fixture(scope="module")
def plain(folder: Path) -> subprocess.CompletedProcess[str]:
    return start(folder, "work/train.py", "--steps", "5")


@pytest.fixture(scope="module")
def done(folder: Path) -> subprocess.CompletedProcess[str]:
    return recorded(folder, "--every", "1", "work/train.py", "--steps", "5")


def test_output_numbers_arguments_and_exit_code_are_the_scripts_own(plain, done):
    assert (plain.returncode, "__main__ 1" in plain.stdout) == (0, True)
    assert outcome(done) == outcome(plain)


def test_the_run_lies_beside_the_script_with_every_step(folder, done):
    printed = [float.fromhex(line.split()[1]) for line in done.stdout.splitlines()[:5]]
    with gnn.load(folder / "work" / "train.gvnn") as run:
        assert [step.loss for step in run.steps] == pytest.approx(printed, rel=1e-7)
        assert run.meta.complete
        assert run.meta.command == ("work/train.py", "--steps", "5")
        assert {module.type for module in run.structure().modules} == {"Sequential", "Linear", "Tanh", "Dropout"}


def test_one_line_says_what_was_recorded(done):
    (line,) = own_lines(done.stderr)[1]
    assert "5 steps recorded, loss " in line
    assert "graphviz-nn info work/train.gvnn" in line


@pytest.mark.parametrize(("end", "code"), [("shape", 1), ("exit", 3), ("interrupt", -signal.SIGINT)])
def test_a_script_that_ends_early_ends_as_ever_and_keeps_its_steps(folder, end, code):
    arguments = ("work/train.py", "--steps", "5", "--end", end)
    expected, seen = start(folder, *arguments), recorded(folder, "--every", "1", "-o", "early.gvnn", *arguments)
    assert seen.returncode == code
    assert outcome(seen) == outcome(expected)
    with gnn.load(folder / "early.gvnn") as run:
        assert [step.index for step in run.steps][:2] == [0, 1]
        errors = [step.info.error for step in run.steps if step.info.error]
        if end == "shape":
            (error,) = errors
            assert error.type == "RuntimeError"
            assert run.node(error.node).op == "linear"


FORK = ', multiprocessing_context="fork"'
LOADER = """
import torch
from torch.utils.data import DataLoader, TensorDataset

if __name__ == "__main__":
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    data = TensorDataset(torch.randn(32, 3), torch.randn(32, 1))
    for x, y in DataLoader(data, batch_size=8, shuffle=True, num_workers=2, multiprocessing_context="fork"):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimizer.step()
        print(loss.item().hex())
"""


def test_worker_processes_of_a_loader_are_left_alone(folder):
    (folder / "loader.py").write_text(LOADER, encoding="utf-8")
    done = recorded(folder, "--every", "1", "loader.py")
    assert outcome(done) == outcome(start(folder, "loader.py"))
    with gnn.load(folder / "loader.gvnn") as run:
        assert [step.loss.hex()[:8] for step in run.steps] == [line[:8] for line in done.stdout.splitlines()]


def test_a_module_is_run_by_name(folder):
    done = recorded(folder, "--every", "1", "--quiet", "-m", "work.train", "--steps", "2")
    assert done.returncode == 0, done.stderr
    assert own_lines(done.stderr)[1] == []
    with gnn.load(folder / "train.gvnn") as run:
        assert len(run.steps) == 2


def test_a_script_without_torch_costs_nothing_and_says_so(folder):
    (folder / "plain.py").write_text("import sys\nprint('torch' in sys.modules)", encoding="utf-8")
    done = recorded(folder, "plain.py")
    assert (done.returncode, done.stdout) == (0, "False\n")
    assert "nothing was recorded: the program did not import torch" in done.stderr
    assert not (folder / "plain.gvnn").exists()


def test_an_older_run_stays_when_nothing_is_recorded(folder):
    old = folder / "kept.gvnn"
    gnn.trace(lambda: 1, keep="none").save(old)
    before = old.read_bytes()
    (folder / "idle.py").write_text("import torch", encoding="utf-8")
    done = recorded(folder, "-o", "kept.gvnn", "idle.py")
    assert "nothing was recorded: no module was called" in done.stderr
    assert old.read_bytes() == before


def test_a_pattern_that_fits_nothing_is_told_after_the_run(folder):
    done = recorded(folder, "-o", "kept.gvnn", "--keep", "layer9.*,0", "work/train.py", "--steps", "2")
    assert done.returncode == 0
    (_, about_pattern) = own_lines(done.stderr)[1]
    assert "--keep 'layer9.*' fits no call" in about_pattern


ASTRAY = """
import os, sys, tempfile, torch, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # from Python 3.12 on of forks beside a thread: that of the writer
model = torch.nn.Linear(3, 1)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for step in range(3):
    model(torch.ones(2, 3)).sum().backward()
    optimizer.step()
    if step == 1 and os.fork() == 0:
        sys.exit(5)
    os.wait() if step == 1 else None
home = tempfile.mkdtemp()
os.chdir(home)
os.rmdir(home)
print("done", flush=True)
"""


@pytest.mark.parametrize(("end", "lines"), [("", 1), ("os.close(2)", 0)])
def test_a_script_that_forks_and_leaves_its_folder_or_its_stderr_ends_as_ever(folder, end, lines):
    (folder / "astray.py").write_text(ASTRAY + end, encoding="utf-8")
    done = recorded(folder, "--every", "1", "astray.py")
    assert outcome(done) == outcome(start(folder, "astray.py")) == (0, "done\n", "")
    assert sum("steps recorded" in line for line in own_lines(done.stderr)[1]) == lines
    with gnn.load(folder / "astray.gvnn") as run:
        assert (len(run.steps), run.meta.complete) == (3, True)


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (110_000, 110_000))
"""


def test_a_full_disk_is_one_message_and_no_traceback(folder):
    (folder / "full.py").write_text(FULL + LOADER.replace("num_workers=2, ", "").replace(FORK, ""), encoding="utf-8")
    done = recorded(folder, "--every", "1", "--keep", "all", "full.py")
    assert outcome(done)[:2] == (0, start(folder, "full.py").stdout)
    assert done.stderr.count("The recording ends here; the program goes on.") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["-o", "train.py", "work/train.py"], "Did you mean train.gvnn?"),
        (["-o", "a" * 245 + ".gvnn", "work/train.py"], "too long for its folder by"),
        (["-o", "nowhere/run.gvnn", "work/train.py"], "mkdir -p"),
        (["-o", "work", "work/train.py"], "run files do"),
        (["work/trian.py"], "Did you mean 'work/train.py'?"),
        (["train.gvnn"], "is a run file, not a script"),
        (["-o", "/proc/run.gvnn", "work/train.py"], "cannot be written to"),
        (["-m", "work.nothing"], "There is no module"),
        (["--every", "0", "work/train.py"], "Give auto, or a number from 1"),
        (["--budget", "5", "work/train.py"], "Write five percent as 5%"),
        ([], "Missing argument 'SCRIPT'"),
    ],
)
def test_bad_requests_get_one_message_before_anything_runs(folder, arguments, hint):
    done = recorded(folder, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert hint in done.stderr
    assert "Traceback" not in done.stderr
